"""A sheet of paper that lies on anything is read as if it were alone, and what is no sheet is left alone."""

import numpy as np
import pytest
from pictures import digit
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import app
import preprocessing
from preprocessing.background.sheet import on_paper_alone

SIZE = WIDTH, HEIGHT = 640, 480
PAPER = (214, 210, 196)
PEN = (40, 45, 90)


def plain(colour):
    return np.full((HEIGHT, WIDTH, 3), colour, np.float32)


def wood():
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    veins = np.sin(y / 5 + 3 * np.sin(x / 90)) + 0.6 * np.sin(y / 2.1 + x / 70)
    return plain((135, 92, 56)) * (1 + 0.1 * veins)[..., None]


def tiles():
    image = Image.new("RGB", SIZE, (96, 110, 120))
    for at in range(-HEIGHT, WIDTH, 90):
        ImageDraw.Draw(image).line([(at, 0), (at + HEIGHT // 3, HEIGHT)], fill=(190, 190, 185), width=5)
        ImageDraw.Draw(image).line([(0, at), (WIDTH, at - WIDTH // 3)], fill=(190, 190, 185), width=5)
    return np.asarray(image, np.float32)


def stripes():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.where(((2 * x + y) // 60 % 2 == 0)[..., None], np.float32((150, 70, 140)), np.float32((70, 120, 70)))


def other_sheet():
    image = Image.new("RGB", SIZE, (60, 55, 50))
    ImageDraw.Draw(image).polygon([(0, 90), (420, 30), (500, 480), (0, 480)], fill=(172, 176, 182))
    return np.asarray(image, np.float32)


GROUNDS = {
    "black": plain(8), "dark": plain((60, 66, 62)), "as light as its ink": plain((105, 100, 96)),
    "a little darker": plain((180, 178, 172)), "lighter": plain((244, 246, 250)), "of a colour": plain((200, 120, 130)),
    "wood": wood(), "tiles": tiles(), "stripes": stripes(), "another sheet": other_sheet(),
}  # fmt: skip
# The corners of the sheet, as shares of the picture's width and height.
PLACES = {
    "in perspective": [(0.28, 0.15), (0.75, 0.15), (0.93, 0.92), (0.1, 0.92)],
    "cut off at a corner": [(0.42, 0.28), (1.2, 0.1), (1.3, 1.2), (0.5, 1.3)],
    "cut off at both ends": [(-0.1, 0.28), (1.1, 0.2), (1.1, 0.85), (-0.1, 0.78)],
}


def writing(text, high, middle):
    """Ink of digits side by side, L, 255 for ink."""
    image = Image.new("L", SIZE)
    left = round(middle[0] * WIDTH - 0.45 * high * len(text))
    for name in text:
        part = ImageOps.invert(digit(name, high))
        image.paste(part, (left, round(middle[1] * HEIGHT) - part.height // 2))
        left += round(0.9 * high)
    return image


def photographed(levels, noise=2.0):
    image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
    grain = np.random.default_rng(0).normal(0, noise, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def on(ground, corners, ink, paper=PAPER, light=1.0):
    """A photograph of a sheet with these corners, written on, in front of a ground (H, W, 3)."""
    sheet = Image.new("L", SIZE)
    ImageDraw.Draw(sheet).polygon([(x * WIDTH, y * HEIGHT) for x, y in corners], fill=255)
    cover, pen = (np.asarray(mask, np.float32)[..., None] / 255 for mask in (sheet, ink))
    return photographed(
        ((1 - cover) * ground + cover * ((1 - pen) * np.float32(paper) + pen * np.float32(PEN))) * light
    )


def answers(picture):
    return "".join(reading.best for reading in app.read(picture))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_what_is_written_on_a_sheet_is_read_whatever_it_lies_on(ground, place):
    ink = writing("364", 74, (0.65, 0.52))
    assert answers(on(GROUNDS[ground], PLACES[place], ink)) == "364"


@pytest.mark.parametrize("ground", GROUNDS)
def test_a_small_note_is_read_in_light_that_falls_off(ground):
    light = np.linspace(1.05, 0.65, WIDTH, dtype=np.float32)[None, :, None]
    note = [(0.5, 0.38), (0.82, 0.3), (0.88, 0.72), (0.56, 0.8)]
    shot = on(GROUNDS[ground], note, writing("5", 90, (0.68, 0.55)), paper=(235, 215, 105), light=light)
    assert answers(shot) == "5"
    assert preprocessing.prepare(shot).diagnostics.edge_pieces > 0


def test_a_finger_that_holds_the_sheet_is_left_out():
    ground = GROUNDS["dark"]
    shot = on(ground, [(0.2, 0.25), (0.82, 0.12), (0.9, 0.8), (0.27, 0.9)], writing("2", 150, (0.62, 0.5)))
    ImageDraw.Draw(shot).line([(-20, 420), (175, 300)], fill=(190, 140, 118), width=44)
    ImageDraw.Draw(shot).ellipse([153, 278, 197, 322], fill=(190, 140, 118))
    assert answers(photographed(np.asarray(shot, np.float32))) == "2"


def test_the_place_of_the_ink_is_that_in_the_whole_picture():
    ink = writing("8", 110, (0.66, 0.55))
    box = preprocessing.prepare(on(GROUNDS["tiles"], PLACES["cut off at a corner"], ink)).box
    assert box == pytest.approx(ink.getbbox(), abs=5)


def test_two_notes_that_are_written_on_are_both_kept():
    ground = np.asarray(on(GROUNDS["dark"], [(0.05, 0.2), (0.45, 0.2), (0.45, 0.8), (0.05, 0.8)],
                           writing("3", 120, (0.25, 0.5))), np.float32)  # fmt: skip
    shot = on(ground, [(0.55, 0.2), (0.95, 0.2), (0.95, 0.8), (0.55, 0.8)], writing("7", 120, (0.75, 0.5)))
    assert on_paper_alone(shot)[0] is shot


def test_boxes_and_lines_are_no_sheets():
    image = Image.fromarray(plain(PAPER).astype(np.uint8))
    image.paste(PEN, mask=writing("47", 120, (0.5, 0.5)))
    pen = ImageDraw.Draw(image)
    for x in (120, 320, 520):
        pen.line([(x, 130), (x, 350)], fill=PEN, width=6)
    for y in (130, 350):
        pen.line([(120, y), (520, y)], fill=PEN, width=6)
    shot = photographed(np.asarray(image, np.float32))
    assert on_paper_alone(shot)[0] is shot


def test_paper_that_fills_the_picture_is_left_as_it_is():
    shot = on(GROUNDS["dark"], [(-1, -1), (2, -1), (2, 2), (-1, 2)], writing("6", 200, (0.5, 0.5)))
    assert on_paper_alone(shot)[0] is shot
