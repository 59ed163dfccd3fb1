"""Shadows and lamps on paper: neither is ink."""

import numpy as np
import pytest
from drawn import unlikeness
from papers import PAPER, SIDE, photographed, soft_shadow, two
from PIL import Image, ImageDraw

import app
from preprocessing import prepare, to_mnist
from preprocessing.light.channel import paper_is_light
from preprocessing.light.shadow import three_tones


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
    prepared = prepare(tight)
    assert prepared.has_ink
    assert unlikeness(np.float32(prepared.tensor > 0.3), np.float32(to_mnist(two(width=54)) > 0.3)) < 0.3
