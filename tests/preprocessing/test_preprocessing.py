"""From a drawing to MNIST's frame, on drawings made here and on what real people drew."""

import numpy as np
import pytest
from drawn import REFERENCE, difference, seven
from PIL import Image, ImageDraw

from preprocessing import prepare, to_mnist
from preprocessing.frame import MNIST_STROKE_WIDTHS, center_of_mass
from preprocessing.pixels.pen import stroke_width


def test_the_tensor_is_mnists_frame():
    assert REFERENCE.shape == (28, 28)
    assert REFERENCE.dtype == np.float32
    assert REFERENCE.min() == 0
    assert 0.9 < REFERENCE.max() <= 1
    rows, columns = np.flatnonzero(REFERENCE.any(axis=1)), np.flatnonzero(REFERENCE.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert center_of_mass(REFERENCE) == pytest.approx((14.5, 14.5), abs=0.5)


def test_mnists_own_digits_come_out_as_they_went_in(mnist_dir):
    from nn.pictures import mnist as data

    images = data.load(mnist_dir).validation.images[:300]
    tensors = np.stack([to_mnist(image) for image in images])
    assert np.abs(tensors - images / 255).mean() < 0.02  # plain copying would give 0, a shift by one pixel 0.06


@pytest.mark.parametrize("at", [(20, 20), (180, 30), (30, 180), (200, 170)])
def test_where_it_is_drawn_does_not_matter(at):
    assert difference(to_mnist(seven(at=at)), REFERENCE) < 0.1


@pytest.mark.parametrize(("side", "brush"), [(90, 11), (130, 16), (300, 36)])
def test_how_large_it_is_drawn_does_not_matter(side, brush):
    assert difference(to_mnist(seven(at=(50, 50), side=side, brush=brush)), REFERENCE) < 0.12


@pytest.mark.parametrize("canvas", [56, 150, 800, 2000])
def test_how_large_the_picture_is_does_not_matter(canvas):
    image = seven(size=2000, at=(500, 500), side=1000, brush=120).resize((canvas, canvas), Image.Resampling.BOX)
    assert difference(to_mnist(image), REFERENCE) < 0.15


@pytest.mark.parametrize("brush", [4, 60])
def test_thin_and_thick_strokes_come_near_mnists_width(brush):
    thinnest, thickest = MNIST_STROKE_WIDTHS
    width = stroke_width(to_mnist(seven(brush=brush)))
    assert 0.8 * thinnest < width < 1.25 * thickest


def test_the_bounding_box_stays_inside_the_picture():
    image = Image.new("L", (401, 401), 255)
    ImageDraw.Draw(image).line([(200, 0), (200, 400)], fill=0, width=30)
    assert prepare(image).diagnostics.bounding_box[3] == 401


def test_a_tiny_digit_on_a_huge_picture_is_looked_at_from_closer_by():
    image = Image.new("RGB", (4000, 3000), "white")
    image.paste(seven(size=300, at=(50, 50), side=180, brush=22), (3000, 400))
    prepared = prepare(image)
    assert difference(prepared.tensor, REFERENCE) < 0.12
    assert any("small" in hint for hint in prepared.diagnostics.hints)


def test_diagnostics_say_where_the_ink_was():
    found = prepare(seven(at=(250, 40), side=120, brush=16)).diagnostics
    left, top, right, bottom = found.bounding_box
    assert (left, top) == pytest.approx((242, 32), abs=4)
    assert (right, bottom) == pytest.approx((354, 168), abs=4)
    assert found.area_ratio == pytest.approx(112 * 136 / 160_000, rel=0.1)
    assert found.center_offset[0] > 0.2
    assert found.center_offset[1] < -0.2
    assert found.stroke_density == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize(
    ("drawing", "hint"),
    [
        ({"side": 50, "brush": 7}, "very small"),
        ({"brush": 4}, "thin strokes"),
        ({"brush": 100}, "thick strokes"),
        ({"at": (-10, 100)}, "The ink touches the edge: part of the digit"),
        ({"at": (270, 250), "side": 120}, "off the centre"),
    ],
)
def test_hints_say_in_words_what_is_unusual(drawing, hint):
    assert any(hint in text for text in prepare(seven(**drawing)).diagnostics.hints)


def test_an_ordinary_drawing_has_no_hints():
    assert prepare(seven(side=230)).diagnostics.hints == ()


def test_stroke_width_of_a_line_is_its_width():
    ink = np.zeros((100, 300), np.float32)
    ink[40:50, 20:280] = 1
    assert stroke_width(ink) == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("condition", ["standard", "thin", "small-thick", "colour", "photo", "transparent"])
def test_every_sketch_fills_the_frame_whatever_the_brush_and_paper(sketches, condition):
    for sketch in sketches.load(core=True)[::80]:
        tensor = to_mnist(sketches.draw(sketch, condition))
        rows, columns = np.flatnonzero(tensor.any(axis=1)), np.flatnonzero(tensor.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert tensor.max() > 0.8
