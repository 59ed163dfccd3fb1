"""Letters behind numbers are told from digits that touch: a unit is no digit, and the number before it is read."""

import matplotlib
import pytest
from pictures import digit
from PIL import Image, ImageDraw, ImageFont, ImageOps

import app
from weights.serving.recognize import text_of

FACES = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmss10")


def printed(text, face, size=80):
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{face}.ttf", size)
    paper = Image.new("L", (int(font.getlength(text)) + 2 * size, 2 * size), "white")
    ImageDraw.Draw(paper).text((size, size // 2), text, font=font, fill=20)
    return paper


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("text", ["5 cm", "9 mm", "6 dm", "12 m", "27 km"])
def test_a_unit_is_no_digit(text, face):
    number, unit = text.split()
    read = text_of(app.read(printed(text, face)))
    assert read.startswith(number)
    assert read[len(number) :].strip("?") == ""
    assert 1 <= len(read) - len(number) <= len(unit)


@pytest.mark.parametrize("size", [50, 110])
@pytest.mark.parametrize("face", ["DejaVuSans", "STIXGeneral", "cmss10"])
def test_a_letter_whose_bow_is_lower_than_its_post_is_not_cut(face, size):
    assert text_of(app.read(printed("30 d", face, size))) == "30?"


@pytest.mark.parametrize("face", FACES)
def test_numbers_among_words_are_read(face):
    read = text_of(app.read(printed("Page 12 of 30", face)))
    assert read.endswith("30")
    assert "12" in read


@pytest.mark.parametrize("pair", ["25", "38", "60", "47"])
def test_digits_that_touch_are_cut_beside_a_taller_one_too(pair):
    paper, left = Image.new("L", (700, 260), "white"), 60
    for name, height in (("9", 120), (pair[0], 100), (pair[1], 100)):
        part = digit(name, height)
        paper.paste(part, (left, 200 - height), ImageOps.invert(part))
        left += part.width + (40 if height == 120 else -6)
    assert text_of(app.read(paper)) == "9" + pair


def test_small_digits_that_touch_are_cut_beside_a_huge_one():
    paper = Image.new("L", (600, 420), "white")
    huge = digit("8", 200)
    paper.paste(huge, (30, 50), ImageOps.invert(huge))
    for row, pair in enumerate(("25", "60", "47")):
        left = 360
        for name in pair:
            part = digit(name, 70)
            paper.paste(part, (left, 60 + 110 * row), ImageOps.invert(part))
            left += part.width - 4
    assert text_of(app.read(paper)).split() == ["825", "60", "47"]
