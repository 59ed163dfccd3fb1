"""Draws a sheet of every style in which digits, or letters and signs, are written: a row of examples for each.

    python -m nn.pictures.sheet digits .assets/styles.png
    python -m nn.pictures.sheet letters letters.png

Look at it after changing digits.py or letters.py: what does not look written teaches the network nothing.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from PIL import Image, ImageDraw

from nn import flags, programs
from nn.files import check_folder
from nn.made_up import frame
from nn.pictures import digits, letters
from nn.pictures.pens import cropped, framed, under_a_pen

EXAMPLES, COLUMNS = 6, 4
CELL, NAME = 30, 150  # pixels along the edge of an example, and of the column with the names
PAPER, INK = 40, 255


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nn.pictures.sheet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("digits", "letters"))
    parser.add_argument("file", type=flags.path, help="the picture to write")
    arguments = parser.parse_args(argv)
    try:
        check_folder(arguments.file.parent)
        arguments.file.parent.mkdir(parents=True, exist_ok=True)
        drawn(arguments.what).save(arguments.file, optimize=True)
    except (ValueError, OSError) as error:  # ValueError: a name that does not end as a picture's does
        print(f"error: {arguments.file}: {error}", file=sys.stderr)
        return 1
    return 0


def drawn(what: str) -> Image.Image:
    """The sheet of the "digits" or the "letters"."""
    if what == "digits":
        texts = {f"{digit} {name}": text for digit, styles in digits.STYLES.items() for name, text in styles.items()}
        for name, (claimed, text) in digits.AMBIGUOUS.items():
            texts[f"{' or '.join(map(str, claimed))} {name}"] = text
        return sheet(texts, digits.HAND)
    return sheet(letters.STROKES, letters.LETTERS)


def sheet(texts: dict[str, str], hand: letters.Hand) -> Image.Image:
    """A grey picture with each text's name and EXAMPLES of it as the network sees them, in COLUMNS columns."""
    rows, width = -(-len(texts) // COLUMNS), NAME + EXAMPLES * CELL
    picture = Image.new("L", (COLUMNS * width, rows * CELL), PAPER)
    draw, rng = ImageDraw.Draw(picture), np.random.default_rng(0)
    for number, (name, text) in enumerate(texts.items()):
        column, row = divmod(number, rows)
        draw.text((column * width + 4, row * CELL + 9), name, fill=INK)
        for example in range(EXAMPLES):
            written = framed(cropped(under_a_pen(letters.write(text, rng, hand), rng)), frame)
            picture.paste(Image.fromarray(written), (column * width + NAME + example * CELL, row * CELL + 1))
    return picture


if __name__ == "__main__":
    programs.run(main)
