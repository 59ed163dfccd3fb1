"""What is drawn or lies around a digit is left out; what only looks so is kept."""

import numpy as np
import pytest
from drawn import REFERENCE, difference, seven, unlikeness
from pictures import draw_stroke
from PIL import Image, ImageDraw, ImageOps

from preprocessing import prepare, to_mnist
from preprocessing.background.surround import without_surround
from preprocessing.pieces.components import label, without_specks
from preprocessing.segment import split


def unsure(pixels):
    """A reader to which all pictures look alike."""
    return np.full((len(pixels), 11), 1 / 11)


def around(widths, colour, ink="black", paper="white"):
    """A 7 with this around its paper: so many pixels left, top, right and bottom."""
    left, top, right, bottom = widths
    whole = Image.new("RGB", (400 + left + right, 400 + top + bottom), colour)
    whole.paste(seven(ink=ink, paper=paper), (left, top))
    return whole


@pytest.mark.parametrize(
    ("widths", "colour"),
    [
        ((1, 1, 1, 1), "black"),
        ((10, 10, 10, 10), "black"),
        ((0, 60, 0, 60), "black"),
        ((50, 0, 0, 0), "navy"),
        ((90, 40, 70, 100), "black"),
    ],
    ids=str,
)
def test_what_lies_around_the_paper_is_no_paper(widths, colour):
    assert unlikeness(to_mnist(around(widths, colour)), REFERENCE) < 0.15
    inverted = ImageOps.invert(around(widths, colour))
    assert unlikeness(to_mnist(inverted), REFERENCE) < 0.15


@pytest.mark.parametrize("corner", [0, 30])
def test_a_frame_drawn_around_the_digit_is_left_out(corner):
    image = seven()
    ImageDraw.Draw(image).rounded_rectangle((30, 40, 370, 365), corner, outline="black", width=6)
    assert unlikeness(to_mnist(image), REFERENCE) < 0.15


@pytest.mark.parametrize("turn", [0, 5])
@pytest.mark.parametrize("shape", ["ring", "ring with a gap", "frame"])
def test_what_is_drawn_around_the_digit_aslant_or_round_is_left_out(shape, turn):
    image = seven()
    draw = ImageDraw.Draw(image)
    if shape == "frame":
        draw_stroke(image, [(50, 80), (320, 40), (310, 350), (40, 330), (50, 80)], 10)
    else:
        draw.arc((5, 15, 365, 395), 20, 372 if shape == "ring with a gap" else 380, "black", 12)
    image = image.rotate(turn, Image.Resampling.BICUBIC, fillcolor="white")
    reference = to_mnist(seven().rotate(turn, Image.Resampling.BICUBIC, fillcolor="white"))
    prepared = prepare(image)
    assert unlikeness(prepared.tensor, reference) < 0.15
    assert "What was drawn around the digits was left out." in prepared.diagnostics.hints
    assert prepared.removed.any()


def test_a_ring_that_is_far_open_is_a_letter_and_no_ring():
    image = seven()
    open_ring = ImageDraw.Draw(image)
    open_ring.arc((5, 15, 365, 395), 20, 345, "black", 12)
    assert unlikeness(to_mnist(image), REFERENCE) > 0.3


@pytest.mark.parametrize("inside", [[(190, 190), (210, 190)], [(215, 160), (185, 240)]], ids=["dot", "short slash"])
def test_a_zero_with_something_inside_keeps_its_ring(inside):
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).ellipse((110, 60, 290, 340), outline=0, width=20)
    empty = to_mnist(image)
    draw_stroke(image, inside, 20, 0)
    assert difference(to_mnist(image), empty) < 0.2


@pytest.mark.parametrize("turn", [0, 5])
def test_a_digit_that_is_underlined_twice_is_read_without_the_lines(turn):
    def turned(image):
        return to_mnist(image.rotate(turn, Image.Resampling.BICUBIC, fillcolor="white"))

    image = seven()
    for y in (340, 375):
        draw_stroke(image, [(90, y), (270, y)], 16)
    assert unlikeness(turned(image), turned(seven())) < 0.15


@pytest.mark.parametrize("at_the_top", [False, True])
def test_the_holes_of_a_binding_are_no_digits(at_the_top):
    image = seven(brush=8)
    draw = ImageDraw.Draw(image)
    for place in range(15, 400, 40):
        x, y = (place, 70) if at_the_top else (70, place)
        draw.ellipse((x - 11, y - 11, x + 11, y + 11), fill="black")
    assert unlikeness(to_mnist(image), to_mnist(seven(brush=8))) < 0.15
    assert len(split(image, unsure)) == 1


def test_an_angular_zero_with_a_dot_keeps_its_walls():
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).rectangle((120, 60, 280, 340), outline=0, width=24)
    empty = to_mnist(image)
    ImageDraw.Draw(image).ellipse((190, 190, 210, 210), fill=0)
    assert difference(to_mnist(image), empty) < 0.1


def test_thick_ink_at_the_edge_is_no_surround():
    ink = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(ink).rectangle((0, 0, 199, 90), fill=0)  # the upper half of something
    assert without_surround(ink) is ink
    assert without_surround(seven(mode="L", ink=0, paper=255, brush=120)).size == (400, 400)


def test_noise_is_taken_out_before_boxes_are_looked_for():
    picture = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(picture).ellipse([60, 40, 140, 160], outline="black", width=14)
    ImageDraw.Draw(picture).ellipse([92, 92, 108, 108], fill="black")
    levels = np.asarray(picture).copy()
    noise = np.random.default_rng(0).random((196, 196)) < 0.04
    levels[2:-2, 2:-2][noise] = 0
    box = prepare(levels).box
    assert np.abs(np.array(box) - (60, 40, 141, 161)).max() <= 4


@pytest.mark.parametrize("dot", [(30, 370), (380, 20), (200, 385)])
def test_a_stray_dot_does_not_move_the_digit(dot):
    image = seven()
    x, y = dot
    ImageDraw.Draw(image).ellipse([x - 12, y - 12, x + 12, y + 12], fill="black")
    prepared = prepare(image)
    assert difference(prepared.tensor, REFERENCE) < 0.02
    assert any("stray dot" in hint for hint in prepared.diagnostics.hints)


def test_two_lone_pixels_far_apart_are_no_ink():
    image = Image.new("L", (299, 299), 255)
    image.putpixel((5, 5), 0)
    image.putpixel((290, 290), 0)
    assert not prepare(image).has_ink


def test_salt_and_pepper_is_an_answer_or_nothing_but_never_a_crash():
    for seed in range(0, 20, 3):
        rng = np.random.default_rng(seed)
        image = np.where(rng.random((120, 160)) < 0.002 * seed, 0, 255).astype(np.uint8)
        assert to_mnist(image).shape == (28, 28)


def test_a_loose_top_stroke_of_a_five_is_no_speck():
    image = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.arc([120, 180, 260, 330], 200, 130, fill="black", width=20)
    pen.line([(150, 120), (250, 120)], fill="black", width=20)
    assert to_mnist(image)[4:8].sum() > 5


@pytest.mark.parametrize("side", [200, 400, 1000])
@pytest.mark.parametrize("share", [0.05, 0.08, 0.11])
def test_what_a_tap_leaves_is_no_digit_yet_and_small_digits_are(side, share):
    def drawn(*strokes):
        image = Image.new("L", (4 * side, 4 * side), "white")
        pen = ImageDraw.Draw(image)
        for box, fill in strokes:
            pen.ellipse([4 * side * edge for edge in box], fill=fill)
        return image.resize((side, side), Image.Resampling.LANCZOS)

    left, top = 0.4, 0.3
    dot = (left, top, left + share, top + share)
    assert not prepare(drawn((dot, 0))).has_ink
    assert split(drawn((dot, 0)), None) == []
    hole = (left + share / 4, top + share / 4, left + share * 3 / 4, top + share * 3 / 4)
    assert prepare(drawn((dot, 0), (hole, 255))).has_ink  # a ring
    assert prepare(drawn(((left, top, left + share, top + 1.3 * share), 0))).has_ink  # a filled 0
    assert prepare(drawn(((left, top, left + 0.15, top + 0.15), 0))).has_ink


def test_a_digit_made_of_dots_is_kept_whole():
    image = Image.new("RGB", (400, 400), "white")
    for y in range(80, 330, 30):
        ImageDraw.Draw(image).ellipse([192, y, 208, y + 16], fill="black")
    tensor = to_mnist(image)
    assert np.ptp(np.flatnonzero(tensor.any(axis=1))) + 1 == 20


def test_faint_stains_are_left_out_however_large_they_are():
    image = seven()
    pen = ImageDraw.Draw(image)
    for x, y in ((10, 10), (330, 20), (20, 330), (300, 300)):
        pen.ellipse([x, y, x + 60, y + 60], fill=(190, 190, 190))
    assert difference(to_mnist(image), REFERENCE) < 0.05


def test_a_stroke_that_fades_is_kept_to_its_end():
    levels = np.full((400, 400), 255, np.uint8)
    levels[60:340, 190:214] = np.linspace(0, 190, 280)[:, None]
    assert prepare(levels).diagnostics.bounding_box[3] > 320


def test_a_digit_under_salt_and_pepper_is_read():
    rng = np.random.default_rng(0)
    grey = np.asarray(seven().convert("L").reduce(4))
    noise = rng.random(grey.shape)
    noisy = np.where(noise < 0.05, 0, np.where(noise < 0.1, 255, grey)).astype(np.uint8)
    assert difference(to_mnist(noisy), REFERENCE) < 0.25


def test_connected_pieces_are_counted_by_flood_fill():
    rng = np.random.default_rng(0)
    for density in (0.1, 0.4, 0.6):
        mask = rng.random((40, 50)) < density
        labels, count = label(mask)
        assert ((labels > 0) == mask).all()
        canvas = Image.fromarray(mask).convert("L")
        pieces = 0
        while (remaining := np.argwhere(np.asarray(canvas) == 255)).size:
            pieces += 1
            flood(canvas, tuple(int(v) for v in remaining[0][::-1]))
        assert count == pieces


def flood(canvas, start):
    """Blackens the 8-connected white piece around `start`."""
    waiting = [start]
    while waiting:
        x, y = waiting.pop()
        if 0 <= x < canvas.width and 0 <= y < canvas.height and canvas.getpixel((x, y)) == 255:
            canvas.putpixel((x, y), 0)
            waiting += [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]


def test_without_specks_leaves_a_single_dot_alone():
    ink = np.zeros((50, 50), np.float32)
    ink[20:26, 20:26] = 1
    kept, specks = without_specks(ink)
    assert specks == 0
    assert (kept == ink).all()
