"""The endpoints as a developer or an agent calls them: gradio's clients, curl and MCP against the running app."""

import ast
import base64
import json
import re
import shutil
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from conftest import EXAMPLES, awaited, output_of, raised_in
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from space import HOST as SPACE_HOST
from test_segment import written

import app
import preprocessing
from nn.measure.metrics import CLASSES
from nn.mlp import PIXELS
from weights.serving.gradio_api import small_data_url
from weights.serving.recognize import joint_confidence
from weights.serving.schemas import MAX_BATCH

SEVEN = EXAMPLES / "7.png"
ENDPOINTS = ["/predict", "/predict_pixels", "/predict_batch", "/read"]
EMPTY = [0] * PIXELS


@pytest.fixture(scope="module")
def client(server):
    return Client(server, verbose=False)


def best(answer):
    return max(answer, key=answer.get)


def pixels_of(path):
    return np.rint(preprocessing.to_mnist(Image.open(path)) * 255).astype(int).ravel().tolist()


# --- Gradio's Python client -------------------------------------------------------------------------------------------


def test_predict_gives_the_same_probabilities_as_the_function(client):
    answer = client.predict(handle_file(SEVEN), api_name="/predict")
    assert answer == pytest.approx(app.recognize(Image.open(SEVEN)), abs=1e-6)
    assert best(answer) == "7"


def test_predict_takes_the_picture_as_text_too(client):
    url = small_data_url(SEVEN)
    assert best(client.predict(url, api_name="/predict")) == "7"
    assert best(client.predict(url.partition(",")[2], api_name="/predict")) == "7"


def test_base64_in_lines_and_without_padding_is_taken_by_every_way(client, server):
    lines = base64.encodebytes(SEVEN.read_bytes()).decode()
    bare = base64.urlsafe_b64encode(SEVEN.read_bytes()).decode().rstrip("=")
    for text in (lines, bare, f"data:image/png;base64,{lines}"):
        assert best(client.predict(text, api_name="/predict")) == "7"
        assert client.predict(text, api_name="/read")["text"] == "7"
        assert best(post(f"{server}/gradio_api/run/predict", {"data": [text]})["data"][0]) == "7"
        answer = post(f"{server}/predict/batch", {"inputs": [text]})["predictions"][0]
        assert answer["digit"] == 7
    assert [best(answer) for answer in client.predict([lines, bare], api_name="/predict_batch")] == ["7", "7"]
    result = mcp(server, lambda session: session.call_tool("predict", {"image": lines}))
    assert best(ast.literal_eval(result.content[0].text)) == "7"


def test_predict_pixels_gives_the_networks_own_answer(client):
    pixels = pixels_of(SEVEN)
    expected = app.served().current.model.predict_proba(np.float32([pixels]) / 255)[0]
    answer = client.predict(pixels, api_name="/predict_pixels")
    assert [answer[name] for name in CLASSES[: len(expected)]] == pytest.approx(expected.tolist(), abs=1e-6)


def test_answers_begin_with_the_likeliest_class(client):
    answer = client.predict(pixels_of(SEVEN), api_name="/predict_pixels")
    assert list(answer.values()) == sorted(answer.values(), reverse=True)


def test_predict_batch_answers_pictures_texts_and_pixels_in_order(client):
    names = ["3-small-off-centre", "0-slashed", "5-thin"]
    files = [handle_file(EXAMPLES / f"{name}.png") for name in names]
    inputs = [*files, small_data_url(SEVEN), EMPTY, pixels_of(EXAMPLES / "9.png")]
    answers = client.predict(inputs, api_name="/predict_batch")
    assert [best(answer) if answer else None for answer in answers] == ["3", "0", "5", "7", None, "9"]


def test_read_gives_all_digits_in_order(client, tmp_path):
    picture = written("840")
    picture.save(tmp_path / "number.png")
    found = client.predict(handle_file(tmp_path / "number.png"), api_name="/read")
    assert found["text"] == "840"
    readings = app.read(picture)
    assert found["confidence"] == pytest.approx(joint_confidence(readings), abs=1e-5)
    assert [tuple(digit["box"]) for digit in found["digits"]] == [reading.box for reading in readings]


def test_picture_without_ink_gets_an_empty_answer(client, tmp_path):
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    assert client.predict(handle_file(tmp_path / "blank.png"), api_name="/predict") == {}
    assert client.predict(handle_file(tmp_path / "blank.png"), api_name="/read")["digits"] == []
    assert client.predict(EMPTY, api_name="/predict_pixels") == {}


def test_unusable_input_gets_a_clear_message(client, tmp_path, log_file):
    before = len(log_file.read_text())  # of this server, which other tests use as well
    (tmp_path / "letter.png").write_bytes(b"Dear network, which digit am I?")
    (tmp_path / "half.png").write_bytes(SEVEN.read_bytes()[: SEVEN.stat().st_size // 2])
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    for endpoint, given, message in [
        ("/predict", None, "expected a picture as base64, data URL or uploaded file, got null"),
        ("/predict", 7, "got 7"),
        ("/predict", "7.png", 'expected the base64 data of an image file, got "7.png"'),
        ("/predict", "http://example.com/7.png", "got an address"),
        ("/predict", handle_file(tmp_path / "letter.png"), "expected a picture such as PNG, JPEG or WebP"),
        ("/predict", handle_file(tmp_path / "half.png"), "cannot be decoded"),
        ("/predict", handle_file(tmp_path / "bomb.png"), "expected at most 50,000,000 pixels"),
        ("/read", None, "got null"),
        ("/read", handle_file(tmp_path / "half.png"), "cannot be decoded"),
        ("/read", EMPTY, "expected a picture, got a list of 784"),
        ("/predict_pixels", EMPTY[:700], "expected 784 pixel values, got 700"),
        ("/predict_pixels", [*EMPTY[1:], True], "integers from 0 to 255, got true at index 783"),
        ("/predict_pixels", [255 - level for level in pixels_of(SEVEN)], "dark ink on a background of level 255"),
        (
            "/predict_batch",
            [EMPTY, [min(level, 1) for level in pixels_of(SEVEN)]],
            "inputs[1]: expected pixel values on",
        ),
        ("/predict_pixels", "black", 'expected a list of 784 pixel values, got "black"'),
        ("/predict_batch", [EMPTY, "letter"], "inputs[1]: expected the base64 data"),
        ("/predict_batch", [EMPTY, EMPTY[1:]], "inputs[1]: expected 784 pixel values, got 783"),
        ("/predict_batch", [EMPTY, handle_file(tmp_path / "half.png")], "inputs[1]: the picture cannot be decoded"),
        ("/predict_batch", [EMPTY] * (MAX_BATCH + 1), f"at most {MAX_BATCH} inputs, got a list of {MAX_BATCH + 1}"),
        ("/predict_batch", "all", 'inputs, got "all"'),
    ]:
        with pytest.raises(AppError, match=re.escape(message)):
            client.predict(given, api_name=endpoint)
    assert raised_in(log_file.read_text()[before:]) == []


@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}], ids=["plain", "with meta"])
def test_no_file_of_the_server_is_opened(server, meta):
    for endpoint, value in (("predict", {"path": str(SEVEN)} | meta), ("predict_batch", [{"path": str(SEVEN)} | meta])):
        with pytest.raises(urllib.error.HTTPError):
            post(f"{server}/gradio_api/run/{endpoint}", {"data": [value]})


# --- The page "Use via API" -------------------------------------------------------------------------------------------


def test_only_the_public_endpoints_are_shown_and_each_is_described(client):
    api = client.view_api(return_format="dict")
    assert list(api["named_endpoints"]) == ENDPOINTS
    assert api["unnamed_endpoints"] == {}
    assert all(endpoint["description"] for endpoint in api["named_endpoints"].values())


def test_examples_work_offline(client):
    for name, endpoint in client.view_api(return_format="dict")["named_endpoints"].items():
        assert not re.search(r"https?://", json.dumps(endpoint["parameters"])), name


def snippet(server, endpoint, language):
    """As the page prints it. The address of a Space, which this machine cannot reach, becomes that of this server."""
    with urllib.request.urlopen(f"{server}/gradio_api/info", timeout=60) as response:
        printed = json.load(response)["named_endpoints"][endpoint]["code_snippets"][language]
    return printed.replace(f"https://{SPACE_HOST}", server)


def test_snippets_send_a_picture_as_a_file(server):
    for endpoint in ("/predict", "/read"):
        for language in ("python", "javascript", "bash"):
            printed = snippet(server, endpoint, language)
            assert "7.png" in printed
            assert "base64," not in printed


def names_the_seven(endpoint, result):
    match endpoint:
        case "/read":
            return result["text"] == "7"
        case "/predict_batch":
            return [best(answer) for answer in result] == ["7", "7"]
    return best(result) == "7"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_python_snippet_runs_as_printed(server, endpoint, tmp_path):
    shutil.copy(SEVEN, tmp_path)
    printed = output_of([sys.executable, "-c", snippet(server, endpoint, "python")], cwd=tmp_path)
    assert names_the_seven(endpoint, ast.literal_eval(printed.splitlines()[-1]))


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_curl_snippet_runs_as_printed(server, endpoint, shell, tmp_path):
    if not (shutil.which(shell) and shutil.which("curl")):
        pytest.skip(f"no {shell} or no curl on this machine")
    shutil.copy(SEVEN, tmp_path)
    printed = output_of([shell, "-c", snippet(server, endpoint, "bash")], cwd=tmp_path)
    assert "event: complete" in printed
    (result,) = json.loads(printed.rpartition("data: ")[2])
    assert names_the_seven(endpoint, result)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_javascript_snippet_runs_as_printed(server, endpoint, node_project):
    script = snippet(server, endpoint, "javascript").replace("console.log(result.data)", "console.log(PRINTED)")
    script = script.replace("PRINTED", "JSON.stringify(result.data)")  # Node shortens what it prints
    (node_project / "snippet.mjs").write_text(script)
    shutil.copy(SEVEN, node_project)
    printed = output_of(["node", "snippet.mjs"], cwd=node_project)
    (result,) = json.loads(printed.splitlines()[-1])
    assert names_the_seven(endpoint, result)


# --- MCP --------------------------------------------------------------------------------------------------------------


def mcp(server, act):
    """The result of `act(session)`, in a session of the official client."""

    async def session():
        async with (
            streamable_http_client(f"{server}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await act(session)

    return awaited(session())


def test_agent_finds_our_endpoints_as_tools_and_what_they_take(server):
    tools = {tool.name: tool for tool in mcp(server, lambda session: session.list_tools()).tools}
    assert (
        {name.strip("/") for name in ENDPOINTS} <= set(tools) <= {"predict", "predict_pixels", "predict_batch", "read"}
    )
    image = tools["predict"].inputSchema["properties"]["image"]
    assert image["type"] == "string"
    assert "base64" in image["description"]
    assert "no address is opened" in image["description"]
    assert "the first key is the recognized digit and its value" in tools["predict"].description


def test_agent_gets_digit_and_confidence(server):
    for tool, arguments in [
        ("predict", {"image": small_data_url(SEVEN)}),
        ("predict_pixels", {"pixels": pixels_of(SEVEN)}),
    ]:
        result = mcp(server, lambda session, call=(tool, arguments): session.call_tool(*call))
        assert not result.isError
        answer = ast.literal_eval(result.content[0].text)
        digit, confidence = next(iter(answer.items()))
        assert digit == "7"
        assert confidence > 0.9


def test_agent_that_gives_no_picture_is_told_what_was_expected(server):
    for tool, arguments, words in [
        ("predict", {"image": "/home/me/7.png"}, "expected the base64 data of an image file"),
        ("predict_pixels", {"pixels": [255 - level for level in pixels_of(SEVEN)]}, "subtract each value from 255"),
    ]:
        result = mcp(server, lambda session, call=(tool, arguments): session.call_tool(*call))
        assert result.isError
        assert words in result.content[0].text


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)
