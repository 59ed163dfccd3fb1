"""How many digits of every typeface in some folders the app reads.

    python tests/bench/typefaces.py /usr/share/fonts ...

Each face prints 0 to 9 in two sizes, dark on light. Files with the same digits count once. A file that has other signs
in the places of the digits (dingbats, symbols of TeX) counts like any other, so look at the faces with most errors.
They are listed first.
"""

import argparse
import logging
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

import app  # noqa: E402

SIZES = 28, 64  # pixels of an em: small print on a photograph, and large
DIGITS = "0123456789"
NO_CHARACTER = "\uffff"  # is drawn as a character that the font lacks


def glyphs(file):
    """What a typeface draws for each digit; nothing if it lacks one."""
    try:
        font = ImageFont.truetype(file, SIZES[-1])
        masks = [bytes(font.getmask(character)) for character in DIGITS + NO_CHARACTER]
    except OSError:  # not a scalable font, or a broken one
        return ()
    return tuple(masks[:-1]) if len(set(masks)) == len(masks) and all(map(any, masks[:-1])) else ()


def printed(file, size, digit):
    page = Image.new("L", (3 * size, 3 * size), 255)
    ImageDraw.Draw(page).text(
        (1.5 * size, 1.5 * size), digit, fill=20, font=ImageFont.truetype(file, size), anchor="mm"
    )
    return page


def misread(file):
    """What is read for each misread digit, "?" for no digit: ["4>1", ...]"""
    answers = [(digit, app.recognize(printed(file, size, digit))) for size in SIZES for digit in DIGITS]
    named = [(digit, max(answer, key=answer.get, default="?")) for digit, answer in answers]
    return [f"{digit}>{name if name in DIGITS else '?'}" for digit, name in named if name != digit]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    logging.disable()
    files = sorted(file for folder in arguments.folders for end in ("ttf", "otf") for file in folder.rglob(f"*.{end}"))
    faces = {drawn: file for file in reversed(files) if (drawn := glyphs(file))}
    errors = {file: misread(file) for file in sorted(faces.values())}
    wrong = sorted((file for file in errors if errors[file]), key=lambda file: -len(errors[file]))
    for file in wrong:
        print(f"{file.name:<40} {len(errors[file]):>2}  {' '.join(errors[file])}")
    count = len(faces) * len(SIZES) * len(DIGITS)
    print(f"{len(faces)} faces, {count:,} digits, {sum(map(len, errors.values()))} misread")


if __name__ == "__main__":
    sys.exit(main())
