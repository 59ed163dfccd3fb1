"""Paper is told from ink, whatever their colours and the light."""

import numpy as np
import pytest
from drawn import REFERENCE, difference, seven, unlikeness
from pictures import draw_stroke
from PIL import Image, ImageDraw, ImageFilter

from preprocessing import prepare, to_mnist
from preprocessing.light.channel import level_of_ink

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
    assert difference(to_mnist(seven(ink=ink, paper=paper)), REFERENCE) < 0.1


@pytest.mark.parametrize("colours", [(255, 10), (255, 45), (200, 0), (255, 60)])
@pytest.mark.parametrize("side", [100, 160, 250, 400])
def test_crisp_light_ink_up_to_the_edge_of_dark_paper_is_read(side, colours):
    ink, paper = colours
    levels = np.full((side, side), paper, np.uint8)
    width = side // 14
    levels[: side // 2 + width, side // 2 : side // 2 + width] = ink
    levels[side // 3 : side // 3 + width, : side // 2] = ink
    dark = 255 - np.where(levels == ink, 255, 0).astype(np.uint8)
    assert difference(to_mnist(levels), to_mnist(dark)) < 0.02


@pytest.mark.parametrize(("ink", "paper"), [(10, 20), (10, 30), (0, 10), (255, 245)])
def test_ink_a_few_levels_from_its_paper_is_ink(ink, paper):
    assert difference(to_mnist(seven(ink=ink, paper=paper, mode="L")), REFERENCE) < 0.1


@pytest.mark.parametrize(("ink", "paper"), [(255, 254), (254, 255), (0, 1), (1, 0), ("white", "#fafaf7")])
def test_a_level_or_two_beside_black_or_white_paper_are_no_ink(ink, paper):
    drawing = seven(ink=ink, paper=paper, mode="RGB" if isinstance(ink, str) else "L")
    assert not prepare(drawing).has_ink


def test_ink_of_two_colours_is_ink_however_much_they_differ():
    image, one_colour = seven(), seven()
    for picture, ink in ((image, (235, 120, 30)), (one_colour, "black")):
        draw_stroke(picture, [(100, 200), (260, 200)], 24, ink)
    assert unlikeness(to_mnist(image), to_mnist(one_colour)) < 0.15


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("blue", [0, 255])
def test_a_channel_that_has_one_level_alone_does_not_matter(blue):
    light = np.asarray(seven().convert("L").resize((120, 120))) < 128
    levels = np.where(light, 194, 43) * np.linspace(0.63, 1, 120)
    picture = np.dstack([levels, levels, np.full_like(levels, blue)]).astype(np.uint8)
    assert difference(to_mnist(picture), REFERENCE) < 0.2


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
    prepared = prepare(BLANKS[blank])
    assert not prepared.has_ink
    assert not prepared.tensor.any()
    assert prepared.diagnostics.bounding_box is None


@pytest.mark.parametrize("side", [28, 34, 39])
def test_thick_ink_that_covers_half_of_a_small_picture_is_ink(side):
    large = seven(size=180, brush=70, at=(43, 38), side=104, mode="L")
    small = large.resize((side, side))
    assert np.mean(np.asarray(small) < 128) > 0.5
    assert difference(to_mnist(small), to_mnist(large)) < 0.3


def test_a_photo_with_shadow_noise_and_blur_reads_like_the_drawing():
    ink = np.asarray(seven().convert("L").filter(ImageFilter.GaussianBlur(1.5)), np.float32) / 255
    x, y = np.meshgrid(np.linspace(-1, 1, 400), np.linspace(-1, 1, 400))
    light = 175 + 35 * x - 20 * y - 25 * np.exp(-((x - 0.4) ** 2 + y**2) / 0.3)
    photo = light * (0.45 + 0.55 * ink) + np.random.default_rng(0).normal(0, 6, ink.shape)
    tensor = to_mnist(photo.clip(0, 255).astype(np.uint8))
    assert difference(tensor, REFERENCE) < 0.2


@pytest.mark.parametrize("lamp", [(200, 200), (180, 220), (240, 190)], ids=str)
def test_light_of_a_lamp_turns_no_paper_into_ink(lamp):
    y, x = np.mgrid[:400, :400]
    light = 60 + 175 * np.exp(-((x - lamp[0]) ** 2 + (y - lamp[1]) ** 2) / 200**2)
    ink = 1 - np.asarray(seven(mode="L", ink=0, paper=255)) / 255
    assert unlikeness(to_mnist((light * (1 - 0.6 * ink)).astype(np.uint8)), REFERENCE) < 0.2


def test_a_digit_across_a_light_and_a_dark_sheet_is_read_as_one():
    grey = np.asarray(seven().convert("L"))
    for bands in (np.s_[:, :160], np.s_[:, 240:], np.s_[200:]):
        negative = grey.copy()
        negative[bands] = 255 - negative[bands]
        assert difference(to_mnist(negative), REFERENCE) < 0.1


@pytest.mark.parametrize("ends", [[(200, 0), (200, 400)], [(0, 200), (400, 200)]])
def test_a_thick_stroke_from_edge_to_edge_is_ink_and_no_band_of_paper(ends):
    image = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(image).line(ends, fill="black", width=120)
    assert prepare(image).has_ink


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
    assert level_of_ink(distance) == 255
