"""What an answer costs beside what Pillow alone needs to bring the same picture to 28x28.

    python tests/bench/recognize.py [--quick] [--json FILE]

The pictures are the example drawings on 400x400 RGBA canvases: as the pad sends them (ink on nothing), and on paper.
The floor flattens, finds the box of the ink, crops, resizes to 20 pixels and pastes into 28x28: no light, no colour, no
specks, no stroke widths, no centring, no network. `app.recognize` does all of that (must: four times the floor).
Both are measured in turn on every picture, so that whatever else the machine does meets both.
"""

import argparse
import json
import logging
import statistics
import sys
import time
from pathlib import Path

from PIL import Image, ImageChops

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

import app  # noqa: E402
from weights.serving.page import inputs  # noqa: E402

ROUNDS = 60
MUST = 4.0


def pictures():
    """{kind: [RGBA pictures of 400x400]}"""
    files = sorted(inputs.EXAMPLES.glob("[0-9]*.png"))
    drawings = [inputs.as_ink(Image.open(file)) for file in files]
    paper = Image.new("RGBA", inputs.CANVAS, "white")
    return {"on nothing": drawings, "on paper": [Image.alpha_composite(paper, drawing) for drawing in drawings]}


def floor(picture):
    """The least that brings an RGBA picture with dark ink to 28x28, in Pillow's C code."""
    flat = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("L")
    ink = ImageChops.invert(flat)
    digit = ink.crop(ink.getbbox())
    scale = 20 / max(digit.size)
    digit = digit.resize([max(round(side * scale), 1) for side in digit.size], Image.Resampling.BICUBIC)
    frame = Image.new("L", (28, 28))
    frame.paste(digit, ((28 - digit.width) // 2, (28 - digit.height) // 2))
    return frame


def milliseconds(function, picture):
    start = time.perf_counter()
    function(picture)
    return (time.perf_counter() - start) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="a few rounds, to see that it works")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)

    measures = {}
    print(f"{'drawings':12}{'recognize ms':>14}{'Pillow ms':>11}{'ratio':>7}   (must {MUST:g}; medians)")
    for kind, drawings in pictures().items():
        for drawing in drawings:
            app.recognize(drawing), floor(drawing)
        times = {app.recognize: [], floor: []}
        for _ in range(3 if arguments.quick else ROUNDS):
            for drawing in drawings:
                for function, taken in times.items():
                    taken.append(milliseconds(function, drawing))
        ours, theirs = (statistics.median(taken) for taken in times.values())
        print(f"{kind:12}{ours:14.2f}{theirs:11.2f}{ours / theirs:7.2f}")
        name = "recognize_" + kind.replace(" ", "_")
        measures |= {f"{name}_ms": ours, f"{name}_floor_ms": theirs, f"{name}_ratio": ours / theirs}
    if arguments.json:
        arguments.json.write_text(json.dumps(measures, indent=2) + "\n")


if __name__ == "__main__":
    main()
