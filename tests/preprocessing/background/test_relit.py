"""A shadow over a large part of the paper is taken off, a table is not; and a photograph lies in an even margin."""

import numpy as np
import pytest
from drawn import unlikeness
from pictures import digit
from PIL import Image, ImageChops, ImageDraw, ImageOps

import app
import preprocessing
from preprocessing.background.relit import without_shadow
from preprocessing.background.surround import inside_margin

SIZE = WIDTH, HEIGHT = 480, 320
PAPER = 225


def page(text="3", high=150, middle=0.5, paper=PAPER):
    """Digits side by side on paper, around this share of its width."""
    image = Image.new("L", SIZE, paper)
    left = round(middle * WIDTH - 0.45 * high * len(text))
    for name in text:
        part = digit(name, high)
        image.paste(40, (left, (HEIGHT - high) // 2), ImageOps.invert(part))
        left += round(0.9 * high)
    return image


def photographed(levels):
    grain = np.random.default_rng(0).normal(0, 2, (HEIGHT, WIDTH))
    return Image.fromarray(np.clip(np.asarray(levels, np.float32) + grain, 0, 255).astype(np.uint8))


def in_shadow(image, degrees, depth, blur=1.0, place=0.5):
    """The picture, darker by this share on one side of a line, which runs through this place of its width."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    turn = np.radians(degrees)
    away = (x - place * WIDTH) * np.cos(turn) + (y - HEIGHT / 2) * np.sin(turn)
    cover = np.clip(away / (2 * blur) + 0.5, 0, 1)
    return photographed(np.asarray(image) * (1 - depth * cover))


@pytest.mark.parametrize("degrees", [0, 30, 90, 145, 180, 270])
@pytest.mark.parametrize(("depth", "blur"), [(0.25, 1), (0.5, 1), (0.5, 12)])
def test_a_digit_across_the_edge_of_a_shadow_comes_out_as_in_even_light(degrees, depth, blur):
    expected = preprocessing.to_mnist(photographed(page()))
    assert unlikeness(preprocessing.to_mnist(in_shadow(page(), degrees, depth, blur)), expected) < 0.2


@pytest.mark.parametrize("place", [0.35, 0.6])
def test_digits_in_the_light_and_in_the_shadow_are_read(place):
    shot = in_shadow(page("4726", high=80), degrees=10, depth=0.5, place=place)
    assert [reading.best for reading in app.read(shot)] == ["4", "7", "2", "6"]


def test_the_paper_is_as_light_in_the_shadow_as_beside_it_and_the_ink_stays_dark():
    lit = np.asarray(without_shadow(in_shadow(page(), degrees=0, depth=0.5)), np.float32)
    assert np.median(lit[:, :200]) == pytest.approx(np.median(lit[:, 280:]), rel=0.06)
    dark = np.asarray(page()) < 60
    assert np.median(lit[dark]) < 0.3 * np.median(lit)


def test_a_shadow_on_ruled_paper_is_taken_off_where_rules_alone_are_in_the_light():
    rules = Image.new("L", SIZE, PAPER)
    for row in range(20, HEIGHT, 32):
        ImageDraw.Draw(rules).line([(0, row), (WIDTH, row)], fill=170, width=2)
    sheet = ImageChops.darker(page("4726", high=80), rules)
    shot = in_shadow(sheet, 20, depth=0.6, blur=8, place=0.3)
    assert [reading.best for reading in app.read(shot)] == list("4726")


def test_a_dark_rim_of_two_pixels_on_three_sides_of_a_small_picture_is_no_shadow():
    small = np.full((40, 40), 120, np.uint8)
    small[2:-2, 2:] = 220
    small[10:30, 20:23] = 30
    picture = Image.fromarray(small)
    assert without_shadow(picture) is picture


TABLES = {"grey": (90, 90, 90), "of wood": (130, 85, 45)}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_beside_the_paper_is_no_shadow(table):
    image = page(middle=0.65).convert("RGB")
    ImageDraw.Draw(image).rectangle([0, 0, 120, HEIGHT], fill=TABLES[table])
    shot = Image.fromarray(np.asarray(image) // 2 + np.asarray(photographed(page(middle=0.65)))[..., None] // 16)
    assert without_shadow(shot) is shot


def test_wood_with_a_dark_stroke_is_no_shadow():
    image = page(middle=0.7).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.rectangle([0, 0, 160, HEIGHT], fill=TABLES["of wood"])
    pen.line([(60, 80), (90, 240)], fill=(24, 16, 8), width=12)
    assert without_shadow(image) is image


def test_light_that_falls_off_evenly_is_no_shadow():
    slope = photographed(np.asarray(page()) * np.linspace(0.6, 1, WIDTH))
    assert without_shadow(slope) is slope


@pytest.mark.parametrize("margin", [0, 120, 240, 255])
def test_a_photograph_in_a_margin_is_read_in_its_place(margin):
    light = photographed(np.asarray(page("47", high=120)) * np.linspace(0.7, 0.95, WIDTH))
    framed = Image.new("L", (WIDTH + 70, HEIGHT + 60), margin)
    framed.paste(light, (40, 25))
    assert inside_margin(framed) == pytest.approx((40, 25, 40 + WIDTH, 25 + HEIGHT), abs=2)
    assert [reading.best for reading in app.read(framed)] == ["4", "7"]
    alone, inside = preprocessing.prepare(light).box, preprocessing.prepare(framed).box
    assert inside == pytest.approx(np.add(alone, (40, 25, 40, 25)), abs=4)


def test_a_box_drawn_on_a_pad_is_no_photograph_in_a_margin():
    pad = Image.new("L", (400, 400), "white")
    ImageDraw.Draw(pad).rectangle([50, 50, 350, 350], outline="black", width=20)
    assert inside_margin(pad) == (0, 0, 400, 400)
