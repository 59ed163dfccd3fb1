"""A part of a picture that somebody framed by hand, often with a finger, moved so that it cuts no digit.

    picture.crop(without_cuts(picture, (40, 120, 400, 210)))

Such a frame cuts through its own digits and through those of the rows beside it, and half of an 8 is a 3. So a piece of
ink that lies in the frame for the most part is meant and comes in whole, and any other is left out whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from preprocessing.look import look_at
from preprocessing.pieces.components import FAINT, pieces_of

Box = tuple[int, int, int, int]  # left, top, right, bottom

# Around the frame so much is looked at, of its height: whole digits of the rows beside it, if it is a row's.
AROUND = 1.0
# At most this many widths of the frame count as a row's height: a frame around a column is as tall as many digits.
TALLEST = 3
# A piece is meant if so much of its box lies in the frame. People aim at the middle of what they want.
MEANT = 0.5
# What is meant gets so much paper around it, of the tallest piece: more than a stroke, less than lies between rows.
MARGIN = 0.2


def without_cuts(picture: Image.Image, frame: Box) -> Box:
    """The frame (left, top, right, bottom) in the picture's pixels, with the sides that cut a piece of ink moved. What
    reaches beyond the picture is left out, but a pixel stays at least.
    """
    frame = inside(frame, picture.size)
    height = min(frame[3] - frame[1], TALLEST * (frame[2] - frame[0]))
    around = grown(frame, round(AROUND * height), picture.size)
    return fitted(frame, boxes_in(picture, around), picture.size)


def boxes_in(picture: Image.Image, place: Box) -> list[Box]:
    """The boxes of all pieces of ink in a part of a picture, in pixels of the whole picture."""
    original, seen = look_at(picture.crop(place))
    left, top, scale = seen.where.scaled(original.factor).moved(*place[:2])
    return [tuple(box) for box in (scale * pieces_of(seen.ink >= FAINT).boxes + [left, top] * 2).tolist()]


def fitted(frame: Box, pieces: Sequence[Box], size: tuple[int, int]) -> Box:
    """The frame with each side that is in the way moved between the pieces that are meant and the next of the others.

    pieces: the boxes of all ink in and around the frame. size: the picture's (width, height).
    """
    meant = [box for box in pieces if share_in(frame, box) >= MEANT]
    if not meant:
        return frame
    others = [box for box in pieces if share_in(frame, box) < MEANT]
    core = (*(min(box[i] for box in meant) for i in (0, 1)), *(max(box[i] for box in meant) for i in (2, 3)))
    margin = MARGIN * max(bottom - top for _, top, _, bottom in meant)
    left, top, right, bottom = (side_of(i, frame, core, others, margin) for i in range(4))
    return grown((left, top, right, bottom), 0, size)


def side_of(i: int, frame: Box, core: Box, others: Sequence[Box], margin: float) -> int:
    """Where the frame's side i goes. It stays where it is if there is paper on both sides of it.

    core: the box around all that is meant. margin: the paper that there should be.
    """
    opposite = (i + 2) % 4
    out = -1 if i < 2 else 1  # the way out of the frame
    beyond = [box[opposite] for box in others if out * (box[opposite] - core[i]) >= 0 and is_beside(i, box, frame)]
    nearest = min(beyond, key=lambda edge: out * edge, default=None)
    room = margin if nearest is None else min(margin, out * (nearest - core[i]) / 2)
    least = round(core[i] + out * room)
    cuts_other = nearest is not None and out * (frame[i] - nearest) > 0
    return least if cuts_other or out * (least - frame[i]) > 0 else frame[i]


def is_beside(i: int, box: Box, frame: Box) -> bool:
    """Whether a box lies along the frame's side i, and not past its ends."""
    low, high = (1, 3) if i % 2 == 0 else (0, 2)
    return box[low] < frame[high] and box[high] > frame[low]


def share_in(frame: Box, box: Box) -> float:
    """The share of the box that lies in the frame, from 0 to 1."""
    width = min(frame[2], box[2]) - max(frame[0], box[0])
    height = min(frame[3], box[3]) - max(frame[1], box[1])
    return max(width, 0) * max(height, 0) / ((box[2] - box[0]) * (box[3] - box[1]))


def grown(box: Box, by: int, size: tuple[int, int]) -> Box:
    """The box with `by` pixels more on each side, as far as the picture of this (width, height) goes."""
    left, top, right, bottom = box
    return max(left - by, 0), max(top - by, 0), min(right + by, size[0]), min(bottom + by, size[1])


def inside(box: Box, size: tuple[int, int]) -> Box:
    """The part of the box that lies in a picture of this (width, height), or its pixel nearest to the box."""
    left, top = (min(max(edge, 0), side - 1) for edge, side in zip(box[:2], size, strict=True))
    right, bottom = (min(edge, side) for edge, side in zip(box[2:], size, strict=True))
    return left, top, max(right, left + 1), max(bottom, top + 1)
