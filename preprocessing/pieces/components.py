"""Connected pieces of ink, and which of them are specks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from preprocessing.pixels.morphology import dilated
from preprocessing.pixels.pen import stroke_width

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
# The longer side of a digit is at least this share of the picture's shorter side.
SMALLEST_DIGIT = 0.2


@dataclass(frozen=True, eq=False)  # arrays have no truth value
class Pieces:
    """The 8-connected pieces of a mask, numbered from 0.

    labels: (H, W) int32, 0 for background, and for the pixels of a piece its number plus 1.
    count: how many pieces there are.
    """

    labels: np.ndarray
    count: int

    @cached_property
    def boxes(self) -> np.ndarray:
        """(count, 4) int64: left, top, right, bottom of each piece, right and bottom exclusive."""
        return piece_boxes(self.labels, self.count)

    @property
    def longest(self) -> np.ndarray:
        """The longer side of each piece, (count,) in pixels."""
        return longer_sides(self.boxes)

    def pixels(self, among: np.ndarray | None = None) -> np.ndarray:
        """How many pixels each piece has, (count,), or has among these, (H, W) bool."""
        labels = self.labels.ravel() if among is None else self.labels[among]
        return np.bincount(labels, minlength=self.count + 1)[1:]

    def where(self, chosen: np.ndarray) -> np.ndarray:
        """The pixels, (H, W) bool, of those pieces that are chosen, (count,) bool."""
        return np.concatenate([[False], chosen])[self.labels]

    def those(self, chosen: np.ndarray) -> Pieces:
        """The pieces that are chosen, (count,) bool, numbered anew."""
        number = np.zeros(self.count + 1, np.int32)
        number[1:][chosen] = np.arange(1, np.count_nonzero(chosen) + 1)
        return Pieces(number[self.labels], int(np.count_nonzero(chosen)))

    def in_box(self, piece: int) -> tuple[tuple[slice, slice], np.ndarray]:
        """The box of a piece as a pair of slices, and which pixels in it are the piece's, bool."""
        left, top, right, bottom = self.boxes[piece]
        crop = slice(top, bottom), slice(left, right)
        return crop, self.labels[crop] == piece + 1


def pieces_of(mask: np.ndarray) -> Pieces:
    """The 8-connected pieces of (H, W) bool."""
    return Pieces(*label(mask))


def holds(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Which of these boxes (n, 4) hold another one (4,), which touches none of their sides; (n,) bool."""
    left, top, right, bottom = boxes.T  # a column at a time: many times as fast as `all` of two
    return (left < box[0]) & (top < box[1]) & (right > box[2]) & (bottom > box[3])


def lies_in(boxes: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Which of these boxes (n, 4) lie inside another one (4,), none of whose sides they touch; (n,) bool."""
    left, top, right, bottom = boxes.T
    return (left > outer[0]) & (top > outer[1]) & (right < outer[2]) & (bottom < outer[3])


def without(ink: np.ndarray, gone: np.ndarray) -> np.ndarray:
    """Ink (H, W) with 0 where pixels (H, W) bool are gone."""
    return np.where(gone, 0, ink).astype(ink.dtype)


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


def lone_pixels(ink: np.ndarray) -> int:
    """How many pieces of ink (H, W) in [0, 1] have no more than LONE pixels."""
    return int((pieces_of(ink > HALF).pixels() <= LONE).sum())


def without_stains(ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] without pieces that are faint all over, such as stains and rules; a stroke that fades keeps
    its faint end, for it hangs together with the rest.
    """
    mask = ink >= FAINT
    pieces = pieces_of(mask)
    if pieces.count < 2:
        return ink
    darkest = np.zeros(pieces.count, ink.dtype)
    np.maximum.at(darkest, pieces.labels[mask] - 1, ink[mask])
    stains = darkest < STAIN
    return without(ink, pieces.where(stains)) if stains.any() and not stains.all() else ink


def without_specks(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) in [0, 1] -> the ink without stray dots, and how many of them there were. Their antialiased edges go
    with them.
    """
    pieces = pieces_of(ink > HALF)
    if pieces.count < 2:
        return ink, 0
    mass = np.bincount(pieces.labels.ravel(), weights=ink.ravel(), minlength=pieces.count + 1)[1:]
    main = int(mass.argmax())
    specks = pieces.longest <= SPECK_STROKE_WIDTHS * stroke_width(np.where(pieces.labels == main + 1, ink, 0))
    specks[main] = False
    if not specks.any() or mass[specks].sum() > SPECK_SHARE * mass.sum():
        return ink, 0
    return without(ink, dilated(pieces.where(specks))), int(specks.sum())
