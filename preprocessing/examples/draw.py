"""Draws the examples beside this file as a hand might: black on white, a round brush, a little wobble.

    python preprocessing/examples/draw.py

Where the first character of a file's name is a digit, that is the digit it shows. The others are a letter, a star, a
year, and photos: of a digit on plain paper and in a form, of a number on squared paper, and of a sum. The page's icon
is made from one of them as well.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

CANVAS = 400
OVERSAMPLING = 4  # drawn larger and scaled down, which gives the edges of a real brush
GREY_LEVELS = 16  # enough for smooth edges, and keeps a file to a few kilobytes

# name: (brush in pixels, box (left, top, width, height) in pixels, slant, strokes in the unit square, y downwards)
DRAWINGS = {
    "0-slashed": (22, (105, 65, 190, 270), 0.06, [
        [(.55, .0), (.18, .14), (.02, .5), (.17, .86), (.5, 1), (.85, .84), (.98, .48), (.82, .13), (.5, .01)],
        [(.98, -.02), (.62, .4), (.3, .72), (.04, 1.03)],
    ]),
    "1-serif": (24, (135, 70, 120, 265), 0.02, [
        [(.02, .26), (.28, .14), (.52, .0), (.53, .3), (.52, .66), (.53, .97)],
        [(.0, 1), (.5, .98), (1.02, 1)],
    ]),
    "2-slanted": (26, (95, 75, 200, 250), 0.22, [
        [(.06, .24), (.22, .04), (.56, -.01), (.84, .13), (.8, .38), (.5, .64), (.2, .85), (.02, .99),
         (.12, .99), (.5, .97), (1, .99)],
    ]),
    "3-small-off-centre": (16, (270, 40, 78, 112), 0.05, [
        [(.06, .12), (.36, .0), (.8, .08), (.84, .32), (.56, .46), (.38, .49), (.7, .52), (.97, .72), (.78, .95),
         (.38, 1.02), (.02, .9)],
    ]),
    "4-tiny": (8, (205, 225, 44, 58), 0.08, [
        [(.5, .0), (.28, .3), (.02, .62), (.3, .63), (.65, .6), (1.0, .61)],
        [(.74, .22), (.72, .55), (.7, 1.02)],
    ]),
    "5-thin": (7, (110, 60, 180, 275), 0.08, [
        [(.2, .02), (.18, .22), (.13, .44), (.34, .37), (.68, .39), (.95, .58), (.93, .82), (.66, .99), (.3, 1.0),
         (.02, .9)],
        [(.19, .02), (.5, .03), (.9, .0)],
    ]),
    "6": (24, (110, 60, 175, 275), 0.05, [
        [(.8, .0), (.46, .14), (.16, .42), (.03, .7), (.17, .94), (.5, 1.01), (.83, .9), (.92, .7), (.72, .54),
         (.4, .56), (.13, .74)],
    ]),
    "7": (25, (100, 70, 195, 260), 0.04, [
        [(.0, .05), (.3, .03), (.65, .04), (1.0, .0), (.84, .24), (.63, .5), (.46, .76), (.38, 1.02)],
    ]),
    "8-thick": (46, (115, 75, 165, 250), 0.04, [
        [(.84, .12), (.5, -.02), (.14, .12), (.16, .33), (.5, .48), (.86, .66), (.9, .88), (.5, 1.02), (.1, .88),
         (.14, .66), (.48, .48), (.82, .32), (.86, .14)],
    ]),
    "9": (22, (120, 65, 160, 270), 0.07, [
        [(.92, .16), (.62, .0), (.22, .07), (.04, .29), (.2, .49), (.56, .5), (.86, .32), (.95, .1), (.92, .4),
         (.84, .72), (.76, 1.03)],
    ]),
    "letter-A": (24, (105, 70, 190, 260), 0.03, [
        [(.0, 1.0), (.17, .66), (.36, .3), (.5, .0), (.64, .3), (.83, .66), (1.0, 1.0)],
        [(.17, .64), (.5, .62), (.84, .64)],
    ]),
    "shape-star": (18, (85, 80, 230, 225), 0.0, [
        [(.2, 1.0), (.36, .68), (.5, .3), (.6, .0), (.68, .3), (.8, .66), (.93, .98), (.6, .72), (.3, .5), (.0, .33),
         (.35, .36), (.65, .37), (1.0, .35), (.7, .58), (.45, .79), (.2, 1.0)],
    ]),
    "several-2026": (15, (40, 145, 320, 110), 0.06, [
        [(.02, .24), (.07, .03), (.15, .03), (.19, .25), (.12, .6), (.0, .98), (.08, .97), (.2, .99)],
        [(.37, .0), (.29, .12), (.26, .5), (.29, .88), (.37, 1.0), (.44, .85), (.47, .48), (.44, .12), (.37, .01)],
        [(.55, .24), (.6, .03), (.67, .03), (.71, .25), (.64, .6), (.53, .98), (.61, .97), (.73, .99)],
        [(.96, .0), (.87, .18), (.81, .5), (.82, .85), (.89, 1.01), (.97, .92), (.99, .7), (.94, .54), (.87, .57),
         (.82, .75)],
    ]),
}  # fmt: skip

PAPER_2 = (9, (150, 85, 120, 190), 0.18, [
    [(.04, .26), (.2, .05), (.55, -.01), (.85, .12), (.84, .36), (.55, .64), (.25, .85), (.0, 1.0),
     (.2, .96), (.45, .95), (.7, 1.0), (1.0, .96)],
])  # fmt: skip
# Strokes of the digits of a number or a sum, in the unit square.
# fmt: off
ZERO = [(.5, .0), (.15, .2), (.02, .55), (.2, .92), (.5, 1), (.82, .88), (.98, .5), (.8, .12), (.48, .01)]
TWO = [(.04, .26), (.2, .05), (.55, -.01), (.88, .14), (.84, .38), (.5, .66), (.0, 1.0), (.45, .96), (1.0, .98)]
THREE = [(.06, .12), (.36, .0), (.82, .1), (.8, .34), (.4, .48), (.9, .6), (.86, .9), (.4, 1.02), (.0, .9)]
FIVE = [(.85, .0), (.2, .02), (.14, .42), (.5, .36), (.95, .58), (.85, .9), (.45, 1.02), (.0, .9)]
SIX = [(.8, .0), (.3, .3), (.02, .72), (.3, 1), (.8, .95), (.88, .68), (.5, .55), (.1, .76)]
SEVEN = [(.0, .04), (.5, .03), (1.0, .0), (.66, .4), (.4, 1.02)]
EIGHT = [(.84, .12), (.5, -.02), (.14, .14), (.5, .48), (.9, .76), (.5, 1.02), (.1, .8), (.5, .48), (.86, .2), (.8, .1)]
PLUS = [[(.5, .1), (.5, .9)], [(.05, .5), (.95, .5)]]
# fmt: on


def beside(*parts):
    """The strokes of several digits; each is given as its box in the unit square, (left, top, width, height), and its
    strokes.
    """
    return [
        [(left + x * width, top + y * height) for x, y in stroke]
        for (left, top, width, height), strokes in parts
        for stroke in (strokes if isinstance(strokes[0], list) else [strokes])
    ]


# Photos: a pen on grainy paper under a lamp at one side. name: (what is printed on the paper, drawing)
PHOTOS = {
    "paper-2": ("nothing", PAPER_2),
    "cell-8": ("cell", (8, (165, 140, 70, 118), 0.1, [EIGHT])),
    "squared-350": ("squares", (7, (95, 160, 200, 84), 0.08, beside(
        ((0, 0, .24, 1), THREE), ((.36, .02, .25, 1), FIVE), ((.74, 0, .26, 1), ZERO),
    ))),
    "sum-27": ("nothing", (6, (60, 90, 280, 230), 0.04, beside(
        ((.45, 0, .2, .24), TWO), ((.75, 0, .2, .24), SEVEN),
        ((.06, .42, .16, .17), PLUS), ((.46, .38, .2, .24), THREE), ((.76, .38, .2, .24), FIVE),
        ((.44, .77, .2, .23), SIX), ((.76, .77, .2, .23), TWO),
    ))),
}  # fmt: skip
PAPER, PEN = (236, 229, 214), (38, 52, 120)
PRINT = {"cell": (96, 96, 104), "squares": (150, 172, 196)}  # colours of what is printed on the paper
CELL = (140, 110, 260, 290)  # left, top, right, bottom of a cell in a form
SQUARE = 40  # side of a square on squared paper
SHADE = 0.45  # how much darker the corner away from the lamp is
GRAIN = 5  # of 255
PHOTO_QUALITY = 82

ICON = Path(__file__).parents[2] / "weights" / "serving" / "page" / "favicon.png"
ICON_OF, ICON_COLOUR, ICON_SIDE = "7", "#3547c5", 192


def spline(points, steps=40):
    """(n, 2) points of the Catmull-Rom curve through `points`."""
    p = np.asarray(points, float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])  # a point beyond each end, so that the curve reaches both
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    curve = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack([*curve, p[-2]])


def wobble(curve, amount, rng):
    """The curve moved by smooth noise of about `amount` pixels: a hand is never still."""
    noise = np.cumsum(rng.normal(size=(len(curve), 2)), axis=0)
    width = 61
    kernel = np.ones(width) / width
    noise = np.column_stack([np.convolve(np.pad(n, width // 2, "edge"), kernel, "valid") for n in noise.T])
    noise -= noise.mean(axis=0)
    return curve + amount * noise / max(noise.std(), 1e-9)


def draw(name, drawing):
    """A drawing as an "L" image, CANVAS x CANVAS, black on white."""
    brush, (left, top, width, height), slant, strokes = drawing
    rng = np.random.default_rng(sum(map(ord, name)))
    big = Image.new("L", (CANVAS * OVERSAMPLING,) * 2, 255)
    pen = ImageDraw.Draw(big)
    for stroke in strokes:
        curve = spline(stroke)
        curve[:, 0] += slant * (0.5 - curve[:, 1]) * height / width  # the top leans to the right
        curve = wobble(curve * (width, height) + (left, top), 0.008 * height, rng) * OVERSAMPLING
        for x, y in curve:
            r = brush / 2 * OVERSAMPLING
            pen.ellipse((x - r, y - r, x + r, y + r), fill=0)
        pen.line([tuple(xy) for xy in curve], fill=0, width=round(brush * OVERSAMPLING))
    return big.resize((CANVAS, CANVAS), Image.Resampling.LANCZOS)


def printed(paper):
    """Coverage in [0, 1] of what is printed on the paper, (CANVAS, CANVAS)."""
    page = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(page)
    if paper == "cell":
        pen.rectangle(CELL, outline=255, width=3)
        left, top, right, bottom = CELL
        for place in (left - (right - left), right):
            pen.rectangle((place, top, place + right - left, bottom), outline=255, width=3)
    if paper == "squares":
        for at in range(SQUARE // 2, CANVAS, SQUARE):
            pen.line((at, 0, at, CANVAS), fill=255, width=2)
            pen.line((0, at, CANVAS, at), fill=255, width=2)
    return np.asarray(page, float) / 255


def photo(ink, paper="nothing"):
    """What a camera might make of the drawing on paper: an "RGB" image."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] / CANVAS
    light = 1 - SHADE * (0.7 * x + 0.3 * y) ** 1.5
    cover = (1 - np.asarray(ink, float) / 255)[..., None]
    lines = printed(paper)[..., None]
    colour = (1 - lines) * PAPER + lines * PRINT.get(paper, PAPER)
    colour = (1 - cover) * colour + cover * PEN
    grain = rng.normal(0, GRAIN, (CANVAS, CANVAS, 1))
    return Image.fromarray(np.clip(colour * light[..., None] + grain, 0, 255).astype(np.uint8))


def icon():
    """A 7 in chalk on a rounded tile: an "RGBA" image."""
    brush, _, slant, strokes = DRAWINGS[ICON_OF]
    ink = draw(ICON_OF, (brush * 2, (95, 70, 210, 260), slant, strokes))
    tile = Image.new("RGBA", (CANVAS, CANVAS))
    ImageDraw.Draw(tile).rounded_rectangle((0, 0, CANVAS - 1, CANVAS - 1), radius=90, fill=ICON_COLOUR)
    tile.paste("white", mask=ink.point(lambda grey: 255 - grey))
    return tile.resize((ICON_SIDE, ICON_SIDE), Image.Resampling.LANCZOS)


def main():
    folder = Path(__file__).parent
    icon().save(ICON, optimize=True)
    for name, (paper, drawing) in PHOTOS.items():
        photo(draw(name, drawing), paper).save(folder / f"{name}.jpg", quality=PHOTO_QUALITY, optimize=True)
    for name, drawing in DRAWINGS.items():
        levels = draw(name, drawing).point(lambda v: round(v / 255 * (GREY_LEVELS - 1)))
        image = Image.frombytes("P", levels.size, levels.tobytes())
        image.putpalette([g for level in range(GREY_LEVELS) for g in (level * 255 // (GREY_LEVELS - 1),) * 3])
        image.save(folder / f"{name}.png", optimize=True, bits=4)
        print(f"{name}.png  {(folder / f'{name}.png').stat().st_size} bytes")


if __name__ == "__main__":
    main()
