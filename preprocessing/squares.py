"""Takes the squares or rules of a whole sheet out of a picture.

    picture, count = without_squares(picture)      # the same picture and 0 if there are none

Where a picture shows a sheet of paper, its squares are a fortieth of it. On the reduced picture in which ink is looked
for (prepare.py) they blend into a grey texture with the digits in it. So they are looked for from closer by, before
anything else, and the paper under them is restored. Wider squares and single lines are left to paper.py.

A printed line lets a share of the light through that is the same all along it, by how far a pixel lies from its middle.
Ink over it takes its own share of what is left. So dividing by the line's share leaves the paper and the ink, and no
stroke has to be mended where it crosses a line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.channel import separate_channels
from preprocessing.lines import Line
from preprocessing.morphology import running
from preprocessing.tones import deviation_of

# Lines are looked for on a picture reduced to about the area of a square with this side: squares of 4 mm on A4 have 16
# pixels there, and their lines one.
LINES_SIDE = 1000
# A smaller picture shows no sheet whose squares could be told from noise; drawing pads are smaller, too.
SHORTEST_SIDE = 420
# The paper's level is measured in blocks of so many pixels along an edge: larger than squares, smaller than shadows.
BLOCK = 32
# It is this quantile of a block: lines and ink cover less than half of it.
PAPER_QUANTILE = 0.7
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
# It is also darker by at least this share of the paper's light, however little noise there is.
FAINTEST_LINE = 0.015
# Lines cover at least a hundredth of a sheet. So the lightest and the darkest of these quantiles belong to lines.
EXTREMES = 0.005, 0.995
# A line is the darkest of so many rows above and below it.
PEAK = 2
# Parts of lines that lie no farther apart than this, in rows, are of one line: two lines have a peak each.
SAME_LINE = 2 * PEAK
# From strip to strip a line is found this many rows or less from where it should be.
OFF = 2.0
# It is followed across up to so many strips in which it is hidden by ink or by a shadow.
HIDDEN = 5
# Its place is the median of so many strips: a stroke that runs along it moves it in one or two.
SMOOTHED = 5
# A line shows in at least this share of the strips that it crosses.
SEEN = 0.6
# It is at least this long, as a share of the picture.
LONG = 0.4
# Fewer lines than this are left to paper.py, which sees them better.
FEWEST = 12
# At least this share of the distances between neighbouring lines is even, or a multiple.
EVEN = 0.75
# A distance is even if it differs from the usual one by no more than this share: a sheet is seen aslant.
UNEVEN = 0.2
# A line's share of the light is measured up to this many pixels from its middle, on the picture where it was found.
REACH = 3
# It is measured at so many steps a pixel.
STEPS = 4
# It is measured in so many parts of a line: print, light and focus change along it.
PARTS = 8
# The share at a step is known if at least this share of the pixels of the commonest step lies there.
WELL_SEEN = 0.3
# The light beside a line is not divided by less than this.
DARKEST_PAPER = 0.1
# A share of the light is a whole number of such steps when medians are looked for: finer than levels of a picture.
KEY_STEPS = 2**14
# A line that lets less light through than this hides what lies under it. No smaller share is used.
LEAST_LIGHT = 0.25


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


def without_squares(picture: Image.Image) -> tuple[Image.Image, int]:
    """A picture in L or RGB -> the same without the squares or rules of a sheet, and how many lines were taken
    out; the picture itself and 0 if it shows no such sheet.
    """
    side = (picture.width * picture.height) ** 0.5
    if side < SHORTEST_SIDE:
        return picture, 0
    factor = max(round(side / LINES_SIDE), 1)
    levels = np.asarray(picture.convert("L").reduce(factor))
    darkness = 1 - levels / paper_of(levels)
    across, upright = rules(darkness), rules(np.ascontiguousarray(darkness.T))
    if not across and not upright:
        return picture, 0
    channels = [cleared(channel, across, upright, factor) for channel in separate_channels(picture)]
    channels *= len(picture.getbands()) // len(channels)
    count = number_of(across, darkness.shape[1]) + number_of(upright, darkness.shape[0])
    return Image.merge(picture.mode, channels), count


def cleared(levels: np.ndarray, across: list[Rule], upright: list[Rule], factor: int) -> Image.Image:
    """A channel (H, W) uint8 of a picture without these lines, which were found on a picture reduced by `factor`."""
    paper, through = paper_of(levels), np.ones(levels.shape, np.float16)
    for view, ground, share, lines in ((levels, paper, through, across), (levels.T, paper.T, through.T, upright)):
        for line in lines:
            let_through(view, ground, line, factor, share)
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


def rules(darkness: np.ndarray) -> list[Rule]:
    """The lines across the darkness (H, W) of a sheet, from top to bottom, if they are many and evenly spaced."""
    height, width = darkness.shape
    count = width // STRIP
    if count < FEWEST_STRIPS or height < STRIP:
        return []
    strips = np.minimum(darkness[:, : count * STRIP], DARKEST).reshape(height, count, STRIP).mean(axis=2)
    above = np.pad(strips, ((AROUND // 2 + 1, AROUND // 2), (0, 0)), mode="edge").cumsum(axis=0, dtype=np.float64)
    sharp = (strips - (above[AROUND:] - above[:-AROUND]) / AROUND).astype(np.float32)
    low, high = np.quantile(sharp, EXTREMES)
    if high < -low:
        return []  # the lines are lighter than the paper
    faintest = max(LINE_TO_NOISE * deviation_of(sharp), FAINTEST_LINE)
    peaks = (sharp == running(np.maximum, sharp, 2 * PEAK + 1)) & (sharp > faintest)
    peaks[:PEAK] = peaks[-PEAK:] = False
    if np.count_nonzero(peaks) < FEWEST * LONG * SEEN * count:
        return []
    found = followed(sharp, peaks, moves_of(sharp))
    if len(found) < FEWEST:
        return []
    found.sort(key=lambda rule: rule.row_at(width / 2))
    gaps = gaps_of(found, width)
    apart = gaps[gaps > SAME_LINE]
    if len(apart) + 1 < FEWEST:
        return []
    usual = float(np.median(apart))
    steps = np.rint(gaps / usual).astype(int)  # 0 for two parts of one line
    ways = np.maximum(np.rint(apart / usual), 1)
    if np.mean(np.abs(apart - ways * usual) <= UNEVEN * ways * usual) < EVEN:
        return []
    # those that ink or a shadow hides, and those at the edge of the picture, half of which is not in it
    missed = [
        between(one, other, number / way)
        for one, other, way in zip(found, found[1:], steps, strict=False)
        for number in range(1, way)
    ]
    first, last = np.flatnonzero(steps)[[0, -1]]
    outer = [
        between(found[first], found[first + 1], -1 / steps[first]),
        between(found[last + 1], found[last], -1 / steps[last]),
    ]
    seen = [shown for rule in missed if (shown := as_far_as_seen(darkness, rule))]
    if len(found) + len(seen) < EVEN * (len(found) + len(missed)):
        return []  # the edges of rows of boxes
    return seen + [shown for rule in found + outer if (shown := as_far_as_seen(darkness, rule))]


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


def between(one: Rule | Line, other: Rule | Line, share: float) -> Rule:
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


def let_through(levels: np.ndarray, paper: np.ndarray, line: Rule, factor: int, through: np.ndarray) -> None:
    """Enters which share of the paper's light a line lets through in `through` (H, W). Where lines cross, the darker
    one counts.

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
        return
    rows = np.clip(rows, 0, height - 1)
    across = np.clip((rows - middle) * STEPS / factor + REACH * STEPS, 0, 2 * REACH * STEPS)
    part = np.minimum(np.arange(len(columns)) * PARTS // len(columns), PARTS - 1)
    steps, parts = np.rint(across).astype(int)[inside], np.broadcast_to(part, rows.shape)[inside]
    place = rows[inside], np.broadcast_to(columns, rows.shape)[inside]
    shares = profile(levels[place] / paper[place], steps, parts)
    step = np.minimum(across.astype(int), len(shares) - 2)
    share = shares[step, part] + (across - step) * (shares[step + 1, part] - shares[step, part])
    through[place] = np.minimum(through[place], share[inside])


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
