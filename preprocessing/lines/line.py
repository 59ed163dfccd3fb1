"""Lines: what a thin straight line in a picture is, and what can be asked of it.

Lines are looked for in the darkness of a picture, before it is decided which darkness is full ink. A printed line is
thin, straight and long. Strokes of a digit can be so too: paper.py decides which lines belong to the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import median  # of some dozen numbers it takes a tenth of np.median's time
from typing import NamedTuple

import numpy as np

from preprocessing.pixels.pen import ink_level, stroke_width

# A printed line is no thicker than this share of the picture's shorter side; the thick lines of a sudoku come close.
THICKEST = 0.09
# A line may have this many pixels of thickness in any picture: its blurred edges belong to it.
THICKEST_AT_LEAST = 3
# Where two lines meet, one may end before the other by this share of its length.
MEETS = 0.04
# One of two lines that meet may end by this many pixels more before the other, for blurred ends.
MEETS_PIXELS = 2
# A line is a stroke of the same pen if it is no thinner and no fainter than this share of the ink.
LEAST_OF_PEN = 0.7
# A line is interrupted on purpose if its parts are as long and as far apart as each other, to within this share.
UNEVEN_RUNS = 0.2
# A gap that is made on purpose is at least this long, as a share of the longest part; a gap in print is shorter.
SHORTEST_BREAK = 0.1
# Such a gap is at least this many pixels long, however short the parts are.
SHORTEST_BREAK_PIXELS = 3
# A digit is written above each part, so it has at least this many pixels.
SHORTEST_RUN = 10
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

    def part(self, start: int, end: int) -> Line:
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


class Edges(NamedTuple):
    """Two lines across, one above the other, that may be the edges of a row of boxes."""

    upper: Line
    lower: Line

    @property
    def height(self) -> float:
        """How far apart they are, in pixels: how high the boxes are."""
        return self.lower.middle - self.upper.middle


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Darkness:
    """How much darker than the paper each pixel of a picture is.

    levels: (H, W) float32, 0 for paper, and 1 for black.
    faintest: what is no darker than this is paper.
    """

    levels: np.ndarray
    faintest: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.levels.shape

    @cached_property
    def dark(self) -> np.ndarray:
        """The pixels that are no paper, (H, W) bool."""
        return self.levels > self.faintest

    @cached_property
    def widened(self) -> np.ndarray:
        """These pixels and their neighbours to the left and right, (H, W) bool: uprights may lean a little."""
        wide = self.dark.copy()
        wide[:, 1:] |= self.dark[:, :-1]
        wide[:, :-1] |= self.dark[:, 1:]
        return wide

    @cached_property
    def turned(self) -> Darkness:
        """That of the transposed picture, in which upright lines lie across."""
        return Darkness(self.levels.T, self.faintest)

    def without(self, lines: Lines) -> Darkness:
        """The same with paper where lines across and upright are."""
        return Darkness(np.where(zone_of(self.shape, lines), 0, self.levels), self.faintest)


class Pen(NamedTuple):
    """The width and the darkness of strokes."""

    width: float
    level: float

    def drew(self, line: Line) -> bool:
        """Whether a line may be a stroke of this pen."""
        return LEAST_OF_PEN * self.width < line.thickness and LEAST_OF_PEN * self.level < line.level


def pen_of(darkness: Darkness) -> Pen:
    """The pen of the strokes in a picture."""
    strokes = np.where(darkness.dark, darkness.levels, 0)
    level = ink_level(strokes[strokes > 0])
    return Pen(stroke_width(np.clip(strokes / max(level, darkness.faintest), 0, 1)), level)


def thickest_line(shape: tuple[int, int]) -> float:
    """How thick a printed line in a picture (H, W) may be, in pixels."""
    return max(THICKEST * min(shape), THICKEST_AT_LEAST)


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


def runs_of(line: Line, darkness: Darkness) -> list[Line]:
    """The parts of a line that is interrupted regularly, none of which spans anything; the line itself if it is not."""
    dark = np.concatenate([[False], along(darkness, line) > darkness.faintest, [False]])
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
            free = line._replace(spans=False)
            return [free.part(line.start + int(a), line.start + int(b)) for a, b in zip(first, last, strict=True)]
    return [line]


def is_even(lengths: np.ndarray) -> bool:
    """Whether all lengths (n,), in pixels, are about the same: to within UNEVEN_RUNS and a pixel. None are."""
    if not len(lengths):
        return True
    usual = median(lengths.tolist())
    return bool(np.abs(lengths - usual).max() <= UNEVEN_RUNS * usual + 1)


def stops_between(line: Line, darkness: Darkness, top: float, bottom: float) -> bool:
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
        alone = (darkness.levels[rows, np.clip(columns, 0, width - 1)] < light).all(axis=0)
        stops = np.flatnonzero(alone & ~there)
        if np.count_nonzero(alone) >= FEWEST_ALONE and there[alone].mean() < GOES_ON_BETWEEN:
            longest = np.diff(stops, prepend=-1, append=len(there)).max()
            if longest <= WIDEST_STROKES * (bottom - top):
                return True
    return False


def along(darkness: Darkness, line: Line) -> np.ndarray:
    """The darkness in each column of a line, the largest of the three rows in its middle."""
    rows = np.clip(np.rint(line.rows).astype(int) + np.array([[-1], [0], [1]]), 0, len(darkness.levels) - 1)
    return darkness.levels[rows, np.arange(line.start, line.end)].max(axis=0)


def share_dark(darkness: Darkness, line: Line) -> float:
    """Which share of a line is there: a stroke that crosses it is dark as well, a gap is light."""
    return float(np.mean(along(darkness, line) > darkness.faintest))


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
