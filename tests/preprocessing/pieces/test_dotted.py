"""Dotted and dashed lines are left out, and points and dashes that somebody wrote are not."""

import numpy as np
import pytest
from pictures import digit
from PIL import Image, ImageDraw, ImageOps

import app
from preprocessing.pieces.dotted import without_dotted_lines

HEIGHT = 80


def number(text="2974", size=(520, 240)):
    """Digits in the middle of a sheet, and the box (left, top, right, bottom) that they fill."""
    paper, x = Image.new("L", size, "white"), 90
    for name in text:
        part = digit(name, HEIGHT)
        paper.paste(part, (x, 80), ImageOps.invert(part))
        x += part.width + 24
    return paper, (90, 80, x - 24, 80 + HEIGHT)


def line_of(paper, start, end, long, gap, thick=3):
    """Draws dots or dashes from one point to another."""
    (x, y), (right, bottom) = start, end
    while x < right or y < bottom:
        across = bottom == start[1]
        ends = (x + long, y + thick) if across else (x + thick, y + long)
        ImageDraw.Draw(paper).rectangle((x, y, *ends), fill=90)
        x, y = (x + long + gap, y) if across else (x, y + long + gap)


def text_of(picture):
    return "".join(reading.best if reading.best.isdigit() else "?" for reading in app.read(picture))


@pytest.mark.parametrize(("long", "gap"), [(3, 6), (8, 8), (14, 9)])
@pytest.mark.parametrize("turn", [0, 3, -6])
def test_a_dotted_or_dashed_line_below_a_number_is_left_out(long, gap, turn):
    paper, (left, _, right, bottom) = number()
    line_of(paper, (left - 30, bottom + 4), (right + 40, bottom + 4), long, gap)
    assert text_of(paper.rotate(turn, Image.Resampling.BICUBIC, fillcolor="white")) == "2974"


@pytest.mark.parametrize("text", ["7", "305"])
def test_a_dashed_box_around_a_number_is_left_out(text):
    paper, (left, top, right, bottom) = number(text)
    corners = left - 24, top - 22, right + 24, bottom + 22
    for y in corners[1::2]:
        line_of(paper, (corners[0], y), (corners[2], y), 12, 8)
    for x in corners[::2]:
        line_of(paper, (x, corners[1]), (x, corners[3]), 12, 8)
    assert text_of(paper) == text


def test_points_and_minus_signs_below_each_other_stay():
    ink = np.zeros((900, 300), np.float32)
    for row in range(7):
        ink[20 + 120 * row : 100 + 120 * row, 60:70] = 1  # a 1
        ink[92 + 120 * row : 100 + 120 * row, 90:98] = 1  # a point
        ink[56 + 120 * row : 62 + 120 * row, 20:40] = 1  # a minus
    assert without_dotted_lines(ink) is ink


def test_a_digit_made_of_dots_stays():
    ink = np.zeros((200, 100), np.float32)
    for row in range(10):
        ink[10 + 18 * row : 18 + 18 * row, 46:54] = 1
    assert without_dotted_lines(ink) is ink
