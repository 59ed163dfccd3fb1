"""A picture -> its ink: how much of each pixel is covered by pen, whatever the colours, the light and the noise."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.components import stroke_width
from preprocessing.edge import is_substantial
from preprocessing.morphology import running
from preprocessing.paper import paper_lines
from preprocessing.removal import without_paper, without_remains
from preprocessing.shadow import paper_in_shadow
from preprocessing.tones import two_classes

# Strokes must stand out from the paper by this share of the full range; JPEG noise and paper grain stay below it.
FAINTEST_INK = 0.06
# ... and by this many times the noise that is left on the paper.
INK_TO_NOISE = 6.0
# Below this many times the noise a pixel is paper; above this quantile of the strokes' darkness it is full ink (the
# antialiased edges lie below, a few darker pixels where strokes cross or a pencil pressed harder above).
PAPER_TO_NOISE = 3.0
FULL_INK_QUANTILE = 0.6
DARK_INK_QUANTILE = 0.9
DEVIATION_OF_MEDIAN = 1.4826  # standard deviation over median absolute deviation, for normal noise
# The paper's brightness is a smooth surface, fitted on a picture of about this many pixels along its longer side.
SURFACE_SIDE = 40
SURFACE_ROUNDS = 6
# Where light is uneven, what colour the ink has is seen on a picture of about this many pixels: thin strokes are left.
INK_SIDE = 130
# A border whose levels differ by no more than this is a drawing pad or a scan: its paper needs no fitting.
EVEN_PAPER = 4
# Paper is in bands if they differ by this much of the full range, and light and dark ones have this share each.
BAND_CONTRAST = 0.4
BAND_SHARE = 0.2
# A stroke is no wider than this share of the picture's longer side.
WIDEST_STROKE = 0.35
# Where more than this share of the picture is dark, the pen is thick and fills the loops of a small digit.
MUCH_INK = 0.3
# Such a blot is no wider than this share of the picture's longer side.
WIDEST_BLOT = 0.75
# Paper is wider than this many strokes. Joints of strokes are wider than a stroke, but narrower than this.
STROKES_WIDE = 3.0
# Paper is wider than this share of the picture's longer side, however thin the strokes are.
NARROWEST_WINDOW = 0.06
# On a smaller picture strokes and lines are a pixel or two wide and cannot be told apart; MNIST's own are so small.
SMALLEST_PHOTO = 40
# A border that differs by less from its own level is no photograph's.
EXACT = 0.5 / 255
# Ink covers no more of a drawing than this: more is paper, and what was taken for paper a frame around it.
FRAMED = 0.7
# Another sheet covers at least this share of the picture: ink that is paler than the rest covers less.
SHEET_SHARE = 0.15
# The ink's colour is looked for without this share of each side: tables and borders lie there.
EDGE = 0.15
# Two tones differ by at least this share of the full range: grain and uneven light differ by less.
TWO_TONES = 0.25
# At most this share of the pixels lies between two plain tones: they are the blurred edges.
BETWEEN_TONES = 0.12
# The border is of one tone if this share of it is. With less it shows both, and does not tell the paper.
ONE_TONE = 0.7
# A ring around the middle is light if this share of it is: ink covers the rest where strokes cross it.
WHOLE_RING = 0.8
# No digit has so many straight lines: they are the paper's, and what is left may be small.
MANY_LINES = 6
# What is smaller on such a sheet, as a share of its shorter side, is left of its lines: 6 mm of A4.
SMALLEST_ON_SHEET = 0.028
# Paper in a shadow has at least this share of the light that it has elsewhere.
DARKEST_PAPER = 0.45
# A pixel lies on the smooth surface of the light if it differs from it by less than this share: grain does.
ON_SLOPE = 0.1
# The light falls off along that surface if more than this share of the picture lies on it.
MOSTLY_PAPER = 0.6
# The edge of a shadow is this many pixels wide on the reduced picture.
EDGE_WIDTH = 5
# A step in the paper's level that is smaller than this share is its grain, not the edge of a shadow.
SMALL_STEP = 0.04
# Ink and paper are two classes if their means lie so many deviations of the paper apart: halves of one class do not.
PLAINLY_APART = 6.0
# Share of the pixels, the most different from the paper, whose mean colour is taken for the ink's: fewer than any
# digit covers, enough to outvote single noisy pixels.
INK_SHARE = 0.01


class Inked(NamedTuple):
    """The ink of a picture, and what was left out of it.

    ink: (H, W) float32 coverage in [0, 1].
    removed: (H, W) float32 coverage in [0, 1] of the printed lines that were left out; None where there were none.
    lines: how many of them there were.
    blank_edge: whether nothing but even paper lies at the picture's edge.
    """

    ink: np.ndarray
    removed: np.ndarray | None = None
    lines: int = 0
    blank_edge: bool = False


def inked(picture: Image.Image, within: np.ndarray | None = None, boxes: bool = False) -> Inked:
    """Grey or RGB picture -> its ink, all zeros when nothing stands out from the paper, and the printed lines that were
    left out. If it is known `within` which pixels the ink lies, (H, W) bool, lines are not looked for. On even paper
    without a line at its edge they are looked for if there may be `boxes`.
    """
    if (on_bands := ink_on_bands(picture)) is not None:
        return Inked(on_bands)
    grey, even_paper = one_channel(picture)
    small = max(grey.shape) < SMALLEST_PHOTO
    if even_paper is None and not small:
        return without_papers_lines(*local_darkness(grey), within)
    paper_level = paper_surface(grey) if even_paper is None else np.float32(even_paper)
    # dark ink takes a share of the paper's light: dividing by the paper undoes shadows
    darkness = (paper_level - grey) / np.maximum(paper_level, np.float32(1 / 255))
    if small:
        noise = DEVIATION_OF_MEDIAN * float(np.median(np.abs(darkness)))
        return Inked(coverage(darkness, noise), blank_edge=True)
    covered = np.count_nonzero(darkness > FAINTEST_INK) / darkness.size
    if covered > SHEET_SHARE and is_pasted(darkness):
        return without_papers_lines(*local_darkness(grey, blots=False), within)
    edge = np.abs(border(darkness))
    if edge.max() <= FAINTEST_INK and 2 * np.count_nonzero(edge < EXACT) > edge.size:
        # a drawing pad, or a scan on which no rule runs to the edge; or a frame, and nothing in it
        if covered > FRAMED:
            return Inked(np.zeros_like(darkness), blank_edge=True)
        found = without_papers_lines(darkness, 0.0, within) if boxes else Inked(coverage(darkness))
        return found._replace(blank_edge=True)
    if (shaded := paper_in_shadow(blurred(grey))) is not None:
        return without_papers_lines(*darkness_against(shaded, grey), within)
    noise = paper_noise(darkness)[1] if 2 * np.count_nonzero(darkness) > darkness.size else 0.0
    return without_papers_lines(darkness, noise, within)


def is_pasted(darkness: np.ndarray) -> bool:
    """Whether a large part is darker than the even paper at the border, and much lighter than ink: another sheet."""
    darkest = float(darkness.max())
    return np.count_nonzero((darkness > FAINTEST_INK) & (darkness < darkest / 2)) > SHEET_SHARE * darkness.size


def without_papers_lines(darkness: np.ndarray, noise: float, within: np.ndarray | None = None) -> Inked:
    """The ink of a picture's darkness (H, W), without printed lines; `within` as for `inked`."""
    if within is not None:
        return Inked(coverage(np.where(within, darkness, 0), noise))
    faintest = max(FAINTEST_INK, INK_TO_NOISE / 2 * noise)
    lines = paper_lines(darkness, faintest)
    if not any(lines):
        return Inked(coverage(darkness, noise))
    cleared, zone = without_paper(darkness, lines, faintest)
    ink = without_remains(coverage(cleared, noise), zone)
    if not is_substantial(ink):
        if len(lines[0]) + len(lines[1]) < MANY_LINES:
            return Inked(coverage(darkness, noise))  # the lines were the digit
        if not is_substantial(ink, SMALLEST_ON_SHEET, 1):
            ink = np.zeros_like(ink)  # nobody has written on the sheet yet
    removed = np.where(zone & (darkness > faintest), 1 - ink, 0).astype(np.float32)
    return Inked(ink, removed, len(lines[0]) + len(lines[1]))


def local_darkness(grey: np.ndarray, blots: bool = True) -> tuple[np.ndarray, float]:
    """How much darker than the paper beside it each pixel is, and the noise that is left on the paper; `blots` says
    whether what is dark and wide may be ink.

    The paper is what is wider than a stroke: a morphological closing, with a window of some stroke widths. It follows
    light that falls off, the soft and the hard edges of shadows, and another sheet.
    """
    # at the edge of the picture a closing would take the dark end of a slope for a stroke
    slope = paper_surface(grey)
    if np.mean(np.abs(grey - slope) < ON_SLOPE * slope) > MOSTLY_PAPER:
        grey = grey / np.maximum(slope, DARKEST_PAPER * float(np.median(slope)))
    soft = blurred(grey)
    if (shaded := paper_in_shadow(soft)) is not None:
        return darkness_against(shaded, grey)
    side = max(grey.shape)
    low, high = np.quantile(soft, [0.1, 0.9])
    filled = blots and np.mean(soft < (low + high) / 2) > MUCH_INK
    window = max(round((WIDEST_BLOT if filled else WIDEST_STROKE) * side), 3)
    darkness, noise = darkness_against(closed(soft, window), grey)
    strokes = darkness[darkness > max(FAINTEST_INK, INK_TO_NOISE * noise)]
    if strokes.size:
        dark = darkness / max(float(np.quantile(strokes, DARK_INK_QUANTILE)), 1e-6)
        width = stroke_width(np.clip((dark - 0.25) * 2, 0, 1))
        narrower = max(round(STROKES_WIDE * width), round(NARROWEST_WINDOW * side), 3)
        if narrower < window:
            darkness, noise = darkness_against(closed(soft, narrower), grey)
    return darkness, noise


def darkness_against(paper_level: np.ndarray, grey: np.ndarray) -> tuple[np.ndarray, float]:
    """How much darker than this level of the paper each pixel of (H, W) is, as a share of it, and the paper's noise."""
    # what is much darker than the paper elsewhere is a table or a deep shadow: its grain is not to be taken for ink
    darkness = (paper_level - grey) / np.maximum(
        paper_level, np.float32(DARKEST_PAPER * np.median(paper_level) + 1 / 255)
    )
    offset, noise = paper_noise(darkness)
    darkness -= np.float32(offset)
    # along the edge of a shadow, a sheet or a tinted field the paper may be as dark as on the darker side
    step = paper_level - local_minimum(paper_level)
    unsure = np.maximum(step / np.maximum(paper_level, np.float32(1 / 255)) - SMALL_STEP, 0)
    return np.where(darkness > 0, np.maximum(darkness - unsure, 0), darkness), noise


def local_minimum(levels: np.ndarray) -> np.ndarray:
    """The smallest of the EDGE_WIDTH x EDGE_WIDTH pixels around each."""
    return running(np.minimum, running(np.minimum, levels, EDGE_WIDTH).T, EDGE_WIDTH).T


def closed(grey: np.ndarray, window: int) -> np.ndarray:
    """Morphological closing: dark things narrower than the window vanish."""
    largest_there = running(np.maximum, running(np.maximum, grey, window).T, window)
    back = running(np.minimum, largest_there[::-1], window)[::-1].T
    return running(np.minimum, back[::-1], window)[::-1]


def blurred(grey: np.ndarray) -> np.ndarray:
    """The mean of 3x3 pixels around each."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9


def paper_noise(darkness: np.ndarray) -> tuple[float, float]:
    """The median darkness of the paper and the standard deviation of its noise.

    Where ink and paper are plainly two classes, only the paper's pixels count: the median over all would be
    ink's where ink covers half of the picture.
    """
    values = darkness.ravel()
    counts, edges_ = np.histogram(values, 128, (-0.3, 1))
    middles = (edges_[:-1] + edges_[1:]) / 2
    if counts.any():
        last = two_classes(counts, middles)
        low = values[values <= edges_[last + 1]]
        high_mean = (counts * middles)[last + 1 :].sum() / max(counts[last + 1 :].sum(), 1)
        spread = float(np.median(np.abs(low - np.median(low)))) * DEVIATION_OF_MEDIAN if low.size else 0
        if low.size and high_mean - float(np.median(low)) > PLAINLY_APART * max(spread, 0.005):
            values = low
    offset = float(np.median(values))
    return offset, DEVIATION_OF_MEDIAN * float(np.median(np.abs(values - offset)))


def ink_on_bands(picture: Image.Image) -> np.ndarray | None:
    """The ink coverage (H, W) of a picture whose paper lies in light and dark bands from edge to edge, as at a hard
    shadow or where two sheets meet; None for any other paper.

    Each column's paper is what is seen at its top and its bottom, or each row's what is seen left and right. Ink may be
    darker than the one band and lighter than the other.
    """
    grey = np.asarray(picture if picture.mode == "L" else picture.convert("L"))
    if np.ptp(border(grey)) < BAND_CONTRAST * 255:
        return None
    grey = grey.astype(np.float32) / 255
    for first, last in ((grey[:1], grey[-1:]), (grey[:, :1], grey[:, -1:])):
        paper = (first + last) / 2
        agreeing = np.mean(np.abs(first - last) < BAND_CONTRAST / 10)
        light = np.mean(paper > (paper.min() + paper.max()) / 2)
        if agreeing >= 0.9 and np.ptp(paper) >= BAND_CONTRAST and min(light, 1 - light) >= BAND_SHARE:
            ink = coverage(np.abs(grey - paper))
            return ink if ink.any() else None  # without ink the band was a stroke from edge to edge
    return None


def one_channel(picture: Image.Image) -> tuple[np.ndarray, float | None]:
    """Grey or RGB picture -> grey levels (H, W) float32 in [0, 1] in which ink is dark and paper light, and the paper's
    level if it is even (else None).

    Each colour channel counts as much as ink and paper differ in it, so that yellow on white is as plain as black on
    white; the paper is what the picture's border shows, and a picture of light ink on dark paper is inverted.
    """
    channels = separate_channels(picture)
    borders = [border(channel) for channel in channels]
    paper = np.median(borders, axis=1).astype(np.float32)
    differences = [channel - level for channel, level in zip(channels, paper, strict=True)]
    unevenness = largest_difference([levels - level for levels, level in zip(borders, paper, strict=True)])
    even = np.median(unevenness) <= EVEN_PAPER
    told = differences if even else [inner(levels) for levels in from_surfaces(picture)[: len(channels)]]
    distance = largest_difference(told)
    farthest = np.flatnonzero(distance >= level_of_most(distance, INK_SHARE))
    ink = np.array([difference.ravel()[farthest].mean() for difference in told])
    sign = 1 if ink.sum() > 0 else -1  # light ink or dark ink
    light = None if even else paper_is_light(picture)
    if light is not None and light == (sign > 0):  # what is as light as the paper is no ink
        sign = -sign
        sides = [difference[np.sign(difference) == sign] for difference in differences]
        ink = np.array([side.mean() if side.size else 0.0 for side in sides])  # a channel may have one level alone
    weights = np.maximum(ink * sign, 0)
    weights /= max(weights.sum(), 1e-6) * 255
    level = float(paper @ weights)
    grey = sum(difference * weight for difference, weight in zip(differences, weights.astype(np.float32), strict=True))
    grey += np.float32(level)
    if sign > 0:
        grey, level = 1 - grey, 1 - level
    return grey, level if even else None


def inner(levels: np.ndarray) -> np.ndarray:
    """The middle of (H, W): at the edges lies what is no ink."""
    height, width = levels.shape
    y, x = int(height * EDGE), int(width * EDGE)
    return levels[y : height - y, x : width - x]


def paper_is_light(picture: Image.Image) -> bool | None:
    """Whether the paper is the light or the dark one of a picture's two plain tones; None if there are no two tones, or
    it cannot be told.

    The paper is what lies along the border; or what lies along a ring farther in, if that is light and the border dark:
    printed frames are dark.
    """
    levels = np.asarray(picture.convert("L")).astype(np.float32) / 255
    low, high = np.quantile(levels, [0.1, 0.9])
    if high - low < TWO_TONES or np.mean(np.abs(levels - (low + high) / 2) < (high - low) / 5) > BETWEEN_TONES:
        return None
    outer, ring = (float(np.mean(border(part) > (low + high) / 2)) for part in (levels, inner(levels)))
    if 1 - ONE_TONE < outer < ONE_TONE:
        return None
    return outer > 0.5 or ring > WHOLE_RING


def border(pixels: np.ndarray) -> np.ndarray:
    """The outermost pixels of (H, W) or (H, W, channels), (2 W + 2 H) or (2 W + 2 H, channels)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


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


def level_of_most(distance: np.ndarray, share: float) -> int:
    """The whole number that at least this share of the distances (0 to 255) reach, and of such the largest."""
    most = max(int(distance.size * share), 1)
    top = int(distance.max())
    if np.count_nonzero(distance >= top) >= most:
        return top  # ink of one colour: it takes no counting of all levels
    counts = np.bincount(distance.astype(np.uint8).ravel(), minlength=256)
    return 255 - int(np.searchsorted(counts[::-1].cumsum(), most))


def paper_surface(grey: np.ndarray, dark_ink: bool = True) -> np.ndarray:
    """The brightness that the paper alone would have, (H, W): a quadratic surface through the pixels that are paper.

    Least squares with weights that fade for pixels below the surface (iteratively reweighted, Tukey's biweight), on a
    reduced picture. Ink is left out by the weights, light that falls off or comes from the side is followed. Where ink
    is known to be dark, dark pixels are left out from the start.
    """
    small = Image.fromarray(grey).reduce(max(1, max(grey.shape) // SURFACE_SIDE))
    levels = np.asarray(small).ravel()
    basis = surface_basis(*small.size[::-1])
    weights = (levels > np.median(levels) - (0.1 if dark_ink else 1)).astype(np.float32)
    for _ in range(SURFACE_ROUNDS):
        weighted = basis * weights[:, None]
        coefficients = np.linalg.lstsq(weighted.T @ basis, weighted.T @ levels, rcond=None)[0]
        residual = levels - basis @ coefficients
        width = max(4.5 * float(np.median(np.abs(residual[weights > 0.1]))), 0.03)
        weights = np.maximum(1 - (residual / width) ** 2, 0) ** 2
        if weights.sum() < 0.05 * len(levels):
            return np.full(grey.shape, np.median(levels), np.float32)
    return (surface_basis(*grey.shape) @ coefficients).reshape(grey.shape).astype(np.float32)


def surface_basis(height: int, width: int) -> np.ndarray:
    """(height * width, 6): 1, x, y, x^2, x y, y^2 at each pixel's centre, x and y from -1 to 1."""
    y = np.repeat((np.arange(height, dtype=np.float32) + 0.5) * 2 / height - 1, width)
    x = np.tile((np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1, height)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


def coverage(darkness: np.ndarray, noise: float | None = None) -> np.ndarray:
    """How much darker than paper (0 paper, 1 black) -> ink coverage in [0, 1]: full strokes 1, paper exactly 0."""
    if noise is None:
        noise = 0.0  # a drawing pad has none, which is told faster than measured
        if 2 * np.count_nonzero(darkness) > darkness.size:
            noise = paper_noise(darkness)[1]
    faintest = max(FAINTEST_INK, INK_TO_NOISE * noise)
    strokes = darkness[darkness > faintest]
    if not strokes.size:
        return np.zeros_like(darkness)
    full, dark = map(float, np.quantile(strokes, [FULL_INK_QUANTILE, DARK_INK_QUANTILE]))
    if full < dark / 2:  # most of what was found is much fainter than the rest: stains or rules, no strokes
        full = float(np.quantile(strokes[strokes > dark / 2], FULL_INK_QUANTILE))
    empty = min(PAPER_TO_NOISE * noise, full / 2)
    return np.clip((darkness - empty) / (full - empty), 0, 1)
