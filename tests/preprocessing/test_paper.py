"""Printed lines, edges, other sheets and shadows: a digit among them comes out as it does on blank paper.

Every kind is made in six ways: place, slope, thickness, tone and noise are drawn at random from fixed seeds.
"""

import numpy as np
import pytest
from pictures import draw_stroke
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from test_preprocessing import unlikeness

import app
import preprocessing
import weights
from preprocessing.channel import paper_is_light
from preprocessing.lines import Darkness
from preprocessing.paper import paper_lines
from preprocessing.removal import without_paper
from preprocessing.shadow import three_tones
from preprocessing.sheet import on_paper_alone
from preprocessing.tracing import MOST_LINES, level_lines

SIDE = 300
WAYS = range(6)
PAPER, PEN = (225, 222, 214), (30, 35, 80)
# A 2 with a straight foot, in hundredths of the picture.
TWO = [(38, 36), (42, 26), (52, 22), (62, 27), (64, 38), (57, 52), (46, 64), (37, 76), (66, 76)]


def two(size=SIDE, width=12, ink=PEN, ground=PAPER, scale=1.0):
    """A handwritten 2 in the middle of blank paper."""
    image = Image.new("RGB", (size, size), ground)
    points = [((50 + (x - 50) * scale) * size / 100, (50 + (y - 50) * scale) * size / 100) for x, y in TWO]
    draw_stroke(image, points, width, ink)
    return image


REFERENCE = preprocessing.to_mnist(two())


def photographed(image, rng, noise=3.0):
    """The picture under a lamp from one side, a little soft, with grain."""
    levels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1))), np.float32)
    height, width = levels.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    light = 1 + 0.15 * (np.cos(angle) * x + np.sin(angle) * y)
    shot = levels * light[..., None] + rng.normal(0, noise, (height, width, 1))
    return Image.fromarray(np.clip(shot, 0, 255).astype(np.uint8))


def lines(image, ends, colour, width):
    pen = ImageDraw.Draw(image)
    for start, end in ends:
        pen.line([start, end], fill=colour, width=width)
    return image


def cell(rng):
    """Borders on two to four sides that run out of the picture, of one thickness or of two."""
    sides = rng.permutation(4)[: rng.integers(2, 5)]
    image, tilt = two(), rng.uniform(-6, 6)
    for side in sides:
        at, width = rng.uniform(4, 30), int(rng.choice([2, 3, 5, 10]))
        at = at if side < 2 else SIDE - at
        along = [(-5, at - tilt), (SIDE + 5, at + tilt)]
        along = along if side % 2 else [(x, y) for y, x in along]
        lines(image, [along], (40, 40, 45), width)
    return photographed(image, rng)


def broken_cell(rng):
    """A border all around, with gaps, whose corners lie inside the picture."""
    image, low = two(), rng.uniform(10, 24)
    high = SIDE - low
    for fixed in (low, high):
        for start in np.arange(low, high, 46):
            for turn in (1, -1):
                ends = [(start, fixed), (min(start + rng.uniform(34, 46), high), fixed)]
                lines(image, [[end[::turn] for end in ends]], (60, 60, 70), 3)
    return photographed(image, rng)


def wide_cell(rng):
    """A low wide cell of a table: the digit is a small part of its width."""
    image = Image.new("RGB", (4 * SIDE, SIDE), PAPER)
    image.paste(two(), (int(rng.uniform(0.2, 2.8) * SIDE), 0))
    low, wide = rng.uniform(6, 20), 4 * SIDE
    for y in (low, SIDE - low):
        lines(image, [[(-5, y), (wide + 5, y)]], (40, 40, 45), 6)
    for x in (low, wide - low):
        lines(image, [[(x, -5), (x, SIDE + 5)]], (40, 40, 45), 6)
    return photographed(image, rng)


def squared(rng, colour=(150, 175, 215), ground=PAPER):
    """Squares, the digit one to four of them high."""
    image, step = two(ground=ground), rng.uniform(42, 110)
    slope, first = rng.uniform(-8, 8), rng.uniform(0, step)
    sheet = Image.new("RGB", image.size, ground)
    for at in np.arange(first, SIDE + step, step):
        for ends in ([(-5, at - slope), (SIDE + 5, at + slope)], [(at + slope, -5), (at - slope, SIDE + 5)]):
            lines(sheet, [ends], colour, 2)
    image = Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet)))
    return photographed(image, rng)


def ruled(rng):
    """Rules under and through the digit, in pale blue or nearly black."""
    image, step = two(), rng.uniform(60, 130)
    colour = (150, 175, 215) if rng.random() < 0.5 else (70, 70, 80)
    sheet, first, slope = Image.new("RGB", image.size, PAPER), rng.uniform(0, step), rng.uniform(-8, 8)
    for at in np.arange(first, SIDE + step, step):
        lines(sheet, [[(-5, at - slope), (SIDE + 5, at + slope)]], colour, 3)
    return photographed(Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet))), rng)


def sheet_of(rng, squares):
    """A sheet of which all rules or squares are in the picture: they are closer than usual, and the digit is small."""
    size, step = (600, 750), rng.uniform(35 if squares else 25, 70)
    sheet = Image.new("RGB", size, PAPER)
    colour, width = (int(rng.uniform(110, 200)),) * 3, int(rng.integers(1, 3))
    for at in np.arange(rng.uniform(0, step), size[1], step):
        lines(sheet, [[(-5, at), (size[0] + 5, at)]], colour, width)
        if squares:
            lines(sheet, [[(at, -5), (at, size[1] + 5)]], colour, width)
    return sheet


def ruled_sheet(rng, squares=False):
    """The digit is a tenth to a third of the sheet's width high."""
    sheet = sheet_of(rng, squares)
    side = int(rng.uniform(60, 200))
    x, y = (int(rng.uniform(0.2, 0.8) * (all_ - side)) for all_ in sheet.size)
    digit = two().resize((side, side))
    sheet.paste(ImageChops.darker(digit, sheet.crop((x, y, x + side, y + side))), (x, y))
    return photographed(sheet, rng, noise=1)


def squared_sheet(rng):
    return ruled_sheet(rng, squares=True)


def binarised(rng):
    """Ruled or squared paper after a scanner's threshold: the rules are as black as the ink."""
    image, step = two(ink="black", ground="white"), rng.uniform(40, 80)
    sheet = Image.new("RGB", image.size, "white")
    for at in np.arange(rng.uniform(0, step), SIDE, step):
        lines(sheet, [[(0, at), (SIDE, at)]], "black", 2)
        if step > 60:
            lines(sheet, [[(at, 0), (at, SIDE)]], "black", 2)
    return Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet)))


def desk_strip(rng):
    """A slanted strip of a dark table at one side."""
    image = np.asarray(two()).copy()
    depth = rng.uniform(8, 34) + np.linspace(0, rng.uniform(-12, 12), SIDE) + rng.normal(0, 0.4, SIDE).cumsum()
    strip = np.arange(SIDE)[None] < np.maximum(depth, 1)[:, None]
    image[strip] = np.array([70, 50, 35]) + rng.normal(0, 8, (strip.sum(), 1))
    return photographed(Image.fromarray(image), rng)


def desk_corner(rng):
    """The corner of a table, or of a sheet on it."""
    image = two()
    across, down = rng.uniform(50, 110, 2)
    corner = [(SIDE, 0), (SIDE - across, 0), (SIDE, down)]
    ImageDraw.Draw(image).polygon(corner, fill=(60, 40, 30))
    return photographed(image, rng)


def other_writing(rng):
    """What is left of other digits at one or two edges."""
    image = two()
    for side in rng.permutation(4)[: rng.integers(1, 3)]:
        deep, at = rng.uniform(8, 28), rng.uniform(60, 180)
        image = image.rotate(90 * side)
        ImageDraw.Draw(image).ellipse([at, -80 + deep, at + 70, deep], outline=PEN, width=10)
        image = image.rotate(-90 * side)
    return photographed(image, rng)


def punched_holes(rng):
    """Holes along the left edge, dark as the table under the sheet."""
    image = two()
    x, radius = rng.uniform(12, 20), rng.uniform(6, 9)
    for y in np.linspace(rng.uniform(20, 50), rng.uniform(240, 280), int(rng.integers(2, 5))):
        ImageDraw.Draw(image).ellipse([x - radius, y - radius, x + radius, y + radius], fill=(40, 35, 30))
    return photographed(image, rng)


def spiral(rng):
    """The wire of a pad along the upper edge."""
    image, step = two(), rng.uniform(18, 30)
    for x in np.arange(rng.uniform(0, step), SIDE, step):
        ImageDraw.Draw(image).rectangle([x, 2, x + step / 2.5, rng.uniform(14, 18)], fill=(60, 60, 60))
    return photographed(image, rng)


def ledge(rng):
    """Chalk on a board, and the board's wooden ledge below."""
    image = two(ink=(215, 215, 205), ground=(35, 65, 50))
    ImageDraw.Draw(image).rectangle([0, SIDE - rng.uniform(10, 26), SIDE, SIDE], fill=(165, 120, 70))
    return photographed(image, rng)


def pasted(rng):
    """A piece of greyish paper on a white ground."""
    level = int(rng.uniform(185, 240))
    image = photographed(two(ground=(level, level, level - 5)), rng, noise=2)
    white = Image.new("RGB", (int(SIDE * rng.uniform(1.15, 1.6)),) * 2, "white")
    white.paste(image, tuple(int(at) for at in rng.uniform(0, white.width - SIDE, 2)))
    return white


def shadow(rng):
    """A hard or soft shadow across the digit, a quarter to a half darker."""
    mask = Image.new("L", (SIDE, SIDE))
    shape = ImageDraw.Draw(mask)
    if rng.random() < 0.5:
        shape.polygon([(SIDE, rng.uniform(0, 200)), (SIDE, SIDE), (rng.uniform(50, 250), SIDE)], fill=255)
    else:
        shape.rectangle([rng.uniform(50, 200), rng.uniform(100, 220), SIDE, SIDE], fill=255)
    return darkened(two(), mask, rng)


def darkened(image, mask, rng):
    """The picture where a mask (L) throws a shadow, a quarter to a half darker, hard or soft at its edges."""
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 5))), np.float32)[..., None] / 255
    shaded = np.asarray(image) * (1 - rng.uniform(0.25, 0.5) * cover)
    return photographed(Image.fromarray(shaded.astype(np.uint8)), rng)


def phone_shadow(rng):
    """The shadow of a phone that lies turned inside the picture and ends in it on all sides."""
    mask, angle = Image.new("L", (SIDE, SIDE)), rng.uniform(0, np.pi)
    middle, half = rng.uniform(90, 210, 2), np.array([rng.uniform(85, 130), rng.uniform(50, 70)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn.T + middle
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=255)
    return darkened(two(), mask, rng)


def finger_shadow(rng):
    """The shadows of three fingers across the digit, each about three strokes wide."""
    mask = Image.new("L", (SIDE, SIDE))
    middle, wide = rng.uniform(60, 240), int(rng.uniform(34, 46))
    for spread in (-70, 0, 70):
        tip = (middle + 1.3 * spread + rng.normal(0, 10), rng.uniform(60, 160))
        ImageDraw.Draw(mask).line([(middle + spread / 2, SIDE + 20), tip], fill=255, width=wide)
    return darkened(two(), mask, rng)


def narrow_shadow(rng):
    """The soft shadow of a single finger across the digit, two or three strokes wide."""
    mask, middle = Image.new("L", (SIDE, SIDE)), rng.uniform(110, 190)
    ends = [(middle + rng.normal(0, 15), rng.uniform(90, 130)), (middle, SIDE + 20)]
    ImageDraw.Draw(mask).line(ends, fill=255, width=int(rng.uniform(28, 36)))
    return soft_shadow(two(width=16), mask, blur=6, depth=0.3)


def soft_shadow(image, mask, blur, depth):
    """The picture in even light, darker by this share where a mask (L) throws a shadow with a blurred edge."""
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), np.float32)[..., None] / 255
    noise = np.random.default_rng(0).normal(0, 2, (*cover.shape[:2], 1))
    return Image.fromarray(np.clip(np.asarray(image) * (1 - depth * cover) + noise, 0, 255).astype(np.uint8))


def thin_border(rng):
    """One white pixel at two sides of a black canvas, as a browser's screenshot has it."""
    image = two(ink="white", ground="black")
    first, second = rng.permutation(4)[:2]
    for side in (first, second):
        ends = {0: [(0, 0), (SIDE, 0)], 1: [(0, 0), (0, SIDE)], 2: [(0, SIDE - 1), (SIDE, SIDE - 1)]}
        lines(image, [ends.get(int(side), [(SIDE - 1, 0), (SIDE - 1, SIDE)])], "white", 1)
    return image


def grey_frame(rng):
    """A grey frame around white paper."""
    image, level = two(ink="black", ground="white"), int(rng.uniform(90, 215))
    wide = int(rng.uniform(4, 30))
    ImageDraw.Draw(image).rectangle([0, 0, SIDE - 1, SIDE - 1], outline=(level,) * 3, width=wide)
    return image


def askew_on_desk(rng):
    """A sheet that lies turned on a textured table."""
    sheet = two(scale=0.9).convert("RGBA").rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
    side = int(max(sheet.size) * rng.uniform(1.05, 1.4))
    grain = rng.normal(0, 9, (side, side, 1)) + np.array([80, 55, 40])
    table = Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))
    table.paste(sheet, tuple(int(at) for at in rng.uniform(0, side - max(sheet.size), 2)), sheet)
    return photographed(table, rng)


MADE = (
    cell, broken_cell, wide_cell, squared, ruled, ruled_sheet, squared_sheet, binarised, desk_strip, desk_corner,
    other_writing, punched_holes, spiral, ledge, pasted, shadow, phone_shadow, finger_shadow, narrow_shadow,
    thin_border, grey_frame,
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_the_digit_comes_out_as_on_blank_paper(made, way):
    tensor = preprocessing.to_mnist(made(np.random.default_rng([0, way])))
    assert unlikeness(tensor, REFERENCE) < 0.4  # a line or an edge that stays gives 0.6 and more


@pytest.mark.parametrize("way", WAYS)
def test_a_ruled_sheet_without_writing_is_blank(way):
    rng = np.random.default_rng([0, way])
    assert not preprocessing.prepare(photographed(sheet_of(rng, squares=False), rng, noise=1)).has_ink


TURNED = [preprocessing.to_mnist(two().rotate(angle, fillcolor=PAPER)) for angle in range(-12, 13, 3)]


def is_the_two_turned(image):
    return min(unlikeness(preprocessing.to_mnist(image), turned) for turned in TURNED) < 0.4


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
    prepared = preprocessing.prepare(drawn)
    assert prepared.diagnostics.lines == 0
    whole = Image.new("L", (800, 800), 255)
    whole.paste(drawn, (200, 200))
    assert unlikeness(prepared.tensor, preprocessing.to_mnist(whole)) < 0.15


def test_the_pads_own_drawings_are_left_as_they_are():
    prepared = preprocessing.prepare(two(ground="white", ink="black"))
    assert prepared.removed is None
    assert prepared.diagnostics.lines == prepared.diagnostics.edge_pieces == 0


def test_what_is_left_out_is_told_and_shown():
    image = lines(two(), [[(-5, 20), (305, 22)], [(15, -5), (14, 305)]], (40, 40, 45), 4)
    prepared = preprocessing.prepare(photographed(image, np.random.default_rng(0)))
    assert prepared.diagnostics.lines == 2
    assert "Two lines of the paper were left out." in prepared.diagnostics.hints
    assert prepared.removed.shape == prepared.ink.shape
    assert 0 <= prepared.removed.min() < prepared.removed.max() <= 1
    height, width = prepared.removed.shape
    assert prepared.removed[: height // 6].mean() > 10 * prepared.removed[height // 3 :, width // 3 :].mean()


def test_things_at_the_edge_are_told():
    prepared = preprocessing.prepare(desk_corner(np.random.default_rng(0)))
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


@pytest.mark.parametrize("depth", [0.38, 0.45])
def test_the_middle_of_a_soft_shadow_is_no_ink(depth):
    row = Image.new("RGB", (800, 600), PAPER)
    for left in (150, 325, 500):
        row.paste(two(size=150, width=8), (left, 225))
    mask = Image.new("L", row.size)
    ImageDraw.Draw(mask).ellipse([300, 100, 560, 500], fill=255)
    assert [reading.best for reading in app.read(soft_shadow(row, mask, blur=40, depth=depth))] == ["2", "2", "2"]


BOARD = (165, 168, 170)


@pytest.mark.parametrize(
    ("across", "down", "size"), [(0.35, 0.9, 0.3), (2.4, 0.4, 0.2), (0.1, 0.5, 0.6), (2.9, 0.5, 0.6)]
)
def test_lamp_that_a_whiteboard_mirrors_hides_no_digit(across, down, size):
    row = Image.new("RGB", (900, 300), BOARD)
    for left in (50, 320, 590):
        row.paste(two(size=260, ground=BOARD), (left, 20))
    y, x = np.mgrid[:300, :900] / 300
    lamp = 180 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / size**2)
    shot = np.minimum(np.asarray(row, np.float32) + lamp[..., None], 255).astype(np.uint8)
    shot = photographed(Image.fromarray(shot), np.random.default_rng(0))
    assert [reading.best for reading in app.read(shot)] == ["2", "2", "2"]


def test_board_is_not_told_from_the_lamp_that_it_mirrors_by_two_tones():
    image = two(ground=BOARD)
    ImageDraw.Draw(image).rectangle([60, 230, 240, 290], fill="white")
    assert paper_is_light(image) is None


@pytest.mark.parametrize("level", [-1e-7, 0, 0.01, 0.5, 1])
def test_paper_of_one_tone_has_no_shadow(level):
    level = np.float32(level)
    assert three_tones(np.array([level, np.nextafter(level, np.float32(2))])) is None


@pytest.mark.parametrize("level", [200, 225])
@pytest.mark.parametrize("rim", [4, 8, 15])
def test_a_blank_card_with_a_white_rim_is_blank(level, rim):
    image = Image.new("L", (SIDE, SIDE), "white")
    image.paste(level, (rim, rim, SIDE - rim, SIDE - rim))
    assert app.read(image) == []


def test_thick_ink_on_half_of_a_small_jpeg_is_ink():
    tight = photographed(two(width=54).crop((80, 40, 225, 260)), np.random.default_rng(0), noise=4)
    prepared = preprocessing.prepare(tight)
    assert prepared.has_ink
    assert unlikeness(np.float32(prepared.tensor > 0.3), np.float32(preprocessing.to_mnist(two(width=54)) > 0.3)) < 0.3


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
    tensors = np.stack([preprocessing.to_mnist(picture) for picture, _ in pictures])
    read = model.predict_proba(tensors.reshape(len(tensors), -1)).argmax(axis=1)
    assert np.mean([str(answer) == text for answer, (_, text) in zip(read, pictures, strict=True)]) >= KINDS[kind]


@pytest.mark.parametrize("drawing", [111, 10368, 12890, 9362, 12923])
def test_bar_of_a_thick_seven_or_two_is_no_border_of_the_paper(sketches, drawing):
    """Its upper and lower edge are found as two lines, and lie near the edge of the photograph."""
    [sample] = [each for each in sketches.load(core=True) if each.id == drawing]
    tensor = preprocessing.to_mnist(sketches.draw(sample, "photo"))
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
    assert preprocessing.prepare(levels).box == pytest.approx((x - 3, 75, x + 128, 108), abs=6)


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
    assert preprocessing.prepare(photograph).diagnostics.lines == 0
    answer = app.recognize(photograph)
    assert max(answer, key=answer.get) == digit
