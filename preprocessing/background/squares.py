"""Takes the squares or rules of a whole sheet out of a picture.

    picture, count = without_squares(picture)      # the same picture and 0 if there are none

Where a picture shows a sheet of paper, its squares are a fortieth of it. On the reduced picture in which ink is looked
for (look.py) they blend into a grey texture with the digits in it. So they are looked for from closer by, before
anything else, and the paper under them is restored. Wider squares and single lines are left to paper.py.

A printed line lets a share of the light through that is the same all along it, by how far a pixel lies from its middle.
Ink over it takes its own share of what is left. So dividing by the line's share leaves the paper and the ink, and no
stroke has to be mended where it crosses a line.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.light.channel import separate_channels
from preprocessing.lines.rules import REACH, Rule, number_of, rules_across
from preprocessing.picture import reduction_to

# Lines are looked for on a picture reduced to about the area of a square with this side: squares of 4 mm on A4 have 16
# pixels there, and their lines one.
LINES_SIDE = 1000
# A smaller picture shows no sheet whose squares could be told from noise; drawing pads are smaller, too.
SHORTEST_SIDE = 420
# The paper's level is measured in blocks of so many pixels along an edge: larger than squares, smaller than shadows.
BLOCK = 32
# The paper's level is this quantile of a block: lines and ink cover less than half of it.
PAPER_QUANTILE = 0.7
# A line's share of the light is measured at so many steps a pixel, from its middle outwards (rules.REACH).
STEPS = 4
# A line's share of the light is measured in so many parts of it: print, light and focus change along it.
PARTS = 8
# The share at a step is known if at least this share of the pixels of the commonest step lies there.
WELL_SEEN = 0.3
# The light beside a line is not divided by less than this.
DARKEST_PAPER = 0.1
# A share of the light is a whole number of such steps when medians are looked for: finer than levels of a picture.
KEY_STEPS = 2**14
# A line that lets less light through than this hides what lies under it. No smaller share is used.
LEAST_LIGHT = 0.25


def without_squares(picture: Image.Image) -> tuple[Image.Image, int]:
    """A picture in L or RGB -> the same without the squares or rules of a sheet, and how many lines were taken
    out; the picture itself and 0 if it shows no such sheet.
    """
    if (picture.width * picture.height) ** 0.5 < SHORTEST_SIDE:
        return picture, 0
    factor = reduction_to(picture, LINES_SIDE)
    levels = np.asarray(picture.convert("L").reduce(factor))
    darkness = 1 - levels / paper_of(levels)
    across, upright = rules_across(darkness), rules_across(np.ascontiguousarray(darkness.T))
    if not across and not upright:
        return picture, 0
    channels = [cleared(channel, across, upright, factor) for channel in separate_channels(picture)]
    channels *= len(picture.getbands()) // len(channels)
    count = number_of(across, darkness.shape[1]) + number_of(upright, darkness.shape[0])
    return Image.merge(picture.mode, channels), count


def cleared(levels: np.ndarray, across: list[Rule], upright: list[Rule], factor: int) -> Image.Image:
    """A channel (H, W) uint8 of a picture without these lines, which were found on a picture reduced by `factor`."""
    paper, through = paper_of(levels), np.ones(levels.shape, np.float16)
    for view, ground, shares, lines in ((levels, paper, through, across), (levels.T, paper.T, through.T, upright)):
        for line in lines:
            place, share = light_through(view, ground, line, factor)
            shares[place] = np.minimum(shares[place], share)  # where lines cross, the darker one counts
    restored = np.empty_like(levels)
    for top in range(0, len(levels), BLOCK):  # no large copy as floats
        rows = slice(top, top + BLOCK)
        restored[rows] = np.clip(np.rint(levels[rows] / through[rows].astype(np.float32)), 0, 255)
    return Image.fromarray(restored)


def paper_of(levels: np.ndarray) -> np.ndarray:
    """The level of the paper around each pixel of (H, W) uint8, at least 1, as float32."""
    height, width = levels.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padded = np.pad(levels, ((0, rows * BLOCK - height), (0, columns * BLOCK - width)), mode="symmetric")
    blocks = padded.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)
    place = int(PAPER_QUANTILE * blocks.shape[2])
    paper = np.maximum(np.partition(blocks, place, axis=2)[:, :, place], 1).astype(np.float32)
    size = columns * BLOCK, rows * BLOCK
    return np.asarray(Image.fromarray(paper).resize(size, Image.Resampling.BILINEAR))[:height, :width]


def light_through(
    levels: np.ndarray, paper: np.ndarray, line: Rule, factor: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The rows and columns of the pixels of a line, (n,) each, and which share of the paper's light it lets through
    there, (n,).

    levels, paper: (H, W), of the picture and of its paper. The line was found on a picture reduced by `factor`.
    """
    height, width = levels.shape
    end = line.start + len(line.rows)
    columns = np.arange(line.start * factor, min(end * factor, width))
    places = (columns + 0.5) / factor - 0.5
    middle = (np.interp(places, np.arange(line.start, end), line.rows) + 0.5) * factor - 0.5
    reach = REACH * factor
    rows = np.rint(middle).astype(int) + np.arange(-reach, reach + 1)[:, None]
    inside = (rows >= 0) & (rows < height)
    if not inside.any():
        return (rows[inside], rows[inside]), middle[:0]
    rows = np.clip(rows, 0, height - 1)
    across = np.clip((rows - middle) * STEPS / factor + REACH * STEPS, 0, 2 * REACH * STEPS)
    part = np.minimum(np.arange(len(columns)) * PARTS // len(columns), PARTS - 1)
    steps, parts = np.rint(across).astype(int)[inside], np.broadcast_to(part, rows.shape)[inside]
    place = rows[inside], np.broadcast_to(columns, rows.shape)[inside]
    shares = profile(levels[place] / paper[place], steps, parts)
    step = np.minimum(across.astype(int), len(shares) - 2)
    share = shares[step, part] + (across - step) * (shares[step + 1, part] - shares[step, part])
    return place, share[inside]


def profile(light: np.ndarray, steps: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """The share of the paper's light that a line lets through at each step across it, in each of its parts, (steps,
    PARTS) in [LEAST_LIGHT, 1], from the light, the step and the part of its pixels, (n,).
    """
    count = 2 * REACH * STEPS + 1
    shares, seen = medians(light, steps * PARTS + parts, count * PARTS)
    shares, seen = shares.reshape(count, PARTS), seen.reshape(count, PARTS)
    outside = np.abs(steps - REACH * STEPS) > (REACH - 1) * STEPS
    paper, _ = medians(light[outside], parts[outside], PARTS)  # not quite 1
    at = np.arange(count)
    for part in range(PARTS):
        # a step that few pixels show, such as those of a stroke on the line, lies between the others
        known = seen[:, part] >= WELL_SEEN * seen[:, part].max()
        shares[:, part] = np.interp(at, at[known], shares[known, part])
    return np.clip(shares / np.maximum(paper, DARKEST_PAPER), LEAST_LIGHT, 1)


def medians(values: np.ndarray, groups: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The median of the values (n,), 0 to 4, in each of so many groups, 1 where there are none, and how many there are.
    groups: (n,) integers below 2**16.
    """
    # One integer orders by group and then by value: it is sorted twenty times as fast as two keys.
    keys = (groups.astype(np.uint32) << 16) | np.minimum(values * KEY_STEPS, 0xFFFF).astype(np.uint32)
    keys.sort()
    sizes = np.bincount(groups, minlength=count)
    starts = np.cumsum(sizes) - sizes
    middle = np.minimum(starts + sizes // 2, max(len(values) - 1, 0))
    found = (keys[middle] & 0xFFFF) / KEY_STEPS if len(values) else np.ones(count)
    return np.where(sizes > 0, found, 1).astype(np.float32), sizes
