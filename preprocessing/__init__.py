"""Any picture of a digit -> the 28x28 tensor that a network trained on MNIST knows.

    tensor = preprocessing.to_mnist(image)              # (28, 28) float32, white ink on black
    prepared = preprocessing.prepare(image)             # the same with what was found on the way
    parts = segment.split(image, model.predict_proba)   # several digits: a list of Prepared, in reading order

The stages below run in this order. Each may take away one kind of thing, and hands on what it was given if it finds no
such thing. Where nothing large enough for a digit would be left, what was found was the digit, and it stays. Only a
sheet with many printed lines may be blank without them.

The whole picture, `look.look_at`:

    picture             mode, size, rotation and transparency: upright, opaque, grey or RGB
                        (decoding: what the header tells; transparency: the paper that suits transparent parts)
    background/squares  the many thin lines of a whole sheet, divided out (lines/rules: finds them)
    background/surround an even margin or frame around the paper, here and once more on the reduced picture
    background/sheet    the table that a sheet lies on, painted over with paper (beyond)
    background/relit    a shadow over a large part of the paper

The ink of a reduced picture, `look.look`; if it is small, once more of the part where it lies:

    ink                 the paper, by all of these: coverage in [0, 1]
    light/channel       the colours: one channel in which ink is dark
    light/shadow        the shadow of a hand or a phone
    light/darkness      light that falls off, the noise of the paper
    lines/paper         printed lines: rules, borders, boxes, combs
    lines/line          what a line is, and what can be asked of it (tracing: finds all that are thin and straight)
    lines/boxes         rows of boxes, by their sides, and combs, by their teeth (sides, combs)
    lines/strokes       which of these uprights are strokes of digits
    lines/removal       takes the lines out, and mends the strokes that they cross
    lines/captions      words beside boxes, and small print in their corners

Where this ink is a dark field with light digits (background/windows), the field becomes paper, and all is looked at
again. Where it is noise, it is looked for once more after a median.

The pieces of this ink, `look.ink_alone`:

    pieces/frames       frames and rings around digits
    pieces/edge         holes of a binding
    pieces/dotted       dotted and dashed lines
    pieces/edge         tables, shadows and other writing at the picture's edge
    pieces/bars         lines below numbers and between them
    pieces/components   faint stains and stray dots
    pieces/outlines     nothing: hollow digits are filled

What is left is one digit, `prepare.prepare`:

    frame               20x20 box, stroke width mended, center of mass at the centre of 28x28
    diagnostics         what was found on the way, and the hints it gives

or several, `segment.split`:

    reading/closer      a second look from as close as small pieces need
    pieces/rows         which pieces of ink stand beside each other
    reading/cuts        where a piece may be two digits that touch
    reading/groups      which pieces may be a digit together, and which may be several
    reading/writing     the pieces, and what the network says of groups of them
    reading/words       small words beside digits, left out
    pieces/signs        points, commas and dashes, told from digits by their place (glyphs: percent signs, by their
                        shape)
    reading/brackets    two strokes that go around digits
    reading/candidates  what each group may be: a digit, a sign or a speck
    reading/prices      what a reading is worth
    reading/paths       the best of all readings

Before all this, a part of a picture that was framed by hand is moved so that it cuts no digit: `part.without_cuts`.

Many of them use pixels/: morphology (the largest, the smallest and the mean of a window around each pixel), shapes
(what is straight, what fills a quadrilateral), pen (how wide its strokes are), tones (classes of tones, the border and
the noise of a picture) and lattices (places at equal distances).
"""

from preprocessing.decoding import InputError
from preprocessing.diagnostics import Diagnostics
from preprocessing.prepare import Prepared, prepare, to_mnist

__all__ = ["Diagnostics", "InputError", "Prepared", "prepare", "to_mnist"]
