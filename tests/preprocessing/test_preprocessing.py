"""From any picture to MNIST's frame, on drawings made here and on what real people drew."""

import io

import numpy as np
import pytest
from pictures import draw_stroke, oriented
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import preprocessing
from preprocessing import prepare
from preprocessing.channel import level_of_most
from preprocessing.components import label, stroke_width, without_specks
from preprocessing.frame import MNIST_STROKE_WIDTHS, center_of_mass
from preprocessing.segment import split
from preprocessing.surround import without_surround


def seven(size=400, brush=24, at=(100, 100), side=200, ink="black", paper="white", mode="RGB"):
    """A drawn 7 whose bar and leg fill a square of `side` pixels at `at`."""
    x, y = at
    image = Image.new(mode, (size, size), paper)
    draw_stroke(image, [(x, y), (x + side * 0.8, y), (x + side * 0.3, y + side)], brush, ink)
    return image


def difference(a, b):
    """Mean absolute difference of two tensors, as a share of their ink."""
    return np.abs(a - b).sum() / max(a.sum(), b.sum())


def unsure(pixels):
    """A reader to which all pictures look alike."""
    return np.full((len(pixels), 11), 1 / 11)


def unlikeness(a, b):
    """As `difference`, of tensors that may lie a pixel apart."""
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(difference(np.roll(a, move, (0, 1)), b) for move in moves)


REFERENCE = preprocessing.to_mnist(seven())


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
    tensors = np.stack([preprocessing.to_mnist(image) for image in images])
    assert np.abs(tensors - images / 255).mean() < 0.02  # plain copying would give 0, a shift by one pixel 0.06


@pytest.mark.parametrize("at", [(20, 20), (180, 30), (30, 180), (200, 170)])
def test_where_it_is_drawn_does_not_matter(at):
    assert difference(preprocessing.to_mnist(seven(at=at)), REFERENCE) < 0.1


@pytest.mark.parametrize(("side", "brush"), [(90, 11), (130, 16), (300, 36)])
def test_how_large_it_is_drawn_does_not_matter(side, brush):
    assert difference(preprocessing.to_mnist(seven(at=(50, 50), side=side, brush=brush)), REFERENCE) < 0.12


@pytest.mark.parametrize("canvas", [56, 150, 800, 2000])
def test_how_large_the_picture_is_does_not_matter(canvas):
    image = seven(size=2000, at=(500, 500), side=1000, brush=120).resize((canvas, canvas), Image.Resampling.BOX)
    assert difference(preprocessing.to_mnist(image), REFERENCE) < 0.15


@pytest.mark.parametrize("brush", [4, 60])
def test_thin_and_thick_strokes_come_near_mnists_width(brush):
    thinnest, thickest = MNIST_STROKE_WIDTHS
    width = stroke_width(preprocessing.to_mnist(seven(brush=brush)))
    assert 0.8 * thinnest < width < 1.25 * thickest


COLOURS = {
    "light on dark": ("white", "black"),
    "blue on yellow": ((20, 30, 130), (255, 250, 190)),
    "yellow on white": ((240, 220, 0), "white"),
    "red on green of the same lightness": ((200, 0, 0), (0, 102, 0)),
    "faint": ((215, 215, 215), "white"),
    "chalk": ((220, 220, 220), (40, 60, 50)),
}


@pytest.mark.parametrize("colours", COLOURS)
def test_colours_do_not_matter(colours):
    ink, paper = COLOURS[colours]
    assert difference(preprocessing.to_mnist(seven(ink=ink, paper=paper)), REFERENCE) < 0.1


@pytest.mark.parametrize("colours", [(255, 10), (255, 45), (200, 0), (255, 60)])
@pytest.mark.parametrize("side", [100, 160, 250, 400])
def test_crisp_light_ink_up_to_the_edge_of_dark_paper_is_read(side, colours):
    ink, paper = colours
    levels = np.full((side, side), paper, np.uint8)
    width = side // 14
    levels[: side // 2 + width, side // 2 : side // 2 + width] = ink
    levels[side // 3 : side // 3 + width, : side // 2] = ink
    dark = 255 - np.where(levels == ink, 255, 0).astype(np.uint8)
    assert difference(preprocessing.to_mnist(levels), preprocessing.to_mnist(dark)) < 0.02


@pytest.mark.parametrize(("ink", "paper"), [(10, 20), (10, 30), (0, 10), (255, 245)])
def test_ink_a_few_levels_from_its_paper_is_ink(ink, paper):
    assert difference(preprocessing.to_mnist(seven(ink=ink, paper=paper, mode="L")), REFERENCE) < 0.1


@pytest.mark.parametrize(("ink", "paper"), [(255, 254), (254, 255), (0, 1), (1, 0), ("white", "#fafaf7")])
def test_a_level_or_two_beside_black_or_white_paper_are_no_ink(ink, paper):
    drawing = seven(ink=ink, paper=paper, mode="RGB" if isinstance(ink, str) else "L")
    assert not preprocessing.prepare(drawing).has_ink


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
    assert difference(preprocessing.to_mnist(as_mode(mode)), REFERENCE) < 0.05


def test_levels_that_are_no_finite_numbers_do_not_stretch_the_others():
    levels = np.array([[5, 1000, np.nan, np.inf, -np.inf]], np.float32)
    assert preprocessing.picture.to_bytes(levels).tolist() == [[0, 255, 0, 255, 0]]


def test_transparent_parts_of_a_coloured_picture_get_its_own_commonest_level():
    pixels = np.zeros((10, 10, 4), np.uint8)
    pixels[2:8, 2:8] = (255, 255, 100, 255)
    pixels[4, 4] = (20, 30, 40, 255)
    opaque = preprocessing.picture.to_opaque(Image.fromarray(pixels))
    assert opaque.mode == "RGB"
    assert opaque.getpixel((0, 0)) == (237, 237, 237)  # the yellow's grey level
    assert opaque.getpixel((3, 3)) == (255, 255, 100)


@pytest.mark.parametrize("ink", ["black", "white", (200, 30, 30)])
def test_ink_on_nothing_is_ink(ink):
    solid = seven(ink="black", paper="white").convert("L")
    image = Image.new("RGBA", solid.size, ink)
    image.putalpha(solid.point(lambda level: 255 - level))
    assert difference(preprocessing.to_mnist(image), REFERENCE) < 0.05


def test_a_sticker_with_transparent_corners_is_read_by_its_own_paper():
    image = seven().convert("RGBA")
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle([5, 5, 395, 395], 60, fill=255)
    image.putalpha(mask)
    assert difference(preprocessing.to_mnist(image), REFERENCE) < 0.05


def strokes(*levels):
    """A 7 on nothing whose strokes have these levels, one after the other from left to right."""
    alpha = ImageOps.invert(seven(mode="L", ink=0, paper=255))
    tones = np.repeat(np.uint8(levels), 400 // len(levels))
    return Image.merge("LA", [Image.fromarray(np.tile(tones, (400, 1))), alpha])


@pytest.mark.parametrize("levels", [(0, 90), (0, 40, 80, 120), (255, 160)], ids=str)
def test_ink_of_several_tones_on_nothing_is_ink(levels):
    shown, expected = (np.float32(tensor > 0.2) for tensor in (preprocessing.to_mnist(strokes(*levels)), REFERENCE))
    assert unlikeness(shown, expected) < 0.25  # paler where the ink is


def test_ink_whose_paper_was_made_transparent_is_ink():
    paper = seven(size=150, at=(40, 40), side=70, brush=10).convert("RGBA")
    pixels = np.array(paper)
    pixels[(pixels[..., :3] > 250).all(axis=2), 3] = 0
    assert unlikeness(preprocessing.to_mnist(pixels), REFERENCE) < 0.2


def test_ink_with_an_outline_is_read_by_its_outline():
    ink = seven()
    ink.putalpha(ImageOps.invert(ink.convert("L")).filter(ImageFilter.MaxFilter(25)))
    assert unlikeness(preprocessing.to_mnist(ink), REFERENCE) < 0.15


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
    assert unlikeness(preprocessing.to_mnist(around(widths, colour)), REFERENCE) < 0.15
    inverted = ImageOps.invert(around(widths, colour))
    assert unlikeness(preprocessing.to_mnist(inverted), REFERENCE) < 0.15


@pytest.mark.parametrize("corner", [0, 30])
def test_a_frame_drawn_around_the_digit_is_left_out(corner):
    image = seven()
    ImageDraw.Draw(image).rounded_rectangle((30, 40, 370, 365), corner, outline="black", width=6)
    assert unlikeness(preprocessing.to_mnist(image), REFERENCE) < 0.15


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
    reference = preprocessing.to_mnist(seven().rotate(turn, Image.Resampling.BICUBIC, fillcolor="white"))
    prepared = preprocessing.prepare(image)
    assert unlikeness(prepared.tensor, reference) < 0.15
    assert "What was drawn around the digits was left out." in prepared.diagnostics.hints
    assert prepared.removed.any()


def test_a_ring_that_is_far_open_is_a_letter_and_no_ring():
    image = seven()
    open_ring = ImageDraw.Draw(image)
    open_ring.arc((5, 15, 365, 395), 20, 345, "black", 12)
    assert unlikeness(preprocessing.to_mnist(image), REFERENCE) > 0.3


@pytest.mark.parametrize("inside", [[(190, 190), (210, 190)], [(215, 160), (185, 240)]], ids=["dot", "short slash"])
def test_a_zero_with_something_inside_keeps_its_ring(inside):
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).ellipse((110, 60, 290, 340), outline=0, width=20)
    empty = preprocessing.to_mnist(image)
    draw_stroke(image, inside, 20, 0)
    assert difference(preprocessing.to_mnist(image), empty) < 0.2


@pytest.mark.parametrize("turn", [0, 5])
def test_a_digit_that_is_underlined_twice_is_read_without_the_lines(turn):
    def turned(image):
        return preprocessing.to_mnist(image.rotate(turn, Image.Resampling.BICUBIC, fillcolor="white"))

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
    assert unlikeness(preprocessing.to_mnist(image), preprocessing.to_mnist(seven(brush=8))) < 0.15
    assert len(split(image, unsure)) == 1


def test_ink_of_two_colours_is_ink_however_much_they_differ():
    image, one_colour = seven(), seven()
    for picture, ink in ((image, (235, 120, 30)), (one_colour, "black")):
        draw_stroke(picture, [(100, 200), (260, 200)], 24, ink)
    assert unlikeness(preprocessing.to_mnist(image), preprocessing.to_mnist(one_colour)) < 0.15


def test_an_angular_zero_with_a_dot_keeps_its_walls():
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).rectangle((120, 60, 280, 340), outline=0, width=24)
    empty = preprocessing.to_mnist(image)
    ImageDraw.Draw(image).ellipse((190, 190, 210, 210), fill=0)
    assert difference(preprocessing.to_mnist(image), empty) < 0.1


def test_thick_ink_at_the_edge_is_no_surround():
    ink = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(ink).rectangle((0, 0, 199, 90), fill=0)  # the upper half of something
    assert without_surround(ink) is ink
    assert without_surround(seven(mode="L", ink=0, paper=255, brush=120)).size == (400, 400)


def test_exif_rotation_is_applied():
    turned = seven().rotate(90, expand=True)
    file = io.BytesIO()
    turned.save(file, "JPEG", exif=oriented(6), quality=95)
    assert difference(preprocessing.to_mnist(Image.open(file)), REFERENCE) < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_that_was_turned_upright_is_not_turned_again(orientation, kind):
    file = io.BytesIO()
    seven().save(file, kind, exif=oriented(orientation))
    once = preprocessing.picture.to_opaque(Image.open(file))
    assert once.tobytes() == preprocessing.picture.to_opaque(once).tobytes()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("blue", [0, 255])
def test_a_channel_that_has_one_level_alone_does_not_matter(blue):
    light = np.asarray(seven().convert("L").resize((120, 120))) < 128
    levels = np.where(light, 194, 43) * np.linspace(0.63, 1, 120)
    picture = np.dstack([levels, levels, np.full_like(levels, blue)]).astype(np.uint8)
    assert difference(preprocessing.to_mnist(picture), REFERENCE) < 0.2


def test_noise_is_taken_out_before_boxes_are_looked_for():
    picture = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(picture).ellipse([60, 40, 140, 160], outline="black", width=14)
    ImageDraw.Draw(picture).ellipse([92, 92, 108, 108], fill="black")
    levels = np.asarray(picture).copy()
    noise = np.random.default_rng(0).random((196, 196)) < 0.04
    levels[2:-2, 2:-2][noise] = 0
    box = prepare(levels).box
    assert np.abs(np.array(box) - (60, 40, 141, 161)).max() <= 4


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
    assert difference(preprocessing.to_mnist(array), REFERENCE) < 0.05


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_may_lie_beside_0_and_1_by_a_rounding_error(dtype):
    grey = np.asarray(seven().convert("L")) / 255
    array = (grey * 1.002 - 0.001).astype(dtype)
    np.testing.assert_array_equal(preprocessing.to_mnist(array), preprocessing.to_mnist(grey.astype(dtype)))


BLANKS = {
    "white": Image.new("RGB", (400, 400), "white"),
    "black": Image.new("RGB", (400, 400), "black"),
    "grey": Image.new("L", (50, 80), 117),
    "transparent": Image.new("RGBA", (400, 400), (0, 0, 0, 0)),
    "one pixel": Image.new("RGB", (1, 1), "white"),
    "one row": Image.new("RGB", (500, 1), "white"),
    "shaded paper": Image.linear_gradient("L").resize((400, 300)).point(lambda level: 120 + level / 3),
    "noisy paper": Image.fromarray(np.random.default_rng(0).normal(180, 6, (300, 400)).clip(0, 255).astype(np.uint8)),
}


@pytest.mark.parametrize("blank", BLANKS)
def test_a_picture_without_ink_gives_zeros(blank):
    prepared = preprocessing.prepare(BLANKS[blank])
    assert not prepared.has_ink
    assert not prepared.tensor.any()
    assert prepared.diagnostics.bounding_box is None


@pytest.mark.parametrize("dot", [(30, 370), (380, 20), (200, 385)])
def test_a_stray_dot_does_not_move_the_digit(dot):
    image = seven()
    x, y = dot
    ImageDraw.Draw(image).ellipse([x - 12, y - 12, x + 12, y + 12], fill="black")
    prepared = preprocessing.prepare(image)
    assert difference(prepared.tensor, REFERENCE) < 0.02
    assert any("stray dot" in hint for hint in prepared.diagnostics.hints)


@pytest.mark.parametrize("side", [28, 34, 39])
def test_thick_ink_that_covers_half_of_a_small_picture_is_ink(side):
    large = seven(size=180, brush=70, at=(43, 38), side=104, mode="L")
    small = large.resize((side, side))
    assert np.mean(np.asarray(small) < 128) > 0.5
    assert difference(preprocessing.to_mnist(small), preprocessing.to_mnist(large)) < 0.3


def test_two_lone_pixels_far_apart_are_no_ink():
    image = Image.new("L", (299, 299), 255)
    image.putpixel((5, 5), 0)
    image.putpixel((290, 290), 0)
    assert not preprocessing.prepare(image).has_ink


def test_salt_and_pepper_is_an_answer_or_nothing_but_never_a_crash():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        image = np.where(rng.random((120, 160)) < 0.002 * seed, 0, 255).astype(np.uint8)
        assert preprocessing.to_mnist(image).shape == (28, 28)


def test_the_bounding_box_stays_inside_the_picture():
    image = Image.new("L", (401, 401), 255)
    ImageDraw.Draw(image).line([(200, 0), (200, 400)], fill=0, width=30)
    assert preprocessing.prepare(image).diagnostics.bounding_box[3] == 401


def test_a_loose_top_stroke_of_a_five_is_no_speck():
    image = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(image)
    pen.arc([120, 180, 260, 330], 200, 130, fill="black", width=20)
    pen.line([(150, 120), (250, 120)], fill="black", width=20)
    assert preprocessing.to_mnist(image)[4:8].sum() > 5


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
    tensor = preprocessing.to_mnist(image)
    assert np.ptp(np.flatnonzero(tensor.any(axis=1))) + 1 == 20


def test_a_photo_with_shadow_noise_and_blur_reads_like_the_drawing():
    ink = np.asarray(seven().convert("L").filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255
    x, y = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 400))
    light = 175 + 35 * x - 20 * y - 25 * np.exp(-((x - 0.4) ** 2 + y**2) / 0.3)
    photo = light * (0.45 + 0.55 * ink) + np.random.default_rng(0).normal(0, 6, ink.shape)
    tensor = preprocessing.to_mnist(photo.clip(0, 255).astype(np.uint8))
    assert difference(tensor, REFERENCE) < 0.2


@pytest.mark.parametrize("lamp", [(200, 200), (180, 220), (240, 190)], ids=str)
def test_light_of_a_lamp_turns_no_paper_into_ink(lamp):
    y, x = np.mgrid[:400, :400]
    light = 60 + 175 * np.exp(-((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / 200**2)
    ink = 1 - np.asarray(seven(mode="L", ink=0, paper=255)) / 255
    assert unlikeness(preprocessing.to_mnist((light * (1 - 0.6 * ink)).astype(np.uint8)), REFERENCE) < 0.2


def test_a_digit_across_a_light_and_a_dark_sheet_is_read_as_one():
    grey = np.asarray(seven().convert("L"))
    for bands in (np.s_[:, :160], np.s_[:, 240:], np.s_[200:]):
        negative = grey.copy()
        negative[bands] = 255 - negative[bands]
        assert difference(preprocessing.to_mnist(negative), REFERENCE) < 0.1


@pytest.mark.parametrize("ends", [[(200, 0), (200, 400)], [(0, 200), (400, 200)]])
def test_a_thick_stroke_from_edge_to_edge_is_ink_and_no_band_of_paper(ends):
    image = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(image).line(ends, fill="black", width=120)
    assert preprocessing.prepare(image).has_ink


def test_faint_stains_are_left_out_however_large_they_are():
    image = seven()
    pen = ImageDraw.Draw(image)
    for x, y in ((10, 10), (330, 20), (20, 330), (300, 300)):
        pen.ellipse([x, y, x + 60, y + 60], fill=(190, 190, 190))
    assert difference(preprocessing.to_mnist(image), REFERENCE) < 0.05


def test_a_stroke_that_fades_is_kept_to_its_end():
    levels = np.full((400, 400), 255, np.uint8)
    levels[60:340, 190:214] = np.linspace(0, 190, 280)[:, None]
    assert preprocessing.prepare(levels).diagnostics.bounding_box[3] > 320


def test_a_digit_under_salt_and_pepper_is_read():
    rng = np.random.default_rng(0)
    grey = np.asarray(seven().convert("L").reduce(4))
    noise = rng.random(grey.shape)
    noisy = np.where(noise < 0.05, 0, np.where(noise < 0.1, 255, grey)).astype(np.uint8)
    assert difference(preprocessing.to_mnist(noisy), REFERENCE) < 0.25


def test_a_tiny_digit_on_a_huge_picture_is_looked_at_from_closer_by():
    image = Image.new("RGB", (4000, 3000), "white")
    image.paste(seven(size=300, at=(50, 50), side=180, brush=22), (3000, 400))
    prepared = preprocessing.prepare(image)
    assert difference(prepared.tensor, REFERENCE) < 0.12
    assert any("small" in hint for hint in prepared.diagnostics.hints)


def test_the_callers_picture_stays_as_it_was():
    file = io.BytesIO()
    seven(size=2600, brush=150, at=(600, 600), side=1300).save(file, "JPEG")
    picture = Image.open(file)  # not decoded yet: its decoder could reduce it in place
    first, second = prepare(picture), prepare(picture)
    assert first.box == second.box
    assert picture.size == (2600, 2600)
    assert np.asarray(picture).shape == (2600, 2600, 3)


def test_paper_of_a_pure_colour_on_a_dark_table_is_paper():
    rng = np.random.default_rng(0)
    image = Image.new("RGB", (300, 300), (40, 30, 10))
    table = np.asarray(image) + rng.integers(-9, 30, (300, 300, 1))
    note = Image.new("L", (300, 300))
    ImageDraw.Draw(note).polygon([(70, 30), (270, 70), (230, 270), (30, 230)], fill=255)
    image = Image.composite(
        Image.new("RGB", (300, 300), (250, 220, 0)), Image.fromarray(np.clip(table, 0, 255).astype(np.uint8)), note
    )
    ImageDraw.Draw(image).line([(150, 100), (150, 200)], fill=(20, 20, 0), width=10)
    assert prepare(image).box == pytest.approx((146, 100, 156, 201), abs=4)


def test_the_level_of_overexposed_paper_is_no_level_of_ink():
    distance = np.concatenate([np.full(20, 291.0), np.full(980, 3.0)]).astype(np.float32)
    assert level_of_most(distance, 0.01) == 255


def test_diagnostics_say_where_the_ink_was():
    found = preprocessing.prepare(seven(at=(250, 40), side=120, brush=16)).diagnostics
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
        ({"at": (-10, 100)}, "touches the edge"),
        ({"at": (270, 250), "side": 120}, "off the centre"),
    ],
)
def test_hints_say_in_words_what_is_unusual(drawing, hint):
    assert any(hint in text for text in preprocessing.prepare(seven(**drawing)).diagnostics.hints)


def test_an_ordinary_drawing_has_no_hints():
    assert preprocessing.prepare(seven(side=230)).diagnostics.hints == ()


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
        preprocessing.to_mnist(image)


def test_a_truncated_file_is_refused(tmp_path):
    seven().save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    with pytest.raises(ValueError, match="cannot be decoded"):
        preprocessing.to_mnist(Image.open(tmp_path / "cut.png"))


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


def test_stroke_width_of_a_line_is_its_width():
    ink = np.zeros((100, 300), np.float32)
    ink[40:50, 20:280] = 1
    assert stroke_width(ink) == pytest.approx(10, rel=0.05)


def test_without_specks_leaves_a_single_dot_alone():
    ink = np.zeros((50, 50), np.float32)
    ink[20:26, 20:26] = 1
    kept, specks = without_specks(ink)
    assert specks == 0
    assert (kept == ink).all()


@pytest.mark.parametrize("condition", ["standard", "thin", "small-thick", "colour", "photo", "transparent"])
def test_every_sketch_fills_the_frame_whatever_the_brush_and_paper(sketches, condition):
    for sketch in sketches.load(core=True)[::80]:
        tensor = preprocessing.to_mnist(sketches.draw(sketch, condition))
        rows, columns = np.flatnonzero(tensor.any(axis=1)), np.flatnonzero(tensor.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
        assert tensor.max() > 0.8
