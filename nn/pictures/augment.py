"""Distorted copies of digits: random affine maps and elastic distortion (Simard, Steinkraus and Platt 2003).

Each distorted pixel looks up its value in the original: at its own place, moved by an affine map around the image's
centre and by a smooth random displacement field. NumPy does all images of a batch together:

    displacement field   coarse noise (n, 81) @ smoothing kernel (81, 784) -> (n, 784), one matrix product an axis
    look-up              bilinear, from the 2x2 pixels around the place, fetched as one packed 32-bit number
    sharpening           each pixel moves away from the mean of its four neighbours

The look-up softens a picture, because it mixes neighbouring pixels. The pictures that a network reads later were not
softened. So copies may be sharpened, each by another amount, and a share of the images may be left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from nn.functions import Product
from nn.mlp import PIXELS, SIDE
from nn.settings import check, setting

PAD = 2  # black border of the look-up table: places outside the image read 0
TABLE_SIDE = SIDE + 2 * PAD
NOISE_SIDE = 9  # noise points along an edge of the displacement field; dense enough for elastic_sigma of 4 pixels
CHUNK = 250  # images whose random numbers are drawn at a time: another number gives other copies
LOOKED_UP = 50  # images looked up at a time: the dozen temporaries of that, 160 KB each, stay in the processor's cache


@dataclass(frozen=True)
class Distortion:
    """How far images may be distorted.

    Rotation, scale, shear and shift are drawn uniformly between minus and plus the figure, sharpening between 0 and the
    figure. With a sharpening of 0.7 the pixels of copies differ from their neighbours as much as those of MNIST's
    images do.

    Raises ValueError for an amount outside of its limits.
    """

    # Beyond the limits nothing is left of a digit. A smaller elastic_sigma would let noise points show one by one.
    rotation: float = setting(15.0, "degrees to either side", (0, 180))
    scale: float = setting(0.15, "share of the width, and of the height, more or less", (0, 0.9))
    shear: float = setting(0.15, "pixels to either side, for each pixel that a row lies off the middle", (0, 2))
    shift: float = setting(2.0, "pixels to either side, and up or down", (0, SIDE))
    elastic: float = setting(1.0, "standard deviation of each pixel's own displacement, in pixels", (0, SIDE))
    elastic_sigma: float = setting(4.0, "how smooth these displacements are, Simard's sigma in pixels", (1, SIDE))
    sharpening: float = setting(0.0, "at most this share of a pixel's difference from its neighbours is added", (0, 10))
    unchanged: float = setting(0.0, "share of the images that are not distorted", (0, 1))

    def __post_init__(self) -> None:
        check(self, " of a distortion")


def distort(
    images: np.ndarray,
    rng: np.random.Generator,
    distortion: Distortion | None = None,
    product: Product = np.matmul,
) -> np.ndarray:
    """Distorted copies of (n, 28, 28) uint8 images, as (n, 784) float32 in [0, 1].

    The same generator state gives the same copies. `product` multiplies matrices, see nn/fast/products.py.
    """
    distortion = distortion or Distortion()
    out = np.empty((len(images), PIXELS), np.float32)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        x, y = _places(len(chunk), rng, distortion, product)
        copies = out[start : start + CHUNK]
        for first in range(0, len(chunk), LOOKED_UP):
            part = slice(first, first + LOOKED_UP)
            _look_up(chunk[part], x[part], y[part], out=copies[part])
        if distortion.sharpening:
            amounts = rng.uniform(0, distortion.sharpening, (len(chunk), 1, 1)).astype(np.float32)
            _sharpen(copies.reshape(-1, SIDE, SIDE), amounts)
        if distortion.unchanged:
            (alone,) = np.nonzero(rng.random(len(chunk)) < distortion.unchanged)
            copies[alone] = chunk[alone].reshape(-1, PIXELS) * np.float32(1 / 255)
    return out


def _places(n: int, rng: np.random.Generator, amounts: Distortion, product: Product) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of each distorted image looks in its original: x and y, (n, 784) each, in table coordinates."""

    def uniform(amount: float) -> np.ndarray:
        return rng.uniform(-amount, amount, (n, 1)).astype(np.float32)

    angle = uniform(np.deg2rad(amounts.rotation))
    scale_x, scale_y = 1 + uniform(amounts.scale), 1 + uniform(amounts.scale)
    shear = uniform(amounts.shear)
    cos, sin = np.cos(angle), np.sin(angle)
    # [x', y'] = rotation @ [[1, shear], [0, 1]] @ diag(scale) @ [x, y], as one row of coefficients an image
    to_x = np.hstack([cos * scale_x, (cos * shear - sin) * scale_y, uniform(amounts.shift)])
    to_y = np.hstack([sin * scale_x, (sin * shear + cos) * scale_y, uniform(amounts.shift)])

    x, y, moved = np.empty((3, n, PIXELS), np.float32)
    grid = _centred_grid()
    product(to_x, grid, x)  # (n, 3) @ (3, 784) -> (n, 784)
    product(to_y, grid, y)
    if amounts.elastic:
        kernel = _smoothing_kernel(amounts.elastic_sigma) * np.float32(amounts.elastic)
        noise = rng.standard_normal((2, n, NOISE_SIDE**2), np.float32)
        for place, of_place in zip((x, y), noise, strict=True):
            product(of_place, kernel, moved)  # (n, 81) @ (81, 784) -> (n, 784)
            place += moved
    centre = (TABLE_SIDE - 1) / 2
    x += centre
    y += centre
    return x, y


@cache
def _centred_grid() -> np.ndarray:
    """(3, 784): x and y of every pixel, measured from the image's centre, and ones for the shift."""
    along = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    y, x = np.meshgrid(along, along, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), np.ones(PIXELS, np.float32)])


@cache
def _smoothing_kernel(sigma: float) -> np.ndarray:
    """(81, 784): white noise on a 9x9 grid -> a Gaussian-smoothed field of unit variance on the 28x28 pixels.

    Simard's field is noise at every pixel, blurred. A blurred field holds no detail finer than the blur, so noise on a
    coarser grid gives the same kind of field for a tenth of the work.
    """
    points = np.linspace(-2, SIDE + 1, NOISE_SIDE)
    along = np.exp(-((points[:, None] - np.arange(SIDE)) ** 2) / (2 * sigma**2))  # (9, 28)
    kernel = np.einsum("iy,jx->ijyx", along, along).reshape(NOISE_SIDE**2, PIXELS)
    return (kernel / np.sqrt((kernel**2).sum(axis=0))).astype(np.float32)


def _look_up(images: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Bilinear samples of (n, 28, 28) uint8 images at table coordinates x, y (n, 784), into out (n, 784) in [0, 1]."""
    n = len(images)
    table = np.zeros((n, TABLE_SIDE, TABLE_SIDE), np.uint32)
    table[:, PAD:-PAD, PAD:-PAD] = images
    flat = table.reshape(n, -1)
    # Pack each place's 2x2 neighbourhood into one number: itself, right of it, below it, below and right.
    packed = flat.copy()
    packed[:, :-1] |= flat[:, 1:] << 8
    packed[:, :-TABLE_SIDE] |= packed[:, TABLE_SIDE:] << 16

    limit = TABLE_SIDE - 1.001  # beyond the border all is black, so clamping there changes nothing
    np.clip(x, 0, limit, out=x)
    np.clip(y, 0, limit, out=y)
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column.astype(np.float32)
    y -= row.astype(np.float32)  # now the fractions between the neighbours
    row *= TABLE_SIDE
    row += column
    row += np.arange(n, dtype=np.int32)[:, None] * flat.shape[1]
    neighbours = packed.ravel().take(row)

    # Signed numbers become floats faster, and here none is negative.
    here, right, below, diagonal = (
        (neighbours >> shift & 255).view(np.int32).astype(np.float32) for shift in range(0, 32, 8)
    )
    right -= here
    right *= x
    here += right  # along the upper edge of the 2x2 square
    diagonal -= below
    diagonal *= x
    below += diagonal  # along the lower edge
    below -= here
    below *= y
    here += below
    np.multiply(here, np.float32(1 / 255), out=out)


def _sharpen(images: np.ndarray, amounts: np.ndarray) -> None:
    """Adds to each pixel of (n, 28, 28) images in [0, 1] its difference from the mean of its four neighbours, times the
    image's amount (n, 1, 1). Outside the picture all is black. In place; what leaves [0, 1] is clipped.
    """
    difference = 4 * images
    difference[:, 1:] -= images[:, :-1]
    difference[:, :-1] -= images[:, 1:]
    difference[:, :, 1:] -= images[:, :, :-1]
    difference[:, :, :-1] -= images[:, :, 1:]
    difference *= amounts / 4
    images += difference
    np.clip(images, 0, 1, out=images)
