"""Text as people and programs send it: what base64 is accepted, and what is said about the rest."""

import base64
import random
import subprocess
from urllib.parse import quote, quote_plus

import pytest
from conftest import EXAMPLES

from weights.serving.schemas import FEWEST_UNPADDED, image_data

PICTURE = (EXAMPLES / "7.png").read_bytes()
TEXT = base64.b64encode(PICTURE).decode()

WAYS = {
    "plain": TEXT,
    "lines of 76, as `base64 FILE` prints": base64.encodebytes(PICTURE).decode(),
    "lines of 76 with carriage returns": base64.encodebytes(PICTURE).decode().replace("\n", "\r\n"),
    "lines of 64, as PEM has": "\n".join(TEXT[start : start + 64] for start in range(0, len(TEXT), 64)),
    "indented": "\n    ".join(["", *(TEXT[start : start + 76] for start in range(0, len(TEXT), 76)), ""]),
    "line breaks made spaces by a shell": " ".join(base64.encodebytes(PICTURE).decode().split()),
    "white space around it": f" \t{TEXT} \n",
    "alphabet for URLs": base64.urlsafe_b64encode(PICTURE).decode(),
    "alphabet for URLs, no padding": base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
    "no padding": TEXT.rstrip("="),
    "too much padding": TEXT.rstrip("=") + "====",
    "percent-encoded": quote(TEXT, safe=""),
    "percent-encoded line breaks": quote_plus(base64.encodebytes(PICTURE).decode()),
    "plus signs made spaces by a form": TEXT.replace("+", " "),
}
URLS = [
    "data:image/png;base64,",
    "DATA:image/png;BASE64,",
    "data:;base64,",
    "data:image/png;charset=utf-8;base64, ",
    " \ndata:image/png;base64,",
]


@pytest.mark.parametrize("text", WAYS.values(), ids=WAYS)
def test_base64_is_read_as_it_is_written_anywhere(text):
    assert image_data(text) == PICTURE
    for url in URLS:
        assert image_data(url + text) == PICTURE


def test_spaces_by_the_million_take_no_longer_than_other_text():
    plus_signs = image_data("A" + " " * 4_000_000 + "A")  # a search that begins anew at each space would take a day
    assert len(plus_signs) == 3_000_001


def test_data_url_without_base64_is_percent_encoded():
    assert image_data("data:image/png," + quote(PICTURE)) == PICTURE


def test_content_of_any_length_survives_every_way():
    draw = random.Random(0)
    for length in range(FEWEST_UNPADDED, 300):
        content = draw.randbytes(length)
        plain = base64.b64encode(content).decode()
        lines = base64.encodebytes(content).decode()
        for text in (plain, lines, lines.replace("\n", "\r\n"), quote(plain), plain.rstrip("=")):
            assert image_data(text) == content, text


def test_output_of_the_program_base64_is_read():
    printed = subprocess.run(["base64", EXAMPLES / "7.png"], capture_output=True, text=True, check=True).stdout
    assert "\n" in printed.strip()
    assert image_data(printed) == PICTURE


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "got none"),
        (" \n", "got none"),
        ("data:,", "got none"),
        ("letter", 'got "letter"$'),
        ("data:image/png;base64,", "got none"),
        ("data:image/png;base64", "a comma before its data"),
        ("7.png", r'got "7.png", in which "\." is no character of base64'),
        (f"b'{TEXT}'", "how Python prints bytes: decode them"),
        (TEXT[:100] + "é" + TEXT[100:], r'in which "\\u00e9" is no character of base64'),
        (f'"{TEXT}"', "is no character of base64"),
        (TEXT.rstrip("=")[: 4 * 50 + 1], "a part is missing: no data has 201 characters"),
        (f"{TEXT[:100]}=={TEXT[100:]}", 'in which "=" is no character of base64'),
    ],
)
def test_what_is_no_base64_is_refused_in_words_that_name_the_trouble(text, words):
    with pytest.raises(ValueError, match=words) as error:
        image_data(text)
    assert len(str(error.value)) < 250
