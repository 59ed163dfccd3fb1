"""Hollow digits, which are drawn by their contours alone."""

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

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
