"""Finds thin straight lines in a picture's darkness.

A line is first guessed: rows of blocks of columns that are dark, along one of the slopes of a page that is held by
hand. Then it is traced: a curve that hardly bends is laid through the darkest rows of these blocks.
"""

from __future__ import annotations

from statistics import median  # of some dozen numbers it takes a tenth of np.median's time
from typing import NamedTuple

import numpy as np

from preprocessing.lines.line import Darkness, Line, share_dark, thickest_line, without_known
from preprocessing.pixels.morphology import opened, running

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


class Blocks(NamedTuple):
    """All that is as thin as a line in a picture's darkness, in blocks of columns."""

    thin: np.ndarray  # (H, W) float32
    means: np.ndarray  # (H, blocks) float32, its mean in each block
    width: int  # of a block, in columns
    faintest: float  # what is no darker than this is paper


def level_lines(darkness: Darkness) -> list[Line]:
    """All thin straight lines that run roughly from left to right, the longest first, at most MOST_LINES."""
    height, width = darkness.shape
    block = max(round(width / BLOCKS), 1)
    count = width // block
    if count < FEWEST_BLOCKS:
        return []
    thickest = round(thickest_line(darkness.shape))
    thin = darkness.levels - opened(darkness.levels, thickest + 1)
    means = thin[:, : count * block].reshape(height, count, block).mean(axis=2)
    blocks = Blocks(thin, means, block, darkness.faintest)
    moves, scores = slopes_tried(blocks)
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
        line = traced_near(blocks, row + moves[good[len(good) // 2]], thickest)
        line = line and line._replace(filled=share_dark(darkness, line))
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


def slopes_tried(blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """For each slope that a line may have, by how many rows it moves from the middle of the picture to each block,
    (slopes, blocks) int; and in how many blocks a line of this slope would show, if it crosses the middle of the
    picture in this row, (slopes, H) int.
    """
    (height, width), count = blocks.thin.shape, blocks.means.shape[1]
    middles = (np.arange(count) + 0.5) * blocks.width
    there = running(np.maximum, blocks.means, BLOCK_ROWS) > blocks.faintest
    slopes = np.arange(-STEEPEST, STEEPEST + 1e-6, 2 * SLOPE_STEP / width)
    moves = np.rint(slopes[:, None] * (middles - width / 2)).astype(int)
    margin = int(np.abs(moves).max())
    padded = np.pad(there, ((margin, margin), (0, 0)))
    rows = np.arange(height)[None, :, None] + moves[:, None, :] + margin
    return moves, padded[rows, np.arange(count)].sum(axis=2)


def is_twin(line: Line, other: Line) -> bool:
    """Whether a line looks like another one, as the edges of two rows of boxes do. A digit's stroke beside a thick line
    looks different.
    """
    alike = all(max(a, b) <= TWIN * min(a, b) for a, b in zip(line[2:4], other[2:4], strict=True))
    return alike and line.filled * TWIN >= other.filled


def traced_near(blocks: Blocks, guess: np.ndarray, thickest: int) -> Line | None:
    """The line near guessed rows, (blocks,) int. If it is thick, it is traced again with more rows around these."""
    line = traced(blocks, guess, NARROW)
    if line is None or line.thickness > NARROW:
        line = traced(blocks, guess, max(thickest // 2, 2) + 1) or line
    return line


def traced(blocks: Blocks, guess: np.ndarray, reach: int) -> Line | None:
    """The line near guessed rows, (blocks,) int, or None if no line is there. reach: how many rows above and below the
    guessed ones it may lie.
    """
    height, width = blocks.thin.shape
    count, block = len(guess), blocks.width
    window = np.clip(guess[:, None] + np.arange(-reach, reach + 1), 0, height - 1)
    seen = blocks.means[window, np.arange(count)[:, None]]  # (blocks, window)
    places = longest_run(np.flatnonzero(seen.max(axis=1) > blocks.faintest), count)
    if not len(places):
        return None
    first, last = places[0], places[-1]
    filled = len(places) / (last - first + 1)
    if last - first + 1 < SHORTEST * count or filled < FILLED:
        return None
    central = nearest_run(seen > CENTRAL * seen.max(axis=1, keepdims=True))
    weights = np.where(central, seen, 0)[places]
    factors = curve_through(places, (weights * window[places]).sum(axis=1) / weights.sum(axis=1))
    if factors is None:
        return None
    start, end = first * block, (last + 1) * block if last < count - 1 else width
    columns = np.arange(start, end)
    rows = np.polynomial.polynomial.polyval((2 * (columns + 0.5) / block - 1 - first - last) / (last - first), factors)
    chord = np.linspace(rows[0], rows[-1], len(rows))
    if np.abs(rows - chord).max() > max(BEND * len(rows), BEND_PIXELS):
        return None  # the curve of a digit
    across = np.clip(np.rint(rows)[None].astype(int) + np.arange(-reach, reach + 1)[:, None], 0, height - 1)
    stroke = thickness_and_level(blocks.thin[across, columns], blocks.faintest)
    return None if stroke is None else Line(int(start), rows.astype(np.float32), *stroke, float(filled))


def longest_run(places: np.ndarray, count: int) -> np.ndarray:
    """Of the blocks that show something dark, ascending (n,), the longest run with short gaps, without loose ends."""
    if not len(places):
        return places
    parts = np.split(places, np.flatnonzero(np.diff(places) > max(LONGEST_GAP * count, 1)) + 1)
    return without_loose_ends(max(parts, key=len))


def curve_through(places: np.ndarray, centre: np.ndarray) -> np.ndarray | None:
    """The factors of a polynomial that gives the rows of a line, `centre` (n,), in these blocks, `places` (n,); None
    if they lie along no line. Its variable is -1 in the first block and 1 in the last.
    """
    first, last = places[0], places[-1]
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
    return None if usual > ROUGH or keep.mean() < STRAIGHT else factors


def thickness_and_level(profile: np.ndarray, faintest: float) -> tuple[float, float] | None:
    """How thick and how dark a line is in its typical column, from the darkness around its middle row, (rows, W); None
    if it is there in too few columns. The thickness is the summed darkness across the line over its peak.
    """
    middle = len(profile) // 2
    top = profile[middle - 1 : middle + 2].max(axis=0)
    dark = top > faintest
    if dark.sum() < FEWEST_DARK:
        return None
    own = np.where(nearest_run((profile > faintest).T).T, profile, 0)  # without a line that lies close by
    return median((own[:, dark].sum(axis=0) / top[dark]).tolist()), median(top[dark].tolist())


def nearest_run(dark: np.ndarray) -> np.ndarray:
    """In each row of (n, window) bool, the run of True that lies nearest to the middle of the window: two lines may lie
    close together.
    """
    window = dark.shape[1]
    away = np.where(dark, np.abs(np.arange(window) - window // 2), window)
    nearest = away.argmin(axis=1)[:, None]
    run = np.cumsum(~dark, axis=1)  # the same number in all places of a run
    return dark & (run == np.take_along_axis(run, nearest, axis=1))


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
