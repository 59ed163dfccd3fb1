"""Takes the paper's lines out of a picture, and mends the strokes that they cross."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.lines.line import Darkness, Line, Lines, mark
from preprocessing.pieces.components import FAINT, HALF, SMALLEST_DIGIT, pieces_of, without
from preprocessing.pixels.morphology import dilated
from preprocessing.pixels.pen import ink_level

# A stroke that crosses a line is continued across it in directions up to this slope (columns per row).
CROSSING_SLOPES = (0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2.2, 2.2)
# A line has a stroke on it where it is more than this many times as thick as usual. Print, blur and noise change the
# thickness of a rule by a sixth.
THICKER = 1.4
# The sides of boxes are drawn one by one, and their thickness varies more: a stroke on them makes them more than this
# many times as thick.
THICKER_BOX = 1.7
# A stroke on the side of a box makes it this many pixels thicker, too: sides of two boxes may lie beside each other.
THICKER_PIXELS = 2
# The thickness at one place is the sum of the darkness across the line, divided by the line's own darkness. It counts
# the pixels around the line's middle that reach this share of its darkness.
OF_LINE = 0.3
# The thickness at one place is the median of so many columns.
THICKNESS_COLUMNS = 5
# Beside a line, what is darker than a place nearer to it by this share of the ink's darkness is ink of its own.
RISES = 0.2
# A piece of ink is a remainder of lines if more than this share of it lies in or along them.
REMAINS = 0.8
# A long piece of ink is a remainder only if it is thinner than this many pixels.
THIN_REMAINS = 2.5
# A piece is no remainder if at least this share of it is plainly ink: the blurred rim of a thin dash is half of it.
PLAINLY_INK = 0.4
# On a line that is fainter than this share of the ink, what is darker than the line is ink.
FAINT_LINE = 0.7


class Ink(NamedTuple):
    """What tells ink from the printed lines under it."""

    level: float  # its darkness
    # With a stroke on it a line is more than `thicker` times as thick as usual, and `thicker_pixels` more.
    thicker: float
    thicker_pixels: int


class Cleared(NamedTuple):
    """A picture without its printed lines, (H, W) each."""

    levels: np.ndarray  # its darkness, float32
    zone: np.ndarray  # bool, the pixels that the lines covered
    plain: np.ndarray  # bool, those of these that are plainly ink over a faint line


def without_paper(darkness: Darkness, lines: Lines, even: bool = True) -> Cleared:
    """A picture without these lines, across and upright.

    even: whether each line is as thick and as dark everywhere. The sides of boxes, drawn one by one, are not.
    """
    printed = levels_of(darkness.shape, lines)
    zone = printed > 0
    level = ink_level(darkness.levels[~zone & darkness.dark]) or 1.0
    ink = Ink(level, THICKER, 0) if even else Ink(level, THICKER_BOX, THICKER_PIXELS)
    levels = without_lines(darkness.levels, lines[0], ink)
    levels = without_lines(levels.T, lines[1], ink).T
    plain = zone & (printed < FAINT_LINE * level) & (darkness.levels > (printed + level) / 2)
    return Cleared(levels, zone, plain if even else np.zeros_like(zone))


def levels_of(shape: tuple[int, int], lines: Lines) -> np.ndarray:
    """The darkness of lines across and upright in the pixels that they cover, (H, W) float32, and 0 elsewhere. Where
    two lines cross, their darkness adds up.
    """
    levels = np.zeros((2, *shape), np.float32)
    for view, some in zip((levels[0], levels[1].T), lines, strict=True):
        for line in sorted(some, key=lambda line: line.level):  # of two side by side the darker one counts
            mark(view, line, line.level)
    return levels.sum(axis=0)


def without_lines(levels: np.ndarray, lines: list[Line], ink: Ink) -> np.ndarray:
    """Darkness (H, W) without these lines across. Strokes that cross a line are continued."""
    covered = np.zeros(levels.shape, np.uint8)  # by how many lines that are still there
    for line in lines:
        covered[core_of(line, len(covered))] += 1
    for line in lines:
        covered[core_of(line, len(covered))] -= 1
        strokes = np.where(covered > 0, 0, levels) if covered.any() else levels
        levels = without_line(levels, line, strokes, ink)
    return levels


def core_of(line: Line, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of the pixels of a line across a picture of this height, without its blurred edge."""
    half = round(line.thickness / 2)
    rows = np.rint(line.rows).astype(int) + np.arange(-half, half + 1)[:, None]
    inside = (rows >= 0) & (rows < height)
    return rows[inside], np.broadcast_to(np.arange(line.start, line.end), rows.shape)[inside]


def without_line(levels: np.ndarray, line: Line, strokes: np.ndarray, ink: Ink) -> np.ndarray:
    """Darkness (H, W) without one line. `strokes` is the darkness without other lines: of two that lie side by side
    the one must not continue strokes that touch the other.

    Four kinds of pixels in the rows of the line stay: those between ink on both sides of the line, straight or slanted;
    those where the line is thicker than usual, by a stroke that runs along it or stands on it; those beside the line
    that it does not account for; and those plainly darker than the line, which are ink over it.
    """
    height = len(levels)
    columns = np.arange(line.start, line.end)
    rows = np.rint(line.rows).astype(int) + np.arange(-line.half, line.half + 1)[:, None]
    inside = (rows >= 0) & (rows < height)
    rows = np.clip(rows, 0, height - 1)
    covered = levels[rows, columns]
    kept = np.where(is_thicker(levels, line, ink), covered, crossing(strokes, line))
    kept = np.maximum(np.minimum(kept, covered), other_ink(covered, round(line.thickness / 2), RISES * ink.level))
    if line.level < FAINT_LINE * ink.level:
        kept = np.where(covered > (line.level + ink.level) / 2, covered, kept)
    out = levels.copy()
    out[rows[inside], np.broadcast_to(columns, rows.shape)[inside]] = kept[inside]
    return out


def rows_around(line: Line, height: int, room: int) -> np.ndarray:
    """The row of the middle of a line in each of its columns, (W,) int, in a picture of this height with so many rows
    added above. Where the line leaves the picture, it goes on right beyond its edge.
    """
    return np.clip(np.rint(line.rows).astype(int), -line.half, height - 1 + line.half) + room


def crossing(strokes: np.ndarray, line: Line) -> np.ndarray:
    """The strokes (H, W) that lie on both sides of a line, continued across it: their darkness in each column of the
    line and in each of its rows, (rows, W).
    """
    half = line.half
    columns, room = np.arange(line.start, line.end), 2 * half + 3
    beyond = np.pad(strokes, ((room, room), (0, 0)))
    centre = rows_around(line, len(strokes), room)
    above = np.maximum(beyond[centre - half - 1, columns], beyond[centre - half - 2, columns])
    below = np.maximum(beyond[centre + half + 1, columns], beyond[centre + half + 2, columns])
    offsets = np.arange(-half, half + 1)
    found = np.zeros((len(offsets), len(columns)), strokes.dtype)
    place = np.arange(len(columns))
    from_above, to_below = (offsets + half + 1)[:, None], (half + 1 - offsets)[:, None]  # rows to go
    for slope in CROSSING_SLOPES:
        start = np.clip(np.rint(place - slope * from_above).astype(int), 0, len(place) - 1)
        end = np.clip(np.rint(place + slope * to_below).astype(int), 0, len(place) - 1)
        np.maximum(found, np.minimum(above[start], below[end]), out=found)
    return found


def other_ink(covered: np.ndarray, core: int, rise: float) -> np.ndarray:
    """The darkness (rows, W) around the middle row of a line, but 0 for the line: it gets paler away from its middle.
    What is darker than a place nearer to the line, by `rise`, is ink beside it. `core` rows on each side are its own.
    """
    middle = len(covered) // 2
    found = np.zeros_like(covered)
    for side, out in ((covered[middle::-1], found[middle::-1]), (covered[middle:], found[middle:])):
        outer = side[core:]
        risen = outer > np.minimum.accumulate(outer, axis=0) + rise
        out[core:] = np.where(np.logical_or.accumulate(risen, axis=0), outer, 0)
    return found


def is_thicker(levels: np.ndarray, line: Line, ink: Ink) -> np.ndarray:
    """In which columns of a line across the darkness (H, W), bool (W,), it is thicker than usual."""
    half = line.half
    columns, room = np.arange(line.start, line.end), 2 * half + 3
    beyond = np.pad(levels, ((room, room), (0, 0)))
    reach = half + room // 2
    rows = rows_around(line, len(levels), room) + np.arange(-reach, reach + 1)[:, None]
    tall = beyond[np.clip(rows, 0, len(beyond) - 1), columns]
    dark = tall > OF_LINE * min(line.level, ink.level)
    middle = len(tall) // 2
    above = np.logical_and.accumulate(dark[middle::-1], axis=0)[::-1]
    below = np.logical_and.accumulate(dark[middle:], axis=0)
    own = np.concatenate([above[:-1], below])
    sums = np.where(own, np.minimum(tall, line.level), 0).sum(axis=0) / line.level
    across = np.pad(sums, THICKNESS_COLUMNS // 2, mode="edge")
    thickness = np.median(np.lib.stride_tricks.sliding_window_view(across, THICKNESS_COLUMNS), axis=1)
    there = thickness[thickness > 0]
    usual = float(np.median(there)) if there.size else line.thickness
    return thickness > ink.thicker * usual + ink.thicker_pixels


def without_remains(ink: np.ndarray, zone: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """Ink (H, W) without pieces that lie in or along the lines that were taken out.

    `zone` (H, W) bool marks the pixels of these lines, and `plain` those that are plainly ink over them: a minus, or
    the foot of a 1, may lie on a line. If nothing else were left, the ink is returned as it is.
    """
    edges = dilated(dilated(zone)) & (ink < HALF)  # what is left of the blurred edges of lines
    pieces = pieces_of(ink >= FAINT)
    pixels, longest = pieces.pixels(), pieces.longest
    remains = (pieces.pixels(zone | edges) > REMAINS * pixels) & (pieces.pixels(plain) < PLAINLY_INK * pixels)
    remains &= (longest < SMALLEST_DIGIT * min(ink.shape)) | (pixels < THIN_REMAINS * longest)
    return without(ink, pieces.where(remains)) if not remains.all() else ink
