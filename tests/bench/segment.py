"""How well digits are told apart: on sketches by real people, several in a picture and one by one.

    SKETCHES_DIR=DIR python tests/bench/segment.py [--quick] [--json FILE]

Pictures of two to four sketches side by side, in every condition of sketches.py:
    pad        a number on one pad of 400x400 pixels, written with one pen that is as thick for these digits as those of
               sketches.py are for theirs; digits of similar size, gaps at random
    strip      pads of one digit each, as sketches.py draws them, put together: digits of any size with any pen
    page's pen as pad, with the pen of the page, however many digits there are
    touching   as pad, but neighbours overlap a little: 60 % are to be read, and nobody may be sure of a wrong answer
and all sketches alone, where what is split is split wrongly.
"""

import argparse
import importlib.util
import json
import logging
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

import app  # noqa: E402
from weights.serving.page.inputs import BRUSH_RADIUS  # noqa: E402
from weights.serving.recognize import joint_confidence  # noqa: E402

PAD = 400
PICTURES, QUICK_PICTURES = 200, 10
SINGLES, QUICK_SINGLES = None, 40  # of 1,915
# A number on a pad: what a pen leaves free at the pad's edges and the digits' sizes, as shares of their places' width.
MARGIN = 10
SIZES = 0.7, 1.0
SMALLEST_GAP = 4  # pixels of paper between the boxes of neighbours; what the sizes leave comes on top
OVERLAP = 0.15  # of the smaller neighbour, where they touch
SURE = 0.9
PLAIN = str.maketrans(" ", "_", "'")
# Conditions that fix the pen or the size do so for single digits; a number takes those that change light and colours.
NUMBER_CONDITIONS = ("standard", "white-on-black", "colour", "photo", "transparent")


def load_sketches():
    if "SKETCHES_DIR" not in os.environ:
        sys.exit("error: SKETCHES_DIR must name the folder of sketches.py and its sketches")
    spec = importlib.util.spec_from_file_location("sketches", Path(os.environ["SKETCHES_DIR"]) / "sketches.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def number_on_pad(sketches, digits, rng, condition="standard", touching=False, brush=None):
    """The digits from left to right on one pad, drawn with one pen."""
    place = (PAD - 2 * MARGIN) / len(digits)
    own_brush = rng.uniform(12, 32) / rng.uniform(0.3 * PAD, 0.9 * PAD) * np.mean(SIZES) * place
    brush = brush or own_brush
    strokes, right, last_width = [], None, None
    for digit in digits:
        points = np.concatenate(digit.strokes).astype(float)
        low, extent = points.min(axis=0), np.ptp(points, axis=0)
        side = rng.uniform(*SIZES) * (place - SMALLEST_GAP)
        scale = (side - brush) / max(extent.max(), 1e-9)
        width, height = extent * scale + brush
        if right is None:
            left = 0
        elif touching:
            left = right - OVERLAP * min(width, last_width)
        else:
            left = right + SMALLEST_GAP + rng.uniform(0, place - width - SMALLEST_GAP)
        top = rng.uniform(-0.1, 0.1) * place - height / 2
        corner = np.array([left, top]) + brush / 2
        strokes += [(stroke - low) * scale + corner for stroke in digit.strokes]
        right, last_width = left + width, width
    everything = np.concatenate(strokes)
    size = (np.ptp(everything, axis=0).max() + brush) / PAD  # as it is: draw() only chooses the place
    number = digits[0]._replace(strokes=strokes, id=int(rng.integers(1 << 30)))
    return sketches.draw(number, condition, PAD, brush=brush, size=min(size, 1))


def strip_of_pads(sketches, digits, condition="standard"):
    """Each digit on a pad of its own, the pads side by side."""
    pads = [sketches.draw(digit, condition) for digit in digits]
    strip = Image.new(pads[0].mode, (PAD * len(pads), PAD))
    for i, pad in enumerate(pads):
        strip.paste(pad, (PAD * i, 0))
    return strip


def numbers(core, pictures, seed):
    """The same two to four digits for each way of drawing, and a generator for what is drawn at random."""
    rng = np.random.default_rng(seed)
    for _ in range(pictures):
        yield (
            [core[i] for i in rng.integers(len(core), size=rng.integers(2, 5))],
            np.random.default_rng(rng.integers(1 << 30)),
        )


def score(pictures):
    """(picture, digits) pairs -> shares: read whole, count right, and surely wrong."""
    whole = count = surely_wrong = total = 0
    for picture, digits in pictures:
        readings = app.read(picture)
        right = [reading.best for reading in readings] == [str(digit.label) for digit in digits]
        total += 1
        whole += right
        count += len(readings) == len(digits)
        is_number = all(reading.best.isdecimal() for reading in readings)
        surely_wrong += not right and is_number and joint_confidence(readings) > SURE
    return {"whole": whole / total, "count": count / total, "surely_wrong": surely_wrong / total}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="a few pictures, to see that it works")
    parser.add_argument("--no-singles", action="store_true", help="only the pictures of several digits")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    sketches = load_sketches()
    core = sketches.load(core=True)
    pictures = QUICK_PICTURES if arguments.quick else PICTURES
    singles = [] if arguments.no_singles else sketches.subset(core, QUICK_SINGLES if arguments.quick else SINGLES)
    results = {}

    print(f"{pictures} pictures of two to four digits, in percent   (must: whole 95, count 98)")
    print(f"{'':28}{'whole':>8}{'count':>8}{'surely wrong':>14}")
    ways = {
        "pad": lambda digits, rng, condition: number_on_pad(sketches, digits, rng, condition),
        "strip": lambda digits, rng, condition: strip_of_pads(sketches, digits, condition),
        "page's pen": lambda digits, rng, condition: number_on_pad(
            sketches, digits, rng, condition, brush=2 * BRUSH_RADIUS
        ),
        "touching": lambda digits, rng, condition: number_on_pad(sketches, digits, rng, condition, touching=True),
    }
    for way, draw in ways.items():
        for condition in NUMBER_CONDITIONS if way == "pad" else NUMBER_CONDITIONS[:1]:
            found = score((draw(digits, rng, condition), digits) for digits, rng in numbers(core, pictures, seed=0))
            print(
                f"{way:12}{condition:16}"
                + "".join(f"{100 * share:{w}.1f}" for share, w in zip(found.values(), (8, 8, 14), strict=True))
            )
            results |= {f"segment_{way.translate(PLAIN)}_{condition}_{name}": share for name, share in found.items()}

    print(f"\n{len(singles)} digits alone, split wrongly   (goal: 0.3%)")
    for condition in sketches.CONDITIONS if singles else ():
        split = sum(len(app.read(sketches.draw(digit, condition))) > 1 for digit in singles)
        print(f"{condition:16}{split:6d}{100 * split / len(singles):8.2f}%")
        results[f"segment_single_{condition}_split"] = split / len(singles)

    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
