"""Finds the rules of a whole sheet in a picture: many thin lines from edge to edge, evenly spaced.

The picture is cut into upright strips. A rule is a peak in the darkness of each strip, and is followed from strip to
strip. Ink and shadows hide some rules, or parts of them: these lie where the distance of the others leaves a gap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.lines.line import Line
from preprocessing.pixels.morphology import running
from preprocessing.pixels.tones import deviation_of

# Lines are followed from strip to strip. A strip has so many columns.
STRIP = 32
# From one strip to the next a line moves by this many rows at most: those of one that is turned by 7 degrees.
FARTHEST_MOVE = 4
# In fewer strips than this nobody can tell a line from strokes.
FEWEST_STRIPS = 8
# The turn of the lines is measured in so many parts of the picture, one below the other: a sheet is seen aslant.
TURNS = 6
# What is darker than this is ink: in a strip it must not outweigh a line.
DARKEST = 0.35
# A strip's darkness is compared with the mean of this many rows around it.
AROUND = 13
# A line is darker than that mean by at least this many times the noise of the strips.
LINE_TO_NOISE = 3.0
# A line is darker than that mean by at least this share of the paper's light, however little noise there is.
FAINTEST_LINE = 0.015
# Printed lines cover at least a hundredth of a sheet. So the darkest of these two quantiles belongs to lines; if the
# lightest stands out more, the lines are lighter than the paper.
EXTREMES = 0.005, 0.995
# A line is the darkest of so many rows above and below it.
PEAK = 2
# Parts of lines that lie no farther apart than this, in rows, are of one line: two lines have a peak each.
SAME_LINE = 2 * PEAK
# From strip to strip a line is found this many rows or less from where it should be.
OFF = 2.0
# A line is followed across up to so many strips in which ink or a shadow hides it.
HIDDEN = 5
# The place of a line is the median of so many strips: a stroke that runs along it moves it in one or two.
SMOOTHED = 5
# A line shows in at least this share of the strips that it crosses.
SEEN = 0.6
# A line is at least this long, as a share of the picture.
LONG = 0.4
# Fewer lines than this are left to paper.py, which sees them better.
FEWEST = 12
# At least this share of the distances between neighbouring lines is even, or a multiple.
EVEN = 0.75
# A distance is even if it differs from the usual one by no more than this share: a sheet is seen aslant.
UNEVEN = 0.2
# A line's share of the light is measured up to this many pixels from its middle, on the picture where it was found.
REACH = 3


class Rule(NamedTuple):
    """A line across a picture."""

    start: int  # its first column
    rows: np.ndarray  # the row of its middle in each column, float

    def row_at(self, column: float) -> float:
        """Its row in this column; beyond its ends it goes on straight."""
        last = self.start + len(self.rows) - 1
        slope = (self.rows[-1] - self.rows[0]) / max(last - self.start, 1)
        inside = np.interp(column, np.arange(self.start, last + 1), self.rows)
        return float(inside + slope * (min(column - self.start, 0) + max(column - last, 0)))


def rules_across(darkness: np.ndarray) -> list[Rule]:
    """The rules across the darkness (H, W) of a sheet, if they are many and evenly spaced; some of them in parts."""
    height, width = darkness.shape
    count = width // STRIP
    if count < FEWEST_STRIPS or height < STRIP:
        return []
    sharp = sharp_strips(darkness, count)
    peaks = peaks_of(sharp)
    if np.count_nonzero(peaks) < FEWEST * LONG * SEEN * count:
        return []
    found = followed(sharp, peaks, moves_of(sharp))
    if len(found) < FEWEST:
        return []
    found.sort(key=lambda rule: rule.row_at(width / 2))
    steps = even_steps(gaps_of(found, width))
    if steps is None:
        return []
    # those that ink or a shadow hides, and those at the edge of the picture, half of which is not in it
    missed = [
        rule_between(one, other, number / way)
        for one, other, way in zip(found, found[1:], steps, strict=False)
        for number in range(1, way)
    ]
    first, last = np.flatnonzero(steps)[[0, -1]]
    outer = [
        rule_between(found[first], found[first + 1], -1 / steps[first]),
        rule_between(found[last + 1], found[last], -1 / steps[last]),
    ]
    seen = [shown for rule in missed if (shown := as_far_as_seen(darkness, rule))]
    if len(found) + len(seen) < EVEN * (len(found) + len(missed)):
        return []  # the edges of rows of boxes
    return seen + [shown for rule in found + outer if (shown := as_far_as_seen(darkness, rule))]


def sharp_strips(darkness: np.ndarray, count: int) -> np.ndarray:
    """How much darker each row of each strip is than the rows around it, (H, count) float32; darkness: (H, W)."""
    strips = np.minimum(darkness[:, : count * STRIP], DARKEST).reshape(len(darkness), count, STRIP).mean(axis=2)
    above = np.pad(strips, ((AROUND // 2 + 1, AROUND // 2), (0, 0)), mode="edge").cumsum(axis=0, dtype=np.float64)
    return (strips - (above[AROUND:] - above[:-AROUND]) / AROUND).astype(np.float32)


def peaks_of(sharp: np.ndarray) -> np.ndarray:
    """Where a line may cross a strip, (H, strips) bool; nowhere if the lines are lighter than the paper."""
    low, high = np.quantile(sharp, EXTREMES)
    if high < -low:
        return np.zeros(sharp.shape, bool)
    faintest = max(LINE_TO_NOISE * deviation_of(sharp), FAINTEST_LINE)
    peaks = (sharp == running(np.maximum, sharp, 2 * PEAK + 1)) & (sharp > faintest)
    peaks[:PEAK] = peaks[-PEAK:] = False
    return peaks


def even_steps(gaps: np.ndarray) -> np.ndarray | None:
    """How many usual distances lie between each line and the next, (n,) int, 0 for two parts of one line; None if the
    lines are few or unevenly spaced. gaps: (n,) the distances in rows.
    """
    apart = gaps[gaps > SAME_LINE]
    if len(apart) + 1 < FEWEST:
        return None
    usual = float(np.median(apart))
    ways = np.maximum(np.rint(apart / usual), 1)
    even = np.mean(np.abs(apart - ways * usual) <= UNEVEN * ways * usual) >= EVEN
    return np.rint(gaps / usual).astype(int) if even else None


def gaps_of(found: list[Rule], width: int) -> np.ndarray:
    """How far each line of a picture of this width lies below the one before it, in the middle of the picture: lines
    may be turned, and some are seen in parts.
    """
    return np.diff([rule.row_at(width / 2) for rule in found])


def number_of(found: list[Rule], width: int) -> int:
    """How many lines these parts of lines are; see `gaps_of`."""
    if not found:
        return 0
    ordered = sorted(found, key=lambda rule: rule.row_at(width / 2))
    return 1 + int(np.count_nonzero(gaps_of(ordered, width) > SAME_LINE))


def rule_between(one: Rule | Line, other: Rule | Line, share: float) -> Rule:
    """The line at this share of the way from one to another, as far as both go; below 0 it lies beyond the first. It is
    empty if they share no column.
    """
    start = max(one.start, other.start)
    end = max(min(one.start + len(one.rows), other.start + len(other.rows)), start)
    first, second = (rule.rows[start - rule.start : end - rule.start] for rule in (one, other))
    return Rule(start, first + share * (second - first))


def as_far_as_seen(darkness: np.ndarray, rule: Rule) -> Rule | None:
    """A line from the first to the last strip in which it shows in the darkness (H, W), or its blurred edge does; None
    if it shows in less than half of those that lie in the picture.
    """
    height, width = darkness.shape
    columns = np.arange(rule.start, min(rule.start + len(rule.rows), width))
    rows = np.rint(rule.rows[: len(columns)]).astype(int)
    inside = (rows >= -REACH) & (rows < height + REACH)
    near = np.clip(rows + np.array([[-1], [0], [1]]), 0, height - 1)
    seen = inside & (darkness[near, columns].max(axis=0) > FAINTEST_LINE)
    starts = np.arange(0, len(seen), STRIP)
    sizes = np.minimum(len(seen) - starts, STRIP)
    shown = np.flatnonzero(2 * np.add.reduceat(seen, starts, dtype=int) > sizes)  # in more than half of a strip
    if not len(shown) or 2 * len(shown) * STRIP < np.count_nonzero(inside):
        return None
    first, last = int(shown[0]), int(shown[-1])
    if not inside.all():  # in its last strip it leaves the picture halfway
        first, last = max(first - 1, 0), last + 1
    return Rule(rule.start + first * STRIP, rule.rows[first * STRIP : min((last + 1) * STRIP, len(columns))])


def moves_of(sharp: np.ndarray) -> np.ndarray:
    """By how many rows a line moves from one strip to the next, for each row, (H,)."""
    height = len(sharp)
    tops = np.linspace(0, height, TURNS + 1).astype(int)
    padded = np.pad(np.maximum(sharp, 0), ((FARTHEST_MOVE, FARTHEST_MOVE), (0, 0)))
    here = padded[FARTHEST_MOVE : FARTHEST_MOVE + height, :-1]
    alike = np.array([(here * padded[i : i + height, 1:]).sum(axis=1) for i in range(2 * FARTHEST_MOVE + 1)])
    alike = np.add.reduceat(alike, tops[:-1], axis=1)  # (moves, TURNS)
    best = np.clip(alike.argmax(axis=0), 1, 2 * FARTHEST_MOVE - 1)
    before, at, after = (alike[best + i, np.arange(TURNS)] for i in (-1, 0, 1))
    curve = before - 2 * at + after
    fine = np.where(curve < 0, (before - after) / np.where(curve < 0, 2 * curve, 1), 0)
    return np.interp(np.arange(height), (tops[:-1] + tops[1:]) / 2, best - FARTHEST_MOVE + np.clip(fine, -1, 1))


def followed(sharp: np.ndarray, peaks: np.ndarray, moves: np.ndarray) -> list[Rule]:
    """The lines that go through the peaks of the strips (H, strips)."""
    height, count = sharp.shape
    ways: list[list[tuple[int, float]]] = []  # (strip, row) of each line
    open_ways: list[list[tuple[int, float]]] = []
    for strip in range(count):
        rows = np.flatnonzero(peaks[:, strip])
        near = rows + np.arange(-PEAK, PEAK + 1)[:, None]
        weights = np.maximum(sharp[near, strip], 0)
        places = (weights * near).sum(axis=0) / weights.sum(axis=0)
        taken = np.zeros(len(places), bool)
        going_on = []
        for way in open_ways:
            last, row = way[-1]
            row += (strip - last) * moves[int(np.clip(row, 0, height - 1))]
            if len(places):
                nearest = int(np.argmin(np.abs(places - row)))
                if abs(places[nearest] - row) <= OFF and not taken[nearest]:
                    taken[nearest] = True
                    way.append((strip, float(places[nearest])))
            (going_on if strip - way[-1][0] <= HIDDEN else ways).append(way)
        going_on += [[(strip, float(place))] for place in places[~taken]]
        open_ways = going_on
    return [rule_through(way, count, height) for way in ways + open_ways if is_line(way, count)]


def is_line(way: list[tuple[int, float]], count: int) -> bool:
    """Whether a way through the strips, of which there are `count`, is long and seen in most of them."""
    length = way[-1][0] - way[0][0] + 1
    return length >= LONG * count and len(way) >= SEEN * length


def rule_through(way: list[tuple[int, float]], count: int, height: int) -> Rule:
    """The line through these rows of strips. It ends in the strips beyond them, or where it leaves the picture."""
    strips, rows = np.array(way).T
    slope, row = np.polynomial.polynomial.polyfit(strips, rows, 1)[::-1]
    straight = row + slope * strips
    bent = np.pad(rows - straight, SMOOTHED // 2, mode="edge")
    rows = straight + np.median(np.lib.stride_tricks.sliding_window_view(bent, SMOOTHED), axis=1)  # strokes on it
    runs_out = np.minimum(rows, height - 1 - rows) < REACH
    start = 0 if runs_out[0] else max(int(strips[0]) - 1, 0)
    end = count if runs_out[-1] else min(int(strips[-1]) + 2, count)
    columns = np.arange(start * STRIP, end * STRIP + (STRIP if end == count else 0))
    middles = (strips + 0.5) * STRIP - 0.5
    inner = np.interp(columns, middles, rows)
    beyond = np.minimum(columns - middles[0], 0) + np.maximum(columns - middles[-1], 0)
    return Rule(int(columns[0]), inner + slope / STRIP * beyond)
