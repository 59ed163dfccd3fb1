"""Hollow digits, which are drawn by their contours alone."""

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import app
from nn.pictures.digits import written
from nn.pictures.pens import under_a_pen
from preprocessing.pieces.outlines import with_outlines_filled

FONTS = matplotlib.get_data_path() + "/fonts/ttf/"


@pytest.mark.parametrize("pen", [3, 8])
@pytest.mark.parametrize("font", ["DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf", "STIXGeneralBol.ttf"])
def test_a_hollow_digit_is_read(font, pen):
    for digit in "23456789":  # a hollow 1, and one contour of a hollow 0, may as well be a 0
        picture = Image.new("L", (400, 400), "white")
        face = ImageFont.truetype(FONTS + font, 260)
        ImageDraw.Draw(picture).text((200, 200), digit, "white", face, "mm", stroke_width=pen, stroke_fill="black")
        assert [reading.best for reading in app.read(picture)] == [digit]
        answer = app.recognize(picture)
        assert max(answer, key=answer.get) == digit


def test_two_hollow_digits_are_read():
    picture = Image.new("L", (400, 300), "white")
    face = ImageFont.truetype(FONTS + "DejaVuSans-Bold.ttf", 180)
    ImageDraw.Draw(picture).text((200, 150), "25", "white", face, "mm", stroke_width=4, stroke_fill="black")
    assert [reading.best for reading in app.read(picture)] == ["2", "5"]


@pytest.mark.parametrize("pen", [8, 12])
@pytest.mark.parametrize("font", ["DejaVuSans-Bold.ttf", "DejaVuSerif-Bold.ttf"])
def test_a_hollow_digit_is_read_though_its_contour_has_specks_of_paper(font, pen):
    for digit in "2569":
        picture = Image.new("L", (400, 400), "white")
        draw, face = ImageDraw.Draw(picture), ImageFont.truetype(FONTS + font, 260)
        draw.text((200, 200), digit, "white", face, "mm", stroke_width=pen, stroke_fill="black")
        inner = np.argwhere(np.asarray(picture.filter(ImageFilter.MaxFilter(2 * (pen // 2) - 1))) == 0)
        for y, x in inner[np.random.default_rng(0).integers(len(inner), size=8)].tolist():
            draw.ellipse((x - 2, y - 2, x + 1, y + 1), "white")
        assert [reading.best for reading in app.read(picture)] == [digit]


@pytest.mark.parametrize("pen", [8, 14, 20])
@pytest.mark.parametrize("holes", [2, 3, 4])
@pytest.mark.parametrize("turn", [20, 30])
def test_a_button_with_holes_is_no_digit(holes, pen, turn):
    picture = Image.new("L", (400, 400), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((50, 50, 350, 350), outline="black", width=pen)
    for angle in np.radians(turn + np.arange(holes) * 360 / holes):
        x, y = 200 + 60 * np.cos(angle), 200 + 60 * np.sin(angle)
        draw.ellipse((x - 40, y - 40, x + 40, y + 40), outline="black", width=pen)
    answer = app.recognize(picture)
    assert max(answer, key=answer.get) == "not a digit"


@pytest.mark.parametrize(
    ("text", "pen", "closer"), [("33", 6, 10), ("53", 6, 16), ("73", 6, 24), ("21", 0, 24), ("21", 6, 10)]
)
def test_the_hole_between_two_touching_digits_is_not_filled(text, pen, closer):
    picture, face = Image.new("L", (260, 200), "white"), ImageFont.truetype(FONTS + "STIXGeneralBol.ttf", 120)
    for x, digit in zip((50, 50 + face.getlength(text[0]) - closer + pen), text, strict=True):
        ImageDraw.Draw(picture).text((x, 30), digit, "black", face, stroke_width=pen, stroke_fill="black")
    assert [reading.best for reading in app.read(picture)] == list(text)


def test_many_rings_are_no_outlines():
    ink = np.zeros((375, 375), np.float32)
    for y in range(1, 359, 16):
        for x in range(1, 359, 16):
            ink[y : y + 15, x : x + 15] = 1
            ink[y + 1 : y + 14, x + 1 : x + 14] = 0
    assert with_outlines_filled(ink) is ink


@pytest.mark.parametrize("tail", [(240, 285), (300, 300)])
def test_a_letter_in_a_ring_is_no_outline(tail):
    sign = Image.new("L", (400, 400))
    draw = ImageDraw.Draw(sign)
    draw.ellipse((60, 60, 340, 340), outline=255, width=24)
    draw.ellipse((130, 140, 220, 230), outline=255, width=24)
    draw.line([(208, 140), (208, 260), tail], fill=255, width=24)
    ink = np.asarray(sign.reduce(2)) / np.float32(255)
    assert with_outlines_filled(ink) is ink


def test_the_holes_of_written_digits_are_not_filled():
    rng = np.random.default_rng(0)
    for digit in [0, 4, 6, 8, 9] * 40:
        ink = np.asarray(under_a_pen(written(rng, digit), rng)) / np.float32(255)
        assert with_outlines_filled(ink) is ink
