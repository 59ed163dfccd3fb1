"""Finds thin straight lines in a picture.

Lines are looked for in the darkness of a picture, where the paper is 0 and ink is up to 1, before it is decided which
darkness is full ink. A printed line is thin, straight and long. Strokes of a digit can be so too: paper.py decides
which lines belong to the paper.
"""

from __future__ import annotations

import math
from statistics import median  # of some dozen numbers it takes a tenth of np.median's time
from typing import NamedTuple

import numpy as np

from preprocessing.components import ink_level, stroke_width
from preprocessing.morphology import opened, running

# A printed line is no thicker than this share of the picture's shorter side; the thick lines of a sudoku come close.
THICKEST = 0.09
# A line may have this many pixels of thickness in any picture: its blurred edges belong to it.
THICKEST_AT_LEAST = 3
# At most this many lines are followed in one direction, because each is compared with all others. A ruled sheet shows
# some thirty. A strip of lined paper may show hundreds.
MOST_LINES = 64
# A line is followed in this many blocks of columns: a gap or a crossing stroke then fills one block or two.
BLOCKS = 32
# With fewer blocks than this a picture is too narrow to tell a line from a stroke.
FEWEST_BLOCKS = 8
# A line on a page that does not lie flat bends by no more than this share of its length.
BEND = 0.015
# The curve of a line bends by up to this many pixels however short it is: its place is not known better.
BEND_PIXELS = 1.5
# Where two lines meet, one may end before the other by this share of its length.
MEETS = 0.04
# One of two lines that meet may end by this many pixels more before the other, for blurred ends.
MEETS_PIXELS = 2
# A page that is held by hand is turned by this slope at most.
STEEPEST = 0.12
# From one slope that is tried to the next, the ends of a line move by this many pixels: less is not seen.
SLOPE_STEP = 1
# A block shows a line if one of this many rows around it is dark: a slanted line changes rows within a block.
BLOCK_ROWS = 3
# Twins differ in thickness, darkness and how much of them is there by no more than this factor: one printer drew them.
TWIN = 1.25
# A thin line is looked for this many rows around its guessed place: a stroke may lie farther off.
NARROW = 3
# The row of a line in a block is the mean of rows with at least this share of the darkest one's darkness.
CENTRAL = 0.5
# A line's place is known in at least this many blocks: a straight one through two or three means nothing.
FEWEST_PLACES = 4
# From this many blocks on a line may bend.
PLACES_TO_BEND = 8
# The curve is fitted this many times. Each time, blocks are left out whose place lies far from it.
FITS = 3
# A block's place is far from the curve from this many times the usual distance on: a stroke crosses there.
FAR_OFF = 2.5
# No distance up to this many pixels is far: places are known to about a pixel.
NEVER_FAR_OFF = 1.0
# The places of a straight line lie no farther from it than this many pixels, by their median.
ROUGH = 0.8
# At least this share of a straight line's places lies near it.
STRAIGHT = 0.6
# The thickness of a line is measured in at least this many columns.
FEWEST_DARK = 3
# A gap in a printed line is no longer than this share of the picture: boxes may stand in two groups, wide apart.
LONGEST_GAP = 0.3
# At least this share of a printed line is there between its ends.
FILLED = 0.6
# The shortest line that is looked at, as a share of the picture.
SHORTEST = 0.25
# A line is a stroke of the same pen if it is no thinner and no fainter than this share of the ink.
SAME_PEN = 0.7
# A line is interrupted on purpose if its parts are as long and as far apart as each other, to within this share.
UNEVEN_RUNS = 0.2
# A gap that is made on purpose is at least this long, as a share of the longest part; a gap in print is shorter.
SHORTEST_BREAK = 0.1
# It is at least this many pixels long, however short the parts are.
SHORTEST_BREAK_PIXELS = 3
# In a gap a line is lighter than this share of its darkness: what is beside the gap is blurred.
LIGHT_GAP = 0.5
# A printed line is there in at least this share of the columns in which nothing else is. It may have gaps.
GOES_ON_BETWEEN = 0.7
# One digit, or two that touch, are no wider than this share of their height. Boxes that hang together are wider.
WIDEST_STROKES = 1.6
# Digits lean by so many columns per row: printed ones in italics to the right.
DIGITS_LEAN = (0.0, 0.1, 0.2, 0.3)
# Strokes of digits are told from a printed line by at least so many columns without other ink.
FEWEST_ALONE = 2
# A digit is written above each part, so it has at least this many pixels.
SHORTEST_RUN = 10


class Line(NamedTuple):
    """A line from left to right; in a picture that was transposed, from top to bottom."""

    start: int  # its first column
    rows: np.ndarray  # the row of its middle in each column, float
    thickness: float
    level: float  # its darkness
    filled: float  # the share of it that is there
    # Whether both its ends lie at an edge of the picture or at the border of a cell. Also set where `is_printed` is.
    spans: bool = False
    is_printed: bool = False  # whether it belongs to the paper whatever the ink looks like

    @property
    def end(self) -> int:
        return self.start + len(self.rows)

    def meets(self, column: float) -> bool:
        """Whether the line is there in this column, or begins or ends close by."""
        room = self.half + MEETS * len(self.rows) + MEETS_PIXELS
        return self.start - room <= column <= self.end + room

    def at(self, columns: np.ndarray | float) -> np.ndarray:
        """Its rows in these columns; beyond its ends, the row of the end."""
        places = np.rint(np.asarray(columns) - self.start).astype(int)
        return self.rows[np.clip(places, 0, len(self.rows) - 1)]

    def continued(self, columns: np.ndarray) -> np.ndarray:
        """Its rows in these columns; beyond its ends it goes on straight."""
        columns = np.asarray(columns)
        slope = (self.rows[-1] - self.rows[0]) / max(len(self.rows) - 1, 1)
        beyond = np.minimum(columns - self.start, 0) + np.maximum(columns - self.end + 1, 0)
        return self.at(columns) + slope * beyond

    def extended(self, start: float, end: float) -> Line:
        """The same line, long enough to reach from one column to another."""
        start, end = min(max(int(start), 0), self.start), max(int(end), self.end)
        return self._replace(start=start, rows=self.continued(np.arange(start, end)).astype(np.float32))

    def between(self, start: int, end: int) -> Line:
        """The part of it from one column to another."""
        return self._replace(start=start, rows=self.at(np.arange(start, end)).astype(np.float32))

    @property
    def half(self) -> int:
        """Rows above and below its middle that it darkens, its blurred edge included."""
        return math.ceil(self.thickness / 2 + 0.5) + 1

    @property
    def middle(self) -> float:
        return float(self.rows.mean())

    @property
    def lean(self) -> float:
        """By how many columns per row an upright leans that stands on the line at a right angle."""
        return -(self.rows[-1] - self.rows[0]) / len(self.rows)


Lines = tuple[list[Line], list[Line]]  # across and upright


class Pen(NamedTuple):
    """The width and the darkness of strokes."""

    width: float
    level: float

    def drew(self, line: Line) -> bool:
        """Whether a line may be a stroke of this pen."""
        return SAME_PEN * self.width < line.thickness and SAME_PEN * self.level < line.level


def pen_of(darkness: np.ndarray, faintest: float) -> Pen:
    """The pen of the strokes in the darkness (H, W) of a picture, which are darker than `faintest`."""
    strokes = np.where(darkness > faintest, darkness, 0)
    level = ink_level(strokes[strokes > 0])
    return Pen(stroke_width(np.clip(strokes / max(level, faintest), 0, 1)), level)


def level_lines(darkness: np.ndarray, faintest: float) -> list[Line]:
    """All thin straight lines of the darkness (H, W) float32 in [0, 1] that run roughly from left to right, the longest
    first, at most MOST_LINES. What is no darker than `faintest` is paper.
    """
    height, width = darkness.shape
    thickest = max(round(THICKEST * min(height, width)), THICKEST_AT_LEAST)
    thin = darkness - opened(darkness, thickest + 1)
    block = max(round(width / BLOCKS), 1)
    count = width // block
    if count < FEWEST_BLOCKS:
        return []
    middles = (np.arange(count) + 0.5) * block
    means = thin[:, : count * block].reshape(height, count, block).mean(axis=2)
    there = running(np.maximum, means, BLOCK_ROWS) > faintest
    slopes = np.arange(-STEEPEST, STEEPEST + 1e-6, 2 * SLOPE_STEP / width)  # lines turn about their middles
    moves = np.rint(slopes[:, None] * (middles - width / 2)).astype(int)  # (slopes, blocks)
    margin = int(np.abs(moves).max())
    padded = np.pad(there, ((margin, margin), (0, 0)))
    rows = np.arange(height)[None, :, None] + moves[:, None, :] + margin
    scores = padded[rows, np.arange(count)].sum(axis=2)  # (slopes, height)
    best = scores.max(axis=0)
    lines: list[Line] = []
    taken, centre = np.zeros(height, bool), np.array([width / 2])
    expected = np.zeros(height)  # beside a thick line, the score of its twin
    for row in np.argsort(-best, kind="stable"):
        if best[row] < SHORTEST * count or len(lines) == MOST_LINES:
            break
        if taken[row] or best[row] * TWIN < expected[row]:
            continue
        # several slopes may be equally good: take the middle one
        good = np.flatnonzero(scores[:, row] == best[row])
        guess = row + moves[good[len(good) // 2]]
        line = traced(thin, means, guess, block, faintest, NARROW)
        if line is None or line.thickness > NARROW:
            line = traced(thin, means, guess, block, faintest, max(thickest // 2, 2) + 1) or line
        line = line and line._replace(filled=share_dark(darkness, line, faintest))
        if line is None or not without_known([line], lines):
            continue
        middle = round(float(line.continued(centre)[0]))
        beside = [other for other in lines if abs(middle - other.continued(centre)[0]) <= thickest]
        if all(other.thickness <= NARROW or is_twin(line, other) for other in beside):
            lines.append(line)
            taken[max(middle - line.half, 0) : middle + line.half + 1] = True
            taken[max(row - line.half, 0) : row + line.half + 1] = True
            if line.thickness > NARROW:
                expected[max(middle - thickest, 0) : middle + thickest + 1] = best[row]
    return lines


def without_known(lines: list[Line], known: list[Line]) -> list[Line]:
    """Those lines that are not among the known ones."""
    tops = np.array([other.rows.min() - other.half for other in known])
    bottoms = np.array([other.rows.max() + other.half for other in known])

    def is_known(line: Line) -> bool:
        near = (tops <= line.rows.max() + line.half) & (bottoms >= line.rows.min() - line.half)
        return any(is_same(line, known[index]) for index in np.flatnonzero(near))

    return [line for line in lines if not is_known(line)]


def is_same(line: Line, other: Line) -> bool:
    """Whether most of a line lies within another one."""
    start, end = max(line.start, other.start), min(line.end, other.end)
    if end - start < len(line.rows) / 2:
        return False
    apart = line.rows[start - line.start : end - line.start] - other.rows[start - other.start : end - other.start]
    return 2 * np.count_nonzero(np.abs(apart) <= max(line.half, other.half)) > len(apart)


def is_twin(line: Line, other: Line) -> bool:
    """Whether a line looks like another one, as the edges of two rows of boxes do. A digit's stroke beside a thick line
    looks different.
    """
    alike = all(max(a, b) <= TWIN * min(a, b) for a, b in zip(line[2:4], other[2:4], strict=True))
    return alike and line.filled * TWIN >= other.filled


def traced(
    thin: np.ndarray, means: np.ndarray, guess: np.ndarray, block: int, faintest: float, reach: int
) -> Line | None:
    """The line near guessed rows, or None if no line is there.

    Args:
        thin: (H, W) float32, the darkness of all that is as thin as a line.
        means: (H, blocks) float32, its mean in each block of columns.
        guess: (blocks,) int, the guessed row in each block.
        block: the width of a block.
        faintest: the darkness up to which a pixel is paper.
        reach: how many rows above and below the guessed ones the line may lie.
    """
    height, width = thin.shape
    count = len(guess)
    window = np.clip(guess[:, None] + np.arange(-reach, reach + 1), 0, height - 1)
    seen = means[window, np.arange(count)[:, None]]  # (blocks, window)
    hit = seen.max(axis=1) > faintest
    # the longest run of hits with short gaps
    places = np.flatnonzero(hit)
    if not len(places):
        return None
    parts = np.split(places, np.flatnonzero(np.diff(places) > max(LONGEST_GAP * count, 1)) + 1)
    places = without_loose_ends(max(parts, key=len))
    first, last = places[0], places[-1]
    filled = len(places) / (last - first + 1)
    if last - first + 1 < SHORTEST * count or filled < FILLED:
        return None
    central = nearest_run(seen > CENTRAL * seen.max(axis=1, keepdims=True))
    weights = np.where(central, seen, 0)[places]
    centre = (weights * window[places]).sum(axis=1) / weights.sum(axis=1)
    # a polynomial of the place, which is -1 in the first block and 1 in the last
    powers = ((2 * places - first - last) / (last - first))[:, None] ** np.arange(3)
    keep = np.ones(len(places), bool)
    for _ in range(FITS):
        kept = np.count_nonzero(keep)
        if kept < FEWEST_PLACES:
            return None
        terms = 3 if kept >= PLACES_TO_BEND else 2
        factors = np.linalg.lstsq(powers[keep, :terms], centre[keep], rcond=None)[0]
        away = np.abs(centre - powers[:, :terms] @ factors)
        usual, before = median(away.tolist()), keep
        keep = away <= max(NEVER_FAR_OFF, FAR_OFF * usual)
        if (keep == before).all():
            break
    if usual > ROUGH or keep.mean() < STRAIGHT:
        return None
    start, end = first * block, (last + 1) * block if last < count - 1 else width
    columns = np.arange(start, end)
    rows = np.polynomial.polynomial.polyval((2 * (columns + 0.5) / block - 1 - first - last) / (last - first), factors)
    chord = np.linspace(rows[0], rows[-1], len(rows))
    if np.abs(rows - chord).max() > max(BEND * len(rows), BEND_PIXELS):
        return None  # the curve of a digit
    # thickness: the summed darkness across the line over its peak, in the typical column
    across = np.clip(np.rint(rows)[None].astype(int) + np.arange(-reach, reach + 1)[:, None], 0, height - 1)
    profile = thin[across, columns]
    top = profile[reach - 1 : reach + 2].max(axis=0)
    dark = top > faintest
    if dark.sum() < FEWEST_DARK:
        return None
    level = median(top[dark].tolist())
    own = np.where(nearest_run((profile > faintest).T).T, profile, 0)  # without a line that lies close by
    thickness = median((own[:, dark].sum(axis=0) / top[dark]).tolist())
    return Line(int(start), rows.astype(np.float32), thickness, level, float(filled))


def nearest_run(dark: np.ndarray) -> np.ndarray:
    """In each row of (n, window) bool, the run of True that lies nearest to the middle of the window: two lines may lie
    close together.
    """
    window = dark.shape[1]
    away = np.where(dark, np.abs(np.arange(window) - window // 2), window)
    nearest = away.argmin(axis=1)[:, None]
    run = np.cumsum(~dark, axis=1)  # the same number in all places of a run
    return dark & (run == np.take_along_axis(run, nearest, axis=1))


def runs_of(line: Line, darkness: np.ndarray, faintest: float) -> list[Line]:
    """The parts of a line that is interrupted regularly, none of which spans anything; the line itself if it is not."""
    dark = np.concatenate([[False], along(darkness, line) > faintest, [False]])
    edges = np.flatnonzero(np.diff(dark))
    starts, ends = edges[::2], edges[1::2]
    gaps = starts[1:] - ends[:-1]
    for shortest in np.unique(gaps[gaps >= SHORTEST_BREAK_PIXELS]):  # the shortest gap that counts as a break
        breaks = gaps >= shortest
        first, last = starts[np.concatenate([[True], breaks])], ends[np.concatenate([breaks, [True]])]
        lengths = last - first
        if lengths.min() < SHORTEST_RUN or shortest < SHORTEST_BREAK * lengths.max():
            continue
        if is_even(lengths) and is_even(np.diff(first)):
            part = line._replace(spans=False)
            return [part.between(line.start + int(a), line.start + int(b)) for a, b in zip(first, last, strict=True)]
    return [line]


def is_even(lengths: np.ndarray) -> bool:
    """Whether all lengths (n,), in pixels, are about the same: to within UNEVEN_RUNS and a pixel. None are."""
    if not len(lengths):
        return True
    usual = median(lengths.tolist())
    return bool(np.abs(lengths - usual).max() <= UNEVEN_RUNS * usual + 1)


def share_dark(darkness: np.ndarray, line: Line, faintest: float) -> float:
    """Which share of a line is there: a stroke that crosses it is dark as well, a gap is light."""
    return float(np.mean(along(darkness, line) > faintest))


def stops_between(line: Line, darkness: np.ndarray, top: float, bottom: float) -> bool:
    """Whether a line across stops where nothing else is dark beside it, as strokes of digits in a row do: printed lines
    go on between them. Digits may lean.

    top, bottom: the rows above and below its middle that are looked at.
    """
    height, width = darkness.shape
    light = LIGHT_GAP * line.level
    offsets = np.arange(int(top), int(bottom) + 1)
    offsets = offsets[np.abs(offsets) > line.half][:, None]
    rows = np.clip(np.rint(line.rows).astype(int) + offsets, 0, height - 1)
    there = along(darkness, line) >= light
    for lean in DIGITS_LEAN:
        columns = np.arange(line.start, line.end) - np.rint(lean * offsets).astype(int)
        alone = (darkness[rows, np.clip(columns, 0, width - 1)] < light).all(axis=0)
        stops = np.flatnonzero(alone & ~there)
        if np.count_nonzero(alone) >= FEWEST_ALONE and there[alone].mean() < GOES_ON_BETWEEN:
            longest = np.diff(stops, prepend=-1, append=len(there)).max()
            if longest <= WIDEST_STROKES * (bottom - top):
                return True
    return False


def along(darkness: np.ndarray, line: Line) -> np.ndarray:
    """The darkness in each column of a line, the largest of the three rows in its middle."""
    rows = np.clip(np.rint(line.rows).astype(int) + np.array([[-1], [0], [1]]), 0, len(darkness) - 1)
    return darkness[rows, np.arange(line.start, line.end)].max(axis=0)


def without_loose_ends(places: np.ndarray) -> np.ndarray:
    """Ascending block numbers without a group at either end that is shorter than the gap before it."""
    while len(places) > 1:
        gaps = np.diff(places)
        breaks = np.flatnonzero(gaps > 1)
        if not breaks.size:
            break
        head, tail = breaks[0] + 1, len(places) - 1 - breaks[-1]
        if head < gaps[breaks[0]] - 1:
            places = places[head:]
        elif tail < gaps[breaks[-1]] - 1:
            places = places[:-tail]
        else:
            break
    return places


def zone_of(shape: tuple[int, int], lines: Lines) -> np.ndarray:
    """The pixels that lines across and upright cover, bool (H, W)."""
    zone = np.zeros(shape, bool)
    for view, some in zip((zone, zone.T), lines, strict=True):
        for line in some:
            mark(view, line)
    return zone


def mark(zone: np.ndarray, line: Line, value: float = True) -> None:
    """Sets the pixels of (H, W) that a line across covers, its blurred edge included, to this value."""
    half = line.half
    rows = np.rint(line.rows).astype(int) + np.arange(-half, half + 1)[:, None]
    columns = np.broadcast_to(np.arange(line.start, line.end), rows.shape)
    inside = (rows >= 0) & (rows < zone.shape[0])
    zone[rows[inside], columns[inside]] = value
