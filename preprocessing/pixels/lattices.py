"""Places at equal distances: the sides of boxes, the teeth of combs, the rules of a sheet, the holes of a binding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# The distances of places with a period differ from it by no more than this share.
UNEVEN = 0.12
# Fewer places than this have no period: any two are one period apart.
FEWEST_IN_LATTICE = 3


class Lattice(NamedTuple):
    """Places at equal distances, some of which may be missing."""

    first: float
    period: float
    steps: np.ndarray  # how many periods lie between each place and the next, integers


def lattice(places: np.ndarray, rounded: float = 0.0) -> Lattice | None:
    """Ascending places (n,) as a lattice; None if they have no period. `rounded` is by how much each distance may be
    off beside UNEVEN, in pixels.
    """
    if len(places) < FEWEST_IN_LATTICE:
        return None
    gaps = np.diff(places)
    period = float(np.median(gaps))
    if period <= 0:
        return None
    steps = np.maximum(np.rint(gaps / period), 1)
    if np.abs(gaps / steps - period).max() > UNEVEN * period + rounded:
        return None
    return Lattice(float(places[0]), float((places[-1] - places[0]) / steps.sum()), steps.astype(int))
