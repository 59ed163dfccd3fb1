"""What a picture's header tells before anything is decoded: its size, its turn, and the memory that decoding takes."""

from __future__ import annotations

import math

from PIL import ExifTags, Image

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


class InputError(ValueError):
    """What was given is not what can be read; the message says what was expected. Any other ValueError is a fault of
    this program.
    """


def check_size(picture: Image.Image) -> None:
    """Raises ValueError for a picture without pixels or with too many; decodes nothing."""
    width, height = picture.size
    if width * height == 0:
        raise InputError(f"expected a picture with pixels, got {width}x{height}")
    if width * height > MAX_PIXELS:
        raise InputError(f"expected at most {MAX_PIXELS:,} pixels, got {width}x{height}")
    if (cost := decoding_bytes(picture)) > MAX_DECODING_BYTES:
        kind = f" in the format {picture.format}" if picture.format else ""
        raise InputError(
            f"expected a picture that takes at most {MAX_DECODING_BYTES // 10**6} MB to decode, got "
            f"{width}x{height}{kind}, which takes {cost // 10**6} MB: reduce it, or save it as JPEG"
        )


def decoding_bytes(picture: Image.Image) -> int:
    """An upper bound of the memory that `picture.to_opaque` takes for this picture, told by its header.

    Raises:
        ValueError: a TIFF is compressed in a way that gives no bound, or a palette is missing.
    """
    if picture.mode == "P" and picture.palette is None:  # Pillow would stumble over it
        raise InputError("the picture cannot be decoded: its palette is missing")
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
        raise InputError(f"expected a TIFF compressed in a common way, got {compression}")
    tags = picture.tag_v2
    try:
        tile = int(tags.get(TILE_WIDTH, 0)) * int(tags.get(TILE_LENGTH, 0))
    except (TypeError, ValueError, OverflowError):
        raise InputError("expected a TIFF whose tiles have a size") from None
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


def as_reducible(picture: Image.Image) -> str | None:
    """The mode that a picture needs to be reduced; I;16 for what `picture.to_bytes` brings to 8 bits; None: its own."""
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
