"""Training pictures that MNIST lacks, made from MNIST's own digits and from strokes and letters drawn here.

redrawn.py draws MNIST's digits anew, digits.py writes others in the styles of the world, and non_digits.py draws what
is no digit. All of them are framed as any other picture is (`frame` is preprocessing's), because an added stroke
changes the box that a digit is scaled into.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from nn.pictures import digits as styles
from nn.pictures.mnist import Split
from nn.pictures.nearness import without_look_alikes
from nn.pictures.non_digits import non_digits as drawn_non_digits
from nn.pictures.pens import InkFrame, cropped, framed, under_a_pen
from nn.pictures.redrawn import redraw

# Pictures made by one task of a process; each task has its own stream of random numbers, so that the result does not
# depend on how many processes there are.
TASK = 1000
# Made for each network that is trained; an epoch takes its share of them and distorts it anew. In the 140 epochs of the
# bundled network's recipe each is seen some 25 to 40 times; half as many were learned by heart.
NON_DIGITS = 120_000
WRITTEN = 60_000  # in the styles of digits.py: some 500 of each style
REDRAWN = 2  # copies of each of MNIST's digits
# Purposes of a task's random numbers, [seed, task, purpose]. Streams of the trainer may have the same name.
REDRAWING, MIXING, WRITING = range(3)


@dataclass(frozen=True)
class MadeUp:
    """redrawn (copies * n, 28, 28) uint8, the training digits in their order, again and again; written digits of any
    number; non_digits (m, 28, 28) uint8.
    """

    redrawn: np.ndarray
    written: Split
    non_digits: np.ndarray


def make(
    digits: Split,
    seed: int,
    frame: InkFrame,
    *,
    redrawn: int = REDRAWN,
    written: int = WRITTEN,
    non_digits: int = NON_DIGITS,
) -> MadeUp:
    """All made-up pictures of a training run, on all processors, with a progress bar.

    redrawn: copies of each digit; written, non_digits: how many are made.
    """
    parts = [digits[start : start + TASK] for start in range(0, len(digits), TASK)]
    drawn = _in_processes(partial(_redraw_task, seed, frame), redrawn * parts, "redrawing digits")
    labels = [np.arange(start, min(start + TASK, written)) % 10 for start in range(0, written, TASK)]
    by_hand = _in_processes(partial(_write_task, seed, frame), labels, "writing digits")
    rng = np.random.default_rng(seed)
    mixtures = [digits.images[rng.choice(len(digits), TASK)] for _ in range(0, non_digits, TASK)]
    others = _in_processes(partial(_non_digit_task, seed, frame), mixtures, "drawing non-digits")[:non_digits]
    return MadeUp(
        drawn,
        Split(by_hand, np.concatenate([np.empty(0, np.int64), *labels])),
        without_look_alikes(others, digits.images),
    )


def _in_processes(task: Callable, parts: list, description: str) -> np.ndarray:
    with ProcessPoolExecutor() as pool:
        done = pool.map(task, range(len(parts)), parts)
        made = list(tqdm(done, description, len(parts), unit="k", dynamic_ncols=True, disable=not parts))
    return np.concatenate([np.empty((0, 28, 28), np.uint8), *made])


def _redraw_task(seed: int, frame: InkFrame, number: int, part: Split) -> np.ndarray:
    rng = np.random.default_rng([seed, number, REDRAWING])
    return np.stack([redraw(image, label, rng, frame) for image, label in zip(part.images, part.labels, strict=True)])


def _write_task(seed: int, frame: InkFrame, number: int, labels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng([seed, number, WRITING])
    return np.stack([framed(cropped(under_a_pen(styles.written(rng, int(label)), rng)), frame) for label in labels])


def _non_digit_task(seed: int, frame: InkFrame, number: int, digits: np.ndarray) -> np.ndarray:
    return drawn_non_digits(TASK, digits, np.random.default_rng([seed, number, MIXING]), frame)
