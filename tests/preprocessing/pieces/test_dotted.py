"""Dotted and dashed lines are left out, and points and dashes that somebody wrote are not."""

import numpy as np
import pytest
from pictures import digit
from PIL import Image, ImageDraw, ImageFont, ImageOps

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


def broken_stroke(paper, x, parts, gaps, pen, lean):
    """An upright stroke of a pen that leaves gaps, from 60 pixels below the paper's edge."""
    top, draw = 60, ImageDraw.Draw(paper)
    for part, gap in zip(parts, gaps, strict=True):
        left, right = (x + lean * (y - 60) for y in (top, top + part))
        draw.line((left, top, right, top + part), fill=0, width=pen)
        top += part + gap


@pytest.mark.parametrize("pen", [4, 6, 9])
@pytest.mark.parametrize("lean", [0, -0.08])
@pytest.mark.parametrize(
    ("parts", "gaps"),
    [
        pytest.param([20] * 5, [3] * 5, id="close"),
        pytest.param([24] * 4, [4] * 4, id="close and long"),
        pytest.param([11] * 7, [4, 4, 4, 8, 2, 9, 0], id="uneven"),
        pytest.param([12] * 6, [5, 5, 5, 11, 10, 0], id="more and more uneven"),
    ],
)
def test_a_one_that_a_dry_pen_wrote_with_gaps_stays_beside_a_whole_one(parts, gaps, pen, lean):
    paper = Image.new("L", (260, 240), "white")
    ImageDraw.Draw(paper).line((90, 60, 90, 175), fill=0, width=pen)
    broken_stroke(paper, 150, parts, gaps, pen, lean)
    ink = 1 - np.asarray(paper) / np.float32(255)
    assert without_dotted_lines(ink) is ink
    assert text_of(paper) == "11"


@pytest.mark.parametrize(("long", "gap"), [(8, 8), (14, 9), (16, 14)])
@pytest.mark.parametrize("size", [11, 13])
@pytest.mark.parametrize(
    "small", ["we saw a zero on a sea cruise, a rare news scene or", "name, surname, size, menu, area"]
)
def test_a_dashed_line_is_left_out_though_a_row_of_small_print_has_more_pieces(small, size, long, gap):
    paper, (left, _, _, bottom) = number()
    ImageDraw.Draw(paper).text((260, 30), small, "black", ImageFont.load_default(size), "mm")
    expected = 1 - np.asarray(paper) / np.float32(255)
    line_of(paper, (left - 10, bottom + 14), (left + 110, bottom + 14), long, gap)
    assert np.array_equal(without_dotted_lines(1 - np.asarray(paper) / np.float32(255)), expected)
