"""The API as a developer calls it: gradio's own client and plain HTTP against the running app."""

import json
import urllib.request

import pytest
from conftest import EXAMPLES, ROOT
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

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


def test_predict_is_the_only_endpoint_that_is_shown(client):
    api = client.view_api(return_format="dict")
    assert list(api["named_endpoints"]) == ["/predict"]
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
