"""Looks for the upright sides of printed boxes, and for the teeth of combs, in a picture's darkness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from preprocessing.lines.line import Darkness, Edges, Line, thickest_line

# A side is there along at least this share of the way between the lines.
SIDE_FILLED = 0.8
# A side whose place follows from the other sides is there along at least this share.
LEAST_FILLED = 0.3
# Each end of a side is this share of it.
END = 0.12
# Each end of a side has at least this many pixels.
END_PIXELS = 2
# An end joins its line if at least this share of it is dark. A stroke ends before the line.
JOINED = 0.75
# Sides are looked for this far beyond the ends of the lines, as a share of the boxes' height: lines may break off.
BEYOND = 1.3
# A side leans from the upright of the lines by no more than this many columns per row: the picture is seen aslant.
# Of equally good leans the first one counts.
LEANS = np.array([0, -0.025, 0.025, -0.05, 0.05])
# A side is first looked for in a few rows, at these shares of the way from the upper line to the lower one.
PROBES = (0.06, 0.25, 0.5, 0.75, 0.94)
# Where at least this many of these rows are dark, a side is looked for in all rows.
PROBED = 2
# Lines across that come closer to each other than this share of their usual distance are no edges of boxes there.
LEAST_HEIGHT = 0.5
# A side goes on if it is longer than the way between the lines by this share.
GOES_ON = 0.15
# Printed lines differ in thickness and darkness by no more than this factor.
ALIKE = 1.8
# The thickness of printed lines may differ by this many pixels more: that of a side is measured in whole ones.
ROUNDED = 0.5
# A side goes on beyond the lines if a gap in it is no longer than this share of the boxes' height.
GAP = 0.25
# A gap of this many pixels ends no side, however low the boxes: a line may be broken where another crosses it.
GAP_PIXELS = 2
# The thickness of a side is measured this many pixels to its left and right at least.
LEAST_REACH = 3
# A pixel belongs to a side if it is darker than this share of the side's middle.
SIDE_LEVEL = 0.5
# Between two sides that stand close together it is lighter than this share of the darkness of the lighter one.
BETWEEN = 0.5


class Side(NamedTuple):
    """A line that may be the side of a box."""

    line: Line  # of the transposed picture
    filled: float  # the share of the way between the lines across along which it is there
    joined: int  # how many of its two ends are there
    goes_on: bool  # whether it goes on beyond the lines
    loose: bool  # whether it has gaps at both lines and none between, as a stroke does that is as tall as its box

    @property
    def is_whole(self) -> bool:
        return self.filled >= SIDE_FILLED and self.joined == 2


class Strip(NamedTuple):
    """The columns between two lines across in which an upright may stand, and the lines' rows there, (n,) each."""

    columns: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    height: float  # the usual way between the lines, in rows


class Uprights(NamedTuple):
    """The straight upright that fills each column of a strip best, (n,) each; see `Side`."""

    filled: np.ndarray
    joined: np.ndarray
    loose: np.ndarray
    lean: np.ndarray  # by how many columns per row it leans
    shade: np.ndarray  # its mean darkness


def sides_between(edges: Edges, darkness: Darkness, beyond: float = np.inf) -> list[Side]:
    """Straight upright lines between two lines across, from left to right, up to `beyond` columns outside these."""
    strip = likely_columns(edges, darkness, beyond)
    if not strip.columns.size:
        return []
    uprights = uprights_in(strip, darkness, edges.upper.lean)
    longest = (1 + GOES_ON) * strip.height + edges.upper.half + edges.lower.half
    found = []
    for whole in groups_of(strip.columns, uprights.filled):
        for group in parted(whole, uprights):
            worth = uprights.filled[group] + uprights.joined[group]
            best = group[worth == worth.max()]
            at = best[len(best) // 2]
            line = side_at(strip.columns[at], uprights.lean[at], (strip.top[at], strip.bottom[at]), darkness)
            if line.thickness <= thickest_line(darkness.shape):
                goes_on, loose = len(line.rows) > longest, bool(uprights.loose[best].all())
                found.append(Side(line, float(uprights.filled[at]), int(uprights.joined[at]), goes_on, loose))
    return sorted(found, key=lambda side: side.line.middle)


def likely_columns(edges: Edges, darkness: Darkness, beyond: float) -> Strip:
    """The columns in which a few rows between two lines across are dark; `beyond` as for `sides_between`."""
    (upper, lower), (height, width) = edges, darkness.shape
    reach = min(BEYOND * edges.height, beyond)
    start = int(max(max(upper.start, lower.start) - reach, 0))
    end = int(min(min(upper.end, lower.end) + reach, width))
    columns = np.arange(start, end)
    top, bottom = np.clip(upper.continued(columns), 0, height - 1), np.clip(lower.continued(columns), 0, height - 1)
    usual = float(np.median(bottom - top))

    room = int(np.ceil(LEANS[-1] * usual / 2 + abs(upper.lean) * usual / 2)) + 1
    probed = np.zeros(len(columns), int)
    for share in PROBES:
        row = np.rint(top + share * (bottom - top)).astype(int)
        seen = np.pad(darkness.widened[row, columns], room)
        counts = np.concatenate([[0], seen.cumsum()])
        probed += counts[2 * room + 1 :] > counts[: len(columns)]
    likely = np.flatnonzero((probed >= PROBED) & (bottom - top >= LEAST_HEIGHT * usual))
    return Strip(columns[likely], top[likely], bottom[likely], usual)


def uprights_in(strip: Strip, darkness: Darkness, lean: float) -> Uprights:
    """The best of all uprights in each column of a strip. lean: that of an upright at a right angle to the lines."""
    last, count = darkness.shape[1] - 1, len(strip.columns)
    steps = np.linspace(0, 1, int(strip.height) + 1)[:, None]
    rows = np.rint(strip.top + steps * (strip.bottom - strip.top)).astype(int)  # (steps, n)

    def places(leans: float | np.ndarray) -> np.ndarray:
        """The columns of uprights that lean so, (steps, n)."""
        return np.clip(np.rint(strip.columns + leans * strip.height * (steps - 0.5)).astype(int), 0, last)

    filled, leans = np.zeros(count), np.zeros(count)
    joined, loose = np.zeros(count, int), np.zeros(count, bool)
    tip = max(round(END * len(steps)), END_PIXELS)
    for way in LEANS + lean:
        seen = darkness.widened[rows, places(way)]
        share = seen.mean(axis=0)
        ends = (seen[:tip].mean(axis=0) >= JOINED).astype(int) + (seen[-tip:].mean(axis=0) >= JOINED)
        better = (share + ends > filled + joined) & (share >= LEAST_FILLED)
        filled[better], leans[better], joined[better] = share[better], way, ends[better]
        stops = ~seen[:tip].all(axis=0) & ~seen[-tip:].all(axis=0)
        loose[better] = (stops & seen[tip:-tip].all(axis=0))[better]
    return Uprights(filled, joined, loose, leans, darkness.levels[rows, places(leans)].mean(axis=0))


def groups_of(columns: np.ndarray, filled: np.ndarray) -> list[np.ndarray]:
    """Neighbouring columns that show the same side, as indices. Two sides may lie so close together that columns
    between them are dark in part.
    """
    found, taken = [], np.zeros(len(columns), bool)
    for level in (SIDE_FILLED, LEAST_FILLED):
        good = np.flatnonzero(filled >= level)
        groups = np.split(good, np.flatnonzero(np.diff(columns[good]) > 1) + 1)
        found += [group for group in groups if group.size and not taken[group].any()]
        taken[good] = True
    return found


def parted(group: np.ndarray, uprights: Uprights) -> list[np.ndarray]:
    """A group of neighbouring columns, as indices, in two if it shows the sides of two boxes that stand close together:
    both join the lines, and it is light between them.
    """
    shade = uprights.shade
    seen = np.maximum(shade[group], 0)
    peaks = np.minimum(np.maximum.accumulate(seen), np.maximum.accumulate(seen[::-1])[::-1])
    valley = int(np.argmin(seen - BETWEEN * peaks))
    if seen[valley] >= BETWEEN * peaks[valley]:
        return [group]
    halves = [half[shade[half] >= SIDE_LEVEL * shade[half].max()] for half in (group[:valley], group[valley + 1 :])]
    return halves if all((uprights.joined[half] == 2).any() for half in halves) else [group]


def side_at(column: float, lean: float, ends: tuple[float, float], darkness: Darkness) -> Line:
    """The side that crosses a column halfway between two rows, `ends`, and leans by so many columns per row, lengthened
    as far as it is dark; a line of the transposed picture.
    """
    height, width = darkness.shape
    rows = np.arange(height)
    path = np.clip(column + lean * (rows - (ends[0] + ends[1]) / 2), 0, width - 1)
    places = np.rint(path).astype(int)
    there = darkness.widened[rows, places]
    first, last = round(ends[0]), round(ends[1])
    gap = max(round(GAP * (last - first)), GAP_PIXELS)
    first -= dark_ahead(there[:first][::-1], gap)
    last += dark_ahead(there[last + 1 :], gap)
    inner = slice(round(ends[0]), round(ends[1]) + 1)
    reach = max(round(thickest_line(darkness.shape) / 2), LEAST_REACH)
    around = np.clip(places[inner] + np.arange(-reach, reach + 1)[:, None], 0, width - 1)
    profile = darkness.levels[rows[inner], around]  # (across the side, along it)
    level = profile[reach - 1 : reach + 2].max(axis=0)
    dark = profile > SIDE_LEVEL * level
    run = dark[reach].astype(int)
    for half in (dark[reach + 1 :], dark[reach - 1 :: -1]):
        run = run + np.cumprod(half, axis=0).sum(axis=0)
    return Line(first, path[first : last + 1].astype(np.float32), float(np.median(run)), float(np.median(level)), 1.0)


def dark_ahead(dark: np.ndarray, gap: int) -> int:
    """How many of the pixels (n,) bool come up to the last dark one before a gap of more than `gap`."""
    steps = np.diff(np.flatnonzero(dark), prepend=-1)
    within = np.logical_and.accumulate(steps <= gap + 1)
    return int(steps[within].sum())


def is_alike(line: Line, *others: Line) -> bool:
    """Whether a line is about as thick and as dark as the others: drawn by the same printer, not by a pen."""
    thickness = min(other.thickness for other in others)
    level = float(np.mean([other.level for other in others]))
    return line.thickness <= ALIKE * thickness + ROUNDED and level / ALIKE <= line.level <= ALIKE * level
