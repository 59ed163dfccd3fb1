"""Connected pieces of ink, and which of them are specks."""

from __future__ import annotations

import numpy as np

from preprocessing.morphology import between, dilated, eroded, with_margin
from preprocessing.tones import median

# A pixel is ink, however faint, from this coverage on: noise and the outermost rim of a blurred stroke stay below it.
FAINT = 0.2
# A pixel is more ink than paper from this coverage on. Pieces are told apart at this level: neighbours whose blurred
# rims alone touch stay two.
HALF = 0.5
# A piece that is nowhere darker than this coverage, half a stroke's darkness, is a stain.
STAIN = 0.5
# A speck fits in a square of this many stroke widths: a dot of the same pen does, a stroke on its own does not.
SPECK_STROKE_WIDTHS = 1.7
# All specks together are at most this share of the ink. What is made of dots altogether is left alone.
SPECK_SHARE = 0.25
# A lone piece has no more pixels than this: two or three noisy neighbours do, the smallest dot of a pen does not.
LONE = 3
# A frame with straight sides has ink along at least this share of its outline: it may have gaps.
FRAME_SIDE = 0.9
# A ring has ink along at least this share of it: what is open farther is a letter, as @ is.
RING_CLOSED = 0.98
# A frame's ink lies no farther from its outline than this share of the shorter side: a frame is drawn by hand.
FRAME_EDGE = 0.08
# A frame's ink may always lie this many pixels from its outline: the width of a thin line.
FRAME_EDGE_PIXELS = 2
# Of a frame's ink, at most this share lies farther inside: an end of a ring that passes the other.
FRAME_LOOSE = 0.05
# A side is straight if at least this share of it is: a digit may stand out over it, and its lines may be broken.
STRAIGHT_SIDE = 0.8
# Opposite sides of a frame are parallel, or their slopes differ by no more than this: those of a 7 do by more.
FRAME_SKEW = 0.3
# The shorter side of a frame has at least this many pixels: there must be room for a digit.
FRAME_SHORTEST = 20
# What is no longer than so many stroke widths is no digit in a box. The dot of a printed zero has up to 2.5.
DOT_STROKE_WIDTHS = 3.0
# What a frame with straight sides holds is higher than this share of it. Otherwise it is an angular zero with a dot.
FRAME_FILLED = 0.15
# What a ring holds is higher than this share of it. A zero may hold a dot or a short bar, and a face eyes and a mouth.
RING_FILLED = 0.45
# What lies around a frame is smaller than this share of what it holds: dirt, and no other digits or words.
FRAME_OUTSIDE = 0.5
# A bar is a line, and no stroke of a digit, if it is at least this many times as long as the digits beside it are high.
BAR_LONGER = 1.6
# A bar above or below several digits needs to be so many times as long only: a stroke belongs to one of them.
BAR_LONGER_OF_SEVERAL = 1.2
# What is higher than this share of the highest piece beside a bar is a digit.
BAR_DIGIT = 0.6
# The digits beside it are at least this many times as high as it is thick: beside a dash there may be specks.
BAR_THIN = 3.0
# A bar is at least this many times as long as thick.
BAR_ASPECT = 6.0
# It is as thick as usual along at least this share: strokes may come close to it.
BAR_EVEN = 0.8
# Two bars below a digit may be shorter than it is high, if they lie below each other along this share of their length.
BAR_TWINS = 0.7
# Their middles are no farther apart than this share of their length.
BAR_TWINS_APART = 0.4
# They are at least as long as this share of the digit's width: those of an equals sign below it are shorter.
BAR_TWINS_LONG = 0.7
# The digit ends no farther below the upper one than this share of its height: a line is drawn aslant.
BAR_TWINS_BELOW = 0.15
# The longer side of a digit is at least this share of the picture's shorter side.
SMALLEST_DIGIT = 0.2
# Full ink is this quantile of all that may be ink: a few pixels, where strokes cross, are darker still.
DARK_QUANTILE = 0.9


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """(H, W) bool -> piece numbers (H, W) int32, 0 for background and 1 to count for the 8-connected pieces.

    Works on horizontal runs: those of neighbouring rows that touch are united.
    """
    height, width = mask.shape
    stride = width + 2  # a column of background on either side keeps the runs of different rows apart
    padded = np.zeros((height, stride), bool)
    padded[:, 1:-1] = mask
    # Places in one long line of all rows: where a run starts, and where the background after it does.
    edges = np.flatnonzero(np.diff(padded.ravel()))
    start, end = edges[::2], edges[1::2]
    # In the row above, a run touches those from the first that reaches its start to the last that begins by its end,
    # corners included.
    first, last = np.searchsorted(end, start - stride), np.searchsorted(start, end - stride, side="right")
    touching = last - first
    run = np.repeat(np.arange(len(start)), touching)
    above = np.arange(len(run)) + np.repeat(first - (touching.cumsum() - touching), touching)
    piece = united(len(start), run, above)
    count = int(piece.max(initial=0))
    if count < 2:
        return mask.astype(np.int32), count
    steps = np.zeros(height * stride, np.int32)
    steps[start], steps[end] = piece, -piece
    return steps.cumsum(dtype=np.int32).reshape(height, stride)[:, :width], count


def united(n: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n,) numbers from 1 on, the same for things that the pairs (a[i], b[i]) of their indices tie together.

    Each round ties every group to its lowest neighbour, so that their number halves at least.
    """
    root = np.arange(n)
    while (root[a] != root[b]).any():
        lowest = np.minimum(root[a], root[b])
        np.minimum.at(root, root[a], lowest)
        np.minimum.at(root, root[b], lowest)
        while (root != root[root]).any():
            root = root[root]
    return np.unique(root, return_inverse=True)[1] + 1


def piece_boxes(labels: np.ndarray, count: int) -> np.ndarray:
    """Piece numbers as `label` gives them -> (count, 4) int64: left, top, right, bottom of piece 1, 2 ..., right and
    bottom exclusive.
    """
    y, x = np.nonzero(labels)
    piece = labels[y, x] - 1
    boxes = np.empty((count, 4), np.int64)
    for axis, places in enumerate((x, y)):
        low, high = np.full(count, labels.size), np.zeros(count, np.int64)
        np.minimum.at(low, piece, places)
        np.maximum.at(high, piece, places + 1)
        boxes[:, axis], boxes[:, axis + 2] = low, high
    return boxes


def longer_sides(boxes: np.ndarray) -> np.ndarray:
    """The longer side of each of (n, 4) boxes, (n,) in pixels."""
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes of ink (H, W) float32 in [0, 1], in pixels; 0.0 without ink. A long stroke of width w
    and length l has area w l and perimeter 2 l.

    The perimeter of antialiased ink is the sum of its gradient's length.
    """
    padded = with_margin(ink, 1)
    right = padded[:-1, 1:] - padded[:-1, :-1]
    down = padded[1:, :-1] - padded[:-1, :-1]
    perimeter = float(np.sqrt(right * right + down * down).sum())
    return 2 * float(ink.sum()) / perimeter if perimeter else 0.0


def ink_level(strokes: np.ndarray) -> float:
    """The typical darkness of ink, from the darkness (n,) of all pixels that may be ink; 0.0 without any.

    Of these pixels, the rims of strokes and faint stains are lighter than half of full ink: they do not count.
    """
    if not strokes.size:
        return 0.0
    dark = float(np.quantile(strokes, DARK_QUANTILE))
    return float(median(strokes[strokes > dark / 2]))


def lone_pixels(ink: np.ndarray) -> int:
    """How many pieces of ink (H, W) in [0, 1] have no more than LONE pixels."""
    labels, count = label(ink > HALF)
    return int((np.bincount(labels.ravel(), minlength=count + 1)[1:] <= LONE).sum())


def may_be_form(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] may hold boxes of a form: a piece whose box holds the boxes of others, or whose four
    sides are straight. A digit that touches its box is of one piece with it. A zero with a dot is no box.
    """
    labels, count = label(ink >= FAINT)
    boxes = piece_boxes(labels, count)
    no_dots = boxes[longer_sides(boxes) > DOT_STROKE_WIDTHS * stroke_width(ink)]
    large = np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=ink.size) >= FRAME_SHORTEST)
    for piece in large:
        left, top, right, bottom = boxes[piece]
        inside = (no_dots[:, :2] > (left, top)).all(axis=1) & (no_dots[:, 2:] < (right, bottom)).all(axis=1)
        if inside.any() or is_straight_sided(labels[top:bottom, left:right] == piece + 1):
            return True
    return False


def is_straight_sided(piece: np.ndarray) -> bool:
    """Whether a piece of ink, (H, W) bool in its box, is bounded by four straight lines. They may be slanted, but
    opposite ones run side by side.
    """
    room = min(FRAME_EDGE * min(piece.shape), FRAME_EDGE_PIXELS)
    for view in (piece, piece.T):
        sides = view.argmax(axis=0), len(view) - 1 - view[::-1].argmax(axis=0)
        slopes = [slope_of(side) for side in sides]
        if abs(slopes[0] - slopes[1]) > FRAME_SKEW:
            return False
        if not all(is_straight(side, slope, room) for side, slope in zip(sides, slopes, strict=True)):
            return False
    return True


def slope_of(heights: np.ndarray) -> float:
    """How much these heights (n,), one for each column, rise from column to column."""
    half = len(heights) // 2
    return float(np.median(heights[half : 2 * half] - heights[:half]) / half)


def is_straight(heights: np.ndarray, slope: float, room: float) -> bool:
    """Whether most of these heights (n,) lie along a line of this slope, no farther from it than `room`."""
    level = heights - slope * np.arange(len(heights))
    return bool(np.mean(np.abs(level - np.median(level)) <= room) >= STRAIGHT_SIDE)


def without_frames(ink: np.ndarray) -> np.ndarray:
    """Coverage (H, W) without the frames and rings that somebody has drawn around numbers."""
    labels, count = label(ink >= FAINT)
    frames = frames_among(labels, piece_boxes(labels, count))
    if not frames.any():
        return ink
    return np.where(dilated(np.concatenate([[False], frames])[labels]), 0, ink).astype(ink.dtype)


def is_framed(ink: np.ndarray) -> bool:
    """Whether a frame or ring is drawn around all that is large in the ink (H, W) in [0, 1]."""
    labels, count = label(ink >= FAINT)
    boxes = piece_boxes(labels, count)
    frames = frames_among(labels, boxes)
    if not frames.any():
        return False
    outermost = boxes[frames][(boxes[frames, 2:] - boxes[frames, :2]).prod(axis=1).argmax()]
    inside = (boxes[:, :2] > outermost[:2]).all(axis=1) & (boxes[:, 2:] < outermost[2:]).all(axis=1)
    sizes = longer_sides(boxes)
    outside = ~inside & (boxes != outermost).any(axis=1)
    return bool(sizes[outside].max(initial=0) < FRAME_OUTSIDE * sizes[inside].max())


def frames_among(labels: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Which pieces of ink are frames or rings, (n,) bool. labels, boxes: as `label` and `piece_boxes` give them."""
    found = np.zeros(len(boxes), bool)
    for piece in np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=labels.size) >= FRAME_SHORTEST):
        left, top, right, bottom = boxes[piece]
        if ((boxes[:, :2] > (left, top)).all(axis=1) & (boxes[:, 2:] < (right, bottom)).all(axis=1)).any():
            found[piece] = is_frame(labels[top:bottom, left:right], piece + 1)
    return found


def is_frame(labels: np.ndarray, piece: int) -> bool:
    """Whether the piece of this number is a frame or ring, by the numbers of the pieces in its box: it lies along its
    own outline and nowhere else, with digits inside.
    """
    own = labels == piece
    shape = between(own) | between(own.T).T  # a gap in the ring may be seen along rows or columns
    edge = max(round(FRAME_EDGE * min(shape.shape)), FRAME_EDGE_PIXELS)
    around = with_margin(shape, edge).astype(np.float32)
    inner = eroded(around, 2 * edge + 1)[edge:-edge, edge:-edge] > 0
    if np.count_nonzero(own & inner) > FRAME_LOOSE * np.count_nonzero(own):
        return False
    outline = shape & dilated(~with_margin(shape, 1))[1:-1, 1:-1]
    straight = is_straight_sided(own)
    near = own
    for _ in range(edge if straight else FRAME_EDGE_PIXELS):
        near = dilated(near)
    if near[outline].mean() < (FRAME_SIDE if straight else RING_CLOSED):
        return False
    numbers, inside = np.unique(np.where(inner & ~own, labels, 0), return_inverse=True)
    sizes = piece_boxes(inside.reshape(shape.shape), len(numbers) - 1)
    heights = sizes[:, 3] - sizes[:, 1]
    return bool(heights.max(initial=0) > (FRAME_FILLED if straight else RING_FILLED) * len(shape))


def without_bars(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without straight bars across that are much longer than the digits above and below them are
    high: numbers are underlined, and a sum stands below a line. Two bars below each other may be shorter.
    """
    labels, count = label(ink >= FAINT)
    boxes = piece_boxes(labels, count)
    left, top, right, bottom = boxes.T
    widths, heights = right - left, bottom - top
    long = np.flatnonzero(widths >= BAR_ASPECT * stroke_width(ink))
    bars = np.zeros(count + 1, bool)
    for piece in long:
        beside = (left < right[piece]) & (right > left[piece])
        beside[piece] = False
        beside &= ~bars[1:]
        highest = heights[beside].max(initial=0)
        digits = beside & (heights >= BAR_DIGIT * highest)
        # they stand side by side, unlike the strokes of one: the last begins where the first has ended
        several = left[digits].max(initial=0) >= right[digits].min(initial=ink.shape[1])
        longer = widths[piece] >= (BAR_LONGER_OF_SEVERAL if several else BAR_LONGER) * highest
        if heights[piece] < highest and (longer or underlines_twice(boxes[piece], boxes[long], boxes[digits])):
            bars[piece + 1] = is_bar(labels[:, left[piece] : right[piece]] == piece + 1, highest)
    return np.where(bars[labels], 0, ink).astype(ink.dtype) if bars.any() else ink


def underlines_twice(bar: np.ndarray, others: np.ndarray, digits: np.ndarray) -> bool:
    """Whether what has this box (4,) may be one of two bars below digits. others: the boxes (n, 4) of all pieces that
    may be bars. digits: those of the digits above and below it.
    """
    left, top, right, bottom = others.T
    lengths = np.maximum(right - left, bar[2] - bar[0])
    shared = np.minimum(right, bar[2]) - np.maximum(left, bar[0])
    apart = np.abs(top + bottom - bar[1] - bar[3]) / 2
    twins = (shared >= BAR_TWINS * lengths) & (apart > 0) & (apart <= BAR_TWINS_APART * lengths)
    if not twins.any() or not len(digits):
        return False
    lowest, highest = digits[:, 3].max(), np.ptp(digits[:, 1::2], axis=1).max()
    below = lowest - min(bar[1], top[twins].min()) <= BAR_TWINS_BELOW * highest
    return bool(below and bar[2] - bar[0] >= BAR_TWINS_LONG * (digits[:, 2].max() - digits[:, 0].min()))


def is_bar(piece: np.ndarray, highest: int) -> bool:
    """Whether a piece of ink, (H, W) bool between its left and its right end, is a straight bar across. It may be
    turned a little. highest: the height in pixels of the digits beside it.
    """
    thick = piece.sum(axis=0)
    thickness = float(np.median(thick))
    middles = (piece * np.arange(len(piece))[:, None]).sum(axis=0) / np.maximum(thick, 1)
    straight = is_straight(middles, slope_of(middles), max(thickness / 2, 1.0))
    even = np.mean(np.abs(thick - thickness) <= max(thickness / 2, 1.0)) >= BAR_EVEN
    return bool(straight and even and highest >= BAR_THIN * thickness)


def without_stains(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without pieces that are faint all over, such as stains and rules; a stroke that fades keeps
    its faint end, for it hangs together with the rest.
    """
    mask = ink >= FAINT
    labels, count = label(mask)
    if count < 2:
        return ink
    darkest = np.zeros(count + 1, ink.dtype)
    np.maximum.at(darkest, labels[mask], ink[mask])
    stain = (darkest < STAIN) & (np.arange(count + 1) > 0)
    return np.where(stain[labels], 0, ink).astype(ink.dtype) if stain.any() and not stain[1:].all() else ink


def without_specks(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) in [0, 1] -> the ink without stray dots, and how many of them there were. Their antialiased edges go
    with them.
    """
    labels, count = label(ink > HALF)
    if count < 2:
        return ink, 0
    mass = np.bincount(labels.ravel(), weights=ink.ravel(), minlength=count + 1)
    mass[0] = 0
    main = int(mass.argmax())
    limit = SPECK_STROKE_WIDTHS * stroke_width(np.where(labels == main, ink, 0))
    boxes = piece_boxes(labels, count)
    specks = np.zeros(count + 1, bool)
    specks[1:] = longer_sides(boxes) <= limit
    specks[main] = False
    if not specks.any() or mass[specks].sum() > SPECK_SHARE * mass.sum():
        return ink, 0
    return np.where(dilated(specks[labels]), 0, ink).astype(ink.dtype), int(specks.sum())
