"""Pictures for the tests: digits to compose pictures of, and files as they come from outside.

digit("7", 120)                    # the ink of an example, 120 pixels high
draw_stroke(image, points, 12)     # as a round pen draws it
strategy = pictures.files()        # of bytes, for the fuzz tests: every mode and format, and what is wrong with some
"""

import functools
import io
import struct
import zlib

from conftest import EXAMPLES
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw, ImageOps

MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("1", "L", "P", "RGB"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("1", "L", "RGB", "RGBA", "CMYK", "I;16", "F", "LAB", "YCbCr"),
    "BMP": ("1", "L", "P", "RGB"),
    "PPM": ("1", "L", "RGB"),
    "ICO": ("RGBA",),
}
# What a file may begin with and still hold a picture further on.
POLYGLOTS = (b"%PDF-1.7\n", b"PK\x03\x04", b"<script>alert(1)</script>", b"#!/bin/sh\n", b"<svg xmlns='x'/>", b"GIF89a")
# The example drawings by their digit.
DIGITS = {path.stem[0]: path for path in sorted(EXAMPLES.glob("[0-9]*.png"))}


@functools.cache
def ink_of(name):
    """An example drawing, cut out along its ink."""
    picture = Image.open(DIGITS[name]).convert("L")
    return picture.crop(ImageOps.invert(picture).getbbox())


def digit(name, height):
    """The ink of an example drawing, black on white, this many pixels high. None is wider than high."""
    ink = ink_of(name)
    return ink.resize((max(round(ink.width * height / ink.height), 1), round(height)))


def draw_stroke(image, points, width, fill="black"):
    """Draws a line through the points with a round pen of this width."""
    pen = ImageDraw.Draw(image)
    pen.line(points, fill=fill, width=width, joint="curve")
    for x, y in points:
        pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=fill)


def oriented(value):
    """EXIF that says how the camera was held: 1 upright, 6 to be turned clockwise by 90 degrees ..."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    return exif


@st.composite
def whole(draw):
    """A digit in some mode, format, size and EXIF orientation, some of two levels alone; some are animated."""
    format_ = draw(st.sampled_from(sorted(MODES)))
    mode = draw(st.sampled_from(MODES[format_]))
    example = Image.open(draw(st.sampled_from(sorted(EXAMPLES.glob("*.png"))))).convert("L")
    side = st.one_of(st.integers(1, 64), st.integers(65, 300))
    example = example.resize((draw(side), draw(side)))
    if draw(st.booleans()):
        paper, ink = draw(st.integers(0, 255)), draw(st.integers(0, 255))
        example = example.point(lambda level: ink if level < 128 else paper)
    picture = example.convert("RGB").convert(mode) if mode in ("LAB", "CMYK", "YCbCr", "P") else example.convert(mode)
    options = {}
    if format_ in ("PNG", "JPEG", "WEBP", "TIFF") and draw(st.booleans()):
        options["exif"] = oriented(draw(st.integers(0, 9)))
    if format_ in ("GIF", "WEBP", "TIFF", "PNG") and draw(st.booleans()):
        options |= {"save_all": True, "append_images": [picture] * draw(st.integers(1, 3))}
    file = io.BytesIO()
    try:
        picture.save(file, format_, **options)
    except (OSError, ValueError, SystemError):  # a combination that Pillow cannot write
        return (EXAMPLES / "7.png").read_bytes()
    return file.getvalue()


@st.composite
def headers(draw):
    """A PNG whose header promises any size, 0 and billions among them; its checksum is right."""
    side = st.one_of(st.integers(0, 3), st.integers(4_000, 20_000), st.sampled_from([65_535, 2**31 - 1, 2**32 - 1]))
    depth, colour = draw(st.sampled_from([(1, 0), (8, 0), (16, 0), (8, 2), (8, 3), (16, 6), (7, 5)]))
    ihdr = struct.pack(">IIBBBBB", draw(side), draw(side), depth, colour, 0, 0, draw(st.integers(0, 2)))
    body = zlib.compress(draw(st.binary(max_size=200)))
    chunks = [(b"IHDR", ihdr), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@st.composite
def damaged(draw):
    """A picture that was cut, changed in places, or hidden behind something else."""
    content = bytearray(draw(whole()))
    match draw(st.sampled_from(["cut", "changed", "behind"])):
        case "cut":
            del content[draw(st.integers(0, len(content))) :]
        case "changed":
            for _ in range(draw(st.integers(1, 12))):
                content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
        case "behind":
            content[:0] = draw(st.sampled_from(POLYGLOTS))
    return bytes(content)


def files():
    """Bytes that say they are a picture."""
    return st.one_of(whole(), damaged(), damaged(), headers(), st.binary(max_size=300))
