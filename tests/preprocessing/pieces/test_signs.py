"""Signs between digits, pages of many digits and digits that touch: what is what, and in which row."""

import matplotlib
import numpy as np
import pytest
from pictures import digit, draw_stroke
from PIL import Image, ImageDraw, ImageFont, ImageOps

import app
from preprocessing.pieces.glyphs import is_cut_level
from preprocessing.pieces.rows import find_rows
from weights.serving.recognize import joint_confidence

HEIGHT = 120
# Strokes in a square as high as a digit: (0, 0) is its upper left corner, (1, 1) its lower right one.
SIGNS = {
    ".": [[(0.5, 0.95), (0.51, 0.95)]],
    ",": [[(0.52, 0.88), (0.46, 1.08)]],
    "'": [[(0.5, 0.0), (0.46, 0.25)]],
    "-": [[(0.25, 0.52), (0.75, 0.5)]],
    "+": [[(0.5, 0.25), (0.5, 0.75)], [(0.25, 0.5), (0.75, 0.5)]],
    "=": [[(0.2, 0.4), (0.8, 0.39)], [(0.2, 0.62), (0.8, 0.61)]],
    "x": [[(0.25, 0.28), (0.75, 0.74)], [(0.75, 0.26), (0.25, 0.76)]],
    "/": [[(0.75, -0.08), (0.35, 1.1)]],
    ":": [[(0.5, 0.36), (0.5, 0.37)], [(0.5, 0.72), (0.5, 0.73)]],
    "(": [[(0.6, -0.08), (0.46, 0.2), (0.42, 0.5), (0.46, 0.8), (0.6, 1.08)]],
    ")": [[(0.4, -0.08), (0.54, 0.2), (0.58, 0.5), (0.54, 0.8), (0.4, 1.08)]],
    "%": [
        [(0.85, 0.02), (0.15, 1.0)],
        [(0.22 + 0.15 * np.cos(turn), 0.22 + 0.18 * np.sin(turn)) for turn in np.linspace(0, 6.6, 15)],
        [(0.78 + 0.15 * np.cos(turn), 0.8 + 0.18 * np.sin(turn)) for turn in np.linspace(0, 6.6, 15)],
    ],
    "°": [[(0.3 + 0.14 * np.cos(turn), 0.1 + 0.15 * np.sin(turn)) for turn in np.linspace(0, 6.6, 15)]],
    "!": [[(0.5, 0.0), (0.49, 0.72)], [(0.48, 0.97), (0.49, 0.97)]],
    "i": [[(0.72, 0.0), (0.5, 0.72)], [(0.42, 0.97), (0.43, 0.97)]],  # an exclamation mark that leans
    "[": [[(0.62, -0.05), (0.4, -0.05), (0.4, 1.05), (0.62, 1.05)]],
    "]": [[(0.38, -0.05), (0.6, -0.05), (0.6, 1.05), (0.38, 1.05)]],
    "v": [[(0.05, 0.45), (0.3, 0.85)], [(0.3, 0.85), (0.95, 0.05)]],  # a tick
}


def sign(name, pen, rng):
    """A sign beside a digit of HEIGHT, 20 pixels of white above and below; the ends of strokes wander a little."""
    canvas = Image.new("L", (HEIGHT, HEIGHT + 40), "white")
    for stroke in SIGNS[name]:
        draw_stroke(canvas, [tuple(np.multiply(point, HEIGHT) + rng.normal((0, 20), 2)) for point in stroke], pen)
    return canvas.crop((ImageOps.invert(canvas).getbbox()[0], 0, ImageOps.invert(canvas).getbbox()[2], HEIGHT + 40))


def written(text, seed=0, pen=12):
    """A picture of rows of digits and signs, parted by a newline."""
    rng = np.random.default_rng(seed)
    rows = [[sign(c, pen, rng) if c in SIGNS else digit(c, HEIGHT) for c in row] for row in text.split("\n")]
    gap = int(rng.integers(18, 32))
    width = max(sum(part.width + gap for part in row) for row in rows) + 80
    paper = Image.new("L", (width, len(rows) * (HEIGHT + 50) + 80), "white")
    for i, row in enumerate(rows):
        x = 40
        for part in row:
            y = 40 + i * (HEIGHT + 50) + int(rng.integers(-4, 5)) - (20 if part.height == HEIGHT + 40 else 0)
            paper.paste(part, (x, y), ImageOps.invert(part))
            x += part.width + gap
    return paper


def text_of(readings):
    """What was read, as the contract of /read has it."""
    rows = {}
    for reading in readings:
        found = reading.best if reading.best.isdigit() else reading.prepared.mark or "?"
        rows[reading.prepared.line] = rows.get(reading.prepared.line, "") + found
    return "\n".join(rows[line] for line in sorted(rows))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3.14", "3.14"),
        ("3,14", "3.14"),
        ("3'14", "3?14"),
        ("3-14", "3?14"),
        ("3+14", "3?14"),
        ("3=14", "3?14"),
        ("3x14", "3?14"),
        ("26:2", "26?2"),
        ("3/14", "3?14"),
        ("-7.5", "-7.5"),
        ("46+18=", "46?18?"),
        ("(12)", "?12?"),
        ("71", "71"),
        ("35%", "35?"),
        ("6%4", "6?4"),
        ("24°", "24?"),
        ("5!", "5?"),
        ("[12]", "?12?"),
        ("[985]", "?985?"),
        ("4(26)", "4?26?"),
        ("26i", "26?"),
    ],
)
def test_sign_is_a_reading_of_its_own_and_takes_no_digit(text, expected, seed):
    picture = written(text, seed, pen=10 + seed % 4 * 2)
    readings = app.read(picture)
    assert text_of(readings) == expected
    lefts = [reading.box[0] for reading in readings]
    assert lefts == sorted(lefts)


@pytest.mark.parametrize("face", ["DejaVuSans", "DejaVuSerif", "DejaVuSans-Oblique", "STIXGeneral"])
@pytest.mark.parametrize(
    "text", ["6/8", "1/2", "12/03/2024", "31/12", "45%", "100%", "23°", "18°C", "4!", "3?", "[72]"]
)
def test_printed_signs_take_no_digit(text, face):
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/{face}.ttf", 90)
    picture = Image.new("L", (720, 200), "white")
    ImageDraw.Draw(picture).text((50, 40), text, font=font, fill=20)
    assert text_of(app.read(picture)) == "".join(c if c.isdigit() else "?" for c in text)


@pytest.mark.parametrize("share", [0.4, 0.5, 0.6])
@pytest.mark.parametrize(("euros", "cents"), [("5", "00"), ("3", "50"), ("7", "09")])
def test_raised_cents_of_a_price_are_digits(euros, cents, share):
    picture, x = Image.new("L", (560, 220), "white"), 40
    for name, height in [(each, HEIGHT) for each in euros] + [(each, int(share * HEIGHT)) for each in cents]:
        part = digit(name, height)
        picture.paste(part, (x, 50), ImageOps.invert(part))
        x += part.width + 18
    assert text_of(app.read(picture)) == euros + cents


@pytest.mark.parametrize("name", ["2", "4", "6", "8", "9"])
@pytest.mark.parametrize("base", ["5", "32", "71"])
def test_a_raised_digit_is_no_degree_sign(base, name):
    picture = ImageOps.expand(written(base), (0, 0, 90, 0), "white")
    small, x = digit(name, int(0.5 * HEIGHT)), ImageOps.invert(picture).getbbox()[2] + 12
    picture.paste(small, (x, 42), ImageOps.invert(small))
    assert text_of(app.read(picture)) == base + name


@pytest.mark.parametrize("share", [0.45, 0.5, 0.55])
@pytest.mark.parametrize("name", ["7", "9", "3", "4"])
def test_a_short_raised_one_is_no_line_above(name, share):
    part, picture = digit(name, HEIGHT), Image.new("L", (300, 220), "white")
    picture.paste(part, (40, 60), ImageOps.invert(part))
    x = part.width + 64
    draw_stroke(picture, [(x + 4, 60), (x, 60 + share * HEIGHT)], 10)
    assert text_of(app.read(picture)) == f"{name}1"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("text", ["7", "1", "73"])
def test_a_speck_below_a_digit_makes_no_exclamation_mark_of_it(text, seed):
    picture = written(f"4{text}", seed)
    left, _, right, bottom = ImageOps.invert(picture).getbbox()
    x = right - 45 if text != "73" else (left + right) // 2
    ImageDraw.Draw(picture).ellipse((x, bottom + 3, x + 12, bottom + 15), "black")
    assert text_of(app.read(picture)).replace("?", "") == f"4{text}"


def ruled(text, pen, height, gap, slant=0.0):
    """Numbers of exactly straight strokes and arcs, as a quick mouse or a line tool draws them, round at their ends."""

    def arc(x, y, across, down, start=0, end=360):
        turns = np.radians(np.linspace(start, end, 48))
        return [(x + across * np.sin(turn), y - down * np.cos(turn)) for turn in turns]

    shapes = {
        "1": [[(0.35, 0), (0, 1)]],
        "2": [[*arc(0.25, 0.26, 0.25, 0.26, -80, 120), (0, 1), (0.52, 1)]],
        "3": [[*arc(0.2, 0.25, 0.26, 0.25, -80, 180), *arc(0.2, 0.75, 0.28, 0.25, 0, 260)]],
        "5": [[(0.5, 0), (0.08, 0), (0.05, 0.42), *arc(0.22, 0.68, 0.28, 0.3, -20, 230)]],
        "6": [[(0.42, 0), (0.2, 0.25), (0.03, 0.62)], arc(0.26, 0.76, 0.24, 0.23)],
        "7": [[(0, 0), (0.5, 0), (0.15, 1)]],
        "9": [arc(0.25, 0.24, 0.24, 0.23), [(0.49, 0.1), (0.47, 1)]],
    }
    strokes, x = [], 0.0
    for name in text:
        strokes += [np.add(stroke, (x, 0)) for stroke in shapes[name]]
        x = max(points[:, 0].max() for points in strokes) + gap
    canvas = Image.new("L", (int((x + 1.5) * height), 2 * height), "white")
    for points in strokes:
        leaning = points - np.outer(slant * (points[:, 1] - 0.5), (1, 0))
        draw_stroke(canvas, [tuple(point) for point in (leaning + 0.5) * height], pen)
    return canvas


@pytest.mark.parametrize(("height", "pen"), [(120, 10), (60, 6), (200, 24)])
@pytest.mark.parametrize("slant", [0, 0.2])
@pytest.mark.parametrize("text", ["213", "517", "12", "7167", "313"])
def test_a_one_as_straight_as_a_ruler_is_no_slash(text, slant, height, pen):
    assert text_of(app.read(ruled(text, pen, height, gap=0.3, slant=slant))) == text


@pytest.mark.parametrize("gap", [0.1, 0.15, 0.2, 0.3])
@pytest.mark.parametrize("text", ["965", "96", "2965", "196"])
def test_a_nine_before_a_six_is_no_percent_sign(text, gap):
    assert text_of(app.read(ruled(text, 6, 120, gap))) == text


@pytest.mark.parametrize("text", ["20°25°", "5°10'", "48°12'30"])
def test_each_of_several_degree_signs_is_one(text):
    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 90)
    picture = Image.new("L", (720, 200), "white")
    ImageDraw.Draw(picture).text((50, 40), text, font=font, fill=20)
    assert text_of(app.read(picture)) == "".join(c if c.isdigit() else "?" for c in text)


@pytest.mark.parametrize("mark", ["dot", "slash"])
@pytest.mark.parametrize("gap", [8, 12])
def test_the_halves_of_a_zero_are_no_brackets(gap, mark):
    picture = ImageOps.expand(written("7"), (0, 0, 140, 0), "white")
    pen, left = ImageDraw.Draw(picture), picture.width - 150
    for start in (90, 270):
        pen.arc((left, 45, left + 90, 165), start + gap, start + 180 - gap, "black", 12)
    strokes = {"dot": [(left + 45, 104), (left + 46, 106)], "slash": [(left + 57, 82), (left + 33, 128)]}
    draw_stroke(picture, strokes[mark], 12)
    assert text_of(app.read(picture)) == "70"


@pytest.mark.parametrize("gap", [14, 17])
def test_a_one_of_a_dry_pen_is_no_exclamation_mark(gap):
    picture = ImageOps.expand(written("82"), (0, 0, 60, 0), "white")
    x = picture.width - 80
    for ends in ((42, 120), (120 + 12 + gap, 160)):
        draw_stroke(picture, [(x, y) for y in ends], 12)
    assert text_of(app.read(picture)) == "821"


@pytest.mark.parametrize("width", [12, 20])
@pytest.mark.parametrize("leaning", [0.2, 0.4])
def test_the_ends_of_a_printed_stroke_are_cut_level(width, leaning):
    printed, by_pen = Image.new("L", (400, 520), "white"), Image.new("L", (400, 520), "white")
    top, bottom = 260, 260 - int(400 * leaning)
    corners = [(top, 60), (top + 4 * width, 60), (bottom + 4 * width, 459), (bottom, 459)]
    ImageDraw.Draw(printed).polygon(corners, fill="black")
    draw_stroke(by_pen, [(top, 60), (bottom, 459)], 4 * width)
    assert is_cut_level(ink_in_its_box(printed.reduce(4)))
    assert not is_cut_level(ink_in_its_box(by_pen.reduce(4)))


def ink_in_its_box(picture):
    return np.asarray(ImageOps.invert(picture).crop(ImageOps.invert(picture).getbbox()), np.float32) / 255


@pytest.mark.parametrize("leaning", [-0.5, -0.3, 0.3, 0.5])
def test_slanted_digits_with_two_holes_are_no_percent_signs(leaning):
    picture = written("28869")
    move = (1, leaning, -leaning * picture.height / 2, 0, 1, 0)
    slanted = picture.transform(picture.size, Image.Transform.AFFINE, move, fillcolor="white")
    assert text_of(app.read(slanted)) == "28869"


@pytest.mark.parametrize("seed", range(5))
def test_a_tick_behind_a_number_is_not_cut_into_digits(seed):
    assert text_of(app.read(written("57v", seed, pen=10 + seed % 4 * 2))) == "57?"


def test_sign_is_named_not_a_digit_though_it_looks_like_a_one():
    three, comma, one, four = app.read(written("3,14"))
    assert comma.best == "not a digit"
    assert (three.best, one.best, four.best) == ("3", "1", "4")
    assert comma.box[3] - comma.box[1] < (one.box[3] - one.box[1]) / 2


@pytest.mark.parametrize("number", ["25", "17", "40", "836"])
@pytest.mark.parametrize("share", [0.25, 0.35, 0.42, 0.46])  # and the width of the pen
def test_short_low_one_in_front_of_a_number_is_no_comma(number, share):
    picture = ImageOps.expand(written(number), (80, 0, 0, 0), "white")
    bottom = 40 + 1.08 * HEIGHT
    draw_stroke(picture, [(90, bottom - share * HEIGHT), (84, bottom)], 10)
    assert text_of(app.read(picture)) == f"1{number}"


def test_slanted_one_among_slanted_digits_is_no_slash():
    picture = written("2417")
    leaning = picture.transform(picture.size, Image.Transform.AFFINE, (1, 0.35, -40, 0, 1, 0), fillcolor="white")
    assert text_of(app.read(leaning)) == "2417"


def test_dot_behind_a_digit_is_no_decimal_point():
    assert text_of(app.read(written("7."))) == "7"
    assert text_of(app.read(written("72."))) == "72"


@pytest.mark.parametrize("seed", range(3))
def test_page_of_forty_digits_is_read_row_by_row(seed):
    rows = "20462890\n45703216\n90125638\n36720549\n81634507"
    assert text_of(app.read(written(rows, seed))) == rows


@pytest.mark.parametrize("turn", [-4, -2, 2, 4])
def test_rows_of_a_turned_page_stay_rows(turn):
    rows = "204628\n457032\n901256"
    picture = written(rows).rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert text_of(app.read(picture)) == rows


@pytest.mark.parametrize("rows", [("95", "7342"), ("7", "12"), ("204", "36"), ("3917", "983")])
@pytest.mark.parametrize("to_the_right", [True, False])
def test_numbers_of_which_one_is_higher_are_two_rows(rows, to_the_right):
    upper, lower = (written(row) for row in rows)
    page = Image.new("L", (upper.width + lower.width, upper.height + lower.height - 60), "white")
    page.paste(upper, (lower.width if to_the_right else 0, 0))
    page.paste(lower, (0 if to_the_right else upper.width, page.height - lower.height))
    assert text_of(app.read(page)) == "\n".join(rows)


def test_digits_of_which_each_stands_a_little_lower_are_one_row():
    parts, page = [digit(name, HEIGHT) for name in "2046"], Image.new("L", (700, 400), "white")
    for index, part in enumerate(parts):
        page.paste(part, (40 + 150 * index, 40 + round(0.5 * HEIGHT) * index), ImageOps.invert(part))
    assert text_of(app.read(page)) == "2046"


def test_number_of_eighteen_digits_is_read():
    assert text_of(app.read(written("217533772747434158"))) == "217533772747434158"


def test_a_single_piece_joins_a_row_of_several_and_no_other():
    row = [[0, 0, 30, 50], [40, 0, 70, 50], [80, 0, 110, 50]]
    for low in ([-20, 22, -12, 49], [120, 25, 128, 52], [120, 0, 128, 26]):
        assert find_rows(np.array([*row, low])) == [sorted(range(4), key=lambda piece: [*row, low][piece][0])]
    assert find_rows(np.array([*row, [120, 45, 128, 75]])) == [[0, 1, 2], [3]]
    # Two digits one above the other, and a tall stroke beside them
    assert sorted(map(sorted, find_rows(np.array([[0, 0, 30, 50], [0, 60, 30, 110], [50, 10, 60, 100]])))) == [
        [0],
        [1],
        [2],
    ]


def test_lone_digit_beside_a_row_belongs_to_it():
    boxes = np.array([[0, 0, 30, 50], [50, 5, 80, 55], [300, 22, 330, 70], [0, 80, 30, 130], [50, 85, 80, 135]])
    assert find_rows(boxes) == [[0, 1, 2], [3, 4]]


def test_rows_that_reach_into_each_other_stay_apart():
    upper = [[x, 0 if x % 80 else 12, x + 30, 60 if x % 80 else 72] for x in range(0, 240, 40)]
    lower = [[x, 58 if x % 80 else 70, x + 30, 118 if x % 80 else 130] for x in range(0, 240, 40)]
    assert find_rows(np.array(upper + lower)) == [list(range(6)), list(range(6, 12))]


@pytest.mark.parametrize("height", [26, 28])
@pytest.mark.parametrize("left", [-40, 120])
def test_small_digit_that_stands_low_beside_a_row_belongs_to_it(height, left):
    boxes = np.array([[0, 0, 30, 50], [40, 0, 70, 50], [80, 0, 110, 50], [left, 54 - height, left + 6, 54]])
    assert find_rows(boxes) == [[3, 0, 1, 2] if left < 0 else [0, 1, 2, 3]]


def test_loose_strokes_and_commas_join_the_nearest_row():
    boxes = np.array([[0, 10, 30, 60], [5, 0, 30, 6], [50, 10, 80, 60], [36, 52, 42, 68], [0, 90, 30, 140]])
    assert find_rows(boxes) == [[0, 1, 3, 2], [4]]


def test_touching_digits_are_told_apart_without_false_certainty():
    paper = Image.new("L", (360, 220), "white")
    x = 50
    for name in "203":
        part = digit(name, HEIGHT)
        paper.paste(part, (x, 50), ImageOps.invert(part))
        x += part.width - 8
    readings = app.read(paper)
    assert text_of(readings) == "203"
    assert joint_confidence(readings) < 0.9


@pytest.mark.parametrize("number", ["01", "20", "22", "33", "77", "91"])
def test_touching_digits_that_lean_share_columns_and_are_told_apart(number):
    paper = Image.new("L", (420, 220), "white")
    x = 120
    for name in number:
        part = digit(name, HEIGHT)
        paper.paste(part, (x, 50), ImageOps.invert(part))
        x += part.width - 8
    leaning = paper.transform(paper.size, Image.Transform.AFFINE, (1, 0.5, -55, 0, 1, 0), fillcolor="white")
    assert text_of(app.read(leaning)) == number


def test_page_of_text_is_not_taken_apart():
    page = Image.new("L", (700, 400), "white")
    lines = ["When in the course of", "human events, it becomes", "necessary for one people", "to dissolve the bands"]
    for i, line in enumerate(lines):
        ImageDraw.Draw(page).text((20, 20 + i * 80), line, font=ImageFont.load_default(40), fill="black")
    readings = app.read(page)
    assert [reading.best for reading in readings] == ["not a digit"]


@pytest.mark.parametrize("seed", range(1, 5))
def test_scribbles_all_over_the_paper_are_no_page_of_digits(seed):
    rng = np.random.default_rng(seed)
    page = Image.new("L", (600, 400), "white")
    for _ in range(60):
        x, y = rng.uniform(20, 560), rng.uniform(20, 360)
        curl = [(x + step * 2, y + 12 * np.sin(step / 2 + x)) for step in range(10)]
        ImageDraw.Draw(page).line(curl, fill="black", width=3)
    assert [reading.best for reading in app.read(page)] == ["not a digit"]


@pytest.mark.parametrize(
    ("kind", "pictures", "whole", "count"),
    [("number", 24, 0.85, 0.95), ("sum", 20, 0.85, 0.9), ("decimal", 20, 0.85, 0.95), ("page", 8, 0.5, 0.85)],
)
def test_rows_of_digits_on_paper_are_read(paper, sketches, kind, pictures, whole, count):
    everyone = sketches.load(core=True)
    samples = [everyone[i] for i in np.random.default_rng(5).permutation(len(everyone))]
    right, counted, _ = paper.score(kind, samples, pictures, None, app.read)
    assert right / pictures >= whole
    assert counted / pictures >= count
