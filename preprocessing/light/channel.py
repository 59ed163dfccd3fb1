"""A picture in grey or colour -> one channel in which the ink is dark and the paper light."""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from preprocessing.light.darkness import paper_surface
from preprocessing.pixels.tones import TONE_QUANTILES, border

# Where light is uneven, what colour the ink has is seen on a smaller picture, whose longer side has at least this many
# pixels and fewer than twice as many: thin strokes are left.
INK_SIDE = 130
# A border whose levels differ by no more than this is a drawing pad or a scan: its paper needs no fitting.
EVEN_PAPER = 4
# The ink's colour is looked for without this share of each side: tables and borders lie there.
EDGE = 0.15
# Two tones differ by at least this share of the full range: grain and uneven light differ by less.
TWO_TONES = 0.25
# A pixel lies between two tones if it is nearer to their middle than this share of their difference.
MIDDLE_TONE = 0.2
# A third tone is darker than the darker of two by more than this share of their difference: ink on a board with glare.
THIRD_TONE = 0.5
# At most this share of the pixels lies between two plain tones: they are the blurred edges.
BETWEEN_TONES = 0.12
# The border is of one tone if this share of it is. With less it shows both, and does not tell the paper.
ONE_TONE = 0.7
# A ring around the middle is light if this share of it is: ink covers the rest where strokes cross it.
WHOLE_RING = 0.8
# Share of the pixels, the most different from the paper, whose mean colour is taken for the ink's: fewer than any
# digit covers, enough to outvote single noisy pixels.
INK_SHARE = 0.01
# Strokes differ from the paper, in one channel or another, by more than this share of the plainest ink's difference.
STROKES = 0.5
# Another ink is paler than the plainest if it differs by less than this share of what its plainest channel shows.
PALER = 0.65
# Another ink covers more than this share of all strokes.
OTHER_INK = 0.1


def one_channel(picture: Image.Image, dark_ink: bool = False) -> tuple[np.ndarray, float | None]:
    """Grey or RGB picture -> grey levels (H, W) float32 in [0, 1] in which ink is dark and paper light, and the paper's
    level if it is even (else None).

    Each colour channel counts as much as ink and paper differ in it, so that yellow on white is as plain as black on
    white; the paper is what the picture's border shows, and a picture of light ink on dark paper is inverted. If the
    ink is expected to be dark, what is a little lighter than the paper is glare.
    """
    channels = separate_channels(picture)
    borders = [border(channel) for channel in channels]
    paper = np.median(borders, axis=1).astype(np.float32)
    differences = [channel - level for channel, level in zip(channels, paper, strict=True)]
    unevenness = largest_difference([levels - level for levels, level in zip(borders, paper, strict=True)])
    even = np.median(unevenness) <= EVEN_PAPER
    seen = differences if even else [inner(levels) for levels in from_surfaces(picture)[: len(channels)]]
    ink = colour_of_ink(seen)
    sign = 1 if ink.sum() > 0 else -1  # light ink or dark ink
    light = None if even else paper_is_light(picture)
    glare = dark_ink and sign > 0 and ink.max() < TWO_TONES * 255
    if glare or (light is not None and light == (sign > 0)):  # what is as light as the paper is no ink
        sign = -sign
        ink = mean_colour(differences, sign)
    weights = np.maximum(ink * sign, 0)
    weights /= max(weights.sum(), 1e-6) * 255
    level = float(paper @ weights)
    grey = sum(difference * weight for difference, weight in zip(differences, weights.astype(np.float32), strict=True))
    if len(differences) > 1:
        plainest = functools.reduce(np.maximum, [sign * difference for difference in differences]) / np.float32(255)
        usual = float(ink @ weights / max(np.abs(ink).max(), 1e-6)) * 255 * sign
        if has_other_ink(sign * grey, plainest, usual):
            grey = sign * plainest
    grey += np.float32(level)
    if sign > 0:
        grey, level = 1 - grey, 1 - level
    np.clip(grey, 0, 1, out=grey)  # rounded sums may end a little beyond
    return grey, level if even else None


def colour_of_ink(differences: list[np.ndarray]) -> np.ndarray:
    """By how much the ink differs from the paper in each channel, (channels,): the mean of those pixels that differ
    most. differences: (H, W) from the paper, of each channel.
    """
    distance = largest_difference(differences)
    farthest = np.flatnonzero(distance >= level_of_ink(distance))
    return np.array([difference.ravel()[farthest].mean() for difference in differences])


def mean_colour(differences: list[np.ndarray], sign: int) -> np.ndarray:
    """The mean of all that is lighter than the paper, or darker, in each channel, (channels,); arguments as for
    `colour_of_ink`, and 1 for lighter or -1 for darker.
    """
    sides = [difference[np.sign(difference) == sign] for difference in differences]
    return np.array([side.mean() if side.size else 0.0 for side in sides])  # a channel may have one level alone


def has_other_ink(seen: np.ndarray, plainest: np.ndarray, usual: float) -> bool:
    """Whether a second ink is much paler than the first where channels count by the first: orange beside black.

    seen, plainest: (H, W) how much each pixel differs from the paper by these weights, and in the channel in which it
    differs most. usual: the one as a share of the other for the first ink.
    """
    strokes = plainest > STROKES * float(np.quantile(plainest, 1 - INK_SHARE))
    paler = seen[strokes] < PALER * usual * plainest[strokes]
    return bool(paler.mean() > OTHER_INK) if strokes.any() else False


def paper_is_light(picture: Image.Image) -> bool | None:
    """Whether the paper is the light or the dark one of a picture's two plain tones; None if there are no two tones, or
    it cannot be told.

    The paper is what lies along the border; or what lies along a ring farther in, if that is light and the border dark:
    printed frames are dark.
    """
    levels = np.asarray(picture.convert("L")).astype(np.float32) / 255
    low, high = np.quantile(levels, TONE_QUANTILES)
    middle = (low + high) / 2
    if np.quantile(levels, INK_SHARE) < low - THIRD_TONE * (high - low):
        return None
    if high - low < TWO_TONES or np.mean(np.abs(levels - middle) < MIDDLE_TONE * (high - low)) > BETWEEN_TONES:
        return None
    outer, ring = (float(np.mean(border(part) > middle)) for part in (levels, inner(levels)))
    if 1 - ONE_TONE < outer < ONE_TONE:
        return None
    return outer > 0.5 or ring > WHOLE_RING


def inner(levels: np.ndarray) -> np.ndarray:
    """The middle of (H, W): at the edges lies what is no ink."""
    height, width = levels.shape
    y, x = int(height * EDGE), int(width * EDGE)
    return levels[y : height - y, x : width - x]


def from_surfaces(picture: Image.Image) -> list[np.ndarray]:
    """How each channel of a reduced picture differs from the paper beside it. In uneven light a corner may differ more
    from the border than the ink does, and would be taken for it.
    """
    small = picture.reduce(max(1, max(picture.size) // INK_SIDE))
    channels = [np.asarray(channel) for channel in small.split()]
    return [channel - 255 * paper_surface(channel / np.float32(255), dark_ink=False) for channel in channels]


def separate_channels(picture: Image.Image) -> list[np.ndarray]:
    """The picture's channels, (H, W) uint8 each: NumPy is slow along an axis of three. One, if all are the same."""
    channels = [np.asarray(channel) for channel in picture.split()]
    return channels[:1] if all(np.array_equal(channels[0], other) for other in channels[1:]) else channels


def largest_difference(differences: list[np.ndarray]) -> np.ndarray:
    """The largest absolute difference of each pixel in any channel."""
    return functools.reduce(np.maximum, map(np.abs, differences))


def level_of_ink(distance: np.ndarray) -> int:
    """The largest whole number, 255 at most, that at least INK_SHARE of the distances reach."""
    distance = np.minimum(distance, 255)  # paper that is overexposed lies above the lightest level
    most = max(int(distance.size * INK_SHARE), 1)
    top = int(distance.max())
    if np.count_nonzero(distance >= top) >= most:
        return top  # ink of one colour: it takes no counting of all levels
    counts = np.bincount(distance.astype(np.uint8).ravel(), minlength=256)
    return 255 - int(np.searchsorted(counts[::-1].cumsum(), most))
