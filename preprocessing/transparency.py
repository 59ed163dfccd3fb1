"""A picture with transparent parts -> the same on paper, which its ink tells."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from preprocessing.pixels.tones import TONE_QUANTILES

# A pixel is opaque from this alpha (of 255) on, if the picture has any such pixel.
OPAQUE = 128
# Opaque parts that differ by no more than this (of 255) are of one colour: an ink on nothing, not a picture.
ONE_COLOUR = 32
# A picture fills at least this share of the box around all that is opaque; strokes leave more of it free.
MOSTLY_OPAQUE = 0.6
# The side of the filter, in pixels, that takes the rim off the opaque parts. The rim is half as wide.
CORE_FILTER = 5
# Ink has an outline if more than this share of the rim has the commonest level, and less of what is inside.
OUTLINED = 0.8


def flatten(picture: Image.Image) -> Image.Image:
    """RGBA -> L or RGB on a paper of its own.

    Ink on nothing gets the paper it stands out from, see `paper_under`. A picture with transparent parts gets its own
    commonest level there, so that they look empty.
    """
    box = picture.getbbox()  # of what is not transparent: what lies around a drawing needs no work but this
    if box is None:
        return Image.new("L", picture.size, "white")
    part = picture.crop(box)
    red, green, blue, alpha = part.split()
    least, most = alpha.getextrema()
    if least == 255 and part.size == picture.size:
        return picture.convert("RGB")
    if red.tobytes() == green.tobytes() == blue.tobytes():
        part = red  # black ink, most often: one channel is a third of the work from here on
    opaque = OPAQUE if most >= OPAQUE else 1
    mask = alpha.point([0] * opaque + [255] * (256 - opaque))
    paper = paper_under(part.convert("L"), mask)
    flat = Image.new("L", picture.size, paper) if part is red else Image.new("RGB", picture.size, (paper,) * 3)
    flat.paste(part, box, mask=alpha)
    return flat


def paper_under(grey: Image.Image, mask: Image.Image) -> int:
    """The level that suits the transparent parts of a picture; mask: 255 where it is opaque, else 0.

    Strokes on nothing, of one tone or of many, get white or black, whichever is farther from them. What is opaque in
    most places brings its own paper, the commonest level; so does ink with an outline, which ends in that level.
    """
    histogram = np.array(grey.histogram(mask))
    shares = histogram.cumsum() / histogram.sum()
    darkest, lightest = (int(np.searchsorted(shares, share)) for share in TONE_QUANTILES)
    farther = 255 if 255 - lightest > darkest else 0
    levels = np.flatnonzero(histogram)
    if levels[-1] - levels[0] <= ONE_COLOUR:
        return farther
    commonest = int(histogram.argmax())
    opaque = np.asarray(mask) > 0
    if opaque.mean() > MOSTLY_OPAQUE:
        return commonest
    core = np.asarray(mask.filter(ImageFilter.MinFilter(CORE_FILTER))) > 0
    alike = np.abs(np.asarray(grey).astype(np.int16) - commonest) <= ONE_COLOUR
    outlined = core.any() and alike[opaque & ~core].mean() > OUTLINED > alike[core].mean()
    return commonest if outlined else farther
