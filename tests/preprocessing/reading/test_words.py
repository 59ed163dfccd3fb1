"""Small words beside digits are left out; what is written small stays."""

import pytest
from drawn import unlikeness
from pictures import digit
from PIL import Image, ImageDraw, ImageFont, ImageOps

import app

HEIGHT = 100


def sheet(text, size=(640, 260), left=250):
    """Digits on a sheet; their feet stand at row 200."""
    paper = Image.new("L", size, "white")
    for name in text:
        part = digit(name, HEIGHT)
        paper.paste(part, (left, 100), ImageOps.invert(part))
        left += part.width + 26
    return paper


def with_word(paper, word, place, size, anchor="ls"):
    ImageDraw.Draw(paper).text(place, word, fill=40, font=ImageFont.load_default(size), anchor=anchor)
    return paper


def text_of(picture):
    return "".join(reading.best if reading.best.isdigit() else "?" for reading in app.read(picture))


@pytest.mark.parametrize("word", ["Age:", "Room", "Total:", "Class", "No:", "Mark", "Points:"])
@pytest.mark.parametrize("text", ["5", "42"])
def test_a_word_before_a_number_is_left_out(word, text):
    assert text_of(with_word(sheet(text), word, (40, 200), 56)) == text


def test_a_digit_beside_a_word_is_read_as_the_digit_alone():
    alone, beside = app.read(sheet("5")), app.read(with_word(sheet("5"), "Age:", (40, 200), 56))
    assert beside[0].box == alone[0].box
    assert unlikeness(beside[0].prepared.tensor, alone[0].prepared.tensor) < 0.05
    assert "Small words beside the digits were left out." in beside[0].prepared.diagnostics.hints


def test_what_was_left_out_beside_a_word_is_told_as_without_the_word():
    ruled = sheet("5")
    for y in (30, 85, 215, 245):
        ImageDraw.Draw(ruled).line((0, y, 640, y), fill=120, width=2)
    alone, beside = app.read(ruled), app.read(with_word(ruled.copy(), "Age:", (40, 200), 56))
    assert [reading.best for reading in beside] == ["5"]
    assert beside[0].prepared.diagnostics.lines == alone[0].prepared.diagnostics.lines > 0
    assert beside[0].prepared.removed is not None


def test_words_above_numbers_are_left_out():
    paper = sheet("28", left=60)
    paper.paste(sheet("63", left=60).crop((50, 90, 320, 210)), (330, 90))
    for word, x in (("Points", 60), ("Total", 350)):
        with_word(paper, word, (x, 70), 44)
    assert text_of(paper) == "2863"


@pytest.mark.parametrize("small", ["1 5", "307", "2+3"])
def test_what_is_written_small_beside_large_digits_is_read(small):
    paper, x = sheet("46"), 40
    for name in small:
        if name.isdigit():
            part = digit(name, 45)
            paper.paste(part, (x, 155), ImageOps.invert(part))
            x += part.width + 16
        elif name == "+":
            ImageDraw.Draw(paper).line((x, 180, x + 24, 180), width=5)
            ImageDraw.Draw(paper).line((x + 12, 168, x + 12, 192), width=5)
            x += 40
    assert text_of(paper) == small.replace(" ", "").replace("+", "?") + "46"


def test_a_sum_that_goes_on_in_smaller_digits_is_no_word():
    paper = sheet("98", left=40)
    for line in ((215, 130, 255, 172), (255, 130, 215, 172)):
        ImageDraw.Draw(paper).line(line, fill=0, width=6)
    part = digit("3", 45)
    paper.paste(part, (275, 130), ImageOps.invert(part))
    assert text_of(paper) == "98?3"
