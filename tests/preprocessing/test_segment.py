"""Several digits in one picture: found, kept whole, and read in order."""

import numpy as np
import pytest
from bench.segment import number_on_pad, numbers, score
from conftest import EXAMPLES
from pictures import DIGITS, digit, draw_stroke
from PIL import Image, ImageDraw, ImageOps

import app
from preprocessing import prepare
from preprocessing.pieces.rows import mergeable
from preprocessing.segment import split
from weights.serving.recognize import examine, joint_confidence

HEIGHT = 120
GAP = 30
PEN = 14


def written(*lines, gap=GAP):
    """A picture with each line of digits written below the other."""
    rows = [[digit(name, HEIGHT) for name in line] for line in lines]
    width = max(sum(part.width + gap for part in row) for row in rows) + 80
    paper = Image.new("L", (width, len(rows) * (HEIGHT + gap) + 80), "white")
    for i, row in enumerate(rows):
        x = 40
        for part in row:
            paper.paste(part, (x, 40 + i * (HEIGHT + gap)))
            x += part.width + gap
    return paper


def text(readings):
    return " ".join(reading.best for reading in readings)


def drawn(strokes, size=300):
    image = Image.new("L", (size, size), "white")
    for stroke in strokes:
        draw_stroke(image, [(x * size, y * size) for x, y in stroke], PEN)
    return image


def arc(start, end, squeeze=0.7):
    """A part of an oval around (0.5, 0.5), angles in degrees, as one stroke."""
    angles = np.radians(np.linspace(start, end, 30))
    return [(0.5 + 0.35 * squeeze * np.cos(a), 0.5 + 0.35 * np.sin(a)) for a in angles]


@pytest.mark.parametrize("digits", ["12", "70", "2026", "99", "35", "840"])
@pytest.mark.parametrize("gap", [GAP, 2 * GAP])
def test_digits_side_by_side_are_read_in_order(digits, gap):
    readings = app.read(written(digits, gap=gap))
    assert text(readings) == " ".join(digits)
    assert joint_confidence(readings) == pytest.approx(np.prod([reading.confidence for reading in readings]))


@pytest.mark.parametrize("light", [False, True])
def test_a_number_in_a_slanted_frame_is_read_and_the_frame_is_no_printed_lines(light):
    image = Image.new("L", (560, 340), 215)
    image.paste(written("289"), (60, 50))
    ImageDraw.Draw(image).rectangle((75, 60, 465, 240), outline=0, width=5)
    image = image.rotate(5, Image.Resampling.BICUBIC, fillcolor=215).reduce(3)
    levels = np.asarray(image) + np.random.default_rng(0).normal(0, 4, image.size[::-1])
    image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    image = ImageOps.invert(image) if light else image
    assert text(app.read(image)) == "2 8 9"
    assert prepare(image).diagnostics.lines == 0


@pytest.mark.parametrize("right", [432, 440, 470])
def test_a_ring_around_a_number_may_touch_a_digit(right):
    image = Image.new("L", (560, 340), 255)
    image.paste(written("289"), (60, 50))
    ImageDraw.Draw(image).ellipse((30, 20, right, 300), outline=0, width=6)
    assert text(app.read(image)) == "2 8 9"


def test_a_line_around_the_paper_at_the_end_of_a_margin_is_no_paper():
    image = Image.new("L", (500, 300), 130)
    plate = Image.new("L", (440, 240), 220)
    plate.paste(written("33").point(lambda level: min(level, 220)), (60, 20))
    ImageDraw.Draw(plate).rectangle((2, 2, 437, 237), outline=0, width=3)
    image.paste(plate, (30, 30))
    assert text(app.read(image)) == "3 3"


def test_lines_are_read_one_after_the_other():
    assert text(app.read(written("27", "506"))) == "2 7 5 0 6"


def test_boxes_frame_the_digits_where_they_stand():
    left, right = app.read(written("26"))
    assert left.box[0] == pytest.approx(40, abs=3)
    assert right.box[0] == pytest.approx(40 + digit("2", HEIGHT).width + GAP, abs=3)
    assert right.box[3] - right.box[1] == pytest.approx(HEIGHT, abs=5)


@pytest.mark.parametrize("path", DIGITS.values(), ids=lambda path: path.stem)
def test_single_digit_is_read_as_ever(path):
    (reading,) = app.read(Image.open(path))
    expected = examine(Image.open(path), app.served().current)
    assert reading.answer == expected.answer
    assert reading.prepared.diagnostics == expected.prepared.diagnostics


BROKEN_ZEROS = {
    "left and right": [arc(-80, 80), arc(100, 260)],
    "top and bottom": [arc(188, 352), arc(8, 172)],
}


@pytest.mark.parametrize("halves", BROKEN_ZEROS)
def test_broken_zero_stays_one_digit(halves):
    assert text(app.read(drawn(BROKEN_ZEROS[halves]))) == "0"


def test_five_with_a_loose_top_stroke_stays_one_digit():
    belly = [(0.36, 0.24), (0.34, 0.5), (0.52, 0.44), (0.66, 0.56), (0.64, 0.76), (0.48, 0.86), (0.3, 0.8)]
    assert text(app.read(drawn([belly, [(0.44, 0.2), (0.72, 0.18)]]))) == "5"


def test_four_in_two_strokes_that_do_not_meet_stays_one_digit():
    assert text(app.read(drawn([[(0.34, 0.14), (0.26, 0.56), (0.54, 0.56)], [(0.64, 0.3), (0.62, 0.88)]]))) == "4"


def test_a_star_is_one_drawing_that_is_no_digit():
    (reading,) = app.read(EXAMPLES / "shape-star.png")
    assert reading.symbol == "?"


@pytest.mark.parametrize("turn", range(0, 72, 8))
def test_a_drawing_in_one_piece_is_not_cut_into_a_digit_and_something_else(turn):
    corners = np.radians(turn + 144 * np.arange(6))
    star = drawn([[(0.5 + 0.4 * np.cos(a), 0.5 + 0.4 * np.sin(a)) for a in corners]])
    symbols = [reading.symbol for reading in app.read(star)]
    assert symbols == ["?"] or "?" not in symbols


@pytest.mark.parametrize("points", [[0, 8], [0, 4, 8], [0, 2, 6, 8], [0, 2, 4, 6, 8], [0, 2, 3, 5, 6, 8]])
def test_the_points_of_dice_are_no_zeros(points):
    for size in (22, 28, 36):
        dice = Image.new("L", (400, 400), "white")
        draw = ImageDraw.Draw(dice)
        draw.rounded_rectangle((70, 70, 330, 330), 40, outline="black", width=10)
        for point in points:
            x, y = 120 + 80 * (point % 3), 120 + 80 * (point // 3)
            draw.ellipse((x - size, y - size, x + size, y + size), fill="black")
        readings = app.read(dice)
        assert readings, size
        assert not any(reading.best.isdigit() for reading in readings), size


@pytest.mark.parametrize("gap", [4, 12, 20])
def test_the_two_halves_of_a_one_on_a_display_are_one_digit(gap):
    one = Image.new("L", (400, 400), "white")
    ImageDraw.Draw(one).rectangle((190, 80, 212, 200 - gap // 2), fill="black")
    ImageDraw.Draw(one).rectangle((190, 200 + gap // 2, 212, 320), fill="black")
    assert text(app.read(one)) == "1"


def test_a_zero_close_below_a_nine_is_no_underline():
    ring, nine = arc(0, 360, squeeze=1), digit("9", 130)
    image = drawn([[(x * 0.6 + 0.2, y * 0.4 + 0.5) for x, y in ring]], 400)
    image.paste(nine, (200 - nine.width // 2, 60))
    assert text(app.read(image)) == "9 0"


def test_a_digit_of_dots_is_one_digit():
    two = Image.new("L", (400, 400), "white")
    for y, row in enumerate(("01110", "10001", "00001", "00110", "01000", "10000", "11111")):
        for x in (index for index, dot in enumerate(row) if dot == "1"):
            ImageDraw.Draw(two).ellipse((100 + 40 * x, 60 + 40 * y, 136 + 40 * x, 96 + 40 * y), fill="black")
    assert text(app.read(two)) == "2"


@pytest.mark.parametrize("name", ["0", "2", "3", "5", "6", "8", "9"])
@pytest.mark.parametrize("turn", [-4, 0, 4])
def test_an_underlined_digit_is_read_without_the_line(name, turn):
    image, ink = Image.new("L", (400, 400), "white"), digit(name, 200)
    image.paste(ink, (200 - ink.width // 2, 80))
    for length in (0.8, 1.1):
        reach = length * max(ink.width, 100) / 2
        draw_stroke(image, [(200 - reach, 325), (200 + reach, 325)], 20)
        assert text(app.read(image.rotate(turn, fillcolor="white"))) == name, length


def test_dot_beside_a_digit_is_no_digit():
    picture = written("7")
    pen = ImageDraw.Draw(picture)
    pen.ellipse([8, 8, 20, 20], fill="black")
    assert text(app.read(picture)) == "7"


@pytest.mark.parametrize("blank", [Image.new("L", (60, 40), "white"), np.zeros((28, 28))])
def test_picture_without_ink_holds_no_digits(blank):
    assert app.read(blank) == []


def test_paper_and_light_do_not_matter():
    paper = written("406")
    assert text(app.read(ImageOps.invert(paper))) == "4 0 6"
    grey = np.asarray(paper, np.float32) * 0.4 + 90
    light = np.linspace(0.75, 1.1, grey.shape[1])
    noisy = grey * light + np.random.default_rng(0).normal(0, 5, grey.shape)
    assert text(app.read(np.clip(noisy, 0, 255).astype(np.uint8))) == "4 0 6"


def bars(*columns):
    """A picture with a bar from top to bottom between each pair of columns, slanting to the right by `slant` pixels."""
    image = Image.new("L", (200, 100), "white")
    pen = ImageDraw.Draw(image)
    for left, right, slant in columns:
        pen.polygon([(left + slant, 10), (right + slant, 10), (right, 90), (left, 90)], fill="black")
    return image


def as_sure_of_all(tensors):
    """A reader to whom everything is as likely a digit, so that the places of the pieces decide."""
    return np.full((len(tensors), 10), 0.9)


def test_where_the_reader_cannot_decide_near_pieces_are_one_digit_and_far_ones_two():
    assert len(split(bars((50, 60, 0), (62, 72, 0)), as_sure_of_all)) == 1
    assert len(split(bars((50, 60, 0), (90, 100, 0)), as_sure_of_all)) == 2


def test_where_the_reader_prefers_two_pieces_above_each_other_stay_one_digit():
    def rather_two(tensors):
        middle = tensors.reshape(-1, 28, 28)[:, 14] > 0.5
        strokes = np.count_nonzero(middle[:, 1:] > middle[:, :-1], axis=1)
        return np.where(strokes > 1, 0.7, 0.99)[:, None]

    beside, across = bars((50, 60, 0), (68, 78, 0)), bars((50, 60, 30), (68, 78, 30))
    assert len(split(beside, rather_two)) == 2
    assert len(split(across, rather_two)) == 1  # the slanted ones share most of their columns


def test_sketches_in_a_row_are_read_whole_and_alone_are_not_split(sketches):
    core = sketches.load(core=True)
    pictures = ((number_on_pad(sketches, digits, rng, "photo"), digits) for digits, rng in numbers(core, 30, seed=7))
    shares = score(pictures)
    assert shares["count"] >= 0.95
    assert shares["whole"] >= 0.85
    singles = sketches.subset(core, 50)
    assert sum(len(app.read(sketches.draw(single))) != 1 for single in singles) <= 1


def test_a_long_scribble_costs_no_more_reads_than_a_page_of_digits():
    picture = Image.new("L", (2000, 100), "white")
    x = np.linspace(10, 1990, 1200)
    wave = np.stack([x, 50 + 30 * np.sin(x * 60 * 2 * np.pi / 1980)], axis=1)
    ImageDraw.Draw(picture).line([tuple(point) for point in wave], fill="black", width=3)
    reads = []

    def unsure(tensors):
        reads.extend(tensors)
        return np.full((len(tensors), 11), 1 / 11)

    split(picture, unsure)
    assert len(reads) < 1000


@pytest.mark.parametrize(("count", "pen"), [(12, 5), (20, 5), (30, 7)])
def test_a_long_row_is_read_although_it_vanishes_in_the_frame_of_one_digit(count, pen):
    strip = Image.new("L", (80 * count, 100), "white")
    for x in range(20, strip.width, 80):
        ImageDraw.Draw(strip).line([(x, 20), (x + 36, 20), (x + 10, 80)], fill="black", width=pen, joint="curve")
    assert text(app.read(strip)) == " ".join("7" * count)


def test_in_a_tall_column_of_pieces_only_those_side_by_side_are_taken_together():
    assert len(mergeable([[0], [1], [2]], 3)) == 6
    assert len(mergeable([[row] for row in range(240)], 16)) == 240


def test_what_is_no_picture_gets_a_value_error():
    with pytest.raises(ValueError, match=r"\S"):
        app.read(np.zeros((3, 4, 5, 6)))
