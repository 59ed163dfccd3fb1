"""What a picture costs is told by its header: no picture that is let in takes more memory than it may."""

import io
import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from pictures import oriented
from PIL import Image, ImageDraw, ImageOps

from preprocessing.background.squares import without_squares
from preprocessing.decoding import ENOUGH_PIXELS, MAX_DECODING_BYTES, decoding_bytes
from preprocessing.picture import open_picture, reduced_to_opaque, to_bytes
from preprocessing.prepare import prepare

# What one picture may take at most.
MUST_BYTES = 250_000_000
# Prints by how much the memory of a process of its own grows while it prepares a picture.
PEAK = """
import resource, sys
from PIL import Image
from preprocessing.picture import open_picture
from preprocessing.prepare import prepare
import pillow_heif
prepare(Image.new("L", (300, 300), "white"))
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
picture = open_picture(sys.argv[1])
before = used()
prepare(picture)
print(used() - before)
"""
LARGE = (4000, 3000)
# Of the process: tables of libraries that are loaded, and what malloc keeps.
MARGIN = 25_000_000


def saved(mode, kind, size, **options):
    file = io.BytesIO()
    Image.new(mode, size, 1 if mode == "I;16" else "white").save(file, kind, **options)
    return file.getvalue()


def assert_header_tells_the_costs(path):
    peak = int(subprocess.check_output([sys.executable, "-c", PEAK, str(path)]))
    assert peak <= decoding_bytes(open_picture(path)) + MARGIN


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
        ("RGB", "PNG", {"compress_level": 1}),
        ("RGBA", "PNG", {"compress_level": 1}),
        ("P", "PNG", {"transparency": 0}),
        ("1", "PNG", {}),
        ("I;16", "PNG", {"compress_level": 1}),
        ("RGB", "WEBP", {"method": 0}),
        ("RGB", "AVIF", {"speed": 10}),
        ("RGBA", "AVIF", {"speed": 10, "subsampling": "4:4:4"}),
        ("CMYK", "TIFF", {"compression": "tiff_lzw"}),
        ("F", "TIFF", {"compression": "tiff_adobe_deflate"}),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)
def test_header_tells_what_a_picture_costs(mode, kind, options, tmp_path):
    (tmp_path / "picture").write_bytes(saved(mode, kind, LARGE, **options))
    assert_header_tells_the_costs(tmp_path / "picture")


def test_the_squares_of_a_sheet_cost_no_more(tmp_path):
    sheet = Image.new("RGB", LARGE, (235, 235, 230))
    for at in range(30, max(LARGE), 70):
        ImageDraw.Draw(sheet).line([(at, 0), (at, LARGE[1])], fill=(150, 160, 170), width=4)
        ImageDraw.Draw(sheet).line([(0, at), (LARGE[0], at)], fill=(150, 160, 170), width=4)
    sheet.save(tmp_path / "sheet.jpg", quality=90)
    assert without_squares(reduced_to_opaque(open_picture(tmp_path / "sheet.jpg")).picture)[1] > 90
    assert_header_tells_the_costs(tmp_path / "sheet.jpg")


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_header_of_a_turned_tiff_tells_what_it_costs(compression, tmp_path):
    (tmp_path / "picture").write_bytes(saved("RGB", "TIFF", LARGE, compression=compression, exif=oriented(6)))
    assert_header_tells_the_costs(tmp_path / "picture")


@pytest.mark.parametrize(("mode", "chroma"), [("RGB", 420), ("RGBA;16", 444)])
def test_header_of_heic_tells_what_it_costs(mode, chroma, tmp_path):
    width, height = 2400, 1800
    samples = np.zeros((height, width, 4 if mode == "RGBA;16" else 3), np.uint16 if mode == "RGBA;16" else np.uint8)
    picture = pillow_heif.from_bytes(mode, (width, height), samples.tobytes())
    picture.save(tmp_path / "picture", chroma=chroma, enc_params={"preset": "ultrafast"})  # decoding costs the same
    assert_header_tells_the_costs(tmp_path / "picture")


def test_no_picture_that_is_let_in_takes_more_than_it_may():
    assert MAX_DECODING_BYTES <= MUST_BYTES


def test_photographs_of_24_million_pixels_are_let_in():
    photograph = Image.new("RGB", (5712, 4284))
    photograph.format, photograph.info["bit_depth"] = "HEIF", 8
    assert decoding_bytes(photograph) <= MAX_DECODING_BYTES


@pytest.mark.parametrize(
    ("mode", "kind", "size", "options"),
    [
        ("RGB", "WEBP", (7000, 7000), {"method": 0}),
        ("RGB", "TIFF", (7000, 7000), {"compression": "tiff_lzw"}),
        ("L", "TIFF", (100, 100), {"compression": "lzma"}),
    ],
    ids=["WebP", "TIFF", "LZMA"],
)
def test_picture_that_would_cost_too_much_is_refused_by_its_header(mode, kind, size, options):
    with pytest.raises(ValueError, match=r"MB to decode|in a common way"):
        open_picture(io.BytesIO(saved(mode, kind, size, **options)))


def test_a_tile_counts_however_small_the_picture_is():
    picture = Image.open(io.BytesIO(saved("L", "TIFF", (100, 100))))
    picture.tag_v2[322] = picture.tag_v2[323] = 30_000
    assert decoding_bytes(picture) > MAX_DECODING_BYTES


def test_ordinary_pictures_are_not_reduced_and_large_ones_keep_their_places():
    ink = Image.new("L", (2000, 2000), "white")
    ink.paste("black", (900, 400, 1050, 1600))
    small, large = prepare(ink), prepare(ink.resize((6000, 6000)))
    assert ink.width * ink.height <= ENOUGH_PIXELS
    assert np.abs(np.array(large.box) - 3 * np.array(small.box)).max() <= 30
    assert np.abs(large.tensor - small.tensor).mean() < 0.02


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_photograph_is_turned_upright_as_a_small_one(orientation, kind):
    picture = Image.new("L", (3000, 2000), "white")
    picture.paste("black", (500, 500, 700, 1500))
    exif = oriented(orientation)
    upright = ImageOps.exif_transpose(with_exif(picture.reduce(10), exif))
    expected, boxes = 10 * np.array(ImageOps.invert(upright).getbbox()), []
    for factor in (2, 1):
        file = io.BytesIO()
        picture.reduce(factor).save(file, kind, exif=exif)
        boxes.append(np.array(prepare(open_picture(file)).box))
    assert np.abs(2 * boxes[0] - expected).max() <= 30
    assert np.abs(boxes[1] - expected).max() <= 30


def with_exif(picture, exif):
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    return Image.open(file)


def test_sixteen_bits_become_eight_without_a_large_copy():
    levels = np.random.default_rng(0).integers(0, 65536, (130, 70)).astype(np.uint16)
    low, high = float(levels.min()), float(levels.max())
    expected = np.rint((levels - low) * (255 / (high - low))).astype(np.uint8)
    assert (to_bytes(levels) == expected).all()
