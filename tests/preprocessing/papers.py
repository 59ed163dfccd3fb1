"""A handwritten 2 on paper, with all that lies on paper and around it.

Every kind of paper is made by a function that draws its place, slope, thickness, tone and noise from a generator of
random numbers.
"""

import numpy as np
from pictures import draw_stroke
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from preprocessing import to_mnist

SIDE = 300
WAYS = range(6)
PAPER, PEN = (225, 222, 214), (30, 35, 80)
# A 2 with a straight foot, in hundredths of the picture.
TWO = [(38, 36), (42, 26), (52, 22), (62, 27), (64, 38), (57, 52), (46, 64), (37, 76), (66, 76)]


def two(size=SIDE, width=12, ink=PEN, ground=PAPER, scale=1.0):
    """A handwritten 2 in the middle of blank paper."""
    image = Image.new("RGB", (size, size), ground)
    points = [((50 + (x - 50) * scale) * size / 100, (50 + (y - 50) * scale) * size / 100) for x, y in TWO]
    draw_stroke(image, points, width, ink)
    return image


REFERENCE = to_mnist(two())


def photographed(image, rng, noise=3.0):
    """The picture under a lamp from one side, a little soft, with grain."""
    levels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1))), np.float32)
    height, width = levels.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    light = 1 + 0.15 * (np.cos(angle) * x + np.sin(angle) * y)
    shot = levels * light[..., None] + rng.normal(0, noise, (height, width, 1))
    return Image.fromarray(np.clip(shot, 0, 255).astype(np.uint8))


def lines(image, ends, colour, width):
    pen = ImageDraw.Draw(image)
    for start, end in ends:
        pen.line([start, end], fill=colour, width=width)
    return image


def cell(rng):
    """Borders on two to four sides that run out of the picture, of one thickness or of two."""
    sides = rng.permutation(4)[: rng.integers(2, 5)]
    image, tilt = two(), rng.uniform(-6, 6)
    for side in sides:
        at, width = rng.uniform(4, 30), int(rng.choice([2, 3, 5, 10]))
        at = at if side < 2 else SIDE - at
        along = [(-5, at - tilt), (SIDE + 5, at + tilt)]
        along = along if side % 2 else [(x, y) for y, x in along]
        lines(image, [along], (40, 40, 45), width)
    return photographed(image, rng)


def broken_cell(rng):
    """A border all around, with gaps, whose corners lie inside the picture."""
    image, low = two(), rng.uniform(10, 24)
    high = SIDE - low
    for fixed in (low, high):
        for start in np.arange(low, high, 46):
            for turn in (1, -1):
                ends = [(start, fixed), (min(start + rng.uniform(34, 46), high), fixed)]
                lines(image, [[end[::turn] for end in ends]], (60, 60, 70), 3)
    return photographed(image, rng)


def wide_cell(rng):
    """A low wide cell of a table: the digit is a small part of its width."""
    image = Image.new("RGB", (4 * SIDE, SIDE), PAPER)
    image.paste(two(), (int(rng.uniform(0.2, 2.8) * SIDE), 0))
    low, wide = rng.uniform(6, 20), 4 * SIDE
    for y in (low, SIDE - low):
        lines(image, [[(-5, y), (wide + 5, y)]], (40, 40, 45), 6)
    for x in (low, wide - low):
        lines(image, [[(x, -5), (x, SIDE + 5)]], (40, 40, 45), 6)
    return photographed(image, rng)


def squared(rng, colour=(150, 175, 215), ground=PAPER):
    """Squares, the digit one to four of them high."""
    image, step = two(ground=ground), rng.uniform(42, 110)
    slope, first = rng.uniform(-8, 8), rng.uniform(0, step)
    sheet = Image.new("RGB", image.size, ground)
    for at in np.arange(first, SIDE + step, step):
        for ends in ([(-5, at - slope), (SIDE + 5, at + slope)], [(at + slope, -5), (at - slope, SIDE + 5)]):
            lines(sheet, [ends], colour, 2)
    image = Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet)))
    return photographed(image, rng)


def ruled(rng):
    """Rules under and through the digit, in pale blue or nearly black."""
    image, step = two(), rng.uniform(60, 130)
    colour = (150, 175, 215) if rng.random() < 0.5 else (70, 70, 80)
    sheet, first, slope = Image.new("RGB", image.size, PAPER), rng.uniform(0, step), rng.uniform(-8, 8)
    for at in np.arange(first, SIDE + step, step):
        lines(sheet, [[(-5, at - slope), (SIDE + 5, at + slope)]], colour, 3)
    return photographed(Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet))), rng)


def sheet_of(rng, squares):
    """A sheet of which all rules or squares are in the picture: they are closer than usual, and the digit is small."""
    size, step = (600, 750), rng.uniform(35 if squares else 25, 70)
    sheet = Image.new("RGB", size, PAPER)
    colour, width = (int(rng.uniform(110, 200)),) * 3, int(rng.integers(1, 3))
    for at in np.arange(rng.uniform(0, step), size[1], step):
        lines(sheet, [[(-5, at), (size[0] + 5, at)]], colour, width)
        if squares:
            lines(sheet, [[(at, -5), (at, size[1] + 5)]], colour, width)
    return sheet


def ruled_sheet(rng, squares=False):
    """The digit is a tenth to a third of the sheet's width high."""
    sheet = sheet_of(rng, squares)
    side = int(rng.uniform(60, 200))
    x, y = (int(rng.uniform(0.2, 0.8) * (all_ - side)) for all_ in sheet.size)
    digit = two().resize((side, side))
    sheet.paste(ImageChops.darker(digit, sheet.crop((x, y, x + side, y + side))), (x, y))
    return photographed(sheet, rng, noise=1)


def squared_sheet(rng):
    return ruled_sheet(rng, squares=True)


def binarised(rng):
    """Ruled or squared paper after a scanner's threshold: the rules are as black as the ink."""
    image, step = two(ink="black", ground="white"), rng.uniform(40, 80)
    sheet = Image.new("RGB", image.size, "white")
    for at in np.arange(rng.uniform(0, step), SIDE, step):
        lines(sheet, [[(0, at), (SIDE, at)]], "black", 2)
        if step > 60:
            lines(sheet, [[(at, 0), (at, SIDE)]], "black", 2)
    return Image.fromarray(np.minimum(np.asarray(image), np.asarray(sheet)))


def desk_strip(rng):
    """A slanted strip of a dark table at one side."""
    image = np.asarray(two()).copy()
    depth = rng.uniform(8, 34) + np.linspace(0, rng.uniform(-12, 12), SIDE) + rng.normal(0, 0.4, SIDE).cumsum()
    strip = np.arange(SIDE)[None] < np.maximum(depth, 1)[:, None]
    image[strip] = np.array([70, 50, 35]) + rng.normal(0, 8, (strip.sum(), 1))
    return photographed(Image.fromarray(image), rng)


def desk_corner(rng):
    """The corner of a table, or of a sheet on it."""
    image = two()
    across, down = rng.uniform(50, 110, 2)
    corner = [(SIDE, 0), (SIDE - across, 0), (SIDE, down)]
    ImageDraw.Draw(image).polygon(corner, fill=(60, 40, 30))
    return photographed(image, rng)


def other_writing(rng):
    """What is left of other digits at one or two edges."""
    image = two()
    for side in rng.permutation(4)[: rng.integers(1, 3)]:
        deep, at = rng.uniform(8, 28), rng.uniform(60, 180)
        image = image.rotate(90 * side)
        ImageDraw.Draw(image).ellipse([at, -80 + deep, at + 70, deep], outline=PEN, width=10)
        image = image.rotate(-90 * side)
    return photographed(image, rng)


def punched_holes(rng):
    """Holes along the left edge, dark as the table under the sheet."""
    image = two()
    x, radius = rng.uniform(12, 20), rng.uniform(6, 9)
    for y in np.linspace(rng.uniform(20, 50), rng.uniform(240, 280), int(rng.integers(2, 5))):
        ImageDraw.Draw(image).ellipse([x - radius, y - radius, x + radius, y + radius], fill=(40, 35, 30))
    return photographed(image, rng)


def spiral(rng):
    """The wire of a pad along the upper edge."""
    image, step = two(), rng.uniform(18, 30)
    for x in np.arange(rng.uniform(0, step), SIDE, step):
        ImageDraw.Draw(image).rectangle([x, 2, x + step / 2.5, rng.uniform(14, 18)], fill=(60, 60, 60))
    return photographed(image, rng)


def ledge(rng):
    """Chalk on a board, and the board's wooden ledge below."""
    image = two(ink=(215, 215, 205), ground=(35, 65, 50))
    ImageDraw.Draw(image).rectangle([0, SIDE - rng.uniform(10, 26), SIDE, SIDE], fill=(165, 120, 70))
    return photographed(image, rng)


def pasted(rng):
    """A piece of greyish paper on a white ground."""
    level = int(rng.uniform(185, 240))
    image = photographed(two(ground=(level, level, level - 5)), rng, noise=2)
    white = Image.new("RGB", (int(SIDE * rng.uniform(1.15, 1.6)),) * 2, "white")
    white.paste(image, tuple(int(at) for at in rng.uniform(0, white.width - SIDE, 2)))
    return white


def shadow(rng):
    """A hard or soft shadow across the digit, a quarter to a half darker."""
    mask = Image.new("L", (SIDE, SIDE))
    shape = ImageDraw.Draw(mask)
    if rng.random() < 0.5:
        shape.polygon([(SIDE, rng.uniform(0, 200)), (SIDE, SIDE), (rng.uniform(50, 250), SIDE)], fill=255)
    else:
        shape.rectangle([rng.uniform(50, 200), rng.uniform(100, 220), SIDE, SIDE], fill=255)
    return darkened(two(), mask, rng)


def darkened(image, mask, rng):
    """The picture where a mask (L) throws a shadow, a quarter to a half darker, hard or soft at its edges."""
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 5))), np.float32)[..., None] / 255
    shaded = np.asarray(image) * (1 - rng.uniform(0.25, 0.5) * cover)
    return photographed(Image.fromarray(shaded.astype(np.uint8)), rng)


def phone_shadow(rng):
    """The shadow of a phone that lies turned inside the picture and ends in it on all sides."""
    mask, angle = Image.new("L", (SIDE, SIDE)), rng.uniform(0, np.pi)
    middle, half = rng.uniform(90, 210, 2), np.array([rng.uniform(85, 130), rng.uniform(50, 70)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half @ turn.T + middle
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=255)
    return darkened(two(), mask, rng)


def finger_shadow(rng):
    """The shadows of three fingers across the digit, each about three strokes wide."""
    mask = Image.new("L", (SIDE, SIDE))
    middle, wide = rng.uniform(60, 240), int(rng.uniform(34, 46))
    for spread in (-70, 0, 70):
        tip = (middle + 1.3 * spread + rng.normal(0, 10), rng.uniform(60, 160))
        ImageDraw.Draw(mask).line([(middle + spread / 2, SIDE + 20), tip], fill=255, width=wide)
    return darkened(two(), mask, rng)


def narrow_shadow(rng):
    """The soft shadow of a single finger across the digit, two or three strokes wide."""
    mask, middle = Image.new("L", (SIDE, SIDE)), rng.uniform(110, 190)
    ends = [(middle + rng.normal(0, 15), rng.uniform(90, 130)), (middle, SIDE + 20)]
    ImageDraw.Draw(mask).line(ends, fill=255, width=int(rng.uniform(28, 36)))
    return soft_shadow(two(width=16), mask, blur=6, depth=0.3)


def soft_shadow(image, mask, blur, depth):
    """The picture in even light, darker by this share where a mask (L) throws a shadow with a blurred edge."""
    cover = np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), np.float32)[..., None] / 255
    noise = np.random.default_rng(0).normal(0, 2, (*cover.shape[:2], 1))
    return Image.fromarray(np.clip(np.asarray(image) * (1 - depth * cover) + noise, 0, 255).astype(np.uint8))


def thin_border(rng):
    """One white pixel at two sides of a black canvas, as a browser's screenshot has it."""
    image = two(ink="white", ground="black")
    first, second = rng.permutation(4)[:2]
    for side in (first, second):
        ends = {0: [(0, 0), (SIDE, 0)], 1: [(0, 0), (0, SIDE)], 2: [(0, SIDE - 1), (SIDE, SIDE - 1)]}
        lines(image, [ends.get(int(side), [(SIDE - 1, 0), (SIDE - 1, SIDE)])], "white", 1)
    return image


def grey_frame(rng):
    """A grey frame around white paper."""
    image, level = two(ink="black", ground="white"), int(rng.uniform(90, 215))
    wide = int(rng.uniform(4, 30))
    ImageDraw.Draw(image).rectangle([0, 0, SIDE - 1, SIDE - 1], outline=(level,) * 3, width=wide)
    return image


def askew_on_desk(rng):
    """A sheet that lies turned on a textured table."""
    sheet = two(scale=0.9).convert("RGBA").rotate(rng.uniform(-12, 12), Image.Resampling.BICUBIC, expand=True)
    side = int(max(sheet.size) * rng.uniform(1.05, 1.4))
    grain = rng.normal(0, 9, (side, side, 1)) + np.array([80, 55, 40])
    table = Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))
    table.paste(sheet, tuple(int(at) for at in rng.uniform(0, side - max(sheet.size), 2)), sheet)
    return photographed(table, rng)


MADE = (
    cell, broken_cell, wide_cell, squared, ruled, ruled_sheet, squared_sheet, binarised, desk_strip, desk_corner,
    other_writing, punched_holes, spiral, ledge, pasted, shadow, phone_shadow, finger_shadow, narrow_shadow,
    thin_border, grey_frame,
)  # fmt: skip
