"""Windows: dark fields on lighter paper, with light digits in them, as on meters, counters, house numbers and badges.

A window would be taken for ink, and the light digits in it for holes. It is a piece of ink that fills a quadrilateral
but for thin light strokes. A thick angular 0 or 8 does so, too, but its holes are wide. A badge is a window, too: it is
a disc or bulges otherwise, as a hexagon does, and is not as narrow as a 0.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.background.beyond import with_paper_beyond
from preprocessing.pieces.components import HALF, pieces_of
from preprocessing.pixels.morphology import dilated
from preprocessing.pixels.pen import stroke_width
from preprocessing.pixels.shapes import filled, half_planes, quadrilateral, second_moments

# Windows cover at least this share of the picture. The ink of most drawings covers less, and they are told fast.
LEAST_INK = 0.08
# A window is at least this many pixels wide and high: a digit in it must be legible.
SMALLEST_WINDOW = 12
# A window covers at least this share of its box: a square on its tip half of it, less the digit.
IN_BOX = 0.45
# A window covers this share of the quadrilateral around it: its corners may be round. A bold 0 or 8 covers up to 0.93,
# but its holes are wide.
STRAIGHT = 0.93
# Light strokes cover between these shares of a window: a speck covers less, and the hole of a 0 more.
LIGHT = 0.02, 0.4
# The light strokes are no wider than this share of the side of a square as large as the window. The holes of a thick 8
# are wider.
WIDEST_PEN = 0.13
# The longest light stroke is at least so long, as a share of the window's shorter side, or of the side of a square that
# is as large as the window.
LONGEST_STROKE = 0.29
# Windows in a row are as wide and as high as each other to within this factor: the farther ones look smaller.
ALIKE = 1.25
# The blurred edge of a window is so many pixels wide.
RIM = 2
# A badge covers this share of the smallest bulging shape around it: a 6 or an 8 leaves more of it free.
BULGING = 0.98
# A badge is at least this many times as wide as long, along its axes: discs, squares and hexagons are 1. Most zeros are
# narrower.
BADGE_WIDE = 0.9
# The hole of a 0 is longer than it is wide, about as much as the 0 itself. A stroke that is longer than the hole could
# be, by this share of the shape's width, is no hole but a digit on a badge.
SLIT = 0.1
# A slit is this many times as wide as its mean stroke width, for its ends are round.
SLIT_WIDTH = 1.5
# A window's shape is looked at on no more than this many pixels along its longer side.
SHAPE_SIDE = 48


class Windows(NamedTuple):
    """The windows of a picture.

    whole: all their pixels, (H, W) bool.
    blank: those in which nothing is written, (H, W) bool.
    """

    whole: np.ndarray
    blank: np.ndarray


def windows_in(ink: np.ndarray) -> Windows | None:
    """All windows that were taken for ink (H, W) in [0, 1]; None without windows. Of a window in the frame of another,
    the inner one is the window.
    """
    if ink.mean() < LEAST_INK:
        return None
    pieces = pieces_of(ink > HALF)
    sizes = pieces.boxes[:, 2:] - pieces.boxes[:, :2]
    wide = sizes.min(axis=1, initial=ink.size) >= SMALLEST_WINDOW
    able = wide & (pieces.pixels() >= IN_BOX * sizes.prod(axis=1))
    found, sure = np.zeros(ink.shape, bool), np.ones((0, 2))
    by_size = sorted(np.flatnonzero(able), key=lambda piece: sizes[piece].prod())
    for like_others in (False, True):  # a digit in one window may be too thick for a pen, but not in all
        for piece in by_size:
            part, own = pieces.in_box(piece)
            window = filled(own)
            if found[part][window].any():
                continue
            if like_others:
                factors = np.maximum(sizes[piece] / sure, sure / sizes[piece])
                is_one = (factors <= ALIKE).all(axis=1).any()
            else:
                is_one = is_window(window, own, ink[part])
            if is_one:
                found[part] |= window
                sure = np.vstack([sure, sizes[piece]])
    if found.mean() < LEAST_INK:
        return None
    whole = ~dilated(~found)
    return Windows(whole, whole & (ink > HALF))


def is_window(window: np.ndarray, piece: np.ndarray, ink: np.ndarray) -> bool:
    """Whether a piece of ink, (H, W) bool in its box, is a window with light strokes in it.

    window: the piece without its holes, (H, W) bool. ink: (H, W) in [0, 1] in the same box.
    """
    area = np.count_nonzero(window)
    if not LIGHT[0] <= 1 - np.count_nonzero(piece) / area <= LIGHT[1]:
        return False
    around = np.pad(~window, 1, constant_values=True)
    for _ in range(RIM):
        around = dilated(around)
    light = np.where(around[1:-1, 1:-1], 0, 1 - ink)
    longest, width = pieces_of(light > HALF).longest.max(initial=0), stroke_width(light)
    if longest < LONGEST_STROKE * min(*window.shape, area**0.5) or width > WIDEST_PEN * area**0.5:
        return False
    long, wide = axes(window)
    may_be_zero = wide < BADGE_WIDE * long or longest - SLIT_WIDTH * width < long - wide + SLIT * wide
    return has_shape(window, not may_be_zero)


def axes(window: np.ndarray) -> tuple[float, float]:
    """The longer and the shorter axis of the ellipse with the second moments of a piece, (H, W) bool, in pixels."""
    xx, yy, xy = second_moments(window.astype(np.float32))
    middle, apart = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    return 4 * math.sqrt(middle + apart), 4 * math.sqrt(max(middle - apart, 0))


def has_shape(window: np.ndarray, may_be_badge: bool) -> bool:
    """Whether a piece without holes, (H, W) bool in its box, fills a quadrilateral, or bulges everywhere if it may be a
    badge.
    """
    step = -(-max(window.shape) // SHAPE_SIDE)
    shape = window[::step, ::step]
    shape = np.pad(shape, max(shape.shape) // 2)  # room for the quadrilateral's corners
    planes = half_planes(shape.shape)
    if shape.sum() >= STRAIGHT * quadrilateral(shape, planes).sum():
        return True
    around = (planes <= planes[:, shape.ravel()].max(axis=1, keepdims=True)).all(axis=0)
    return bool(may_be_badge and shape.sum() >= BULGING * around.sum())


def windows_alone(picture: Image.Image, windows: Windows) -> Image.Image:
    """A copy of a picture in L or RGB in which the blank of its windows goes on everywhere around them. The windows may
    be those of a reduced picture.
    """
    height, width = windows.whole.shape
    small = picture.resize((width, height), Image.Resampling.BOX)
    levels = np.asarray(small).astype(np.float32).reshape(height, width, -1)
    return with_paper_beyond(picture, levels, windows.blank, windows.whole)
