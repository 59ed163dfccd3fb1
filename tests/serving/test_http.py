"""Our HTTP routes, as any program may call them, against the running app."""

import base64
import io
import json
import re
import urllib.error
import urllib.request

import numpy as np
import pillow_heif
import pytest
from conftest import EXAMPLES, expect
from fastapi.testclient import TestClient
from PIL import Image, ImageOps
from test_segment import written

import app
import preprocessing
from nn.mlp import PIXELS
from nn.selftest import selftest_digits
from weights.serving import http
from weights.serving.schemas import MAX_BATCH

SEVEN = EXAMPLES / "7.png"
EMPTY = [0] * PIXELS


def call(url, body=None, content_type="application/json"):
    """(status, JSON, headers) of a request; a body of bytes is sent as it is, anything else as JSON."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": content_type})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        return response.status, json.load(response), response.headers


def form(*files):
    """A multipart body with these (field, bytes), and its content type."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="a.png"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def png(picture):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def probabilities(prediction):
    """As the dict that `app.recognize` gives."""
    return prediction["probabilities"] | {"not a digit": prediction["not_a_digit"]}


def pixels_of(path):
    return np.rint(preprocessing.to_mnist(Image.open(path)) * 255).astype(int).ravel().tolist()


@pytest.fixture(scope="module")
def digits():
    """Fifty of MNIST's digits: [(pixels, label)]."""
    pixels, labels = selftest_digits()
    return list(zip(np.rint(pixels.reshape(-1, PIXELS) * 255).astype(int).tolist(), labels.tolist(), strict=True))


# --- POST /predict ----------------------------------------------------------------------------------------------------


def test_digits_of_mnist_get_the_networks_own_answer(server, digits):
    model = app.served().current.model
    for pixels, _ in digits[::10]:
        status, prediction, _ = call(f"{server}/predict", {"pixels": pixels})
        expected = model.predict_proba(np.float32([pixels]) / 255)[0]
        assert status == 200
        assert list(prediction) == ["digit", "confidence", "probabilities", "not_a_digit"]
        assert list(prediction["probabilities"]) == list("0123456789")
        assert list(probabilities(prediction).values())[: len(expected)] == pytest.approx(expected.tolist(), abs=1e-6)
        assert sum(probabilities(prediction).values()) == pytest.approx(1)


def test_digits_of_mnist_are_named(server, digits):
    answers = [call(f"{server}/predict", {"pixels": pixels})[1] for pixels, _ in digits]
    right = [answer["digit"] == label for answer, (_, label) in zip(answers, digits, strict=True)]
    assert sum(right) >= len(digits) - 1
    assert all(answer["confidence"] == max(probabilities(answer).values()) for answer in answers)


def test_empty_picture_is_no_digit_for_certain(server):
    status, prediction, _ = call(f"{server}/predict", {"pixels": EMPTY})
    assert status == 200
    assert prediction["digit"] is None
    assert prediction["not_a_digit"] == prediction["confidence"] == 1
    assert set(prediction["probabilities"].values()) == {0}


def test_noise_that_is_likelier_no_digit_has_no_digit(server):
    noise = np.random.default_rng(0).integers(0, 256, PIXELS).tolist()
    _, prediction, _ = call(f"{server}/predict", {"pixels": noise})
    best = max(probabilities(prediction), key=probabilities(prediction).get)
    assert prediction["digit"] == (None if best == "not a digit" else int(best))


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (True, "true"),
        ("5", '"5"'),
        (5.0, "5.0"),
        (-1, "-1"),
        (256, "256"),
        (None, "null"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (10**60, "a number of more than 40 digits"),
        ([1, 2], "a list of 2"),
        ({}, "an object"),
        ("x" * 1000, '"' + "x" * 39 + "…"),
    ],
    ids=str,
)
def test_pixel_that_is_no_integer_from_0_to_255_is_refused_and_shown(server, wrong, shown):
    status, problem, _ = call(f"{server}/predict", {"pixels": [*EMPTY[:17], wrong, *EMPTY[18:]]})
    assert status == 422
    said, *advice = problem["detail"].split("; ")
    assert said == f"expected pixel values that are integers from 0 to 255, got {shown} at index 17"
    assert advice == (["write integers, without a point"] if wrong == 5.0 else [])


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"pixels": EMPTY[:700]}, "expected 784 pixel values, got 700"),
        ({"pixels": [*EMPTY, 0]}, "expected 784 pixel values, got 785"),
        ({"pixels": []}, "expected 784 pixel values, got 0"),
        ({"pixels": "black"}, 'expected a list of 784 pixel values, got "black"'),
        ({"pixels": [EMPTY]}, "got a list of 784 at index 0"),
        ({"image": EMPTY}, 'expected a field "pixels" in the JSON object, got none'),
        (EMPTY, "expected a JSON object, got a list of 784"),
        (b"", "that is not JSON"),
        (b"pixels=0", "that is not JSON"),
        (b"\xff\xfe", "that is not JSON"),
        (b"[" * 50_000, "that is not JSON"),
        (b'{"pixels": [' + b"9" * 10_000 + b"]}", "that is not JSON"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_unusable_body_is_answered_with_what_was_expected_and_what_was_given(server, body, detail):
    status, problem, _ = call(f"{server}/predict", body)
    assert status == 422
    assert detail in problem["detail"]


def test_pixels_with_ink_and_paper_swapped_or_on_another_scale_are_refused_and_told_what_to_do(server):
    pixels = np.array(pixels_of(SEVEN))
    for wrong, words in [
        ((255 - pixels).tolist(), "dark ink on a background of level 255: subtract each value from 255"),
        ((pixels > 127).astype(int).tolist(), "none above 1: multiply each by 255"),
        ([255] * PIXELS, "got only the level 255"),
        (
            (pixels / 255).tolist(),
            "got 0.0 at index 0; write integers, without a point, and multiply values from 0 to 1 by 255 before",
        ),
        (pixels.reshape(28, 28).tolist(), "got a list of 28 at index 0; put the rows into one list, one after another"),
    ]:
        status, problem, _ = call(f"{server}/predict", {"pixels": wrong})
        assert status == 422
        assert words in problem["detail"]
        status, problem, _ = call(f"{server}/predict/batch", {"inputs": [EMPTY, wrong]})
        assert status == 422
        assert problem["detail"].startswith("inputs[1]: ")
        assert words in problem["detail"]


def test_million_wrong_numbers_get_one_short_message(server):
    status, problem, _ = call(f"{server}/predict", b'{"pixels": [' + b"999," * 10**6 + b"0]}")
    assert status in (413, 422)
    assert len(problem["detail"]) < 200


# --- POST /predict/image ----------------------------------------------------------------------------------------------


def test_picture_gets_the_answer_of_the_page_as_a_body_and_in_a_form(server):
    for body, content_type in [
        (SEVEN.read_bytes(), "image/png"),
        (SEVEN.read_bytes(), "application/x-www-form-urlencoded"),  # what curl --data-binary says
        form(("file", SEVEN.read_bytes())),
    ]:
        status, prediction, _ = call(f"{server}/predict/image", body, content_type)
        assert status == 200
        assert prediction["digit"] == 7
        assert probabilities(prediction) == pytest.approx(app.recognize(Image.open(SEVEN)), abs=1e-6)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM"])
def test_every_usual_kind_of_picture_is_read(server, kind):
    file = io.BytesIO()
    ImageOps.invert(Image.open(SEVEN).convert("L")).convert("RGB").save(file, kind)
    assert call(f"{server}/predict/image", file.getvalue())[1]["digit"] == 7


def test_heic_of_a_phone_is_read_and_shown_to_browsers_as_jpeg(server):
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.open(SEVEN).convert("RGB")).save(file)
    body = file.getvalue()
    assert call(f"{server}/predict/image", body, "image/heic")[1]["digit"] == 7
    assert (
        call(f"{server}/predict/batch", {"inputs": [base64.b64encode(body).decode()]})[1]["predictions"][0]["digit"]
        == 7
    )
    with urllib.request.urlopen(urllib.request.Request(f"{server}/heic", body), timeout=60) as response:
        assert response.headers["Content-Type"] == "image/jpeg"
        shown_bytes = response.read()
    shown = Image.open(io.BytesIO(shown_bytes))
    assert (shown.format, shown.size) == ("JPEG", Image.open(SEVEN).size)
    comment = shown_bytes[:2] + b"\xff\xfe\xff\xff" + b"x" * 65_533 + shown_bytes[2:]
    with urllib.request.urlopen(urllib.request.Request(f"{server}/heic", comment), timeout=60) as response:
        assert len(response.read()) < len(shown_bytes) + 1000
    status, problem, _ = call(f"{server}/heic", body[:200])
    assert (status, "cannot be decoded" in problem["detail"] or "such as PNG" in problem["detail"]) == (422, True)


def test_picture_without_ink_is_no_digit(server):
    file = io.BytesIO()
    Image.new("L", (300, 200), 255).save(file, "PNG")
    status, prediction, _ = call(f"{server}/predict/image", file.getvalue(), "image/png")
    assert (status, prediction["digit"], prediction["not_a_digit"]) == (200, None, 1)


def test_unusable_picture_is_answered_with_what_was_expected(server):
    bomb = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")
    whole = SEVEN.read_bytes()
    for body, content_type, words in [
        (b"", "image/png", "got nothing"),
        (b"Dear network", "image/png", "expected a picture such as PNG, JPEG or WebP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image/png", "expected a picture such as PNG"),
        (whole[: len(whole) // 2], "image/png", "cannot be decoded"),
        (bomb.getvalue(), "image/png", "expected at most 50,000,000 pixels"),
        (*form(("file", whole), ("file", whole)), "Maximum number of files is 1"),
        (*form(), "got 0 fields and no file"),
        (form()[0], "Multipart/Form-Data; boundary=edge", "got 0 fields and no file"),
        (base64.b64encode(whole), "text/plain", "got text; /predict/batch takes pictures as base64"),
        (b"data:image/png;base64," + base64.b64encode(whole), "text/plain", "expected the bytes of an image file"),
        (json.dumps({"image": "7.png"}).encode(), "application/json", "expected the bytes of an image file, got text"),
        (b"no form", "multipart/form-data", "expected a form with one picture"),
    ]:
        status, problem, _ = call(f"{server}/predict/image", body, content_type)
        assert status == 422, words
        assert words in problem["detail"]


# --- POST /read -------------------------------------------------------------------------------------------------------


def test_digits_of_a_picture_are_read_in_order_with_their_places_and_the_joint_confidence(server):
    picture = written("2026")
    body, content_type = form(("file", png(picture)))
    status, found, headers = call(f"{server}/read", body, content_type)
    assert status == 200
    assert found["text"] == "2026"
    assert [digit["digit"] for digit in found["digits"]] == [2, 0, 2, 6]
    assert found["confidence"] == pytest.approx(np.prod([digit["confidence"] for digit in found["digits"]]))
    assert headers["X-Weights-SHA256"]
    for digit, reading in zip(found["digits"], app.read(picture), strict=True):
        assert tuple(digit["box"]) == reading.box
        assert probabilities(digit) == pytest.approx(reading.answer, abs=1e-5)


def test_single_digit_is_read_as_by_predict_image(server):
    _, found, _ = call(f"{server}/read", SEVEN.read_bytes(), "image/png")
    _, prediction, _ = call(f"{server}/predict/image", SEVEN.read_bytes(), "image/png")
    (digit,) = found["digits"]
    del digit["box"]
    assert digit == prediction


def test_picture_without_ink_holds_no_digits(server):
    status, found, _ = call(f"{server}/read", png(Image.new("L", (60, 40), "white")), "image/png")
    assert (status, found["text"], found["digits"]) == (200, "", [])


def test_unusable_picture_is_not_read(server):
    status, problem, _ = call(f"{server}/read", b"Dear network", "image/png")
    assert status == 422
    assert problem["detail"]


# --- POST /live -------------------------------------------------------------------------------------------------------


def test_unfinished_drawing_gets_the_answer_of_the_page(server):
    drawing = Image.open(SEVEN).convert("L").resize((200, 200))
    status, live, headers = call(f"{server}/live", png(drawing), "image/png")
    assert status == 200
    assert live["label"]["label"] == "7"
    assert live["label"]["confidences"][0]["confidence"] == pytest.approx(app.recognize(drawing)["7"], abs=1e-6)
    assert headers["X-Weights-SHA256"]
    assert call(f"{server}/live", png(written("20").resize((400, 200))), "image/png")[1]["words"].count("2 0") == 1
    assert call(f"{server}/live", png(Image.new("L", (200, 200), 255)), "image/png")[1] == {"label": {}, "words": ""}


def test_live_answer_is_for_small_drawings_alone(server):
    for body, status, words in [
        (png(Image.new("L", (401, 20))), 422, "at most 400x400 pixels"),
        (b"Dear network", 422, "expected a picture"),
        (bytes(http.MAX_LIVE_BYTES + 1), 413, "65,536"),
    ]:
        answered, problem, _ = call(f"{server}/live", body, "image/png")
        assert answered == status
        assert words in problem["detail"]


# --- POST /predict/batch ----------------------------------------------------------------------------------------------


def test_batch_of_pixels_and_pictures_is_answered_in_order(server):
    names = ["3-small-off-centre", "7", "0-slashed", "5-thin"]
    data = [base64.b64encode((EXAMPLES / f"{name}.png").read_bytes()).decode() for name in names]
    inputs = [data[0], pixels_of(SEVEN), EMPTY, f"data:image/png;base64,{data[2]}", data[3]]
    status, answer, _ = call(f"{server}/predict/batch", {"inputs": inputs})
    assert status == 200
    assert [prediction["digit"] for prediction in answer["predictions"]] == [3, 7, None, 0, 5]


def test_fullest_batch_is_answered_as_each_alone(server, digits):
    inputs = [pixels for pixels, _ in digits] * (MAX_BATCH // len(digits) + 1)
    _, answer, _ = call(f"{server}/predict/batch", {"inputs": inputs[:MAX_BATCH]})
    assert len(answer["predictions"]) == MAX_BATCH
    for prediction, pixels in zip(answer["predictions"][:10], inputs[:10], strict=True):
        alone = call(f"{server}/predict", {"pixels": pixels})[1]
        assert prediction["digit"] == alone["digit"]
        assert probabilities(prediction) == pytest.approx(probabilities(alone), abs=1e-5)


def test_batch_is_one_forward_pass(monkeypatch):
    serving = app.served()
    passes = []
    predict_proba = type(serving.current.model).predict_proba
    monkeypatch.setattr(
        type(serving.current.model), "predict_proba", lambda self, X: passes.append(len(X)) or predict_proba(self, X)
    )
    client = TestClient(http.api(serving, SEVEN))
    seven = base64.b64encode(SEVEN.read_bytes()).decode()
    assert client.post("/predict/batch", json={"inputs": [EMPTY, seven, pixels_of(SEVEN)]}).status_code == 200
    assert passes == [3]


def test_empty_batch_has_no_answers(server):
    assert call(f"{server}/predict/batch", {"inputs": []})[:2] == (200, {"predictions": []})


def test_mistake_in_a_batch_is_found_by_its_place(server):
    picture = base64.b64encode(SEVEN.read_bytes()).decode()
    wide = io.BytesIO()
    Image.new("1", (6000, 6000)).save(wide, "PNG")
    wide = base64.b64encode(wide.getvalue()).decode()
    for inputs, detail in [
        ([picture, EMPTY[1:]], "inputs[1]: expected 784 pixel values, got 783"),
        ([[*EMPTY[1:], 256]], "inputs[0]: expected pixel values that are integers from 0 to 255, got 256 at index 783"),
        ([EMPTY, 7], "inputs[1]: expected a list of 784 pixel values, or an image file as base64 or data URL, got 7"),
        ([EMPTY, "7.png"], 'inputs[1]: expected the base64 data of an image file, got "7.png"'),
        ([EMPTY, picture[:1000]], "inputs[1]: the picture cannot be decoded"),
        ([EMPTY, base64.b64encode(b"letter").decode()], "inputs[1]: expected a picture such as PNG"),
        ([wide, wide], "inputs[1]: expected at most 50,000,000 pixels in all pictures together"),
        ([EMPTY] * (MAX_BATCH + 1), f"expected at most {MAX_BATCH} inputs, got {MAX_BATCH + 1}"),
        ("all", 'expected a list of inputs, got "all"'),
    ]:
        status, problem, _ = call(f"{server}/predict/batch", {"inputs": inputs})
        assert status == 422
        assert detail in problem["detail"]


# --- All routes -------------------------------------------------------------------------------------------------------


def test_every_answer_names_the_versions_of_app_and_weights(server):
    sha256 = call(f"{server}/health")[1]["weights"]["sha256"]
    for path, body in [
        ("/health", None),
        ("/predict", {"pixels": EMPTY}),
        ("/predict", {"pixels": []}),
        ("/predict/image", SEVEN.read_bytes()),
        ("/predict/image", b"letter"),
        ("/predict/batch", {"inputs": [EMPTY]}),
        ("/predict/batch", {}),
    ]:
        headers = call(server + path, body)[2]
        assert headers["X-App-Version"] == http.VERSION
        assert headers["X-Weights-SHA256"] == sha256


def test_documentation_lists_our_routes_and_their_examples_run(server):
    status, openapi, _ = call(f"{server}/openapi.json")
    assert status == 200
    assert set(openapi["paths"]) >= {"/predict", "/predict/image", "/predict/batch", "/read", "/health"}
    assert not any(path.startswith("/gradio_api") for path in openapi["paths"])
    for path in ("/predict", "/predict/batch"):
        operation = openapi["paths"][path]["post"]
        assert operation["description"]
        (content,) = operation["requestBody"]["content"].values()
        status, answer, _ = call(server + path, content["example"])
        assert status == 200
        first = answer["predictions"][0] if path.endswith("batch") else answer
        assert first["digit"] == 7


def test_documentation_names_no_other_host(server):
    with urllib.request.urlopen(f"{server}/docs", timeout=60) as response:
        page = response.read().decode()
    addresses = re.findall(r'(?:src|href|url)(?:="|: \')([^"\']+)', page)
    assert "/openapi.json" in addresses
    for address in addresses:
        with urllib.request.urlopen(server + address, timeout=60) as response:
            assert response.status == 200


def test_documentation_can_be_tried_out_without_another_host(browser, server):
    page = browser.new_page()
    hosts = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(f"{server}/docs")
    operation = page.locator("#operations-default-predict_predict_post")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response-col_description code").first
    expect(answer).to_contain_text('"digit": 7')
    page.close()
    assert hosts == {server.removeprefix("http://")}
