"""HEIC, as an iPhone stores photographs: read like any other picture, and its decoder is imported for it alone."""

import io
import struct
import subprocess
import sys

import numpy as np
import pillow_heif
import pytest
from conftest import EXAMPLES, ROOT
from pictures import oriented
from PIL import Image

import preprocessing
from preprocessing.picture import is_heif, open_picture

SEVEN = Image.open(EXAMPLES / "7.png").convert("RGB")


def heic(picture=SEVEN, **options):
    file = io.BytesIO()
    pillow_heif.from_pillow(picture).save(file, quality=90, **options)
    return file.getvalue()


def with_size(content, width, height):
    """The file with another size in its header; the picture itself stays as it is."""
    old = struct.pack(">4xII", *SEVEN.size)
    assert content.count(old) == 1
    return content.replace(old, struct.pack(">4xII", width, height))


def test_heic_gives_the_same_tensor_as_the_picture_it_was_made_of():
    tensor = preprocessing.to_mnist(open_picture(io.BytesIO(heic())))
    assert np.abs(tensor - preprocessing.to_mnist(SEVEN)).sum() < 0.05 * tensor.sum()


def test_a_photograph_that_was_taken_with_the_phone_on_its_side_is_upright():
    turned = open_picture(io.BytesIO(heic(SEVEN.transpose(Image.Transpose.ROTATE_90), exif=oriented(6).tobytes())))
    tensor = preprocessing.to_mnist(turned)
    assert np.abs(tensor - preprocessing.to_mnist(SEVEN)).sum() < 0.05 * tensor.sum()


def test_avif_is_not_taken_for_heic():
    file = io.BytesIO()
    SEVEN.save(file, "AVIF")
    assert open_picture(file).format == "AVIF"
    container = file.getvalue().replace(b"ftypavif", b"ftypmif1", 1)
    assert is_heif(container[:16])
    assert open_picture(io.BytesIO(container)).format == "AVIF"


def test_cut_and_changed_files_are_value_errors():
    content = heic()
    for end in (17, 40, 200, len(content) // 2, len(content) - 1):
        with pytest.raises(ValueError, match=r"cannot be decoded|expected a picture such as"):
            preprocessing.to_mnist(open_picture(io.BytesIO(content[:end])))


def test_too_many_pixels_are_refused_by_the_header():
    with pytest.raises(ValueError, match="MB to decode, got 6000x6000"):
        open_picture(io.BytesIO(with_size(heic(), 6000, 6000)))


def test_a_picture_larger_than_its_header_says_is_not_decoded():
    with pytest.raises(ValueError, match="Security limit exceeded"):
        preprocessing.to_mnist(open_picture(io.BytesIO(with_size(heic(), 10, 10))))


def test_decoder_is_imported_for_heic_alone(tmp_path):
    (tmp_path / "7.heic").write_bytes(heic())
    code = (
        "import sys, preprocessing; from preprocessing.picture import open_picture\n"
        "for path in sys.argv[1:]:\n"
        "    preprocessing.to_mnist(open_picture(path)); print('pillow_heif' in sys.modules)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, EXAMPLES / "7.png", tmp_path / "7.heic"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.split() == ["False", "True"]
