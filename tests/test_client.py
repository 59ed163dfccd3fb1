"""The API as a developer calls it: gradio's own client and plain HTTP against the running app."""

import json
import urllib.request

import pytest
from conftest import EXAMPLES, ROOT
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from test_segment import written

import app


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def test_predict_gives_the_same_probabilities_as_the_function(client):
    path = EXAMPLES / "7.png"
    answer = client.predict(handle_file(path), api_name="/predict")
    assert answer == pytest.approx(app.recognize(Image.open(path)))
    assert max(answer, key=answer.get) == "7"


def test_predict_gives_nothing_for_a_blank_picture(client, tmp_path):
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    assert client.predict(handle_file(tmp_path / "blank.png"), api_name="/predict") == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"Dear network, which digit am I?", "cannot be read as a picture"), (None, "No picture was given")],
    ids=["text file", "nothing"],
)
def test_unusable_input_gets_a_clear_message(client, tmp_path, content, message):
    picture = None
    if content is not None:
        (tmp_path / "letter.png").write_bytes(content)
        picture = handle_file(tmp_path / "letter.png")
    with pytest.raises(AppError, match=message):
        client.predict(picture, api_name="/predict")


def test_truncated_picture_gets_a_clear_message(client, tmp_path):
    whole = (EXAMPLES / "7.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AppError, match="cannot be read"):
        client.predict(handle_file(tmp_path / "half.png"), api_name="/predict")


def test_picture_of_too_many_pixels_is_refused_before_it_is_decoded(client, tmp_path):
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    with pytest.raises(AppError, match="too many pixels"):
        client.predict(handle_file(tmp_path / "bomb.png"), api_name="/predict")


def test_read_gives_all_digits_in_order(client, tmp_path):
    picture = written("840")
    picture.save(tmp_path / "number.png")
    found = client.predict(handle_file(tmp_path / "number.png"), api_name="/read")
    assert found["text"] == "840"
    readings = app.read(picture)
    assert found["confidence"] == pytest.approx(app.joint_confidence(readings), abs=1e-5)
    assert [tuple(digit["box"]) for digit in found["digits"]] == [reading.box for reading in readings]


def test_read_finds_no_digits_on_blank_paper_and_refuses_nothing_at_all(client, tmp_path):
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    assert client.predict(handle_file(tmp_path / "blank.png"), api_name="/read")["digits"] == []
    with pytest.raises(AppError, match="No picture was given"):
        client.predict(None, api_name="/read")


def test_only_what_is_meant_for_callers_is_shown(client):
    api = client.view_api(return_format="dict")
    assert list(api["named_endpoints"]) == ["/predict", "/read"]
    assert api["unnamed_endpoints"] == {}


def test_predict_is_documented_with_an_example_of_ours_that_works_offline(client, server):
    endpoint = client.view_api(return_format="dict")["named_endpoints"]["/predict"]
    assert "probabilities" in endpoint["description"]
    (parameter,) = endpoint["parameters"]
    assert parameter["parameter_name"] == "image"
    example = parameter["example_input"]
    assert "http" not in json.dumps(example)
    assert (ROOT / example["path"]).is_file()
    (answer,) = post(f"{server}/gradio_api/run/predict", {"data": [example]})["data"]
    assert max(answer, key=answer.get) == "7"


def test_refused_input_leaves_no_traceback_in_the_log(client, log_file, tmp_path):
    test_truncated_picture_gets_a_clear_message(client, tmp_path)
    assert "Traceback" not in log_file.read_text()


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)
