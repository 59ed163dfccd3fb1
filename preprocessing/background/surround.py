"""What lies around the paper in a picture, parallel to its sides: a margin, a frame, black bars.

The ink is found by the paper, and the paper by the picture's border (ink.py): where something else lies there, all of
the paper would be taken for ink.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from preprocessing.pixels.tones import border

# On a smaller picture strokes and lines are a pixel or two wide and cannot be told apart. No photograph is so small,
# but MNIST's own digits are.
SMALLEST_PHOTO = 40
# A border is of one colour if its levels (of 255) differ by no more than this: grain and JPEG noise do.
EVEN = 24
# Of its levels, those between these quantiles count: a few pixels may be of anything.
COUNTED = 0.02, 0.98
# Paper differs by more than this many levels from what lies around it.
CONTRAST = 64
# Ink covers a tenth of a picture or two. Where more than this differs from the border, the border may not be the paper.
VARIED = 0.3
# Points along an edge that are looked at first: almost every picture ends there.
SAMPLE = 40
# Of the line along which the paper begins, this share must be paper: ink along the edge leaves less.
NEARLY_ALL = 0.97
# The paper begins where this share of a line is not surround: the line's ends may be frame.
MOST = 0.6
# The paper fills at least this share of the picture's width and height; a smaller part may be a thick stroke.
SMALLEST_PAPER = 0.5
# Pixels between the surround and the paper that are of neither colour.
BLUR = 2

# A margin that no camera took is of one level: its levels (of 255) differ by no more than this, by compression.
EXACT = 6
# A picture in a margin differs from it nearly everywhere: at least at this share of its pixels. A drawing does not.
FILLED = 0.75

LEFT, TOP, RIGHT, BOTTOM = range(4)


def inside_margin(picture: Image.Image) -> tuple[int, int, int, int]:
    """The box (left, top, right, bottom) of a photograph that lies in a margin of one exact level, as in a document or
    on a screenshot; the whole picture, in L or RGB, if it has no such margin.

    The margin is neither the paper nor a surround that is plainly darker or lighter.
    """
    whole = (0, 0, *picture.size)
    colours = {side: int(np.median(line)) for side, line in enumerate(edges(picture)) if np.ptp(line) <= EXACT}
    if not colours:
        return whole
    sample = sampled(picture)
    if all(np.mean(np.abs(sample - colour) > EXACT) < FILLED * SMALLEST_PAPER**2 for colour in set(colours.values())):
        return whole  # a drawing: most end here, before anything that takes time
    box = list(whole)
    levels = np.asarray(picture.convert("L")).astype(np.int16)
    others = {colour: np.abs(levels - colour) > EXACT for colour in set(colours.values())}
    for side, colour in colours.items():
        lines = np.flatnonzero(turned(others[colour], side).any(axis=1))
        if not lines.size:
            return whole
        box[side] += (int(lines[0]) + BLUR) * (1 if side in (LEFT, TOP) else -1)
    left, top, right, bottom = box
    if right - left < SMALLEST_PAPER * picture.width or bottom - top < SMALLEST_PAPER * picture.height:
        return whole
    for side, colour in colours.items():
        other = others[colour][top:bottom, left:right]
        if turned(other, side)[0].mean() < NEARLY_ALL or other.mean() < FILLED:
            return whole
    return left, top, right, bottom


def without_surround(picture: Image.Image) -> Image.Image:
    """A picture in L or RGB -> the same one, or a copy with paper in the place of what lies around the paper: something
    of one colour, parallel to the picture's sides.
    """
    sample, colours = sampled(picture), {}
    for side, line in enumerate(edges(picture)):
        colour = int(np.median(line))
        if np.mean(np.abs(sample - colour) > CONTRAST) > VARIED and np.ptp(np.quantile(line, COUNTED)) <= EVEN:
            colours[side] = colour
    if not colours:
        return picture
    levels = np.asarray(picture.convert("L")).astype(np.int16)
    box = [0, 0, picture.width, picture.height]
    for side, colour in colours.items():
        box[side] += first_of_paper(turned(np.abs(levels - colour) > CONTRAST, side)) * (
            1 if side in (LEFT, TOP) else -1
        )
    left, top, right, bottom = box
    if right - left < SMALLEST_PAPER * picture.width or bottom - top < SMALLEST_PAPER * picture.height:
        return picture
    inner = levels[top:bottom, left:right]
    for side, colour in colours.items():
        if np.mean(np.abs(turned(inner, side)[0] - colour) > CONTRAST) < NEARLY_ALL:
            return picture  # ink along the edge, or anything else
    return repainted(picture, (left, top, right, bottom))


def sampled(picture: Image.Image) -> np.ndarray:
    """Grey levels of a picture in L or RGB at a few points, (SAMPLE, SAMPLE) int16."""
    return np.asarray(picture.resize((SAMPLE, SAMPLE), Image.Resampling.NEAREST).convert("L")).astype(np.int16)


def edges(picture: Image.Image) -> list[np.ndarray]:
    """The outermost pixels of each side of a picture in L or RGB, as grey levels: left, top, right and bottom, (H,) or
    (W,) int16. The rest of the picture is not converted, which saves time.
    """
    width, height = picture.size
    boxes = ((0, 0, 1, height), (0, 0, width, 1), (width - 1, 0, width, height), (0, height - 1, width, height))
    return [np.asarray(picture.crop(box).convert("L")).ravel().astype(np.int16) for box in boxes]


def may_be_photo(picture: Image.Image) -> bool:
    """Whether a picture in L or RGB may be a photograph; that it is a drawing pad or tiny is told fast."""
    return max(picture.size) >= SMALLEST_PHOTO and np.ptp(np.concatenate(edges(picture))) > 0


def turned(array: np.ndarray, side: int) -> np.ndarray:
    """A view of an array (H, W) whose first row is this side of it."""
    array = array.T if side in (LEFT, RIGHT) else array
    return array[::-1] if side in (RIGHT, BOTTOM) else array


def first_of_paper(other: np.ndarray) -> int:
    """The first row of the paper, told by which pixels (H, W) bool are of another colour than the surround; 0 if there
    is none.
    """
    most = np.flatnonzero(other.mean(axis=1) > MOST)
    return int(most[0]) + BLUR if most.size else 0


def repainted(picture: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The picture with the median colour along the inside of the box in the place of all outside it."""
    inside = picture.crop(box)
    paper = np.median(border(np.asarray(inside)), axis=0)
    colour = int(paper) if picture.mode == "L" else tuple(int(level) for level in paper)
    painted = Image.new(picture.mode, picture.size, colour)
    painted.paste(inside, box)
    return painted
