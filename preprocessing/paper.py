"""Printed lines and other things of the paper that are not the digit: rules, squares, boxes, dark edges.

They are looked for in the darkness of a picture, where the paper is 0 and ink is up to 1, before it is decided which
darkness is full ink. A rule is thin, straight and long; a digit is not.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from preprocessing.components import FAINT, label, near, piece_boxes, stroke_width

# A printed line is no thicker than this share of the picture's shorter side: the thick lines of a sudoku just are.
THICKEST = 0.09
# More lines in one direction are not followed: each is compared with all others. Lines lie farther apart than THICKEST,
# so a sheet of common proportions shows at most twenty. A strip of lined paper may show hundreds.
MOST_LINES = 64
# Lines are followed in blocks of columns, so many along the picture: a gap or a crossing stroke fills one or two.
BLOCKS = 32
# So many rules have a period if their distances differ from it by no more than this share.
PERIODIC, UNEVEN = 4, 0.12
# A line on a page that does not lie flat bends by so much of its length.
BEND = 0.015
# Where two lines meet, one may end before the other by this share of its length.
MEETS = 0.04
# The lines above and below a row of boxes are at least so long, as a share of the picture.
BOXES_LONG = 0.45
# Lines of one box differ in thickness and darkness by no more than this factor.
ALIKE = 1.8
# The side of a box is seen along so much of its height.
MOST = 0.7
# ... and along so much of either end of it, where a stroke inside the box has not begun.
HELD_FAST = 0.5
# A page that is held by hand is turned by this slope at most; the step between slopes moves an end by about a pixel.
STEEPEST = 0.12
# A thin line is looked for so many rows around its guessed place: farther off may be a stroke beside it.
NARROW = 3
# A printed line may have gaps as long as this share of the picture; and so much of it is there.
LONGEST_GAP, FILLED = 0.16, 0.6
# The shortest line that is looked at, as a share of the picture.
SHORTEST = 0.25
# A line runs to the edge of the picture if it ends no farther from it than this share of its length.
REACHES = 0.02
# The border of a cell lies no farther from the edge than this share, and is at least so long.
NEAR_EDGE, LONG = 0.18, 0.6
# Elsewhere it is a rule only if so much of it is there.
WHOLE = 0.85
# A stroke that crosses a line is continued across it in directions up to this slope (columns per row).
CROSSING_SLOPES = (0, -0.5, 0.5, -1, 1, -1.5, 1.5, -2.2, 2.2)
# A dark strip lies along so much of an edge, reaches no deeper into the picture, and its edge is no rougher.
STRIP_LONG, DEEPEST, STRIP_ROUGH = 0.75, 0.3, 0.02
# A piece that lies in a band of this share along an edge is not the digit, if it is farther than CLOSE (of the digit's
# size) from it; a piece at the edge reaches no farther than EDGE_REACH. The digit itself is at least MAIN large.
BAND, CLOSE, EDGE_REACH, MAIN = 0.17, 0.1, 0.4, 0.2
SLIVER, IN_ROW = 0.6, 0.7
# Of two pieces the one at an edge is the digit if it is larger by this factor.
AT_EDGE = 0.3
# A line that ink touches is a stroke of the same pen if it is no thinner and no fainter than this share of the ink.
SAME_PEN = 0.7
# A rule goes on beyond the digit on both sides by this share of its length.
OVERHANG = 0.08
# A line is thicker where it is so many times as thick as usual, counting pixels of this share of its darkness.
THICKER, THICKER_LEVEL = 1.7, 0.6
# A piece of ink of which so much lies in or along lines is what is left of them.
REMAINS = 0.8
# ... if it is small, or thinner than so many pixels.
THIN_REMAINS = 2.5
# A line so much fainter than the ink lets the ink over it be told by its darkness.
FAINT_LINE = 0.7


class Line(NamedTuple):
    """A line from left to right; in a picture that was transposed, from top to bottom."""

    start: int  # its first column
    rows: np.ndarray  # the row of its middle in each column, float
    thickness: float
    level: float  # its darkness
    filled: float  # the share of it that is there
    held: bool = False  # see `framed`

    @property
    def end(self) -> int:
        return self.start + len(self.rows)

    def meets(self, column: float) -> bool:
        """Whether the line is there in this column, or begins or ends close by."""
        room = self.half + MEETS * len(self.rows) + 2
        return self.start - room <= column <= self.end + room

    def at(self, columns: np.ndarray | float) -> np.ndarray:
        """Its rows in these columns; beyond its ends, the row of the end."""
        places = np.rint(np.asarray(columns) - self.start).astype(int)
        return self.rows[np.clip(places, 0, len(self.rows) - 1)]

    @property
    def half(self) -> int:
        """Rows above and below its middle that it darkens, its blurred edge included."""
        return int(np.ceil(self.thickness / 2 + 0.5)) + 1

    @property
    def middle(self) -> float:
        return float(self.rows.mean())


Lines = tuple[list[Line], list[Line]]  # across and upright


def running(function: np.ufunc, array: np.ndarray, window: int) -> np.ndarray:
    """The largest (np.maximum) or smallest (np.minimum) within `window` rows around each row; outside counts for none.

    Windows are doubled: log2(window) steps (van Herk needs as many passes at these sizes).
    """
    before = window // 2
    empty = -np.inf if function is np.maximum else np.inf
    padded = np.pad(array, ((before, window - 1 - before), (0, 0)), constant_values=empty)
    reach = 1
    while reach < window:
        step = min(reach, window - reach)
        padded = function(padded[:-step], padded[step:])
        reach += step
    return padded


def opened(darkness: np.ndarray, window: int) -> np.ndarray:
    """What remains of the darkness where it is at least `window` rows high; outside the picture is paper."""
    padded = np.pad(darkness, ((window, window), (0, 0)))
    eroded = running(np.minimum, padded, window)
    return running(np.maximum, eroded[::-1], window)[::-1][window:-window]


def level_lines(darkness: np.ndarray, faintest: float) -> list[Line]:
    """All thin straight lines of the darkness (H, W) that run from left to right, near enough, the longest first."""
    height, width = darkness.shape
    thickest = max(round(THICKEST * min(height, width)), 3)
    thin = darkness - opened(darkness, thickest + 1)
    block = max(round(width / BLOCKS), 1)
    count = width // block
    if count < 8:
        return []
    middles = (np.arange(count) + 0.5) * block
    means = thin[:, : count * block].reshape(height, count, block).mean(axis=2)
    there = running(np.maximum, means, 3) > faintest
    slopes = np.arange(-STEEPEST, STEEPEST + 1e-6, 2 / width)
    moves = np.rint(slopes[:, None] * (middles - width / 2)).astype(int)  # (slopes, blocks)
    margin = int(np.abs(moves).max())
    padded = np.pad(there, ((margin, margin), (0, 0)))
    rows = np.arange(height)[None, :, None] + moves[:, None, :] + margin
    scores = padded[rows, np.arange(count)].sum(axis=2)  # (slopes, height)
    best = scores.max(axis=0)
    lines = []
    for row in np.argsort(-best, kind="stable"):
        if best[row] < SHORTEST * count or len(lines) == MOST_LINES:
            break
        if any(abs(row - other) <= thickest for other, _ in lines):
            continue
        # of the slopes that are as good, the middle one
        good = np.flatnonzero(scores[:, row] == best[row])
        guess = row + moves[good[len(good) // 2]]
        line = traced(thin, means, guess, block, faintest, NARROW)
        if line is None or line.thickness > NARROW:
            line = traced(thin, means, guess, block, faintest, max(thickest // 2, 2) + 1) or line
        line = line and line._replace(filled=share_dark(darkness, line, faintest))
        if line is not None and not any(is_same(line, other) for _, other in lines):
            lines.append((row, line))
    return [line for _, line in lines]


def is_same(line: Line, other: Line) -> bool:
    """Whether most of a line lies within another one."""
    start, end = max(line.start, other.start), min(line.end, other.end)
    if end - start < len(line.rows) / 2:
        return False
    apart = line.rows[start - line.start : end - line.start] - other.rows[start - other.start : end - other.start]
    return float(np.median(np.abs(apart))) <= max(line.half, other.half)


def traced(
    thin: np.ndarray, means: np.ndarray, guess: np.ndarray, block: int, faintest: float, reach: int
) -> Line | None:
    """The line within `reach` of a guessed row for each block, or None if what is there is no line."""
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
    weights = np.where(seen > 0.5 * seen.max(axis=1, keepdims=True), seen, 0)[places]
    centre = (weights * window[places]).sum(axis=1) / weights.sum(axis=1)
    middles = (places + 0.5) * block
    keep = np.ones(len(places), bool)
    for _ in range(3):
        if keep.sum() < 4:
            return None
        bend = np.polynomial.Polynomial.fit(middles[keep], centre[keep], 2 if keep.sum() >= 8 else 1)
        away = np.abs(centre - bend(middles))
        keep = away <= max(1.0, 2.5 * np.median(away))
    if np.median(away) > 0.8 or keep.mean() < 0.6:
        return None
    start, end = first * block, (last + 1) * block if last < count - 1 else width
    columns = np.arange(start, end)
    rows = bend(columns + 0.5)
    chord = np.linspace(rows[0], rows[-1], len(rows))
    if np.abs(rows - chord).max() > max(BEND * len(rows), 1.5):
        return None  # the curve of a digit
    # thickness: what is dark across the line over how dark it is, in the typical column
    across = np.clip(np.rint(rows)[None].astype(int) + np.arange(-reach, reach + 1)[:, None], 0, height - 1)
    profile = thin[across, columns]
    top = profile[reach - 1 : reach + 2].max(axis=0)
    dark = top > faintest
    if dark.sum() < 3:
        return None
    level = float(np.median(top[dark]))
    thickness = float(np.median(profile[:, dark].sum(axis=0) / top[dark]))
    return Line(int(start), rows.astype(np.float32), thickness, level, float(filled))


def share_dark(darkness: np.ndarray, line: Line, faintest: float) -> float:
    """How much of a line is there: a stroke that crosses it is dark as well, a gap is light."""
    return float(np.mean(along(darkness, line) > faintest))


def along(darkness: np.ndarray, line: Line) -> np.ndarray:
    """The darkness in each column of a line, the largest of the three rows in its middle."""
    rows = np.clip(np.rint(line.rows).astype(int) + np.array([[-1], [0], [1]]), 0, len(darkness) - 1)
    return darkness[rows, np.arange(line.start, line.end)].max(axis=0)


def without_loose_ends(places: np.ndarray) -> np.ndarray:
    """Ascending block numbers without the last ones on either side if the gap before them is longer than they are."""
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


# --- Which lines are the paper's --------------------------------------------------------------------------------------


def paper_lines(darkness: np.ndarray, faintest: float) -> Lines:
    """The printed lines of a picture's darkness (H, W): those across, and those upright (of the transposed picture)."""
    views = darkness, darkness.T
    found = framed(tuple(level_lines(view, faintest) for view in views), darkness > faintest)
    found = [
        [line for line in lines if line.held or is_border(line, view.shape)]
        for view, lines in zip(views, found, strict=True)
    ]
    if not any(found):
        return [], []
    outside = np.where(zone_of(darkness.shape, found), 0, darkness)
    digit = large_pieces(outside, faintest)
    ink = ink_level(outside[digit])
    width = stroke_width(np.where(digit, np.clip(outside / max(ink, faintest), 0, 1), 0))
    kept: Lines = [], []
    doubtful: Lines = [], []
    for piece, lines, papers, strokes in zip((digit, digit.T), found, kept, doubtful, strict=True):
        for line in lines:
            same_pen = SAME_PEN * width < line.thickness and SAME_PEN * ink < line.level
            if not same_pen or hangs_over(piece, line):
                sure = line.held or not is_touched(piece, line)
            elif is_touched(piece, line):
                if not line.held:
                    continue
                sure = False
            else:  # a 1 stands upright beside other digits, but no digit is a line across
                sure = papers is kept[0] or bool(kept[0])
            if sure:
                papers.append(line)
            elif same_pen:
                strokes.append(line)
    # a line that may be a stroke is the paper's where the paper has others: borders two, rules one beside it
    borders = len(kept[0]) + len(kept[1]) >= 2
    for view, papers, strokes in zip(views, kept, doubtful, strict=True):
        rules = any(not is_border(line, view.shape) for line in papers)
        papers.extend([line for line in strokes if (borders if is_border(line, view.shape) else rules)])
        papers.extend(missing_rules(view, papers, faintest))
    return kept


def missing_rules(darkness: np.ndarray, lines: list[Line], faintest: float) -> list[Line]:
    """Rules that were not seen, but lie where the distance of the others calls for them: a stroke hid them."""
    rules = sorted((line for line in lines if line.held), key=lambda line: line.middle)
    if len(rules) < PERIODIC:
        return []
    gaps = np.diff([line.middle for line in rules])
    period = float(np.median(gaps))
    steps = np.maximum(np.rint(gaps / period), 1)
    if period < 4 or np.abs(gaps / steps - period).max() > UNEVEN * period:
        return []
    found = []
    for before, after, count in zip(rules, rules[1:], steps.astype(int), strict=False):
        for step in range(1, count):
            start, end = max(before.start, after.start), min(before.end, after.end)
            share = step / count
            rows = (1 - share) * before.rows[start - before.start : end - before.start]
            rows = rows + share * after.rows[start - after.start : end - after.start]
            line = before._replace(start=start, rows=rows.astype(np.float32))
            if share_dark(darkness, line, faintest) > FILLED:
                found.append(line)
    return found


def framed(found: Lines, dark: np.ndarray) -> Lines:
    """Lines across and upright of a picture, each marked as held or not: both its ends lie at an edge of the picture or
    at the border of a cell, or it belongs to a row of boxes. `dark` (H, W) bool is where anything is.
    """
    shape = dark.shape
    held = tuple([False] * len(lines) for lines in found)
    for mine, other, view in ((0, 1, shape), (1, 0, shape[::-1])):
        walls = [line for line in found[other] if is_border(line, view[::-1])]
        for index, line in enumerate(found[mine]):
            held[mine][index] = is_held(line, walls, view[1])
    for first, second in itertools.combinations(range(len(found[0])), 2):
        uprights = boxes_between(found[0][first], found[0][second], found[1], dark)
        if uprights:
            held[0][first] = held[0][second] = True
            for index in uprights:
                held[1][index] = True
    return tuple(
        [line._replace(held=yes) for line, yes in zip(lines, some, strict=True)]
        for lines, some in zip(found, held, strict=True)
    )


def is_held(line: Line, walls: list[Line], size: int) -> bool:
    """Whether both ends of a line lie at an edge of the picture, `size` long in its direction, or at a wall there."""
    room = max(REACHES * size, 2)
    start = max(
        [wall.middle + wall.half for wall in walls if wall.middle < size / 2 and wall.meets(line.rows[0])] + [0]
    )
    end = min(
        [wall.middle - wall.half for wall in walls if wall.middle > size / 2 and wall.meets(line.rows[-1])] + [size]
    )
    return line.filled >= WHOLE and line.start <= start + room and line.end >= end - room


def boxes_between(upper: Line, lower: Line, uprights: list[Line], dark: np.ndarray) -> list[int]:
    """Which of the upright lines stand between two lines across as the sides of boxes do; none if the outer ones do not
    stand at their ends.
    """
    height, width = dark.shape
    upper, lower = sorted((upper, lower), key=lambda line: line.middle)
    if min(len(upper.rows), len(lower.rows)) < BOXES_LONG * width or lower.middle - upper.middle < SHORTEST * height:
        return []
    room = MEETS * width + 2
    if abs(upper.start - lower.start) > 2 * room or abs(upper.end - lower.end) > 2 * room:
        return []
    standing = [
        index
        for index, line in enumerate(uprights)
        if is_alike(line, upper, lower) and stands_between(upper, lower, line, dark)
    ]
    if len(standing) < 2:
        return []
    middles = [uprights[index].middle for index in standing]
    start, end = (upper.start + lower.start) / 2, (upper.end + lower.end) / 2
    closed_left = min(middles) - start <= 2 * room or start <= room
    closed_right = end - max(middles) <= 2 * room or end >= width - room
    return standing if closed_left and closed_right else []


def is_alike(line: Line, *others: Line) -> bool:
    """Whether a line is about as thick and as dark as the others: drawn by the same printer, not by a pen."""
    thickness = min(other.thickness for other in others)
    level = float(np.mean([other.level for other in others]))
    return line.thickness <= ALIKE * thickness and level / ALIKE <= line.level <= ALIKE * level


def stands_between(upper: Line, lower: Line, upright: Line, dark: np.ndarray) -> bool:
    """Whether an upright line goes from one line to the other; the pen leaves no paper between."""
    top, bottom = int(upper.at(upright.middle)), int(lower.at(upright.middle))
    if upright.end - upright.start < MOST * (bottom - top):
        return False
    rows = np.arange(max(top, 0), min(bottom + 1, len(dark)))
    columns = np.rint(upright.at(rows)).astype(int)[:, None] + np.array([-1, 0, 1])
    ink = dark[rows[:, None], np.clip(columns, 0, dark.shape[1] - 1)].any(axis=1)
    if not ink.size:
        return False
    ends = max(len(ink) // 8, 2)
    return bool(ink.mean() >= FILLED and min(ink[:ends].mean(), ink[-ends:].mean()) >= HELD_FAST)


def is_border(line: Line, shape: tuple[int, int]) -> bool:
    """Whether a line across a picture (H, W) runs along its upper or lower edge, as the border of a cell does."""
    height, width = shape
    near = min(line.middle, height - line.middle) <= NEAR_EDGE * min(height, width)
    return near and len(line.rows) >= LONG * width


def large_pieces(darkness: np.ndarray, faintest: float) -> np.ndarray:
    """Where the pieces are that are large enough to be a digit, bool (H, W)."""
    labels, count = label(darkness > faintest)
    large = np.zeros(count + 1, bool)
    if count:
        boxes = piece_boxes(labels, count)
        large[1:] = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= MAIN * min(darkness.shape)
    return large[labels]


def hangs_over(digit: np.ndarray, line: Line) -> bool:
    """Whether a line goes on beyond the digit on both sides; the bar of a 7 ends where the digit does."""
    columns = np.flatnonzero(digit.any(axis=0))
    if not columns.size:
        return True
    room = OVERHANG * len(line.rows)
    return columns[0] - line.start >= room and line.end - 1 - columns[-1] >= room


def is_touched(digit: np.ndarray, line: Line) -> bool:
    """Whether the digit's ink lies right beside a line."""
    middle = np.rint(line.rows).astype(int)
    columns = np.arange(line.start, line.end)
    touching = np.zeros(len(columns), bool)
    for away in (line.half + 1, line.half + 2):
        for rows in (middle - away, middle + away):
            inside = (rows >= 0) & (rows < len(digit))
            touching |= inside & digit[np.clip(rows, 0, len(digit) - 1), columns]
    return bool(touching.sum() >= 2)


def ink_level(strokes: np.ndarray) -> float:
    """How dark ink is, from all darkness that may be ink; 0.0 without any."""
    if not strokes.size:
        return 0.0
    dark = float(np.quantile(strokes, 0.9))
    return float(np.median(strokes[strokes > dark / 2]))


def zone_of(shape: tuple[int, int], lines: Lines) -> np.ndarray:
    """Where lines across and upright lie: bool (H, W)."""
    zone = np.zeros(shape, bool)
    for view, some in zip((zone, zone.T), lines, strict=True):
        for line in some:
            mark(view, line)
    return zone


def without_paper(darkness: np.ndarray, lines: Lines, faintest: float) -> tuple[np.ndarray, np.ndarray]:
    """Darkness (H, W) without these lines, across and upright, and where they lay (H, W) bool."""
    zone = zone_of(darkness.shape, lines)
    outside = darkness[~zone]
    ink = ink_level(outside[outside > faintest]) or 1.0
    cleared = without_lines(darkness, lines[0], ink)
    cleared = without_lines(cleared.T, lines[1], ink).T
    return cleared, zone


def mark(zone: np.ndarray, line: Line) -> None:
    half = line.half
    rows = np.rint(line.rows).astype(int) + np.arange(-half, half + 1)[:, None]
    columns = np.broadcast_to(np.arange(line.start, line.end), rows.shape)
    inside = (rows >= 0) & (rows < zone.shape[0])
    zone[rows[inside], columns[inside]] = True


def is_substantial(ink: np.ndarray) -> bool:
    """Whether a piece of ink is large enough for a digit and not all along an edge: without one, what was left out was
    the digit.
    """
    labels, count = label(ink >= 0.5)
    if not count:
        return False
    boxes, side = piece_boxes(labels, count), min(ink.shape)
    large = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= MAIN * side
    return bool((large & (inner_reach(boxes, ink.shape).min(axis=1) > BAND * side)).any())


def inner_reach(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How far (n, 4) boxes reach into a picture (H, W) from its left, upper, right and lower edge, (n, 4) pixels."""
    left, top, right, bottom = boxes.T
    return np.stack([right, bottom, shape[1] - left, shape[0] - top], axis=1)


def without_remains(ink: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """Ink (H, W) without pieces that lie in or along the lines that were taken out."""
    wide = near(near(zone))
    labels, count = label(ink >= FAINT)
    if not count:
        return ink
    pixels = np.bincount(labels.ravel(), minlength=count + 1)
    lying = np.bincount(labels[wide], minlength=count + 1)
    remains = lying > REMAINS * pixels
    boxes = piece_boxes(labels, count)
    longest = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    remains[1:] &= (longest < MAIN * min(ink.shape)) | (pixels[1:] < THIN_REMAINS * longest)
    remains[0] = False
    return np.where(remains[labels], 0, ink).astype(ink.dtype) if not remains[1:].all() else ink


# --- Things at the edge -----------------------------------------------------------------------------------------------


def without_edge(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) without what lies along the edges of a picture of one digit, and how many such things there were."""
    band = int(BAND * min(ink.shape))
    if not (ink[band : -band or None, band : -band or None] >= FAINT).any():
        return ink, 0  # all there is lies along the edges
    inside, strips = without_strips(ink)
    if strips and not is_substantial(inside):
        return ink, 0  # the strips were the digit
    return without_edge_pieces(inside, strips)


def without_strips(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) without dark strips along whole edges: a table, a binding, a thick border."""
    out, strips = ink, 0
    for turns in range(4):
        view = np.rot90(out, turns)
        depth = strip_depth(view >= FAINT)
        if depth is not None:
            if out is ink:
                out = ink.copy()
                view = np.rot90(out, turns)
            view[np.arange(len(view))[:, None] < depth] = 0
            strips += 1
    return out, strips


def strip_depth(dark: np.ndarray) -> np.ndarray | None:
    """How many rows of each column, from the top, belong to a dark strip along the top edge; None without one."""
    height, width = dark.shape
    deep = min(round(DEEPEST * height) + 1, height)
    if dark[:2].any(axis=0).mean() < STRIP_LONG:
        return None
    starts = dark[:deep].copy()
    starts[:2] |= dark[:2].any(axis=0)
    run = np.where(starts.all(axis=0), deep, (~starts).argmax(axis=0))
    # the depth of the strip there: a digit that touches it makes some runs longer than those around
    reach = max(width // 6, 1)
    padded = np.pad(run, reach, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    usual = np.quantile(around, 0.4, axis=1)
    if np.median(usual) >= deep:
        return None
    room = STRIP_ROUGH * height + 1
    return np.where(run <= usual + room, run + 2, usual + 2)


def without_edge_pieces(ink: np.ndarray, dropped: int = 0) -> tuple[np.ndarray, int]:
    """Ink (H, W) without pieces at the edges, if there is a larger one that is not: parts of other writing, shadows of
    a corner, holes, ends of lines.
    """
    labels, count = label(ink >= FAINT)
    if count < 2:
        return ink, dropped
    height, width = ink.shape
    side = min(height, width)
    boxes = piece_boxes(labels, count)
    left, top, right, bottom = boxes.T
    reach = inner_reach(boxes, ink.shape) / side
    on_edge = np.stack([left <= 1, top <= 1, right >= width - 1, bottom >= height - 1], axis=1)
    banded = reach.min(axis=1) <= BAND
    sizes = boxes[:, 2:] - boxes[:, :2]
    longest = sizes.max(axis=1)
    main = int(np.where(banded, 0, longest * np.where(on_edge.any(axis=1), AT_EDGE, 1)).argmax())
    if banded[main] or longest[main] < MAIN * side:
        return ink, dropped
    gap = np.maximum(boxes[main, :2] - boxes[:, 2:], boxes[:, :2] - boxes[main, 2:]).max(axis=1)
    in_corner = (on_edge[:, :2] | on_edge[:, 2:]).all(axis=1)
    small = np.where(on_edge, reach * side, np.inf).min(axis=1) <= SLIVER * longest[main]
    part = ~in_corner & (gap <= CLOSE / 3 * longest[main])  # of the digit, cut off by a line
    drop = (in_corner | small & on_edge.any(axis=1)) & (reach.min(axis=1) <= EDGE_REACH) & ~part
    drop |= banded & (gap > CLOSE * longest[main])
    # in a row of digits the first and the last lie near the edges
    tall = sizes[:, 1] >= IN_ROW * sizes[main, 1]
    shared = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    in_row = tall & (shared >= IN_ROW * sizes[:, 1]) & (sizes[:, 1] <= sizes[main, 1] / IN_ROW)
    if np.count_nonzero(in_row & ~drop) >= 2 or sizes[main, 1] >= IN_ROW * height:
        drop &= ~in_row
    drop &= ~in_row | on_edge.any(axis=1)  # a piece beside the digit, as tall, that touches no edge is another digit
    drop[main] = False
    if not drop.any():
        return ink, dropped
    gone = np.concatenate([[False], drop])[labels]
    return np.where(near(gone) & ((labels == 0) | gone), 0, ink).astype(ink.dtype), dropped + int(drop.sum())


# --- Lines left out ---------------------------------------------------------------------------------------------------


def without_lines(darkness: np.ndarray, lines: list[Line], ink: float) -> np.ndarray:
    """Darkness (H, W) without these lines across; `ink` is how dark ink is. Strokes that cross a line go on in it."""
    out = darkness
    for line in lines:
        out = without_line(out, line, ink)
    return out


def without_line(darkness: np.ndarray, line: Line, ink: float) -> np.ndarray:
    """As `without_lines`, for one.

    In the rows that the line covers stays what is plainly darker than the line, which is ink over it; and what lies
    between ink on both sides of the line, straight or slanted.
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
    beyond = np.pad(darkness, ((room, room), (0, 0)))
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
    # a stroke that runs along the line, or stands on it, makes it thicker there
    tall = beyond[
        np.clip(centre + np.arange(-half - room // 2, half + room // 2 + 1)[:, None], 0, len(beyond) - 1), columns
    ]
    dark = tall > THICKER_LEVEL * min(line.level, ink)
    inner_row = len(tall) // 2
    run = through(dark, inner_row)
    kept = np.where(run > THICKER * line.thickness + 2, covered, kept)
    kept = np.minimum(kept, covered)
    if line.level < FAINT_LINE * ink:
        kept = np.where(covered > (line.level + ink) / 2, covered, kept)
    out = darkness.copy()
    out[rows[inside], np.broadcast_to(columns, rows.shape)[inside]] = kept[inside]
    return out


def through(dark: np.ndarray, row: int) -> np.ndarray:
    """How many dark pixels of each column of (H, W) bool lie in one run through this row or the ones beside it."""
    up = np.where(dark[:row].all(axis=0), row, (~dark[row - 1 :: -1]).argmax(axis=0))
    rest = dark[row + 1 :]
    down = np.where(rest.all(axis=0), len(rest), (~rest).argmax(axis=0))
    return np.where(dark[row], 1 + up + down, 0)
