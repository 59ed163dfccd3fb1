"""The command line: reads the digits in pictures, without a server and without gradio, whose import takes seconds.

python app.py predict 7.png scans/            # a table
python app.py predict --json scans/ > digits.json
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image
from tqdm import tqdm

import weights
from nn import flags
from nn.mlp import MLP
from nn.selftest import check_shape
from preprocessing.picture import open_picture, silence_decoders
from preprocessing.segment import split
from weights.serving.recognize import Reading, joint_confidence, readings_of, text_of
from weights.serving.schemas import Digits, Prediction

# Pictures in one forward pass: enough for matrix products at full speed, few enough for new rows every half second.
BATCH = 256
# Files that are said to be pictures by their names. Any other file of a folder is read if it is one, or else skipped.
SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".heif",
}  # fmt: skip

HELP = """Draw a digit, and a neural network written from scratch in NumPy names it.

  python app.py                        serves the page and its API, by default on http://127.0.0.1:7860
  python app.py predict PICTURE...     reads the digits in pictures; folders are searched for them

Variables: GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where the page is served; WEIGHTS_REPO and WEIGHTS_REVISION
which weights of the Hugging Face Hub answer instead of the bundled ones. `python -m weights --help` publishes weights,
`python -m nn.train --help` trains them.
"""


def main(arguments: list[str]) -> int:
    """Runs the command. Returns 0, or 1 when a picture could not be read; argparse exits with 2 for a wrong command."""
    parser = make_parser()
    given = parser.parse_args(arguments)
    silence_decoders()
    if given.revision and is_local(given.weights):
        parser.error(f"--revision {given.revision}: of which repository? name it with --weights OWNER/NAME")
    try:
        model = network(given.weights, given.revision or flags.variable("WEIGHTS_REVISION"))
        return 0 if predict(given.pictures, model, given.json) else 1
    except weights.WeightsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python app.py", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    text = "Read the digits in pictures: dark ink on light or light on dark, of any size, in any place, one or several."
    sub = commands.add_parser("predict", help="read the digits in pictures", description=text)
    sub.add_argument("pictures", nargs="+", type=flags.path, metavar="PICTURE", help="a file, or a folder of pictures")
    sub.add_argument("--json", action="store_true", help="a JSON list with probabilities and places instead of a table")
    sub.add_argument(
        "--weights",
        type=flags.name,
        metavar="FOLDER | OWNER/NAME",
        default=flags.variable("WEIGHTS_REPO"),
        help="default: WEIGHTS_REPO, or the bundled ones",
    )
    sub.add_argument(
        "--revision", type=flags.name, help="branch, tag or commit on the Hub (default: WEIGHTS_REVISION, or main)"
    )
    return parser


def is_local(source: str | None) -> bool:
    """Whether the weights are on this disk: the bundled ones, or those in a folder."""
    return source is None or os.path.isdir(source)


def network(source: str | None, revision: str | None) -> MLP:
    """The bundled network, the one in a folder, or one of the Hub. Raises WeightsError."""
    if is_local(source):
        model = weights.load(source)
        check_shape(model, source or weights.BUNDLED)
        return model
    from weights.hub.problems import HubError  # and with it the Hub's client, which other weights do not need

    try:
        return weights.from_pretrained(source, revision)
    except HubError as error:
        raise weights.WeightsError(f"{error}; and there is no folder {source}") from error


def predict(pictures: list[Path], model: MLP, as_json: bool) -> bool:
    """Prints the answer to each picture as soon as its batch is read. Returns True when all could be read.

    Each of the others has a line on stderr, which says why, and so has each file of a folder that is no picture.
    """
    paths = list(files(pictures))
    width = max((len(str(path)) for path in paths), default=0)
    good = bad = 0
    with tqdm(total=len(paths), unit=" pictures", disable=None, leave=False) as bar:  # on a terminal alone
        for path, outcome in outcomes(paths, model):
            if isinstance(outcome, str):
                tqdm.write(f"error: {path}: {outcome}", file=sys.stderr)
                bad += 1
            else:
                if as_json:  # a list that grows, one object to a line
                    tqdm.write(f"{',' if good else '['}\n{json.dumps(json_row(path, outcome))}", end="")
                else:
                    tqdm.write(table_row(path, outcome, width))
                good += 1
            bar.update()
    if as_json:
        print("\n]" if good else "[]")
    if bad:
        print(f"{bad} of {len(paths)} could not be read", file=sys.stderr)
    return not bad


def files(given: Iterable[Path]) -> Iterator[Path]:
    """The named files, and the pictures in named folders, however deep, in the order of their names.

    The other files of these folders are named on stderr.
    """
    for path in given:
        if not os.path.isdir(path):  # unlike Path.is_dir it takes any name
            yield path
            continue
        found = [file for file in sorted(path.rglob("*")) if os.path.isfile(file) and taken(file)]
        yield from found or [path]  # a folder without pictures fails as a file would


def taken(file: Path) -> bool:
    """Whether a file of a folder is a picture, by its name or its content; if not, it is named on stderr."""
    if file.suffix.lower() in SUFFIXES:
        return True
    try:
        picture_in(file).close()
    except ValueError as error:
        print(f"skipped: {file}: {error}", file=sys.stderr)
        return False
    return True


def picture_in(file: Path) -> Image.Image:
    """The picture in a file, not decoded yet. Raises ValueError with a reason that does not name the file."""
    try:
        return open_picture(file)
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


def outcomes(paths: list[Path], model: MLP) -> Iterator[tuple[Path, list[Reading] | str]]:
    """What stands in each picture in their order, or why it cannot be read.

    The digits of BATCH pictures go through one forward pass. Parting digits from each other may take further ones.
    """
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        found = {}
        for path in batch:
            try:
                parts = split(picture_in(path), model.predict_proba)
                found[path] = [dataclasses.replace(part, ink=None, removed=None) for part in parts]  # they are large
            except ValueError as error:
                found[path] = "no pictures in this folder" if os.path.isdir(path) else str(error)
        parts = [part for each in found.values() if isinstance(each, list) for part in each]
        readings = iter(readings_of(parts, model, None))
        for path, each in found.items():
            if isinstance(each, list):
                found[path] = list(itertools.islice(readings, len(each)))
        yield from ((path, found[path]) for path in batch)


def json_row(path: Path, readings: list[Reading]) -> dict:
    """What POST /read answers; for a picture of at most one digit also what POST /predict/image answers."""
    row = {"picture": str(path)}
    if len(readings) <= 1:
        row |= Prediction.of(readings[0].answer if readings else {}).model_dump()
    return row | Digits.of(readings).model_dump()


def table_row(path: Path, readings: list[Reading], width: int) -> str:
    """A picture's name, the digits in it, and how likely it is that all of them are right."""
    text, note = text_of(readings).replace("\n", " / "), ""
    if not any(map(str.isdecimal, text)):
        text, note = "-", "  not a digit" if readings else "  no ink"
    return f"{path!s:{width}}  {text}  {joint_confidence(readings):6.1%}{note}"
