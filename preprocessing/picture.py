"""Any picture -> an upright picture in grey or RGB, of a bounded size, with transparency resolved."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import warnings
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from preprocessing.decoding import (
    MAX_PIXELS,
    SIDEWAYS,
    InputError,
    as_reducible,
    check_size,
    is_scalable,
    reduction,
    turn_of,
)
from preprocessing.transparency import flatten

# Rows of a picture with more than 8 bits that are brought to 8 at a time.
STRIP_ROWS = 64
# What cameras, scanners, browsers and drawing programs write. Pillow knows many more formats, some of which start other
# programs (EPS) or are so old that nobody looks after their decoders.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "HEIF")
# How a HEIC file of a phone begins, after its length; pillow-heif reads them, Pillow alone does not.
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def is_heif(start: bytes) -> bool:
    """Whether a file that starts with these 16 bytes says that it is HEIC."""
    return start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS


def open_heif(file: BinaryIO, name: str) -> Image.Image:
    """Opens a HEIC file for Pillow. The decoder is imported with the first one: it takes 0.15 s and 6 MB."""
    from pillow_heif.as_plugin import HeifImageFile

    return HeifImageFile(file, name)


Image.register_open("HEIF", open_heif, is_heif)


class Opaque(NamedTuple):
    """A picture without transparency, and where it came from."""

    picture: Image.Image  # L or RGB, reduced if the original was large
    size: tuple[int, int]  # of the original, upright
    factor: int  # pixels of the original for one of `picture`


def open_picture(file: str | os.PathLike | BinaryIO) -> Image.Image:
    """The picture in a file, of which only the header is read here; `to_opaque` decodes it.

    Raises:
        ValueError: it is not a picture in one of FORMATS, too large, or would take too much memory.
        OSError: there is no such file, or it may not be read.
    """
    try:
        picture = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise InputError(f"expected at most {MAX_PIXELS:,} pixels, got many more") from None
    except UnidentifiedImageError:
        if is_empty(file):
            raise InputError("expected a picture such as PNG, JPEG or WebP, got an empty file") from None
        raise InputError("expected a picture such as PNG, JPEG or WebP, got something else") from None
    except Exception as error:  # as in to_opaque, from the parts that read headers
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL, errno.EOVERFLOW):
            raise  # it is about the file; those three are about an address in it that leads nowhere
        raise InputError(f"the picture cannot be decoded: {error}") from error
    check_size(picture)
    return picture


def silence_decoders() -> None:
    """Keeps Pillow, and the library that decodes TIFFs for it, from writing to stderr what is wrong with a file.

    For programs that read what anybody sends. A file that cannot be decoded still is a ValueError.
    """
    for category in (UserWarning, Image.DecompressionBombWarning):  # of too many pixels `check_size` tells
        warnings.filterwarnings("ignore", category=category, module="PIL")
    for library in (Path(PIL.__file__).parent.parent / "pillow.libs").glob("libtiff*.so*"):
        libtiff = ctypes.CDLL(str(library))  # the one that Pillow has loaded
        for setter in (libtiff.TIFFSetErrorHandler, libtiff.TIFFSetWarningHandler):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)


def reduced(picture: Image.Image) -> tuple[Image.Image, int]:
    """A picture of at most about ENOUGH_PIXELS, and how many times smaller it was made; 1 if it was small enough."""
    factor = reduction(picture)
    if factor == 1:
        return picture, 1
    if is_scalable(picture):
        own = Image.open(picture.fp, formats=("JPEG", "MPO"))  # `draft` would make the caller's picture smaller
        own.seek(picture.tell())
        own.draft(None, (picture.width // factor, picture.height // factor))
        return own, factor
    if mode := as_reducible(picture):
        picture = Image.fromarray(to_bytes(np.asarray(picture))) if mode == "I;16" else picture.convert(mode)
    return picture.reduce(factor), factor


def reduction_to(picture: Image.Image, side: int) -> int:
    """By which whole number a picture is reduced to about the area of a square with this side, 1 at least."""
    return max(1, round((picture.width * picture.height) ** 0.5 / side))


def to_opaque(image: Image.Image | np.ndarray) -> Image.Image:
    """A picture as a person would see it; see `reduced_to_opaque`, which also tells how it was reduced."""
    return reduced_to_opaque(image).picture


def reduced_to_opaque(image: Image.Image | np.ndarray) -> Opaque:
    """A picture as a person would see it: EXIF rotation applied, 16 bits brought to 8, transparency resolved.

    Its mode is L for a picture in grey, RGB for any other. One of more than ENOUGH_PIXELS is reduced first.

    Args:
        image: PIL image of any mode; or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), bool, integers 0 to 255
            or floats 0 to 1.

    Raises:
        ValueError: neither of these, empty, too large, or damaged.
    """
    picture = image if isinstance(image, Image.Image) else from_array(image)
    check_size(picture)
    width, height = picture.size
    try:
        turn = None if picture.format == "TIFF" else turn_of(picture)  # Pillow's decoder of TIFF turns it itself
        picture, factor = reduced(picture)
        if picture.mode == "La":  # premultiplied alpha, which Pillow turns into LA alone
            picture = picture.convert("LA")
        if turn is not None:
            picture = picture.transpose(turn)
            width, height = (height, width) if turn in SIDEWAYS else (width, height)
        if picture.mode.startswith(("I", "F")):
            picture = Image.fromarray(to_bytes(np.asarray(picture)))
        if picture.has_transparency_data:
            picture = flatten(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
        else:
            picture = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
        picture.info = {}  # whoever sees it again would turn it again
        return Opaque(picture, (width, height), factor)
    except Exception as error:  # Pillow's decoders raise whatever they meet: OSError, SyntaxError, IndexError ...
        raise InputError(f"the picture cannot be decoded: {error}") from error


def is_empty(file: str | os.PathLike | BinaryIO) -> bool:
    """Whether a file that could not be opened as a picture has no bytes; False if it does not tell."""
    with contextlib.suppress(OSError, AttributeError):
        return (Path(file).stat().st_size if isinstance(file, str | os.PathLike) else file.seek(0, os.SEEK_END)) == 0
    return False


def from_array(array: np.ndarray) -> Image.Image:
    """An array as `reduced_to_opaque` takes it -> a picture in L, RGB or RGBA. Raises ValueError."""
    given, array = array, np.asarray(array)
    if array.dtype.kind not in "biuf":
        kind = type(given).__name__ if array.dtype == object or array.ndim == 0 else f"one of {array.dtype}"
        raise InputError(f"expected a PIL image or an array of numbers, got {kind}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise InputError(f"expected an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got shape {array.shape}")
    if array.size == 0:
        raise InputError(f"expected a picture with pixels, got shape {array.shape}")
    if math.prod(array.shape[:2]) > MAX_PIXELS:
        raise InputError(f"expected at most {MAX_PIXELS:,} pixels, got {array.shape[1]}x{array.shape[0]}")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.floating):
        finite, low, high = np.isfinite(array).all(), array.min(), array.max()
        if not finite or round(255 * float(low)) < 0 or round(255 * float(high)) > 255:  # resizing leaves 1.0000001
            said = f"{low} to {high}" if finite else "NaN or infinity"
            raise InputError(f"expected floats from 0 to 1, got {said}; for 0 to 255 give integers")
        levels = np.empty(array.shape, np.uint8)
        for top in range(0, len(array), STRIP_ROWS):  # no large copy as floats
            levels[top : top + STRIP_ROWS] = np.rint(np.clip(array[top : top + STRIP_ROWS], 0, 1) * 255)
        array = levels
    elif array.min() < 0 or array.max() > 255:
        raise InputError(f"expected integers from 0 to 255, got {array.min()} to {array.max()}")
    return Image.fromarray(np.ascontiguousarray(array, np.uint8))


def to_bytes(levels: np.ndarray) -> np.ndarray:
    """Levels of a 16-bit, 32-bit or float picture -> uint8, by the darkest and the lightest: these modes have no
    agreed white. A picture that fits 8 bits stays as it is; of another one that has one level only all is 0. What is no
    finite number becomes the darkest or, for +inf, the lightest of those that are.
    """
    strips = [levels[top : top + STRIP_ROWS] for top in range(0, len(levels), STRIP_ROWS)]  # no large copy as floats
    finite = (strip[np.isfinite(strip)] for strip in strips)
    extremes = [float(level) for part in finite if part.size for level in (part.min(), part.max())]
    low, high = (min(extremes), max(extremes)) if extremes else (0.0, 0.0)
    stretched = low < 0 or high > 255 or (0 < high <= 1)
    found = np.empty(levels.shape, np.uint8)
    for at, strip in enumerate(strips):
        part = np.nan_to_num(strip.astype(np.float64), nan=low, posinf=high, neginf=low)
        if stretched:
            part = (part - low) * (255 / max(high - low, 1e-12))
        found[at * STRIP_ROWS : at * STRIP_ROWS + len(strip)] = np.rint(part)
    return found
