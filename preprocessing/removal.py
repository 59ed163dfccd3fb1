"""Takes the paper's lines out of a picture, and mends the strokes that they cross."""

from __future__ import annotations

import numpy as np

from preprocessing.components import FAINT, HALF, SMALLEST_DIGIT, ink_level, label, longer_sides, piece_boxes
from preprocessing.lines import Line, Lines, zone_of
from preprocessing.morphology import dilated

# A stroke that crosses a line is continued across it in directions up to this slope (columns per row).
CROSSING_SLOPES = (0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2.2, 2.2)
# A line has a stroke on it where it is more than this many times as thick as usual.
THICKER = 1.7
# A line with a stroke on it is also this many pixels thicker than usual: thickness is measured in whole ones.
THICKER_PIXELS = 2
# The thickness at one place counts the pixels that reach this share of the line's darkness.
THICKER_LEVEL = 0.6
# Beside a line, what is darker than a place nearer to it by this share of the ink's darkness is ink of its own.
RISES = 0.2
# A piece of ink is a remainder of lines if more than this share of it lies in or along them.
REMAINS = 0.8
# A long piece of ink is a remainder only if it is thinner than this many pixels.
THIN_REMAINS = 2.5
# On a line that is fainter than this share of the ink, what is darker than the line is ink.
FAINT_LINE = 0.7


def without_paper(darkness: np.ndarray, lines: Lines, faintest: float) -> tuple[np.ndarray, np.ndarray]:
    """Darkness (H, W) without these lines, across and upright, and the pixels that they covered, (H, W) bool."""
    zone = zone_of(darkness.shape, lines)
    outside = darkness[~zone]
    ink = ink_level(outside[outside > faintest]) or 1.0
    cleared = without_lines(darkness, lines[0], ink)
    cleared = without_lines(cleared.T, lines[1], ink).T
    return cleared, zone


def without_lines(darkness: np.ndarray, lines: list[Line], ink: float) -> np.ndarray:
    """Darkness (H, W) without these lines across. Strokes that cross a line are continued; `ink` is their darkness."""
    out, covered = darkness, np.zeros(darkness.shape, np.uint8)  # by how many lines that are still there
    for line in lines:
        covered[core_of(line, len(covered))] += 1
    for line in lines:
        covered[core_of(line, len(covered))] -= 1
        out = without_line(out, line, ink, np.where(covered > 0, 0, out) if covered.any() else out)
    return out


def core_of(line: Line, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of the pixels of a line across a picture of this height, without its blurred edge."""
    half = round(line.thickness / 2)
    rows = np.rint(line.rows).astype(int) + np.arange(-half, half + 1)[:, None]
    inside = (rows >= 0) & (rows < height)
    return rows[inside], np.broadcast_to(np.arange(line.start, line.end), rows.shape)[inside]


def without_line(darkness: np.ndarray, line: Line, ink: float, strokes: np.ndarray) -> np.ndarray:
    """Darkness (H, W) without one line. `strokes` is the darkness without other lines: of two that lie side by side
    the one must not continue strokes that touch the other.

    Four kinds of pixels in the rows of the line stay: those plainly darker than the line, which are ink over it; those
    between ink on both sides of the line, straight or slanted; those where the line is thicker than usual; and those
    beside the line that it does not account for.
    """
    height = len(darkness)
    half = line.half
    columns = np.arange(line.start, line.end)
    middle = np.rint(line.rows).astype(int)
    offsets = np.arange(-half, half + 1)
    rows = middle[None] + offsets[:, None]
    inside = (rows >= 0) & (rows < height)
    rows = np.clip(rows, 0, height - 1)
    covered = darkness[rows, columns]
    room = 2 * half + 3
    beyond = np.pad(strokes, ((room, room), (0, 0)))
    centre = np.clip(middle, -half, height - 1 + half) + room
    above = np.maximum(beyond[centre - half - 1, columns], beyond[centre - half - 2, columns])
    below = np.maximum(beyond[centre + half + 1, columns], beyond[centre + half + 2, columns])
    kept = np.zeros_like(covered)
    place = np.arange(len(columns))
    from_above, to_below = (offsets + half + 1)[:, None], (half + 1 - offsets)[:, None]  # rows to go
    for slope in CROSSING_SLOPES:
        start = np.clip(np.rint(place - slope * from_above).astype(int), 0, len(place) - 1)
        end = np.clip(np.rint(place + slope * to_below).astype(int), 0, len(place) - 1)
        np.maximum(kept, np.minimum(above[start], below[end]), out=kept)
    # a stroke that runs along the line, or stands on it, makes it thicker
    tall = np.pad(darkness, ((room, room), (0, 0)))[
        np.clip(centre + np.arange(-half - room // 2, half + room // 2 + 1)[:, None], 0, len(beyond) - 1), columns
    ]
    dark = tall > THICKER_LEVEL * min(line.level, ink)
    inner_row = len(tall) // 2
    run = run_length_at(dark, inner_row)
    kept = np.where(run > THICKER * line.thickness + THICKER_PIXELS, covered, kept)
    kept = np.maximum(np.minimum(kept, covered), other_ink(covered, round(line.thickness / 2), RISES * ink))
    if line.level < FAINT_LINE * ink:
        kept = np.where(covered > (line.level + ink) / 2, covered, kept)
    out = darkness.copy()
    out[rows[inside], np.broadcast_to(columns, rows.shape)[inside]] = kept[inside]
    return out


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


def run_length_at(dark: np.ndarray, row: int) -> np.ndarray:
    """The length of the vertical run of dark pixels through this row of each column of (H, W) bool, 0 without one."""
    up = np.where(dark[:row].all(axis=0), row, (~dark[row - 1 :: -1]).argmax(axis=0))
    rest = dark[row + 1 :]
    down = np.where(rest.all(axis=0), len(rest), (~rest).argmax(axis=0))
    return np.where(dark[row], 1 + up + down, 0)


def without_remains(ink: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """Ink (H, W) without pieces that lie in or along the lines that were taken out.

    `zone` (H, W) bool marks the pixels of these lines. If nothing else were left, the ink is returned as it is.
    """
    edges = dilated(dilated(zone)) & (ink < HALF)  # what is left of the blurred edges of lines
    labels, count = label(ink >= FAINT)
    pixels = np.bincount(labels.ravel(), minlength=count + 1)
    lying = np.bincount(labels[zone | edges], minlength=count + 1)
    remains = lying > REMAINS * pixels
    boxes = piece_boxes(labels, count)
    longest = longer_sides(boxes)
    remains[1:] &= (longest < SMALLEST_DIGIT * min(ink.shape)) | (pixels[1:] < THIN_REMAINS * longest)
    remains[0] = False
    return np.where(remains[labels], 0, ink).astype(ink.dtype) if not remains[1:].all() else ink
