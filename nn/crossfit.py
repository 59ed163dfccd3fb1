"""Cross-fitting: every member of a committee holds out images of its own, and together the members see all of them.

A network must be calibrated on images that it did not see, but a committee that leaves out the same tenth for all its
members wastes it. Here as many blocks are held out as there are members, a twentieth of the images each, arranged in a
ring: a member holds out its own block and the next one. So a member trains on nine tenths, and every block is unseen by
two neighbours and trains the others. With four members:

    members     1       2       3       4
    hold out  blocks  blocks  blocks  blocks
              1, 2    2, 3    3, 4    4, 1

Two members would both hold out both blocks, so three are needed.

Nothing was unseen by the whole committee, so its temperatures cannot be fitted directly. They are extrapolated. On the
held-out blocks one is fitted for single members, T1, and one for pairs of neighbours, T2. A committee's logits are a
mean of members, and what random starts add to the logits shrinks like 1 / members: so does its part in the temperature.
The line through both, T = a + b / members, gives the temperature of the committee. nn/experiments.md
shows how close it comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nn.calibrate import TEMPERATURES
from nn.mlp import MLP
from nn.pictures.mnist import Dataset, Split

BLOCK = 1 / 20  # share of the images in a block: a member that holds out two trains on nine tenths, as without folds


def blocks(count: int, members: int) -> list[slice]:
    """One held-out block for each member, evenly spaced over `count` images: neighbours in MNIST have one writer.

    Raises:
        ValueError: there are too few images, or the blocks of so many members would overlap.
    """
    size = round(count * BLOCK)
    if size < 1 or members * size > count:
        raise ValueError(f"{members} members cannot hold out {BLOCK:.0%} of {count} images each")
    return [slice(start, start + size) for start in (number * count // members for number in range(members))]


def all_images(dataset: Dataset) -> Split:
    """The training and the validation images."""
    parts = dataset.train, dataset.validation
    return Split(np.concatenate([p.images for p in parts]), np.concatenate([p.labels for p in parts]))


def dataset_of(dataset: Dataset, members: int, number: int) -> Dataset:
    """The images that member `number`, counted from 1, trains on. Its held-out images are the validation split."""
    images = all_images(dataset)
    held_out = blocks(len(images), members)
    mask = np.zeros(len(images), bool)
    mask[held_out[number - 1]] = mask[held_out[number % members]] = True
    return Dataset(images[~mask], images[mask], dataset.test)


def seen_splits(model: MLP, dataset: Dataset) -> Dataset:
    """The splits as `model` has seen them. A cross-fitted network has learned from the validation images too."""
    if not model.info.get("training", {}).get("cross_fit"):
        return dataset
    images = all_images(dataset)
    return Dataset(images, images[:0], dataset.test)


def unseen(dataset: Dataset, models: Sequence[MLP]) -> Iterator[tuple[Split, tuple[MLP, MLP]]]:
    """Each held-out block, with the two members that did not see it."""
    images = all_images(dataset)
    for number, block in enumerate(blocks(len(images), len(models))):
        yield images[block], (models[number - 1], models[number])


def extrapolated(single: float, pair: float, members: int) -> float:
    """The temperature of a committee, from those of single members and of pairs: T = a + b / members through both, but
    no lower than a fitted one can be.
    """
    return max(pair + (pair - single) * (1 - 2 / members), float(TEMPERATURES[0]))
