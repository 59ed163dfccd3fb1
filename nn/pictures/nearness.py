"""Which made-up pictures of no digit lie so near to a digit that a reader would take them for one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn.pictures.splits import as_pixels

REFERENCES = 20_000  # digits that made-up pictures are compared with
NEIGHBOURS_CHUNK = 1000
AXES = 96  # with these an eighth of the pictures stays undecided, with 64 a fifth
AXES_FROM = 5_000  # digits are enough for axes
SURELY = 1.005  # a bound that is larger by so much stays larger whatever float32 rounds


def without_look_alikes(pictures: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Leaves out the pictures that lie nearer to some digit than digits usually lie to each other.

    A tall bracket drawn by chance is a 1 to any reader; calling it "not a digit" would teach the network to refuse
    ones. Pictures and digits are (n, 28, 28) uint8; near means the Euclidean distance of their pixels.
    """
    if not len(pictures):
        return pictures
    cut = min(REFERENCES, len(digits) - len(digits) // 10)
    references, others = digits[:cut], digits[cut : cut + NEIGHBOURS_CHUNK]
    usual = np.median(nearest_distance(others, references)) if len(others) else 0
    far = at_least_apart(pictures, references) > usual * SURELY
    far[~far] = nearest_distance(pictures[~far], references) >= usual
    return pictures[far]


def nearest_distance(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) Euclidean distance of each picture's pixels, in [0, 1], to the nearest of the references."""
    return nearest(pictures, references, as_pixels)


def at_least_apart(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) A distance that `nearest_distance` does not fall below, for an eighth of its work.

    Pictures are compared along the references' principal axes (Pearson 1901) alone, and what is left of each by its
    length: two such rests are at least as far apart as their lengths.
    """
    some = as_pixels(references[:AXES_FROM])
    axes = np.linalg.eigh(some.T @ some)[1][:, -AXES:]

    def coordinates(given: np.ndarray) -> np.ndarray:
        points = as_pixels(given)
        along = points @ axes
        rest = np.square(points).sum(axis=1) - np.square(along).sum(axis=1)
        return np.column_stack([along, np.sqrt(np.maximum(rest, 0))])

    return nearest(pictures, references, coordinates)


def nearest(pictures: np.ndarray, references: np.ndarray, points: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(n,) The Euclidean distance of each picture to the nearest of the references; `points` gives them coordinates,
    (n, d) float32.
    """
    others = points(references)
    squares, minus_twice = (others**2).sum(axis=1), -2 * others.T
    found = [np.empty(0, np.float32)]
    distances = np.empty((NEIGHBOURS_CHUNK, len(references)), np.float32)  # memory that all chunks share
    for start in range(0, len(pictures), NEIGHBOURS_CHUNK):
        X = points(pictures[start : start + NEIGHBOURS_CHUNK])
        # |x - r|^2 = |x|^2 + |r|^2 - 2 x r, the last term one matrix product for all pairs
        pairs = np.matmul(X, minus_twice, out=distances[: len(X)])
        pairs += squares
        found.append((X**2).sum(axis=1) + pairs.min(axis=1))
    return np.sqrt(np.maximum(np.concatenate(found), 0))
