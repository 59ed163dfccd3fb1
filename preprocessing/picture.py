"""Any picture -> an upright picture in grey or RGB, of a bounded size, with transparency resolved."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageFilter, ImageOps, UnidentifiedImageError

# A phone's photograph has 12 to 50 million pixels; decoding more than this would cost a visitor's share of memory.
MAX_PIXELS = 50_000_000
# What cameras, scanners, browsers and drawing programs write. Pillow knows many more formats, some of which start other
# programs (EPS) or are so old that nobody looks after their decoders.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "HEIF")
# How a HEIC file of a phone begins, after its length; pillow-heif reads them, Pillow alone does not.
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Decoding HEIC takes 7 bytes a pixel beside the picture's own memory; a phone stores 12 or 24 million pixels in it.
MAX_HEIF_PIXELS = 30_000_000
# Opaque parts that differ by no more than this (of 255) are of one colour: an ink on nothing, not a picture.
ONE_COLOUR = 32
# Of the box around all that is opaque: strokes leave more of it free, a picture less.
MOSTLY_OPAQUE = 0.6
# How wide the rim of what is opaque is (a filter of so many pixels reaches half as far), and how much of it has the
# colour of an outline; of what is inside it less has, or there would be no ink.
RIM, OUTLINED = 5, 0.8


def is_heif(start: bytes) -> bool:
    """Whether a file that starts with these 16 bytes says that it is HEIC."""
    return start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS


def open_heif(file: BinaryIO, name: str) -> Image.Image:
    """Opens a HEIC file for Pillow. The decoder is imported with the first one: it takes 0.15 s and 6 MB."""
    from pillow_heif.as_plugin import HeifImageFile

    return HeifImageFile(file, name)


Image.register_open("HEIF", open_heif, is_heif)


def open_picture(file: str | Path | BinaryIO) -> Image.Image:
    """The picture in a file, of which only the header is read here; `to_opaque` decodes it.

    Raises:
        ValueError: it is not a picture in one of FORMATS, or too large.
        OSError: there is no such file, or it may not be read.
    """
    try:
        picture = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(f"expected at most {MAX_PIXELS:,} pixels, got many more") from None
    except UnidentifiedImageError:
        raise ValueError("expected a picture such as PNG, JPEG or WebP, got something else") from None
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # as in to_opaque, from the parts that read headers
        raise ValueError(f"the picture cannot be decoded: {error}") from error
    check_size(picture)
    return picture


def check_size(picture: Image.Image) -> None:
    """Raises ValueError for a picture without pixels or with too many; decodes nothing."""
    width, height = picture.size
    if width * height == 0:
        raise ValueError(f"expected a picture with pixels, got {width}x{height}")
    most = MAX_HEIF_PIXELS if picture.format == "HEIF" else MAX_PIXELS
    if width * height > most:
        raise ValueError(f"expected at most {most:,} pixels, got {width}x{height}")


def to_opaque(image: Image.Image | np.ndarray) -> Image.Image:
    """A picture as a person would see it: EXIF rotation applied, 16 bits brought to 8, transparency resolved.

    Its mode is L for a picture in grey, RGB for any other.

    Args:
        image: PIL image of any mode; or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), bool, integers 0 to 255
            or floats 0 to 1.

    Raises:
        ValueError: neither of these, empty, too large, or damaged.
    """
    picture = image if isinstance(image, Image.Image) else from_array(image)
    check_size(picture)
    try:
        if picture.mode == "La":  # premultiplied alpha, which Pillow turns into LA alone
            picture = picture.convert("LA")
        if picture.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith(("I", "F")):
            picture = Image.fromarray(to_bytes(np.asarray(picture)))
        if picture.has_transparency_data:
            return flatten(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
        return picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    except Exception as error:  # Pillow's decoders raise whatever they meet: OSError, SyntaxError, IndexError ...
        raise ValueError(f"the picture cannot be decoded: {error}") from error


def from_array(array: np.ndarray) -> Image.Image:
    array = np.asarray(array)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ValueError(f"expected an array (H, W), (H, W, 3) or (H, W, 4), got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"expected a picture with pixels, got shape {array.shape}")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError("expected floats from 0 to 1; for 0 to 255 give integers")
        array = np.rint(array * 255)
    elif not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"expected an array of numbers, got {array.dtype}")
    elif array.min() < 0 or array.max() > 255:
        raise ValueError(f"expected integers from 0 to 255, got {array.min()} to {array.max()}")
    return Image.fromarray(np.ascontiguousarray(array, np.uint8))


def to_bytes(levels: np.ndarray) -> np.ndarray:
    """Levels of a 16-bit, 32-bit or float picture -> uint8, by the darkest and the lightest: these modes have no
    agreed white. A picture of one level only, and one that fits 8 bits, stays as it is. What is no finite number
    becomes the darkest or, for +inf, the lightest of those that are.
    """
    levels = levels.astype(np.float64)
    finite = levels[np.isfinite(levels)]
    low, high = (finite.min(), finite.max()) if finite.size else (0, 0)
    levels = np.nan_to_num(levels, nan=low, posinf=high, neginf=low)
    if low < 0 or high > 255 or (0 < high <= 1):
        levels = (levels - low) * (255 / max(high - low, 1e-12))
    return np.rint(levels).astype(np.uint8)


def flatten(picture: Image.Image) -> Image.Image:
    """RGBA -> L or RGB on a paper of its own.

    Ink on nothing gets the paper it stands out from, see `paper_under`. A picture with transparent parts gets its own
    commonest level there, so that they look empty.
    """
    box = picture.getbbox()  # of what is not transparent: what lies around a drawing needs no work but this
    if box is None:
        return Image.new("L", picture.size, "white")
    part = picture.crop(box)
    red, green, blue, alpha = part.split()
    least, most = alpha.getextrema()
    if least == 255 and part.size == picture.size:
        return picture.convert("RGB")
    if red.tobytes() == green.tobytes() == blue.tobytes():
        part = red  # black ink, most often: one channel is a third of the work from here on
    opaque = 127 if most > 127 else 0
    mask = alpha.point([0] * (opaque + 1) + [255] * (255 - opaque))
    paper = paper_under(part.convert("L"), mask)
    flat = Image.new("L", picture.size, paper) if part is red else Image.new("RGB", picture.size, (paper,) * 3)
    flat.paste(part, box, mask=alpha)
    return flat


def paper_under(grey: Image.Image, mask: Image.Image) -> int:
    """The level that suits the transparent parts of a picture; mask: 255 where it is opaque, else 0.

    Strokes on nothing, of one tone or of many, get white or black, whichever is farther from them. What is opaque in
    most places brings its own paper, the commonest level; so does ink with an outline, which ends in that level.
    """
    histogram = np.array(grey.histogram(mask))
    shares = histogram.cumsum() / histogram.sum()
    darkest, lightest = (int(np.searchsorted(shares, share)) for share in (0.1, 0.9))
    farther = 255 if 255 - lightest > darkest else 0
    levels = np.flatnonzero(histogram)
    if levels[-1] - levels[0] <= ONE_COLOUR:
        return farther
    commonest = int(histogram.argmax())
    opaque = np.asarray(mask) > 0
    if opaque.mean() > MOSTLY_OPAQUE:
        return commonest
    core = np.asarray(mask.filter(ImageFilter.MinFilter(RIM))) > 0
    alike = np.abs(np.asarray(grey).astype(np.int16) - commonest) <= ONE_COLOUR
    outlined = core.any() and alike[opaque & ~core].mean() > OUTLINED > alike[core].mean()
    return commonest if outlined else farther
