"""Which made-up pictures of no digit lie so near to a digit that a reader would take them for one."""

from __future__ import annotations

import numpy as np

REFERENCES = 20_000  # digits that made-up pictures are compared with
NEIGHBOURS_CHUNK = 1000
SURELY = 1.001  # a bound that is larger by so much stays larger whatever float32 rounds


def without_look_alikes(pictures: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Leaves out the pictures that lie nearer to some digit than digits usually lie to each other.

    A tall bracket drawn by chance is a 1 to any reader; calling it "not a digit" would teach the network to refuse
    ones. Pictures and digits are (n, 28, 28) uint8; near means the Euclidean distance of their pixels.
    """
    cut = min(REFERENCES, len(digits) - len(digits) // 10)
    references, others = digits[:cut], digits[cut : cut + NEIGHBOURS_CHUNK]
    usual = np.median(nearest_distance(others, references)) if len(others) else 0
    far = at_least_apart(pictures, references) > usual * SURELY
    far[~far] = nearest_distance(pictures[~far], references) >= usual
    return pictures[far]


def at_least_apart(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) A distance that `nearest_distance` does not fall below, for a quarter of its work.

    It is that of the pictures at half their size: by Cauchy and Schwarz, the squared difference of the means of four
    pixels is at most a quarter of the sum of their squared differences.
    """
    return 2 * nearest_distance(halved(pictures), halved(references))


def halved(pictures: np.ndarray) -> np.ndarray:
    """(n, 28, 28) uint8 -> (n, 14, 14) float32, each pixel the mean of four."""
    n, height, width = pictures.shape
    return pictures.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4), dtype=np.float32)


def nearest_distance(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) Euclidean distance of each picture's pixels, in [0, 1], to the nearest of the references."""
    flat = references.reshape(len(references), -1).astype(np.float32) / 255
    squares, minus_twice = (flat**2).sum(axis=1), -2 * flat.T
    nearest = [np.empty(0, np.float32)]
    for start in range(0, len(pictures), NEIGHBOURS_CHUNK):
        X = pictures[start : start + NEIGHBOURS_CHUNK].reshape(-1, flat.shape[1]).astype(np.float32) / 255
        # |x - r|^2 = |x|^2 + |r|^2 - 2 x r, the last term one matrix product for all pairs
        pairs = X @ minus_twice
        pairs += squares
        nearest.append((X**2).sum(axis=1) + pairs.min(axis=1))
    return np.sqrt(np.maximum(np.concatenate(nearest), 0))
