"""Digits damaged as in MNIST-C (Mu and Gilmer 2019, arXiv:1906.02337).

    corrupt(images, "fog", seed=1)        # (n, 28, 28) uint8 -> the same digits, damaged

These are the data set's fifteen corruptions of MNIST's test images under their names and at their severities, written
anew with NumPy and Pillow. They differ from the published program in the random numbers and in some details: Canny's
ridges are found among the eight neighbours instead of between them, and up to the image's edge; motion blur follows
ImageMagick except for the rounding of halves; glass blur keeps fractions of grey levels between its two blurs; all
corruptions round their levels at the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from PIL import Image

from nn.mlp import SIDE

CENTER = (SIDE - 1) / 2

# A corruption takes a digit (28, 28) float64 in [0, 1], white on black, and a generator. `corrupt` clips the result to
# [0, 1]. All figures are the publication's, for the severity at which its data set was made.
Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def shot_noise(x: np.ndarray, rng: np.random.Generator, photons: float = 3) -> np.ndarray:
    """Each pixel counts the few photons that arrive."""
    return rng.poisson(x * photons) / photons


def impulse_noise(x: np.ndarray, rng: np.random.Generator, share: float = 0.17) -> np.ndarray:
    """Salt and pepper in equal amounts."""
    chance = rng.random(x.shape)
    return np.where(chance < share / 2, 0, np.where(chance < share, 1, x))


def glass_blur(
    x: np.ndarray, rng: np.random.Generator, sigma: float = 0.7, reach: int = 1, rounds: int = 2
) -> np.ndarray:
    """Blurs, exchanges pixels with near ones at random, and blurs again."""
    pixels = gaussian(x, sigma).tolist()  # plain lists are quicker than arrays, one number at a time
    places = range(SIDE - reach, reach, -1)
    for _ in range(rounds):
        chosen = (rng.random(x.shape) < 0.5).tolist()
        offsets = rng.integers(-reach, reach, (*x.shape, 2)).tolist()  # as published: never down or right by `reach`
        for row, column in itertools.product(places, places):
            if chosen[row][column]:
                r, c = row + offsets[row][column][0], column + offsets[row][column][1]
                pixels[row][column], pixels[r][c] = pixels[r][c], pixels[row][column]
    return gaussian(np.array(pixels), sigma)


def motion_blur(x: np.ndarray, rng: np.random.Generator, radius: int = 10, sigma: float = 3) -> np.ndarray:
    """Smears in one direction, strongest at the end, as ImageMagick's motion blur does."""
    angle = np.deg2rad(rng.uniform(-45, 45))
    steps = np.arange(2 * radius + 1)
    kernel = np.exp(-(steps**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    y, x_grid = np.mgrid[:SIDE, :SIDE]
    out = np.zeros_like(x)
    for step, weight in zip(steps, kernel, strict=True):
        row = np.clip(np.rint(y + step * np.sin(angle)), 0, SIDE - 1).astype(int)
        column = np.clip(np.rint(x_grid + step * np.cos(angle)), 0, SIDE - 1).astype(int)
        out += weight * x[row, column]
    return out


def shear(x: np.ndarray, rng: np.random.Generator, amount: float = 0.4) -> np.ndarray:
    angle = amount * rng.choice([-1, 1])
    return warped(x, np.array([[1, -np.sin(angle)], [0, np.cos(angle)]]))


def scale(x: np.ndarray, rng: np.random.Generator, factor: float = 0.7) -> np.ndarray:
    return warped(x, np.eye(2) / factor)


def rotate(x: np.ndarray, rng: np.random.Generator, radians: float = 0.4) -> np.ndarray:
    angle = radians * rng.choice([-1, 1])
    return warped(x, np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]))


def translate(x: np.ndarray, rng: np.random.Generator, pixels: float = 3) -> np.ndarray:
    return warped(x, np.eye(2), pixels * rng.choice([-1, 1], 2))


def brightness(x: np.ndarray, rng: np.random.Generator, lift: float = 0.5) -> np.ndarray:
    return x + lift


def stripe(x: np.ndarray, rng: np.random.Generator, width: int = 7) -> np.ndarray:
    """Turns the outer quarters into their negative."""
    x = x.copy()
    x[:, :width] = 1 - x[:, :width]
    x[:, -width:] = 1 - x[:, -width:]
    return x


def fog(x: np.ndarray, rng: np.random.Generator, thickness: float = 3.0, decay: float = 1.4) -> np.ndarray:
    top = x.max()
    return (x + thickness * plasma(rng, decay)[:SIDE, :SIDE]) * top / (top + thickness)


def spatter(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spots of dark mud."""
    mud = gaussian((gaussian(rng.normal(0.65, 0.3, x.shape), 1) > 0.65).astype(float), 1.5)
    mud[mud < 0.8] = 0
    return x * (1 - mud) + 63 / 255 * mud


def dotted_line(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A dashed line from edge to edge."""
    start, end = rng.integers(0, SIDE - 1, 2)
    line = segment(0, start, SIDE - 1, end)
    line[:, np.arange(SIDE) % 4 < 2] = 0
    return x + line


def zigzag(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A zigzag line nearly from edge to edge."""
    left, right, width, height = 2, SIDE - 3, 2, 2
    start = rng.integers(0, SIDE - 1)
    angle = np.arctan(rng.integers(-5, 5) / (right - left))
    length = (right - left) / np.cos(angle)
    teeth = np.arange(int((length - width) // (2 * width)) + 1)
    along = np.concatenate([[0], (2 * teeth + 1) * width, [length]])
    across = np.concatenate([[0], (-1.0) ** teeth * height])
    across = np.append(across, across[-1] / (2 * (length % (2 * width))))  # as published: it ends beside the line
    columns = left + along * np.cos(angle) - across * np.sin(angle)
    rows = start + along * np.sin(angle) + across * np.cos(angle)
    for i in range(len(along) - 1):
        x = np.minimum(x + segment(columns[i], rows[i], columns[i + 1], rows[i + 1]), 1)
    return x


def canny_edges(x: np.ndarray, rng: np.random.Generator, low: float = 0.1, high: float = 0.2) -> np.ndarray:
    """Leaves the outlines alone (Canny 1986): thinned ridges of the gradient, weak ones only beside strong ones."""
    smooth = np.pad(gaussian(x, 1), 1, mode="edge")
    across = smooth[:, 2:] - smooth[:, :-2]
    down = smooth[2:] - smooth[:-2]
    dx = across[:-2] + 2 * across[1:-1] + across[2:]  # Sobel
    dy = down[:, :-2] + 2 * down[:, 1:-1] + down[:, 2:]
    strength = np.pad(np.hypot(dx, dy), 1)
    direction = np.rint(np.arctan2(dy, dx) / (np.pi / 4)).astype(int) % 4  # of the gradient, to the nearest neighbour
    neighbours = {0: (0, 1), 1: (1, 1), 2: (1, 0), 3: (1, -1)}
    ridge = np.zeros(x.shape, bool)
    for way, (row, column) in neighbours.items():
        ahead, behind = np.roll(strength, (-row, -column), (0, 1)), np.roll(strength, (row, column), (0, 1))
        ridge |= ((direction == way) & (strength >= ahead)[1:-1, 1:-1]) & (strength > behind)[1:-1, 1:-1]
    weak, edges = ridge & (strength[1:-1, 1:-1] >= low), ridge & (strength[1:-1, 1:-1] >= high)
    grown = None
    while not np.array_equal(edges, grown):
        grown, padded = edges, np.pad(edges, 1)
        rows = padded[:-2] | padded[1:-1] | padded[2:]
        edges = weak & (rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:])
    return edges.astype(float)


CORRUPTIONS: dict[str, Corruption] = {function.__name__: function for function in (
    shot_noise, impulse_noise, glass_blur, motion_blur, shear, scale, rotate, brightness, translate, stripe, fog,
    spatter, dotted_line, zigzag, canny_edges,
)}  # fmt: skip


# --- their tools -----------------------------------------------------------------------------------------------------


def gaussian(x: np.ndarray, sigma: float) -> np.ndarray:
    """Blurs with a Gaussian that is cut off at four deviations; beyond the border its pixels repeat."""
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(x, radius, mode="edge")
    rows = sum(weight * padded[i : i + SIDE] for i, weight in enumerate(kernel))
    return sum(weight * rows[:, i : i + SIDE] for i, weight in enumerate(kernel))


def warped(x: np.ndarray, matrix: np.ndarray, shift: np.ndarray | tuple = (0, 0)) -> np.ndarray:
    """Each pixel (x, y) shows what is at center + matrix (x - center, y - center) + shift; bilinear, black outside."""
    (a, b), (c, d) = matrix
    dx = CENTER + 0.5 - (a + b) * (CENTER + 0.5) + shift[0]
    dy = CENTER + 0.5 - (c + d) * (CENTER + 0.5) + shift[1]
    image = Image.fromarray(np.pad(x, 1).astype(np.float32))  # a border of black, into which the digit's edge fades
    # Pillow counts from the corner of the first pixel and asks for places in the padded image
    coefficients = (a, b, dx + 1, c, d, dy + 1)
    return np.asarray(image.transform((SIDE, SIDE), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR))


def plasma(rng: np.random.Generator, decay: float, side: int = 256) -> np.ndarray:
    """(side, side) in [0, 1]: clouds, by halving the grid and moving each new point from the mean of its neighbours by
    chance (diamond-square), `decay` times less in each round. The map is a torus.
    """
    heights = np.zeros((side, side))
    step, wobble = side, 100.0
    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        square = corners + np.roll(corners, -1, 0)
        heights[half::step, half::step] = moved(square + np.roll(square, -1, 1), wobble, rng)
        middles = heights[half::step, half::step]
        above, beside = middles + np.roll(middles, 1, 0), middles + np.roll(middles, 1, 1)
        heights[::step, half::step] = moved(above + corners + np.roll(corners, -1, 1), wobble, rng)
        heights[half::step, ::step] = moved(beside + corners + np.roll(corners, -1, 0), wobble, rng)
        step, wobble = half, wobble / decay
    heights -= heights.min()
    return heights / heights.max()


def moved(sum_of_four: np.ndarray, wobble: float, rng: np.random.Generator) -> np.ndarray:
    """The mean of four neighbours, moved by chance."""
    return sum_of_four / 4 + wobble * rng.uniform(-wobble, wobble, sum_of_four.shape)  # the square is as published


def segment(left: float, start: float, right: float, end: float) -> np.ndarray:
    """(28, 28): a line between two places (column, row), left to right, fading out within 2.3 rows of it."""
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    if left == right:
        return np.zeros((SIDE, SIDE))
    distance = np.abs(rows - (start + (end - start) / (right - left) * (columns - left)))
    line = np.clip(np.log(1 - np.minimum(distance, 2.3 - 1e-10) / 2.3) + 1, 0, 1)
    line[:, : max(int(np.floor(left)), 0)] = 0
    line[:, max(int(np.ceil(right)), 0) :] = 0
    return line


def corrupt(images: np.ndarray, name: str, seed: int = 0) -> np.ndarray:
    """(n, 28, 28) uint8 digits -> their corrupted copies, same shape and dtype.

    The same seed gives the same copies: the n-th image has its own random numbers, whatever images stand beside it.
    """
    function, number = CORRUPTIONS[name], list(CORRUPTIONS).index(name)
    copies = [function(image / 255, np.random.default_rng([seed, number, i])) for i, image in enumerate(images)]
    return np.rint(np.clip(copies, 0, 1) * 255).astype(np.uint8).reshape(images.shape)
