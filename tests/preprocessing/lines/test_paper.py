"""Printed lines, edges, other sheets and shadows: a digit among them comes out as it does on blank paper.

Every kind is made in six ways, from fixed seeds.
"""

import numpy as np
import pytest
from drawn import unlikeness
from papers import (
    MADE,
    PAPER,
    PEN,
    REFERENCE,
    SIDE,
    WAYS,
    askew_on_desk,
    desk_corner,
    lines,
    photographed,
    sheet_of,
    two,
)
from pictures import draw_stroke
from PIL import Image, ImageDraw, ImageFilter

import app
import weights
from preprocessing import prepare, to_mnist
from preprocessing.background.sheet import on_paper_alone
from preprocessing.lines.line import Darkness
from preprocessing.lines.paper import paper_lines
from preprocessing.lines.removal import without_paper
from preprocessing.lines.tracing import MOST_LINES, level_lines


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_the_digit_comes_out_as_on_blank_paper(made, way):
    tensor = to_mnist(made(np.random.default_rng([0, way])))
    assert unlikeness(tensor, REFERENCE) < 0.4  # a line or an edge that stays gives 0.6 and more


@pytest.mark.parametrize("way", WAYS)
def test_a_ruled_sheet_without_writing_is_blank(way):
    rng = np.random.default_rng([0, way])
    assert not prepare(photographed(sheet_of(rng, squares=False), rng, noise=1)).has_ink


TURNED = [to_mnist(two().rotate(angle, fillcolor=PAPER)) for angle in range(-12, 13, 3)]


def is_the_two_turned(image):
    return min(unlikeness(to_mnist(image), turned) for turned in TURNED) < 0.4


@pytest.mark.parametrize("way", WAYS)
def test_a_sheet_that_lies_askew_on_a_table_is_the_paper(way):
    assert is_the_two_turned(askew_on_desk(np.random.default_rng([0, way])))


@pytest.mark.parametrize("way", WAYS)
def test_a_page_of_small_writing_that_lies_in_perspective_on_a_table_is_the_paper(way):
    rng = np.random.default_rng([10, way])
    size, sheet = (480, 640), Image.new("L", (480, 640), 235)
    for row, column in np.ndindex(5, 4):
        x, y = (int(at) for at in rng.normal((100 + 70 * column, 90 + 105 * row), 6))
        draw_stroke(sheet, [(x, y), (x + 16, y), (x + 5, y + 26)], 3, 40)
    inset, low, high = rng.uniform(30, 70), rng.uniform(0, 12), 640 - rng.uniform(0, 20)
    corners = [(inset, low), (480 - inset, low), (475, high), (5, high)]
    table = np.clip(rng.normal(rng.uniform(50, 90), 8, size[::-1]), 0, 255).astype(np.uint8)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    picture = photographed(Image.composite(sheet, Image.fromarray(table), mask).convert("RGB"), rng)
    assert on_paper_alone(picture)[0] is not picture
    assert {reading.best for reading in app.read(picture)} == {"7"}


@pytest.mark.parametrize("stroke", ["a thick 1", "a thick 0", "a thick angular 0"])
def test_thick_chalk_on_a_dark_board_is_no_sheet_on_a_table(stroke):
    board = Image.new("RGB", (SIDE, SIDE), (40, 60, 50))
    pen, chalk = ImageDraw.Draw(board), (225, 225, 220)
    if stroke == "a thick 1":
        pen.rectangle([115, 30, 185, 270], fill=chalk)
    elif stroke == "a thick 0":
        pen.ellipse([70, 30, 230, 270], outline=chalk, width=62)
    else:
        pen.rectangle([70, 30, 230, 270], outline=chalk, width=55)
    shot = photographed(board, np.random.default_rng(0))
    assert on_paper_alone(shot)[0] is shot


def lines_only(*ends, width=24, size=400):
    """Strokes from one end to the other, in hundredths of the picture."""
    image = Image.new("L", (size, size), 255)
    scaled = [[(x * size / 100, y * size / 100) for x, y in end] for end in ends]
    return lines(image, scaled, 0, width)


EDGE_TO_EDGE = {
    "a 1 along the edge": [[(3, 0), (3, 100)]],
    "a 1 in the middle": [[(50, 0), (50, 100)]],
    "a plus": [[(50, 0), (50, 100)], [(0, 50), (100, 50)]],
    "a 7": [[(0, 3), (100, 3)], [(97, 3), (45, 100)]],
    "a 4": [[(60, 0), (0, 65)], [(0, 65), (100, 65)], [(70, 30), (70, 100)]],
    "an angular 0": [[(4, 0), (4, 100)], [(96, 0), (96, 100)], [(0, 4), (100, 4)], [(0, 96), (100, 96)]],
}


@pytest.mark.parametrize("strokes", EDGE_TO_EDGE)
@pytest.mark.parametrize("width", [10, 24])
def test_a_digit_drawn_from_edge_to_edge_is_no_line_of_the_paper(strokes, width):
    drawn = lines_only(*EDGE_TO_EDGE[strokes], width=width)
    prepared = prepare(drawn)
    assert prepared.diagnostics.lines == 0
    whole = Image.new("L", (800, 800), 255)
    whole.paste(drawn, (200, 200))
    assert unlikeness(prepared.tensor, to_mnist(whole)) < 0.15


def test_the_pads_own_drawings_are_left_as_they_are():
    prepared = prepare(two(ground="white", ink="black"))
    assert prepared.removed is None
    assert prepared.diagnostics.lines == prepared.diagnostics.edge_pieces == 0


def test_what_is_left_out_is_told_and_shown():
    image = lines(two(), [[(-5, 20), (305, 22)], [(15, -5), (14, 305)]], (40, 40, 45), 4)
    prepared = prepare(photographed(image, np.random.default_rng(0)))
    assert prepared.diagnostics.lines == 2
    assert "Two lines of the paper were left out." in prepared.diagnostics.hints
    assert prepared.removed.shape == prepared.ink.shape
    assert 0 <= prepared.removed.min() < prepared.removed.max() <= 1
    height, width = prepared.removed.shape
    assert prepared.removed[: height // 6].mean() > 10 * prepared.removed[height // 3 :, width // 3 :].mean()


def test_things_at_the_edge_are_told():
    prepared = prepare(desk_corner(np.random.default_rng(0)))
    assert prepared.diagnostics.edge_pieces > 0
    assert "Something at the picture's edge was left out." in prepared.diagnostics.hints


@pytest.mark.parametrize("way", WAYS)
def test_a_one_near_the_edge_beside_another_digit_is_no_other_writing(way):
    rng = np.random.default_rng([4, way])
    left = SIDE * rng.uniform(0.02, 0.08)
    one = [(left + 6, SIDE * rng.uniform(0.2, 0.3)), (left, SIDE * rng.uniform(0.7, 0.8))]
    image = two()
    draw_stroke(image, one, 9, PEN)
    assert [reading.best for reading in app.read(photographed(image, rng))] == ["1", "2"]


def test_a_stroke_goes_on_where_a_rule_crosses_it():
    darkness = np.zeros((120, 120), np.float32)
    darkness[20:100, 56:64] = 0.9
    darkness[59:61] = 0.8
    darkness = Darkness(darkness, 0.06)
    (across, upright), _ = paper_lines(darkness)
    assert len(across) == 1
    assert not upright
    cleared = without_paper(darkness, (across, upright)).levels
    assert cleared[20:100, 57:63].min() > 0.7
    assert cleared[55:65, :50].max() < 0.1


KINDS = {
    "plain": 0.95, "cell": 0.92, "sudoku": 0.92, "squared": 0.92, "ruled": 0.92, "edge": 0.9, "pasted": 0.92,
    "tight": 0.82, "pencil": 0.92,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_real_drawings_on_paper_are_read(sketches, paper, kind):
    model = weights.load()
    core = sketches.load(core=True)
    samples = [core[index] for index in np.random.default_rng(5).permutation(len(core))]
    pictures = [paper.picture(kind, samples, number) for number in range(24)]
    tensors = np.stack([to_mnist(picture) for picture, _ in pictures])
    read = model.predict_proba(tensors.reshape(len(tensors), -1)).argmax(axis=1)
    assert np.mean([str(answer) == text for answer, (_, text) in zip(read, pictures, strict=True)]) >= KINDS[kind]


@pytest.mark.parametrize("drawing", [111, 10368, 12890, 9362, 12923])
def test_bar_of_a_thick_seven_or_two_is_no_border_of_the_paper(sketches, drawing):
    """Its upper and lower edge are found as two lines, and lie near the edge of the photograph."""
    [sample] = [each for each in sketches.load(core=True) if each.id == drawing]
    tensor = to_mnist(sketches.draw(sample, "photo"))
    assert weights.load().predict_proba(tensor.reshape(1, -1)).argmax() == sample.label


@pytest.mark.parametrize("way", WAYS)
def test_rows_of_two_blanks_on_a_turned_form_are_paper(way):
    rng = np.random.default_rng([9, way])
    slope, gap, steps = rng.uniform(0.04, 0.09), int(rng.integers(36, 41)), int(rng.choice([2, 3]))
    image, length = Image.new("L", (250, 250), 235), (244 - gap) // 2
    drop = slope * (length + gap)  # from the first blank of a row to the second
    for row in range(3):
        for blank in range(2):
            x, y = 3 + (length + gap) * blank, 110 + row * drop * (1 + steps) + drop * blank
            lines(image, [[(x, y), (x + length, y + slope * length)]], 120, 2)
    x = int(rng.integers(20, 80))
    lines(image, [[(x, 75), (x, 104)], [(x + 120, 75), (x + 125, 108)]], 20, 6)
    image = image.filter(ImageFilter.GaussianBlur(0.5))
    levels = np.clip(np.asarray(image) + rng.normal(0, 2.5, (250, 250)), 0, 255).astype(np.uint8)
    assert prepare(levels).box == pytest.approx((x - 3, 75, x + 128, 108), abs=6)


def test_a_strip_of_hundreds_of_rules_is_a_pattern_of_which_a_bounded_number_is_followed():
    darkness = np.zeros((3000, 100), np.float32)
    for row in range(5, 3000, 15):
        darkness[row : row + 2] = 0.8
    assert len(level_lines(Darkness(darkness, 0.06))) == MOST_LINES


def crossed_seven(pen, slant):
    drawing = Image.new("RGB", (400, 400), PAPER)
    for points in ([(120, 143), (285, 143)], [(285, 143), (190 - slant, 300)], [(130, 224), (315, 226)]):
        draw_stroke(drawing, points, pen, PEN)
    return drawing


def long_tailed_nine(pen, slant):
    drawing = Image.new("RGB", (400, 400), PAPER)
    angles = np.linspace(0, 2 * np.pi, 40)
    draw_stroke(drawing, [(195 + 60 * np.cos(a), 90 + 75 * np.sin(a)) for a in angles], pen, PEN)
    draw_stroke(drawing, [(255, 12), (255 - slant / 10, 388)], pen, PEN)
    return drawing


@pytest.mark.parametrize("pen", [10, 16, 20, 24, 28])
@pytest.mark.parametrize("slant", [0, 40])
@pytest.mark.parametrize(("digit", "drawn"), [("7", crossed_seven), ("9", long_tailed_nine)], ids=["7", "9"])
def test_straight_strokes_of_a_photographed_digit_are_no_lines_of_the_paper(digit, drawn, pen, slant):
    photograph = photographed(drawn(pen, slant), np.random.default_rng(pen))
    assert prepare(photograph).diagnostics.lines == 0
    answer = app.recognize(photograph)
    assert max(answer, key=answer.get) == digit
