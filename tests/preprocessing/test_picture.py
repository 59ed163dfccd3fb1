"""What may be given: pictures of any mode, with EXIF or transparency, arrays, and what is refused."""

import io

import numpy as np
import pytest
from drawn import REFERENCE, difference, seven, unlikeness
from pictures import oriented
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from preprocessing import prepare, to_mnist
from preprocessing.picture import to_bytes, to_opaque


def as_mode(mode):
    image = seven()
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)
    if mode == "F":
        return Image.fromarray(np.asarray(image.convert("L"), np.float32) / 255)
    if mode == "P":
        return image.quantize(8)
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "I;16", "F"])
def test_every_mode_gives_the_same_tensor(mode):
    assert difference(to_mnist(as_mode(mode)), REFERENCE) < 0.05


def test_levels_that_are_no_finite_numbers_do_not_stretch_the_others():
    levels = np.array([[5, 1000, np.nan, np.inf, -np.inf]], np.float32)
    assert to_bytes(levels).tolist() == [[0, 255, 0, 255, 0]]


def test_transparent_parts_of_a_coloured_picture_get_its_own_commonest_level():
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[2:8, 2:8] = (255, 255, 100, 255)
    pixels[4, 4] = (20, 30, 40, 255)
    opaque = to_opaque(Image.fromarray(pixels))
    assert opaque.mode == "RGB"
    assert opaque.getpixel((0, 0)) == (237, 237, 237)  # the yellow's grey level
    assert opaque.getpixel((3, 3)) == (255, 255, 100)


@pytest.mark.parametrize("ink", ["black", "white", (200, 30, 30)])
def test_ink_on_nothing_is_ink(ink):
    solid = seven(ink="black", paper="white").convert("L")
    image = Image.new("RGBA", solid.size, ink)
    image.putalpha(solid.point(lambda level: 255 - level))
    assert difference(to_mnist(image), REFERENCE) < 0.05


def test_a_sticker_with_transparent_corners_is_read_by_its_own_paper():
    image = seven().convert("RGBA")
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle([5, 5, 395, 395], 60, fill=255)
    image.putalpha(mask)
    assert difference(to_mnist(image), REFERENCE) < 0.05


def strokes(*levels):
    """A 7 on nothing whose strokes have these levels, one after the other from left to right."""
    alpha = ImageOps.invert(seven(mode="L", ink=0, paper=255))
    tones = np.repeat(np.uint8(levels), 400 // len(levels))
    return Image.merge("LA", [Image.fromarray(np.tile(tones, (400, 1))), alpha])


@pytest.mark.parametrize("levels", [(0, 90), (0, 40, 80, 120), (255, 160)], ids=str)
def test_ink_of_several_tones_on_nothing_is_ink(levels):
    shown, expected = (np.float32(tensor > 0.2) for tensor in (to_mnist(strokes(*levels)), REFERENCE))
    assert unlikeness(shown, expected) < 0.25  # paler where the ink is


def test_ink_whose_paper_was_made_transparent_is_ink():
    paper = seven(size=150, at=(40, 40), side=70, brush=10).convert("RGBA")
    pixels = np.array(paper)
    pixels[(pixels[..., :3] > 250).all(axis=2), 3] = 0
    assert unlikeness(to_mnist(pixels), REFERENCE) < 0.2


def test_ink_with_an_outline_is_read_by_its_outline():
    ink = seven()
    ink.putalpha(ImageOps.invert(ink.convert("L")).filter(ImageFilter.MaxFilter(25)))
    assert unlikeness(to_mnist(ink), REFERENCE) < 0.15


def test_exif_rotation_is_applied():
    turned = seven().rotate(90, expand=True)
    file = io.BytesIO()
    turned.save(file, "JPEG", exif=oriented(6), quality=95)
    assert difference(to_mnist(Image.open(file)), REFERENCE) < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_was_turned_upright_is_not_turned_again(orientation, kind):
    file = io.BytesIO()
    seven().save(file, kind, exif=oriented(orientation))
    once = to_opaque(Image.open(file))
    assert once.tobytes() == to_opaque(once).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
@pytest.mark.parametrize("shape", ["(H, W)", "(H, W, 1)", "(H, W, 3)", "(H, W, 4)"])
def test_arrays_are_pictures_too(dtype, shape):
    grey = np.asarray(seven().convert("L"))
    array = {
        "(H, W)": grey,
        "(H, W, 1)": grey[:, :, None],
        "(H, W, 3)": np.dstack([grey] * 3),
        "(H, W, 4)": np.dstack([grey, grey, grey, np.full_like(grey, 255)]),
    }[shape]
    array = array > 127 if dtype == "bool" else array / np.float32(255) if dtype == "float32" else array.astype(dtype)
    assert difference(to_mnist(array), REFERENCE) < 0.05


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_may_lie_beside_0_and_1_by_a_rounding_error(dtype):
    grey = np.asarray(seven().convert("L")) / 255
    array = (grey * 1.002 - 0.001).astype(dtype)
    np.testing.assert_array_equal(to_mnist(array), to_mnist(grey.astype(dtype)))


def test_the_callers_picture_stays_as_it_was():
    file = io.BytesIO()
    seven(size=2600, brush=150, at=(600, 600), side=1300).save(file, "JPEG")
    picture = Image.open(file)  # not decoded yet: its decoder could reduce it in place
    first, second = prepare(picture), prepare(picture)
    assert first.box == second.box
    assert picture.size == (2600, 2600)
    assert np.asarray(picture).shape == (2600, 2600, 3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 2)), r"got shape \(4, 4, 2\)"),
        (np.zeros((0, 10)), "picture with pixels"),
        (np.full((4, 4), 2.0), "floats from 0 to 1"),
        (np.linspace(0, 1.002, 16).reshape(4, 4), "floats from 0 to 1, got 0.0 to 1.002;"),
        (np.full((4, 4), np.nan), "floats from 0 to 1"),
        (np.full((4, 4), 300), "integers from 0 to 255"),
        (np.array([["a", "b"]]), "array of numbers"),
        (np.ones((3, 3), "m8[s]"), "array of numbers, got one of timedelta64"),
        (np.ones((3, 3), complex), "array of numbers, got one of complex128"),
        (np.full((4, 4, 3), None), "array of numbers"),
        (Image.new("1", (10_000, 10_000)), "at most 50,000,000 pixels, got 10000x10000"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_was_expected(image, message):
    with pytest.raises(ValueError, match=message):
        to_mnist(image)


def test_a_truncated_file_is_refused(tmp_path):
    seven().save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    with pytest.raises(ValueError, match="cannot be decoded"):
        to_mnist(Image.open(tmp_path / "cut.png"))
