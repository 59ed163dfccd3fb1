"""Connected pieces of ink, and which of them are specks."""

from __future__ import annotations

import numpy as np

# A speck fits in a square of this many stroke widths: a dot of the same pen does, a stroke on its own does not ...
SPECK_STROKE_WIDTHS = 1.7
# ... and all specks together are at most this share of the ink. What is made of dots altogether is left alone.
SPECK_SHARE = 0.25


def label(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """(H, W) bool -> piece numbers (H, W) int32, 0 for background and 1 to count for the 8-connected pieces.

    Works on horizontal runs: those of neighbouring rows that touch are united, and only there a Python loop runs.
    """
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]  # exclusive; np.nonzero goes row by row, so starts and ends pair up

    parent = list(range(len(row)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first_of_row = np.searchsorted(row, np.arange(mask.shape[0] + 1))
    for y in range(1, mask.shape[0]):
        above, here, stop = first_of_row[y - 1 : y + 2]
        while above < first_of_row[y] and here < stop:
            if start[above] <= end[here] and start[here] <= end[above]:  # they touch, corners included
                parent[root(here)] = root(above)
            if end[above] < end[here]:
                above += 1
            else:
                here += 1

    roots = np.array([root(i) for i in range(len(row))], np.int64)
    numbers = np.unique(roots, return_inverse=True)[1].astype(np.int32) + 1 if len(row) else np.zeros(0, np.int32)
    labels = np.zeros(padded.shape, np.int32)
    np.add.at(labels, (row, start), numbers)
    np.add.at(labels, (row, end), -numbers)
    return np.cumsum(labels, axis=1)[:, : mask.shape[1]], int(numbers.max(initial=0))


def stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes in pixels: a long stroke of width w and length l has area w l and perimeter 2 l.

    The perimeter of antialiased ink is the sum of its gradient's length.
    """
    padded = np.pad(ink, 1)
    right = padded[:-1, 1:] - padded[:-1, :-1]
    down = padded[1:, :-1] - padded[:-1, :-1]
    perimeter = float(np.hypot(right, down).sum())
    return 2 * float(ink.sum()) / perimeter if perimeter else 0.0


def without_specks(ink: np.ndarray) -> tuple[np.ndarray, int]:
    """Ink (H, W) in [0, 1] -> the ink without stray dots, and how many of them there were."""
    labels, count = label(ink > 0.5)
    if count < 2:
        return ink, 0
    mass = np.bincount(labels.ravel(), weights=ink.ravel(), minlength=count + 1)
    mass[0] = 0
    main = int(mass.argmax())
    limit = SPECK_STROKE_WIDTHS * stroke_width(np.where(labels == main, ink, 0))
    y, x = np.nonzero(labels)
    piece = labels[y, x]
    extent = np.zeros((2, count + 1))
    for axis, places in enumerate((y, x)):
        low, high = np.full(count + 1, np.inf), np.full(count + 1, -np.inf)
        np.minimum.at(low, piece, places)
        np.maximum.at(high, piece, places)
        extent[axis] = high - low + 1
    specks = (extent.max(axis=0) <= limit) & (np.arange(count + 1) != main)
    specks[0] = False
    if not specks.any() or mass[specks].sum() > SPECK_SHARE * mass.sum():
        return ink, 0
    return np.where(near(specks[labels]), 0, ink).astype(ink.dtype), int(specks.sum())


def near(mask: np.ndarray) -> np.ndarray:
    """The mask and the pixels around it: a speck's antialiased edge goes with it."""
    padded = np.pad(mask, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
