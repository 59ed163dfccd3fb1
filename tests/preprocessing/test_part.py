"""A frame that was laid by hand is moved so that it cuts no digit."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from preprocessing.part import without_cuts

SIZE = 600, 400
ROWS, COLUMNS = (40, 160, 280), (50, 150, 250, 350, 450)
FONT = ImageFont.load_default(110)


def boxes():
    """The box (left, top, right, bottom) of each digit on `page`, by (row, column)."""
    found = {}
    for row, y in enumerate(ROWS):
        for column, x in enumerate(COLUMNS):
            left, top, right, bottom = FONT.getbbox(TEXT[row][column])
            found[row, column] = x, y, x + right - left, y + bottom - top
    return found


TEXT = "80463", "52796", "38024"


def page(ink="black", paper="white"):
    """Three rows of five digits, each about 80 pixels tall."""
    image = Image.new("RGB", SIZE, paper)
    for (row, column), (x, y, _, _) in boxes().items():
        left, top, *_ = FONT.getbbox(TEXT[row][column])
        ImageDraw.Draw(image).text((x - left, y - top), TEXT[row][column], ink, FONT)
    return image


def held(frame, image=None):
    """(whole, cut): the (row, column) of the digits that the moved frame holds, and of those that it cuts."""
    left, top, right, bottom = without_cuts(image or page(), frame)
    whole, cut = [], []
    for place, (x, y, end, foot) in boxes().items():
        if left <= x and end <= right and top <= y and foot <= bottom:
            whole.append(place)
        elif x < right and left < end and y < bottom and top < foot:
            cut.append(place)
    return whole, cut


ROW = [(1, column) for column in range(5)]


@pytest.mark.parametrize("colours", [("black", "white"), ("white", "black"), ("#2040a0", "#c8c4b8")])
@pytest.mark.parametrize(("top", "bottom"), [(100, 260), (178, 225), (90, 220), (150, 310)])
def test_frame_that_was_laid_too_high_or_too_low_holds_its_row_alone(top, bottom, colours):
    assert held((30, top, 520, bottom), page(*colours)) == (ROW, [])


@pytest.mark.parametrize(("left", "right"), [(120, 330), (165, 285), (140, 370)])
def test_frame_that_was_laid_too_wide_or_too_narrow_holds_its_digits_alone(left, right):
    assert held((left, 150, right, 250)) == ([(1, 1), (1, 2)], [])


@pytest.mark.parametrize("rows", [20, 24, 30])
@pytest.mark.parametrize("aside", [10, 11, 12])
def test_frame_around_a_long_column_holds_it_whole_though_a_table_is_beside_the_sheet(rows, aside):
    pitch, font = 44, ImageFont.load_default(40)
    image = Image.new("RGB", (25 * pitch, (rows + 14) * pitch), "#4a3020")
    x, y = 506, 7 * pitch
    frame = (x - 10 + aside, y - 8, x + 36 + aside, y + (rows - 1) * pitch + 37)
    wide, draw = 4 * (frame[2] - frame[0]), ImageDraw.Draw(image)
    draw.rectangle((frame[0] - wide, frame[1] - wide, frame[2] + wide, frame[3] + wide), fill="white")
    boxes = []
    for row in range(rows):
        for column in range(-4, 5):
            digit = "5280463"[((column + 11) * 3 + row * 5) % 7]
            left, top, right, bottom = font.getbbox(digit)
            at = x + column * pitch, y + row * pitch
            draw.text((at[0] - left, at[1] - top), digit, "black", font)
            if not column:
                boxes.append((*at, at[0] + right - left, at[1] + bottom - top))
    left, top, right, bottom = without_cuts(image, frame)
    assert x - pitch / 2 < left <= x < max(box[2] for box in boxes) <= right < x + pitch
    assert top <= boxes[0][1] < boxes[-1][3] <= bottom


def test_digit_in_the_corner_is_left_out_and_one_alone_is_held():
    assert held((130, 130, 220, 265)) == ([(1, 1)], [])
    assert held((145, 175, 205, 225)) == ([(1, 1)], [])


def test_frame_with_paper_around_its_digits_stays():
    frame = (30, 140, 540, 260)
    assert without_cuts(page(), frame) == frame


def test_frame_close_to_its_digits_gets_paper_around_them():
    left, top, right, bottom = without_cuts(page(), (49, 159, 501, 241))
    assert max(left - 45, top - 155) < 0 < min(right - 520, bottom - 245)


def test_frame_without_ink_or_at_the_pictures_edge_stays_in_the_picture():
    assert without_cuts(page(), (520, 130, 590, 150)) == (520, 130, 590, 150)
    left, top, right, bottom = without_cuts(page(), (0, 0, 600, 90))
    assert (left, top, right) == (0, 0, 600)
    assert 120 < bottom < 160
    assert without_cuts(Image.new("L", (1, 1), "white"), (0, 0, 1, 1)) == (0, 0, 1, 1)


def test_ink_that_runs_through_the_frame_moves_it_little():
    """A table's edge or a line under the row is not meant, and cannot be left out by moving a side."""
    image = page()
    ImageDraw.Draw(image).line((0, 250, 600, 258), fill="black", width=5)
    left, top, right, bottom = without_cuts(image, (30, 145, 540, 255))
    assert (left, right) == (30, 540)
    assert abs(top - 145) < 10
    assert 240 < bottom <= 255


def test_frame_on_a_large_photograph_and_of_other_modes():
    large = page().resize((3000, 2000))
    left, top, right, bottom = without_cuts(large, (150, 500, 2600, 1300))
    assert 650 < top < 800 < 1200 < bottom < 1400
    assert left < 250 < 2550 < right
    for mode in ("L", "RGBA", "1", "P", "CMYK"):
        assert held((30, 100, 520, 260), page().convert(mode)) == (ROW, [])


def test_even_a_frame_over_noise_stays_in_the_picture():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8))
    for _ in range(20):
        (left, right), (top, bottom) = np.sort(rng.integers(0, 120, 2)), np.sort(rng.integers(0, 90, 2))
        left, top, right, bottom = without_cuts(noise, (int(left), int(top), int(right) + 1, int(bottom) + 1))
        assert 0 <= left < right <= 120
        assert 0 <= top < bottom <= 90


@pytest.mark.parametrize(
    ("frame", "kept"),
    [
        ((120, 90, 121, 91), (119, 89, 120, 90)),
        ((0, 0, 0, 0), (0, 0, 1, 1)),
        ((60, 90, 200, 300), (60, 89, 120, 90)),
        ((-5, -5, 30, 20), (0, 0, 30, 20)),
    ],
)
def test_a_frame_that_reaches_beyond_the_picture_ends_with_it(frame, kept):
    assert without_cuts(Image.new("L", (120, 90), "white"), frame) == kept
