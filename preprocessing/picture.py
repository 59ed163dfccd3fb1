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
from PIL import ExifTags, Image, ImageFilter, UnidentifiedImageError

from preprocessing.tones import TONE_QUANTILES

# A phone's photograph has 12 to 50 million pixels; decoding more than this would cost a visitor's share of memory.
MAX_PIXELS = 50_000_000
# Memory that one picture may take while it is decoded: a JPEG of 50 million pixels as phones write it, a PNG of as many
# without transparency, a WebP of 14 million, a HEIC of 25 million. Small hosts have 512 MB.
MAX_DECODING_BYTES = 250_000_000
# A larger picture is reduced before anything else is done with it. On 2000x2000 pixels a page of some hundred digits is
# still read.
ENOUGH_PIXELS = 4_000_000
# A tile of a TIFF takes this many bytes for each pixel while it is decoded: four channels.
TILE_BYTES = 4
# A picture that is converted before it is reduced, or multiplied by alpha, takes this many bytes more for each pixel.
CONVERTED_BYTES = 4
# Bytes for each pixel that decoders take beside the picture itself: WebP two canvases and a copy, AVIF planes of 16
# bits, earlier frames and a copy. Measured: 12.5 and 14.8. For HEIC see `heif_bytes`.
DECODER_BYTES = {"WEBP": 13, "AVIF": 16}
# Bytes for each pixel of what is left after the reduction: a copy in RGB, and reduced ones.
COPIES_BYTES = 6
# The same for a picture with transparency, which is resolved in four channels and their copies.
ALPHA_COPIES_BYTES = 16
# How TIFFs of scanners, cameras and drawing programs are compressed. Other decoders take memory as the file tells them.
TIFF_COMPRESSIONS = (
    "raw",
    "packbits",
    "tiff_lzw",
    "tiff_adobe_deflate",
    "tiff_deflate",
    "jpeg",
    "tiff_ccitt",
    "group3",
    "group4",
)
# The tags of TIFF with a tile's width and height.
TILE_WIDTH, TILE_LENGTH = 322, 323
# Rows of a picture with more than 8 bits that are brought to 8 at a time.
STRIP_ROWS = 64
# What brings a picture upright, by EXIF's number for how the camera was held.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = {TURNS[number] for number in (5, 6, 7, 8)}  # width and height change places
# What cameras, scanners, browsers and drawing programs write. Pillow knows many more formats, some of which start other
# programs (EPS) or are so old that nobody looks after their decoders.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "HEIF")
# How a HEIC file of a phone begins, after its length; pillow-heif reads them, Pillow alone does not.
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# A pixel is opaque from this alpha (of 255) on, if the picture has any such pixel.
OPAQUE = 128
# Opaque parts that differ by no more than this (of 255) are of one colour: an ink on nothing, not a picture.
ONE_COLOUR = 32
# A picture fills at least this share of the box around all that is opaque; strokes leave more of it free.
MOSTLY_OPAQUE = 0.6
# The side of the filter, in pixels, that takes the rim off the opaque parts. The rim is half as wide.
CORE_FILTER = 5
# Ink has an outline if more than this share of the rim has the commonest level, and less of what is inside.
OUTLINED = 0.8


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


def open_picture(file: str | Path | BinaryIO) -> Image.Image:
    """The picture in a file, of which only the header is read here; `to_opaque` decodes it.

    Raises:
        ValueError: it is not a picture in one of FORMATS, too large, or would take too much memory.
        OSError: there is no such file, or it may not be read.
    """
    try:
        picture = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ValueError(f"expected at most {MAX_PIXELS:,} pixels, got many more") from None
    except UnidentifiedImageError:
        if is_empty(file):
            raise ValueError("expected a picture such as PNG, JPEG or WebP, got an empty file") from None
        raise ValueError("expected a picture such as PNG, JPEG or WebP, got something else") from None
    except Exception as error:  # as in to_opaque, from the parts that read headers
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL, errno.EOVERFLOW):
            raise  # it is about the file; those three are about an address in it that leads nowhere
        raise ValueError(f"the picture cannot be decoded: {error}") from error
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


def check_size(picture: Image.Image) -> None:
    """Raises ValueError for a picture without pixels or with too many; decodes nothing."""
    width, height = picture.size
    if width * height == 0:
        raise ValueError(f"expected a picture with pixels, got {width}x{height}")
    if width * height > MAX_PIXELS:
        raise ValueError(f"expected at most {MAX_PIXELS:,} pixels, got {width}x{height}")
    if (cost := decoding_bytes(picture)) > MAX_DECODING_BYTES:
        kind = f" in the format {picture.format}" if picture.format else ""
        raise ValueError(
            f"expected a picture that takes at most {MAX_DECODING_BYTES // 10**6} MB to decode, got "
            f"{width}x{height}{kind}, which takes {cost // 10**6} MB: reduce it, or save it as JPEG"
        )


def decoding_bytes(picture: Image.Image) -> int:
    """An upper bound of the memory that `to_opaque` takes for this picture, told by its header.

    Raises:
        ValueError: a TIFF is compressed in a way that gives no bound, or a palette is missing.
    """
    if picture.mode == "P" and picture.palette is None:  # Pillow would stumble over it
        raise ValueError("the picture cannot be decoded: its palette is missing")
    pixels = math.prod(picture.size)
    factor = reduction(picture)
    stored = bytes_of_mode(picture.mode)
    copies = (ALPHA_COPIES_BYTES if picture.has_transparency_data else COPIES_BYTES) * pixels // factor**2
    if is_scalable(picture):  # a progressive JPEG keeps 16 bits of all its samples until its last scan
        samples = sum(across * down for _, across, down, *_ in picture.layer)
        widest, highest = (max(layer[at] for layer in picture.layer) for at in (1, 2))
        return 2 * pixels * samples // (widest * highest) + stored * pixels // factor**2 + copies
    decoding = DECODER_BYTES.get(picture.format, 0) * pixels + tiff_bytes(picture) + heif_bytes(picture)
    if factor > 1 and (as_reducible(picture) or picture.mode in ("LA", "RGBA")):
        copies += CONVERTED_BYTES * pixels
    if picture.format == "TIFF" and turn_of(picture) is not None:
        copies = max(copies, stored * pixels)  # the decoder makes a turned copy at its end
    return stored * pixels + max(decoding, copies)  # the decoder has ended before anything is copied


def turn_of(picture: Image.Image) -> Image.Transpose | None:
    """What brings a picture upright, by its EXIF; None when it is."""
    return TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))


def heif_bytes(picture: Image.Image) -> int:
    """What the decoder of HEIC takes beside the picture: planes as they are stored, planes in RGB, and the samples side
    by side, all without subsampling. The decoder refuses a file whose header names fewer bits than its picture has.

    Measured for each pixel, with the picture: 9.6 bytes for 8 bits and 15.6 for more; with transparency 12.6 and 20.6.
    """
    if picture.format != "HEIF":
        return 0
    channels = len(picture.getbands())
    stored = 1 if picture.info.get("bit_depth", 16) <= 8 else 2
    total = (2 * stored + 1) * channels + 1
    return max(total - bytes_of_mode(picture.mode), 0) * math.prod(picture.size)


def tiff_bytes(picture: Image.Image) -> int:
    """What the decoder of TIFF takes beside the picture: a tile or strip, which a file may declare to be of any size.

    Raises:
        ValueError: the picture is compressed in a way that gives no bound.
    """
    if picture.format != "TIFF":
        return 0
    compression = picture.info.get("compression", "raw")
    if compression not in TIFF_COMPRESSIONS:
        raise ValueError(f"expected a TIFF compressed in a common way, got {compression}")
    tags = picture.tag_v2
    try:
        tile = int(tags.get(TILE_WIDTH, 0)) * int(tags.get(TILE_LENGTH, 0))
    except (TypeError, ValueError, OverflowError):
        raise ValueError("expected a TIFF whose tiles have a size") from None
    strip = 0 if compression == "raw" else math.prod(picture.size)
    return TILE_BYTES * max(tile, strip)


def is_scalable(picture: Image.Image) -> bool:
    """Whether the decoder can reduce this picture: a JPEG that is not decoded yet."""
    return picture.format in ("JPEG", "MPO") and bool(getattr(picture, "tile", None)) and bool(picture.layer)


def reduction(picture: Image.Image) -> int:
    """How many times smaller a picture is made in both directions; JPEG's decoder knows 1, 2, 4 and 8 alone."""
    exact = math.sqrt(math.prod(picture.size) / ENOUGH_PIXELS)
    if exact <= 1:
        return 1
    return 2 ** math.ceil(math.log2(exact)) if is_scalable(picture) else math.ceil(exact)


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


def as_reducible(picture: Image.Image) -> str | None:
    """The mode to which a picture is brought before it can be reduced; I;16 for one that `to_bytes` does; or None."""
    if picture.mode.startswith("I;16"):
        return "I;16"
    if picture.mode not in ("LA", "La", "RGBA", "RGBa") and picture.has_transparency_data:
        return "RGBA"
    return {"1": "L", "P": "RGB"}.get(picture.mode)


def bytes_of_mode(mode: str) -> int:
    """Bytes that Pillow keeps for each pixel."""
    if mode in ("1", "L", "P"):
        return 1
    return 2 if mode.startswith("I;16") else 4


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
        raise ValueError(f"the picture cannot be decoded: {error}") from error


def is_empty(file: str | Path | BinaryIO) -> bool:
    """Whether a file that could not be opened as a picture has no bytes; False if it does not tell."""
    with contextlib.suppress(OSError, AttributeError):
        return (Path(file).stat().st_size if isinstance(file, str | Path) else file.seek(0, os.SEEK_END)) == 0
    return False


def from_array(array: np.ndarray) -> Image.Image:
    """An array as `reduced_to_opaque` takes it -> a picture in L, RGB or RGBA. Raises ValueError."""
    given, array = array, np.asarray(array)
    if array.dtype.kind not in "biuf":
        kind = type(given).__name__ if array.dtype == object or array.ndim == 0 else f"one of {array.dtype}"
        raise ValueError(f"expected a PIL image or an array of numbers, got {kind}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ValueError(f"expected an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"expected a picture with pixels, got shape {array.shape}")
    if math.prod(array.shape[:2]) > MAX_PIXELS:
        raise ValueError(f"expected at most {MAX_PIXELS:,} pixels, got {array.shape[1]}x{array.shape[0]}")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.floating):
        finite, low, high = np.isfinite(array).all(), array.min(), array.max()
        if not finite or round(255 * float(low)) < 0 or round(255 * float(high)) > 255:  # resizing leaves 1.0000001
            said = f"{low} to {high}" if finite else "NaN or infinity"
            raise ValueError(f"expected floats from 0 to 1, got {said}; for 0 to 255 give integers")
        levels = np.empty(array.shape, np.uint8)
        for top in range(0, len(array), STRIP_ROWS):  # no large copy as floats
            levels[top : top + STRIP_ROWS] = np.rint(array[top : top + STRIP_ROWS] * 255)
        array = levels
    elif array.min() < 0 or array.max() > 255:
        raise ValueError(f"expected integers from 0 to 255, got {array.min()} to {array.max()}")
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
    opaque = OPAQUE if most >= OPAQUE else 1
    mask = alpha.point([0] * opaque + [255] * (256 - opaque))
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
    darkest, lightest = (int(np.searchsorted(shares, share)) for share in TONE_QUANTILES)
    farther = 255 if 255 - lightest > darkest else 0
    levels = np.flatnonzero(histogram)
    if levels[-1] - levels[0] <= ONE_COLOUR:
        return farther
    commonest = int(histogram.argmax())
    opaque = np.asarray(mask) > 0
    if opaque.mean() > MOSTLY_OPAQUE:
        return commonest
    core = np.asarray(mask.filter(ImageFilter.MinFilter(CORE_FILTER))) > 0
    alike = np.abs(np.asarray(grey).astype(np.int16) - commonest) <= ONE_COLOUR
    outlined = core.any() and alike[opaque & ~core].mean() > OUTLINED > alike[core].mean()
    return commonest if outlined else farther
