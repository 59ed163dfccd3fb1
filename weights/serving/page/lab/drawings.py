"""A visitor's own set of drawings, saved and loaded as a zip of LABEL/*.png, which `nn.train --data` reads unpacked.

    save_set(values)     # labels and drawings -> the zip
    load_set(values)     # a zip -> labels and drawings

The page keeps the set; the server keeps nothing of it. A grey picture of 28x28 is taken as the network sees it, any
other goes through the preprocessing that every picture goes through.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from nn.mlp import SIDE
from nn.pictures import folders
from nn.pictures.splits import DataError
from preprocessing import to_mnist
from preprocessing.picture import open_picture
from weights.serving.limits.pictures import Busy, room_for
from weights.serving.page.lab import archives
from weights.serving.page.lab.asking import Question, Refusal, answering, packed
from weights.serving.page.lab.kept import working
from weights.serving.page.lab.settings import MOST_DRAWINGS, Drawn

# Pixels of all pictures of a set together: a hundred of a quarter of a million, each larger than the pad's.
MOST_SET_PIXELS = 25_000_000
TOO_MANY = f"A set has at most {MOST_DRAWINGS} drawings, and {MOST_SET_PIXELS // 10**6} million pixels in all."


class Archive(Question):
    files: archives.Files


@answering(Drawn)
def save_set(question: Drawn) -> dict:
    """The base64 of a zip of LABEL/NUMBER.png."""
    images, content = question.images().reshape(-1, SIDE, SIDE), {}
    for i, (label, pixels) in enumerate(zip(question.labels, images, strict=True), start=1):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        content[f"{label}/{i:03}.png"] = file.getvalue()
    return {"zip": archives.zipped(content)}


@answering(Archive)
def load_set(question: Archive) -> dict:
    """The labels and drawings in a zip."""
    with working():
        found, left_out, pixels = [], 0, 0
        for name, content in sorted(archives.unpacked(question.files).items()):
            labels = folders.part_and_labels(PurePosixPath(name))[1]
            picture = folders.open_or_none(io.BytesIO(content), open_picture) if len(labels) == 1 else None
            if picture is None:
                left_out += 1
                continue
            pixels += picture.width * picture.height
            if len(found) == MOST_DRAWINGS or pixels > MOST_SET_PIXELS:
                raise Refusal(TOO_MANY)
            try:
                with picture, room_for(picture):
                    found.append((int(labels[0]), folders.to_pixels(picture, PurePosixPath(name).name[:80], to_mnist)))
            except (DataError, Busy) as error:
                raise Refusal(str(error)[:300]) from error
    if not found:
        raise Refusal("There are no drawings in it: pictures in folders named 0 to 9, such as 7/1.png, are expected.")
    return {
        "labels": [label for label, _ in found],
        "drawings": packed(np.stack([image for _, image in found])),
        "left_out": left_out,
    }
