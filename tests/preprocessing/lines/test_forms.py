"""Forms: labels beside boxes and in their corners, rows of boxes close together, digits on the edges of their boxes,
thin lines in large pictures, and signs beside a ruling. What is printed goes, and what is written is read.
"""

import numpy as np
import pytest
from pictures import digit, draw_stroke
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

import app
from preprocessing.background.squares import without_squares
from preprocessing.lines.captions import without_captions
from preprocessing.lines.line import Darkness, Edges, Line
from preprocessing.lines.removal import other_ink
from preprocessing.lines.tracing import level_lines
from preprocessing.pieces.frames import may_be_form
from preprocessing.reading.closer import with_paper_over


class Form:
    """Rows of boxes with a digit in each, and whatever else is drawn on `lines` and `ink`.

    room: the margin around the boxes. fill: the height of the digits, as a share of the boxes'. low: whether the digits
    stand on the lower edges of their boxes.
    """

    def __init__(self, rows, high=70, thick=2, tone=70, gap=0, leading=0, room=80, fill=0.7, low=False):
        self.high, self.room, self.tone = high, room, tone
        columns = max(map(len, rows))
        size = columns * (high + gap) + 2 * room, len(rows) * (high + leading) + 2 * room
        self.lines, self.ink = Image.new("L", size, "white"), Image.new("L", size, "white")
        for row, text in enumerate(rows):
            for column, name in enumerate(text):
                left, top = room + column * (high + gap), room + row * (high + leading)
                box = (left, top, left + high, top + high)
                ImageDraw.Draw(self.lines).rectangle(box, outline=tone, width=thick)
                if name == " ":
                    continue
                part = digit(name, fill * high)
                y = top + high - part.height if low else top + (high - part.height) // 2 + 1
                self.ink.paste(part, (left + (high - part.width) // 2, y), ImageOps.invert(part))

    def print(self, text, x, y, size):
        """Prints a word, whose first letter begins here, by shares of a box's height from the corner of the boxes."""
        at, font = (self.room + x * self.high, self.room + y * self.high), ImageFont.load_default(size * self.high)
        ImageDraw.Draw(self.lines).text(at, text, fill=self.tone, font=font)
        return self

    def scanned(self):
        """As on a clean scan: even paper."""
        return ImageChops.darker(self.ink, self.lines)

    def photographed(self, turn=0.0):
        both = self.scanned().rotate(turn, Image.Resampling.BICUBIC, fillcolor="white")
        soft = np.asarray(both.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
        light, rng = np.linspace(0.8, 0.95, soft.shape[1]), np.random.default_rng(3)
        return Image.fromarray(np.clip(soft * light + rng.normal(0, 3, soft.shape), 0, 255).astype(np.uint8))


def text_of(picture):
    return "".join(reading.best if reading.best.isdigit() else "?" for reading in app.read(picture))


LABELS = {
    "above": ("Date of birth", 0, -0.45, 0.32),
    "above, large": ("Amount", 0.3, -0.62, 0.5),
    "left": ("Date", -1.0, 0.25, 0.4),
    "below": ("ZIP code", 0.1, 1.12, 0.32),
    "in a corner": ("No", 0.05, 0.02, 0.18),
}


@pytest.mark.parametrize("place", LABELS)
def test_a_label_beside_boxes_is_no_digit_and_changes_none(place):
    form = Form(["4726"]).print(*LABELS[place])
    assert text_of(form.photographed(turn=1)) == "4726"


@pytest.mark.parametrize("away", [18, 26, 34])
@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_one_below_the_side_of_boxes_is_no_part_of_it(column, away):
    form = Form(["4726", "3085"], high=64, room=90)
    x, y = 90 + 64 * column + 1, 90 + 2 * 64 + away
    ImageDraw.Draw(form.ink).line([(x + 1, y), (x - 1, y + 44)], fill=20, width=4)
    two = digit("2", 44)
    form.ink.paste(two, (x + 40, y), ImageOps.invert(two))
    assert text_of(form.scanned()) == "4726308512"


@pytest.mark.parametrize("ones", ["3113", "8312", "2714"])
def test_ones_in_boxes_that_are_set_like_bricks_are_read(ones):
    form, high, apart = Form(["    "] * 3, high=64, leading=30), 64, 94
    form.lines = Image.new("L", (form.ink.width + high, form.ink.height), "white")
    form.ink = form.lines.copy()
    for row, text in enumerate((ones, ones[::-1], ones)):
        for column, name in enumerate(text):
            left, top = form.room + column * high + (high // 2 if row % 2 else 0), form.room + row * apart
            ImageDraw.Draw(form.lines).rectangle((left, top, left + high, top + high), outline=70, width=2)
            middle = left + high // 2
            if name == "1":
                ImageDraw.Draw(form.ink).line([(middle + 1, top + 8), (middle - 1, top + 58)], fill=20, width=5)
            else:
                part = digit(name, 46)
                form.ink.paste(part, (middle - part.width // 2, top + 10), ImageOps.invert(part))
    assert text_of(form.scanned()) == ones + ones[::-1] + ones


def test_digits_as_tall_as_those_in_the_boxes_stay_and_a_minus_does():
    ink = np.zeros((60, 200), np.float32)
    for left in (10, 50, 90, 150):  # three in boxes, one beside them
        ink[12:42, left : left + 10] = 1
    ink[50:55, 60:90] = 1  # a label below
    ink[25:29, 170:182] = 1  # a minus on the right
    rows = [Edges(*(Line(2, np.full(120, row, np.float32), 2, 0.6, 1) for row in (5, 46)))]
    expected = ink.copy()
    expected[50:55, 60:90] = 0
    assert np.array_equal(without_captions(ink, rows, ([], [])), expected)


@pytest.mark.parametrize("gap", [0, 12])
def test_digits_that_stand_on_the_edges_of_their_boxes_are_read_on_even_paper(gap):
    assert text_of(Form(["482"], gap=gap, low=True).scanned()) == "482"


def test_a_drawing_with_round_sides_is_no_form():
    circle = Image.new("L", (100, 100))
    ImageDraw.Draw(circle).ellipse((20, 20, 80, 80), outline=255, width=6)
    box = Image.new("L", (100, 100))
    ImageDraw.Draw(box).polygon([(20, 22), (80, 19), (81, 79), (21, 82)], outline=255, width=3)
    assert [may_be_form(np.asarray(image, np.float32) / 255) for image in (circle, box)] == [False, True]


@pytest.mark.parametrize(("thick", "leading"), [(2, 4), (4, 5)])
def test_rows_of_boxes_close_together_are_read(thick, leading):
    form = Form(["3726", "4802"], high=56, thick=thick, leading=leading + thick)
    assert text_of(form.photographed(turn=0.6)) == "37264802"


@pytest.mark.parametrize("apart", [5, 8, 12])
def test_each_of_two_thick_lines_close_together_is_found(apart):
    darkness = np.zeros((120, 300), np.float32)
    for row in (40, 40 + apart):
        darkness[row : row + 4, 20:280] = 0.8
    found = sorted(line.middle for line in level_lines(Darkness(darkness, 0.06)))
    assert found == pytest.approx([41.5, 41.5 + apart], abs=0.6)


def test_thick_lines_of_small_boxes_leave_the_digits_in_them():
    assert text_of(Form(["4728"], high=40, thick=5, gap=8, room=30).scanned()) == "4728"


def test_thick_lines_are_painted_over_with_the_paper_around_them():
    levels, lines = np.full((40, 60), 220, np.uint8), np.zeros((40, 60), bool)
    lines[10:16] = True
    levels[lines] = 40
    assert np.array_equal(np.asarray(with_paper_over(Image.fromarray(levels), lines)), np.full((40, 60), 220))


def test_painting_over_a_very_thick_line_makes_nothing_darker():
    levels, lines = np.full((60, 60, 3), 220, np.uint8), np.zeros((60, 60), bool)
    lines[10:50] = True
    levels[lines] = 90
    assert np.asarray(with_paper_over(Image.fromarray(levels), lines)).min() == 90


def test_many_rows_of_separate_boxes_are_no_squared_sheet():
    form = Form(["1234567"] * 4, high=46, gap=20, leading=8)
    assert without_squares(form.lines)[1] == 0


def test_boxes_in_thin_lines_on_a_large_picture_are_read():
    form = Form(["4726"], high=180, thick=1, tone=90, room=500)
    assert text_of(form.scanned()) == "4726"


@pytest.mark.parametrize("below", [-8, -2, 0, 2, 8])
def test_a_minus_close_to_or_on_a_ruling_is_read(below):
    form = Form([" 73 "], high=100, tone=255, fill=0.8)
    dash = form.room + 55
    ImageDraw.Draw(form.ink).line([(form.room + 25, dash), (form.room + 75, dash)], fill=20, width=7)
    for rule in (dash + below, dash + below - 110, dash + below + 110):
        ImageDraw.Draw(form.lines).line([(0, rule), (form.lines.width, rule)], fill=110, width=2)
    readings = app.read(form.photographed())
    assert [reading.symbol for reading in readings] == ["-", "7", "3"]


@pytest.mark.parametrize("tone", [60, 120])  # of the rules; the ink's is 50
@pytest.mark.parametrize("gap", [0, 4])  # below the stem of the 1
def test_the_foot_of_a_digit_that_lies_on_a_rule_stays(tone, gap):
    form = Form(["5 3"], high=100, tone=255, fill=0.8)
    rule, left = form.room + 90, form.room + 150
    draw_stroke(form.ink, [(left - 18, rule - 60), (left, rule - 78), (left, rule - gap - 3)], 6, 50)
    draw_stroke(form.ink, [(left - 22, rule), (left + 22, rule)], 6, 50)
    for y in (rule - 120, rule, rule + 120):
        ImageDraw.Draw(form.lines).line([(0, y), (form.lines.width, y)], fill=tone, width=3)
    one = app.read(form.photographed())[1]
    assert one.best == "1"
    assert one.box[3] == pytest.approx(rule + 3, abs=3)
    assert one.box[2] - one.box[0] > 40


@pytest.mark.parametrize(("row", "sides"), [(" 47", (120, 430)), ("47 ", (0, 310))])
def test_a_row_of_boxes_that_the_picture_cuts_at_one_end_is_no_digit(row, sides):
    form = Form([row], high=90, thick=3, fill=0.95)
    assert text_of(form.photographed().crop((sides[0], 0, sides[1], 250))) == "47"


@pytest.mark.parametrize("large", [1, 4])
def test_a_one_that_leans_in_its_box_is_no_slash(large):
    form = Form(["47 26"], high=100, fill=0.7)
    left, top = form.room + 200, form.room
    draw_stroke(form.ink, [(left + 75, top + 8), (left + 25, top + 92)], 7)
    assert text_of(form.photographed().resize((660 * large, 260 * large))) == "47126"


def test_a_one_that_leans_in_a_long_row_of_boxes_on_a_page_is_no_slash():
    form = Form(["     4 26     "], high=56)  # from close by, no end of the row is in sight
    draw_stroke(form.ink, [(form.room + 374, form.room + 5), (form.room + 354, form.room + 51)], 5)
    row, page = form.scanned(), Image.new("L", (1000, 1000), "white")
    page.paste(row, ((1000 - row.width) // 2, 333))
    form.lines, form.ink = page, Image.new("L", page.size, "white")
    assert text_of(form.photographed()) == "4126"


@pytest.mark.parametrize("large", [1, 4])
@pytest.mark.parametrize("pen", ["ink", "lines"])  # written, or printed
def test_a_slash_between_the_boxes_of_a_date_is_a_slash(pen, large):
    form = Form(["12 05"], high=100, fill=0.7)
    left, top = form.room + 200, form.room
    ImageDraw.Draw(form.lines).rectangle((left + 2, top, left + 98, top + 100), fill="white")  # no box is there
    draw_stroke(getattr(form, pen), [(left + 75, top + 4), (left + 25, top + 96)], {"ink": 7, "lines": 3}[pen])
    assert text_of(form.photographed().resize((660 * large, 260 * large))) == "12?05"


def test_a_slash_in_a_square_of_squared_paper_is_a_slash():
    form = Form(["47 26"], high=100, tone=255, fill=0.7)
    left, top = form.room + 200, form.room
    draw_stroke(form.ink, [(left + 75, top + 8), (left + 25, top + 92)], 7)
    width, height = form.lines.size
    for at in range(-20, max(width, height), 100):  # as wide as the boxes would be
        ImageDraw.Draw(form.lines).line([(at, 0), (at, height)], fill=160, width=1)
        ImageDraw.Draw(form.lines).line([(0, at), (width, at)], fill=160, width=1)
    assert text_of(form.photographed()) == "47?26"


def test_ink_beside_a_line_is_told_from_its_blurred_edge():
    profile = np.array([[0.0], [0.9], [0.9], [0.1], [0.4], [0.7], [0.5], [0.2], [0.0]], np.float32)
    found = other_ink(profile, core=1, rise=0.2)
    assert found.ravel() == pytest.approx([0.0, 0.9, 0.9, 0, 0, 0, 0, 0, 0])
