"""The one way in: every kind of input gets the same answer, and readings become text."""

import dataclasses
import io
import os

import numpy as np
import pytest
from conftest import EXAMPLES
from PIL import Image

import app
import preprocessing
from nn.mlp import PIXELS
from nn.pictures import mnist
from preprocessing.decoding import MAX_PIXELS
from weights.serving.recognize import (
    check_frame,
    decode,
    examine,
    joint_confidence,
    pixels_of,
    read,
    recognize_all,
    text_of,
)

SEVEN = EXAMPLES / "7.png"


@pytest.fixture(scope="module")
def served():
    return app.served().current


@pytest.fixture(scope="module")
def readings(served):
    """The digits 2 0 2 6."""
    return read(EXAMPLES / "several-2026.png", served)


KINDS = {
    "PIL image": Image.open,
    "array": lambda path: np.asarray(Image.open(path).convert("L")),
    "content": lambda path: path.read_bytes(),
    "open file": lambda path: io.BytesIO(path.read_bytes()),
    "path": lambda path: path,
    "path as text": str,
    "path of another kind": lambda path: next(entry for entry in os.scandir(path.parent) if entry.name == path.name),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_input_is_the_same_picture(served, kind):
    expected = app.recognize(Image.open(SEVEN))
    given = KINDS[kind]
    assert examine(given(SEVEN), served).answer == expected
    assert [reading.answer for reading in read(given(SEVEN), served)] == [expected]
    assert recognize_all([given(SEVEN)], served) == [expected]


def test_pixels_go_into_the_network_as_they_are(served):
    pixels = np.random.default_rng(0).integers(0, 256, PIXELS).tolist()
    assert pixels_of(decode(pixels).tensor) == pixels
    reading = examine(pixels, served)
    assert list(reading.answer.values()) == served.model.predict_proba(np.float32([pixels]) / 255)[0].tolist()
    assert reading.box is None


def test_no_digit_of_mnist_is_refused(mnist_dir):
    data = mnist.load(mnist_dir)
    digits = np.concatenate([split.images for split in (data.train, data.validation, data.test)])
    assert len(digits) == 70_000
    for levels in digits:
        check_frame(levels)


def test_no_picture_in_mnists_frame_is_refused():
    for path in sorted([*EXAMPLES.glob("*.png"), *EXAMPLES.glob("*.jpg")]):
        check_frame(np.uint8(pixels_of(preprocessing.to_mnist(Image.open(path)))).reshape(28, 28))


def seven():
    """(28, 28) integers: a 7 in MNIST's frame."""
    return np.reshape(pixels_of(decode(SEVEN).tensor), (28, 28))


SWAPPED = {
    "ink and paper": lambda ink: 255 - ink,
    "two tones": lambda ink: np.where(ink > 127, 0, 255),
    "grey paper": lambda ink: 200 - ink * 200 // 255,
    "dark grey paper": lambda ink: 100 - ink * 90 // 255,
    "grey ink": lambda ink: 255 - ink * 150 // 255,
    "paper in the shade": lambda ink: (255 - ink) * np.linspace(0.6, 1, 28),
    "grain": lambda ink: np.clip(225 - ink + np.random.default_rng(0).normal(0, 12, (28, 28)), 0, 255),
    "ink to the edge": lambda ink: 255 - np.asarray(Image.fromarray(np.uint8(ink[4:24, 4:24])).resize((28, 28))),
    "a black edge on one side": lambda ink: np.pad(255 - ink, ((1, 0), (0, 0)))[:28],
    "columns for rows": lambda ink: 255 - ink.T,
    "mirrored": lambda ink: 255 - ink[:, ::-1],
}
SCALED = {
    "0 and 1": lambda ink: ink > 127,
    "floats cut to integers": lambda ink: ink / 255,
    "0 and 1, ink and paper swapped": lambda ink: ink < 128,
    "0 to 9": lambda ink: ink * 9 // 255,
    "0 to 15": lambda ink: ink // 17,
    "0 to 16": lambda ink: ink * 16 // 255,
    "0 to 63": lambda ink: ink // 4,
    "all 1": lambda ink: ink * 0 + 1,
}
NO_BLACK = {"white on grey": lambda ink: np.maximum(ink, 60), "fog": lambda ink: 120 + ink * 135 // 255}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *(pytest.param(change, "dark ink on a background of level", id=name) for name, change in SWAPPED.items()),
        *(pytest.param(change, r"scale from 0 .* to 255", id=name) for name, change in SCALED.items()),
        *(pytest.param(change, "a background of level .* subtract it", id=name) for name, change in NO_BLACK.items()),
        pytest.param(lambda ink: ink * 0 + 255, "got only the level 255", id="784 x 255"),
    ],
)
def test_pixels_that_plainly_are_not_mnists_frame_are_refused_and_told_why(change, words):
    pixels = np.int64(change(seven())).ravel().tolist()
    for call in (app.recognize, lambda pixels: recognize_all([SEVEN, pixels], app.served().current)):
        with pytest.raises(ValueError, match=words) as error:
            call(pixels)
        assert "POST /predict/image" in str(error.value)


@pytest.mark.parametrize("ink", [64, 128, 200])
def test_faint_ink_on_black_is_answered(ink):
    assert app.recognize((seven() * ink // 255).ravel().tolist())


def test_without_ink_there_is_no_answer(served):
    blank = Image.new("L", (30, 20), "white")
    assert examine([0] * PIXELS, served).answer == examine(blank, served).answer == {}
    assert read(blank, served) == []
    assert recognize_all([blank, SEVEN, [0] * PIXELS], served)[::2] == [{}, {}]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"Dear network", "expected a picture such as PNG"),
        (SEVEN.with_name("gone.png"), "No such file"),
        (SEVEN.parent, "directory"),
        ([0] * 700, "expected 784 pixel values, got 700"),
        ([0] * 783 + [256], "integers from 0 to 255"),
        ([0] * 783 + ["7"], "integers from 0 to 255"),
        (np.zeros((3, 4, 5, 6)), "expected an array"),
        (None, "expected a picture: a PIL image, .*, got NoneType$"),
        (5, "expected a picture: .*, got int$"),
        ({}, "expected a picture: .*, got dict$"),
        ((1, 2), "expected a picture: .*, got tuple$"),
        (np.float32(1), "expected a picture: .*, got float32$"),
        (bytearray(b"x"), "expected a picture: .*, got bytearray$"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_unusable_input_is_a_value_error_that_says_what_was_expected(served, given, words):
    with pytest.raises(ValueError, match=words):
        examine(given, served)
    with pytest.raises(ValueError, match=rf"inputs\[1\]: .*{words}"):
        recognize_all([SEVEN, given], served)


def test_pixels_are_no_picture_of_many_digits(served):
    with pytest.raises(ValueError, match="expected a picture, got a list of 784"):
        read([0] * PIXELS, served)


def test_pictures_of_a_batch_have_no_more_pixels_than_one_may_have(served):
    wide = np.zeros((1, MAX_PIXELS // 2), bool)
    assert len(recognize_all([wide[:, :10], SEVEN], served)) == 2
    with pytest.raises(ValueError, match=r"inputs\[2\]: expected at most 50,000,000 pixels in all"):
        recognize_all([SEVEN, wide[:, :10], np.broadcast_to(wide, (3, wide.shape[1]))], served)


def test_digit_among_others_gets_the_answer_it_would_get_alone(served, readings):
    for reading in readings:
        (alone,) = served.model.predict_proba(reading.prepared.tensor.reshape(1, -1))
        np.testing.assert_allclose(list(reading.answer.values()), alone, rtol=1e-4, atol=1e-7)


def test_joint_confidence_is_the_product_of_all(readings):
    assert len(readings) == 4
    assert joint_confidence(readings) == pytest.approx(np.prod([reading.confidence for reading in readings]))
    assert joint_confidence([]) == 1


def marked(reading, line=0, mark=None):
    return reading._replace(prepared=dataclasses.replace(reading.prepared, line=line, mark=mark))


def test_text_has_lines_signs_and_question_marks(readings):
    two, zero, _, six = readings
    letter = six._replace(answer=six.answer | {"6": 0.0, "not a digit": 1.0})
    assert text_of(readings) == "2026"
    assert text_of([letter, two]) == "?2"
    assert text_of([marked(letter, 0, "-"), two, zero, marked(letter, 0, "."), six]) == "-20.6"
    assert text_of([two, zero, marked(two, 1), marked(six, 1), marked(zero, 3)]) == "20\n26\n0"
    assert text_of([]) == ""
