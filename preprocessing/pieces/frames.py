"""Frames and rings: what somebody has drawn, or a form has printed, around digits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from preprocessing.pieces.components import FAINT, Pieces, lies_in, piece_boxes, pieces_of, without
from preprocessing.pixels.morphology import dilated, eroded, with_margin
from preprocessing.pixels.pen import stroke_width
from preprocessing.pixels.shapes import filled_columns, is_straight, slope_of

# A frame with straight sides has ink along at least this share of its outline: it may have gaps.
FRAME_CLOSED = 0.9
# A ring has ink along at least this share of it: what is open farther is a letter, as @ is.
RING_CLOSED = 0.98
# A frame's ink lies no farther from its outline than this share of the shorter side: a frame is drawn by hand.
FRAME_EDGE = 0.08
# A frame's ink may always lie this many pixels from its outline: the width of a thin line.
FRAME_EDGE_PIXELS = 2
# Of a frame's ink, at most this share lies farther inside: an end of a ring that passes the other.
FRAME_LOOSE = 0.05
# Opposite sides of a frame are parallel, or their slopes differ by no more than this: those of a 7 do by more.
FRAME_SKEW = 0.3
# The shorter side of a frame has at least this many pixels: there must be room for a digit.
FRAME_SHORTEST = 20
# What is no longer than so many stroke widths is no digit in a box. The dot of a printed zero has up to 2.5.
DOT_STROKE_WIDTHS = 3.0
# What a frame holds is higher than this share of it. Otherwise it is an angular zero with a dot.
FRAME_FILLED = 0.15
# What a ring holds is higher than this share of it. A zero may hold a dot or a short bar, and a face eyes and a mouth.
RING_FILLED = 0.45
# A ring that is so many times as wide as high is no zero, and may hold a small number.
WIDER_THAN_ZERO = 1.2
# What lies around a frame is smaller than this share of what it holds: dirt, and no other digits or words.
FRAME_OUTSIDE = 0.5


def may_be_form(ink: np.ndarray) -> bool:
    """Whether ink (H, W) in [0, 1] may hold boxes of a form: a piece whose box holds the boxes of others, or whose four
    sides are straight. A digit that touches its box is of one piece with it. A zero with a dot is no box.
    """
    pieces = pieces_of(ink >= FAINT)
    no_dots = pieces.boxes[pieces.longest > DOT_STROKE_WIDTHS * stroke_width(ink)]
    return any(
        lies_in(no_dots, pieces.boxes[piece]).any() or is_straight_sided(pieces.in_box(piece)[1])
        for piece in large_enough(pieces)
    )


def large_enough(pieces: Pieces) -> np.ndarray:
    """The numbers of the pieces that have room for a digit inside."""
    shorter = (pieces.boxes[:, 2:] - pieces.boxes[:, :2]).min(axis=1, initial=pieces.labels.size)
    return np.flatnonzero(shorter >= FRAME_SHORTEST)


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


def without_frames(ink: np.ndarray) -> np.ndarray:
    """Coverage (H, W) without the frames and rings that somebody has drawn around numbers."""
    pieces = pieces_of(ink >= FAINT)
    gone = np.zeros(ink.shape, bool)
    for piece, frame in frames_among(pieces):
        gone[pieces.in_box(piece)[0]] |= frame
    return without(ink, dilated(gone)) if gone.any() else ink


def is_framed(ink: np.ndarray) -> bool:
    """Whether a frame or ring, which nothing touches, is drawn around all that is large in the ink (H, W) in [0, 1]."""
    pieces = pieces_of(ink >= FAINT)
    boxes = pieces.boxes
    frames = [boxes[piece] for piece, _ in frames_among(pieces, touched=False)]
    if not frames:
        return False
    outermost = max(frames, key=lambda box: (box[2:] - box[:2]).prod())
    inside = lies_in(boxes, outermost)
    outside = ~inside & (boxes != outermost).any(axis=1)
    sizes = pieces.longest
    return bool(sizes[outside].max(initial=0) < FRAME_OUTSIDE * sizes[inside].max())


def frames_among(pieces: Pieces, touched: bool = True) -> Iterator[tuple[int, np.ndarray]]:
    """The numbers of the pieces of ink that are frames or rings, and for each the pixels in its box, bool. touched:
    whether digits may touch it.
    """
    for piece in large_enough(pieces):
        if lies_in(pieces.boxes, pieces.boxes[piece]).any():
            crop, own = pieces.in_box(piece)
            frame = frame_of(own, pieces.labels[crop], touched)
            if frame is not None:
                yield piece, frame


def frame_of(own: np.ndarray, labels: np.ndarray, touched: bool) -> np.ndarray | None:
    """The pixels of a piece that are a frame or ring, (H, W) bool in its box; None if there is none. A frame lies along
    the outline of its piece and has digits inside.

    own: the pixels of the piece. labels: of all pieces in its box. touched: digits may touch the frame. They belong to
        its piece, and are none of its pixels.
    """
    shape = filled_columns(own) | filled_columns(own.T).T  # a gap in the ring may be seen along rows or columns
    edge = max(round(FRAME_EDGE * min(shape.shape)), FRAME_EDGE_PIXELS)
    inner = within(shape, edge)
    is_alone = np.count_nonzero(own & inner) <= FRAME_LOOSE * np.count_nonzero(own)
    if not (is_alone or touched):
        return None
    outline = shape & dilated(~with_margin(shape, 1))[1:-1, 1:-1]
    straight = is_straight_sided(own)
    near = own
    for _ in range(edge if straight else FRAME_EDGE_PIXELS):
        near = dilated(near)
    if near[outline].mean() < (FRAME_CLOSED if straight else RING_CLOSED):
        return None
    numbers, inside = np.unique(np.where(inner & ~own, labels, 0), return_inverse=True)
    sizes = piece_boxes(inside.reshape(shape.shape), len(numbers) - 1)
    heights = sizes[:, 3] - sizes[:, 1]
    may_be_zero = not straight and shape.shape[1] < WIDER_THAN_ZERO * len(shape)
    if heights.max(initial=0) <= (RING_FILLED if may_be_zero else FRAME_FILLED) * len(shape):
        return None
    return own if is_alone else own & ~inner


def within(shape: np.ndarray, edge: int) -> np.ndarray:
    """The pixels of a shape, (H, W) bool, that lie farther inside it than `edge` pixels."""
    around = with_margin(shape, edge).astype(np.float32)
    return eroded(around, 2 * edge + 1)[edge:-edge, edge:-edge] > 0
