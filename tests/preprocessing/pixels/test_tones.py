"""Classes of tones: those whose means lie farthest apart, found here by trying all. And the median of many levels."""

import itertools

import numpy as np
import pytest

from preprocessing.pixels.tones import median, three_classes, two_classes

BINS = 24


def histogram(seed, classes):
    """Counts of so many tones with noise, and the bins' levels."""
    rng = np.random.default_rng(seed)
    tones = rng.uniform(0, 1, classes)
    values = rng.choice(tones, 500) + rng.normal(0, 0.03, 500)
    counts, edges = np.histogram(values, BINS, (-0.2, 1.2))
    return counts, (edges[:-1] + edges[1:]) / 2


def within(counts, levels, *bounds):
    """The sum of squared distances of all pixels from the mean of their class."""
    total = 0.0
    for start, end in itertools.pairwise((0, *bounds, BINS)):
        n, x = counts[start:end], levels[start:end]
        if n.any():
            total += (n * (x - (n * x).sum() / n.sum()) ** 2).sum()
    return total


@pytest.mark.parametrize("seed", range(20))
def test_two_classes_are_as_narrow_as_any(seed):
    counts, levels = histogram(seed, 2 + seed % 3)
    best = min(within(counts, levels, bound) for bound in range(1, BINS))
    assert within(counts, levels, two_classes(counts, levels) + 1) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(20))
def test_three_classes_are_as_narrow_as_any(seed):
    counts, levels = histogram(seed, 3 + seed % 2)
    best = min(within(counts, levels, *bounds) for bounds in itertools.combinations(range(1, BINS), 2))
    assert within(counts, levels, *three_classes(counts, levels)) == pytest.approx(best)


def test_one_tone_alone_has_no_two_classes():
    assert two_classes(np.eye(1, BINS, 5, dtype=int)[0], np.arange(BINS)) == 0
    assert two_classes(np.zeros(BINS, int), np.arange(BINS)) == 0


@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (90, 120), (91, 121)])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_median_has_the_bits_of_numpys(shape, kind):
    levels = np.random.default_rng(7).normal(0.5, 0.2, shape).astype(kind)
    for values in (levels, levels.round(1), -levels):
        found = median(values)
        assert found == np.median(values)
        assert found.dtype == kind
