"""A picture -> its ink: how much of each pixel is covered by pen, whatever the colours, the light and the noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from preprocessing.background.surround import SMALLEST_PHOTO
from preprocessing.light.channel import one_channel
from preprocessing.light.darkness import (
    BLACKEST_PAPER,
    DIMMEST_EVEN_PAPER,
    FAINTEST_INK,
    coverage,
    darkness_against,
    local_darkness,
    paper_noise,
    paper_surface,
)
from preprocessing.light.shadow import paper_in_shadow
from preprocessing.lines.captions import inside_of, without_captions
from preprocessing.lines.line import Darkness, Edges, along
from preprocessing.lines.paper import REACHES, paper_lines
from preprocessing.lines.removal import without_paper, without_remains
from preprocessing.pieces.edge import is_substantial
from preprocessing.pieces.frames import is_framed
from preprocessing.pixels.morphology import blurred
from preprocessing.pixels.tones import border

# Printed lines are darker than the paper by at least this many times the noise: means over many pixels tell them.
LINE_TO_NOISE = 3.0
# Paper is in bands if they differ by this much of the full range.
BAND_CONTRAST = 0.4
# The light and the dark bands have at least this share of the picture's width or height each.
BAND_SHARE = 0.2
# A band has one level at both ends if these differ by less than this share of the full range.
SAME_BAND = 0.04
# At least this share of the rows or columns has one level at both ends: a stroke may touch the edge in the others.
BANDED = 0.9
# A border that differs by less from its own level is no photograph's.
EXACT = 0.5 / 255
# Another sheet covers at least this share of the picture: ink that is paler than the rest covers less.
SHEET_SHARE = 0.15
# Another sheet is lighter than this share of the darkest pixel, which is ink.
SHEET_DARKNESS = 0.5
# No digit has so many straight lines: they are the paper's, and what is left may be small.
MANY_LINES = 6
# What is smaller on such a sheet, as a share of its shorter side, is left of its lines: 6 mm of A4.
SMALLEST_ON_SHEET = 0.028


class Inked(NamedTuple):
    """The ink of a picture, and what was left out of it.

    ink: (H, W) float32 coverage in [0, 1].
    removed: (H, W) float32 coverage in [0, 1] of the printed lines that were left out; None where there were none.
    lines: how many of them there were.
    blank_edge: whether nothing but even paper lies at the picture's edge.
    in_boxes: (H, W) bool, the pixels in the boxes of a form, see `in_boxes_of`; None where there is none.
    """

    ink: np.ndarray
    removed: np.ndarray | None = None
    lines: int = 0
    blank_edge: bool = False
    in_boxes: np.ndarray | None = None


def inked(picture: Image.Image, within: np.ndarray | None = None, boxes: bool = False, dark_ink: bool = False) -> Inked:
    """A picture's ink without printed lines, all zeros when nothing stands out from the paper.

    Args:
        picture: in L or RGB.
        within: (H, W) bool, the pixels whose ink is asked for. Where it is given, lines are not looked for. Ink outside
            is left in on paper in bands, in a small picture and where the edge is blank.
        boxes: look for printed lines although the picture's edge is even and blank.
        dark_ink: the ink is known to be darker than the paper: what is a little lighter is glare.
    """
    if (on_bands := ink_on_bands(picture)) is not None:
        return Inked(on_bands)
    grey, even_paper = one_channel(picture, dark_ink)
    small = max(grey.shape) < SMALLEST_PHOTO
    if even_paper is None and not small:
        return without_papers_lines(*local_darkness(grey), within)
    paper_level = paper_surface(grey) if even_paper is None else np.float32(even_paper)
    # dark ink takes a share of the paper's light: dividing by the paper undoes shadows
    darkest = BLACKEST_PAPER if even_paper is None else DIMMEST_EVEN_PAPER
    darkness = (paper_level - grey) / np.maximum(paper_level, np.float32(darkest))
    if small:
        return Inked(coverage(darkness), blank_edge=True)
    return on_even_paper(grey, darkness, within, boxes)


def on_even_paper(grey: np.ndarray, darkness: np.ndarray, within: np.ndarray | None, boxes: bool) -> Inked:
    """The ink of a picture, grey (H, W), from its darkness against the even paper at its edge. Another sheet may lie in
    it, and a shadow on it. within, boxes: see `inked`.
    """
    if is_pasted(darkness):
        return without_papers_lines(*local_darkness(grey, blots=False), within)
    edge = np.abs(border(darkness))
    if edge.max() <= FAINTEST_INK and 2 * np.count_nonzero(edge < EXACT) > edge.size:
        # a drawing pad, or a scan on which no rule runs to the edge
        found = without_papers_lines(darkness, 0.0, within) if boxes else Inked(coverage(darkness))
        return found._replace(blank_edge=True)
    if (shaded := paper_in_shadow(blurred(grey))) is not None:
        return without_papers_lines(*darkness_against(shaded, grey), within)
    noise = paper_noise(darkness)[1] if 2 * np.count_nonzero(darkness) > darkness.size else 0.0
    return without_papers_lines(darkness, noise, within)


def is_pasted(darkness: np.ndarray) -> bool:
    """Whether a large part is darker than the even paper at the border, and much lighter than ink: another sheet."""
    darkest = float(darkness.max())
    pale = (darkness > FAINTEST_INK) & (darkness < SHEET_DARKNESS * darkest)
    return np.count_nonzero(pale) > SHEET_SHARE * darkness.size


def without_papers_lines(levels: np.ndarray, noise: float, within: np.ndarray | None = None) -> Inked:
    """The ink of a picture, whose darkness (H, W) is given, without printed lines. A frame around all of it is left in:
    it is known as a whole, even if it is aslant.

    within: (H, W) bool, the pixels in which ink may lie. Where it is given, lines are not looked for.
    """
    if within is not None:
        return Inked(coverage(np.where(within, levels, 0), noise))
    whole = coverage(levels, noise)
    if is_framed(whole):
        return Inked(whole)
    darkness = Darkness(levels, max(FAINTEST_INK, LINE_TO_NOISE * noise))
    lines, rows = paper_lines(darkness)
    count = len(lines[0]) + len(lines[1])
    if count == 0:
        return Inked(whole)
    cleared = without_paper(darkness, lines, even=not rows)
    ink = without_remains(coverage(cleared.levels, noise), cleared.zone, cleared.plain)
    if not is_substantial(ink):
        if count < MANY_LINES:
            return Inked(whole)  # the lines were the digit
        if not is_substantial(ink, SMALLEST_ON_SHEET, 1):
            ink = np.zeros_like(ink)  # nobody has written on the sheet yet
    ink = without_captions(ink, rows, lines)
    removed = np.where(cleared.zone & darkness.dark, 1 - ink, 0).astype(np.float32)
    return Inked(ink, removed, count, in_boxes=in_boxes_of(rows, darkness))


def in_boxes_of(rows: list[Edges], darkness: Darkness) -> np.ndarray | None:
    """The pixels in the boxes of these rows, (H, W) bool, without the gaps between boxes. None where no row begins or
    ends in the picture: squares run from edge to edge, and are no boxes.
    """
    width = darkness.shape[1]
    room = REACHES * width
    if not any(line.start > room or line.end < width - room for edges in rows for line in edges):
        return None
    found = np.zeros(darkness.shape, bool)
    for edges in rows:
        closed = np.ones(width, bool)  # above and below
        for line in edges:
            dark = np.zeros(width, bool)
            dark[line.start : line.end] = along(darkness, line) > darkness.faintest
            closed &= dark
        found |= inside_of([edges], darkness.shape) & closed
    return found


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
        agreeing = np.mean(np.abs(first - last) < SAME_BAND)
        light = np.mean(paper > (paper.min() + paper.max()) / 2)
        if agreeing >= BANDED and np.ptp(paper) >= BAND_CONTRAST and min(light, 1 - light) >= BAND_SHARE:
            ink = coverage(np.abs(grey - paper))
            return ink if ink.any() else None  # without ink the band was a stroke from edge to edge
    return None
