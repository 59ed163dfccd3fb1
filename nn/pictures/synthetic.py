"""Training pictures that MNIST lacks, made from MNIST's own digits and from strokes and letters drawn here.

Redrawn digits have the shapes of MNIST's under a crisp round pen, thinner or thicker, as on a drawing pad; some zeros
get a slash, some ones a flag or a base, some sevens a bar. Written digits are strokes in the styles of digits.py.
Non-digits are scribbles, dashes, blots, letters and signs of many scripts, two digits side by side, and halves of two
digits stuck together. All of them are framed as any other picture is (`frame` is preprocessing's), because an added
stroke changes the box that a digit is scaled into.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from tqdm import tqdm

from nn.pictures import digits as styles
from nn.pictures import letters
from nn.pictures.mnist import Split

Frame = Callable[[np.ndarray], np.ndarray]  # ink (H, W) in [0, 1] -> tensor (28, 28) in [0, 1]

NOT_A_DIGIT_CLASS = 10
ZOOM = 4  # strokes are changed and added at four times MNIST's resolution
CANVAS = 112  # pixels along an edge of what is drawn here: 28 times ZOOM
MOST_FATTER = 5  # pixels by which a fat pen's edges move, at most
SPREAD = MOST_FATTER + 7  # pixels around a stroke that a fat pen and the blur reach
MARGIN = 3  # pixels of MNIST added around a digit: room for the longest slash under the widest pen

# Shares of the digits that get a stroke which MNIST's writers seldom made.
SLASHED_ZEROS = 0.35
FLAGGED_ONES = 0.3
BASED_ONES = 0.3
CROSSED_SEVENS = 0.2
FAT_PENS = 0.3  # share drawn small with a thick pen

# Pens that write strokes, for digits and letters alike, in pixels: most boxes that they write in are 134 wide.
PEN, FAT_PEN = (6, 22), (22, 34)
FAT_PENS_IN_HAND = 0.15

# Pictures made by one task of a process; each task has its own stream of random numbers, so that the result does not
# depend on how many processes there are.
TASK = 1000
# Made for each network that is trained; an epoch takes its share of them and distorts it anew. In the 140 epochs of the
# bundled network's recipe each is seen some 25 to 40 times; half as many were learned by heart.
NON_DIGITS = 120_000
WRITTEN = 60_000  # in the styles of digits.py: some 500 of each style
REDRAWN = 2  # copies of each of MNIST's digits
REDRAWING, MIXING, WRITING = range(3)  # purposes of a task's random numbers


@dataclass(frozen=True)
class MadeUp:
    """redrawn (copies * n, 28, 28) uint8, the training digits in their order, again and again; written digits of any
    number; non_digits (m, 28, 28) uint8.
    """

    redrawn: np.ndarray
    written: Split
    non_digits: np.ndarray


def make(
    digits: Split,
    seed: int,
    frame: Frame,
    *,
    redrawn: int = REDRAWN,
    written: int = WRITTEN,
    non_digits: int = NON_DIGITS,
) -> MadeUp:
    """All made-up pictures of a training run, on all processors, with a progress bar.

    redrawn: copies of each digit; written, non_digits: how many are made.
    """
    parts = [digits[start : start + TASK] for start in range(0, len(digits), TASK)]
    drawn = _in_processes(partial(_redraw_task, seed, frame), redrawn * parts, "redrawing digits")
    labels = [np.arange(start, min(start + TASK, written)) % 10 for start in range(0, written, TASK)]
    by_hand = _in_processes(partial(_write_task, seed, frame), labels, "writing digits")
    rng = np.random.default_rng(seed)
    mixtures = [digits.images[rng.choice(len(digits), TASK)] for _ in range(0, non_digits, TASK)]
    others = _in_processes(partial(_non_digit_task, seed, frame), mixtures, "drawing non-digits")[:non_digits]
    return MadeUp(
        drawn,
        Split(by_hand, np.concatenate([np.empty(0, np.int64), *labels])),
        without_look_alikes(others, digits.images),
    )


def _in_processes(task: Callable, parts: list, description: str) -> np.ndarray:
    with ProcessPoolExecutor() as pool:
        done = pool.map(task, range(len(parts)), parts)
        made = list(tqdm(done, description, len(parts), unit="k", dynamic_ncols=True, disable=not parts))
    return np.concatenate([np.empty((0, 28, 28), np.uint8), *made])


def _redraw_task(seed: int, frame: Frame, number: int, part: Split) -> np.ndarray:
    rng = np.random.default_rng([seed, number, REDRAWING])
    return np.stack([redraw(image, label, rng, frame) for image, label in zip(part.images, part.labels, strict=True)])


def _write_task(seed: int, frame: Frame, number: int, labels: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng([seed, number, WRITING])
    return np.stack([framed(cropped(under_a_pen(styles.written(rng, int(label)), rng)), frame) for label in labels])


def _non_digit_task(seed: int, frame: Frame, number: int, digits: np.ndarray) -> np.ndarray:
    return non_digits(TASK, digits, np.random.default_rng([seed, number, MIXING]), frame)


# --- digits as drawn on a pad -----------------------------------------------------------------------------------------


def redraw(image: np.ndarray, label: int, rng: np.random.Generator, frame: Frame) -> np.ndarray:
    """A MNIST digit (28, 28) uint8 as a pen of one width would have drawn it, (28, 28) uint8."""
    side = (28 + 2 * MARGIN) * ZOOM
    padded = np.zeros((side // ZOOM, side // ZOOM), np.uint8)
    padded[MARGIN:-MARGIN, MARGIN:-MARGIN] = image
    large = Image.fromarray(padded).resize((side, side), Image.Resampling.BICUBIC)
    add_strokes(large, label, rng)
    left, top, right, bottom = large.getbbox() or (0, 0, 0, 0)
    around = max(left - SPREAD, 0), max(top - SPREAD, 0), min(right + SPREAD, side), min(bottom + SPREAD, side)
    large = large.crop(around)
    if rng.random() < FAT_PENS:  # loops fill up, gaps close
        large = Image.fromarray(thickened(np.asarray(large), int(rng.integers(1, MOST_FATTER + 1))))
    ink = np.asarray(large.filter(ImageFilter.GaussianBlur(2.0)), np.float32) / 255
    # The level at which the blurred ink is cut decides how thick the pen is: low keeps the fringe, high the core.
    level, softness = rng.uniform(0.2, 0.65), 0.12
    ink = np.clip((ink - level) / softness + 0.5, 0, 1)
    if ink.sum() < 4 * CANVAS:  # a thin digit that the cut would lose
        return image
    return to_uint8(frame(ink))


def thickened(pixels: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) uint8 -> each pixel the largest within `reach` of it, along one axis and then along the other."""
    for _ in range(2):
        across = pixels.T.copy()
        for distance in range(1, reach + 1):
            np.maximum(across[distance:], pixels.T[:-distance], out=across[distance:])
            np.maximum(across[:-distance], pixels.T[distance:], out=across[:-distance])
        pixels = across
    return pixels


def add_strokes(large: Image.Image, label: int, rng: np.random.Generator) -> None:
    """Draws what MNIST lacks into the enlarged digit, with a pen as wide as the digit's own."""
    pixels = np.asarray(large)
    rows, columns = np.flatnonzero((pixels > 127).any(axis=1)), np.flatnonzero((pixels > 127).any(axis=0))
    if not rows.size:
        return
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    height, width = bottom - top, right - left
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    pen = rng.uniform(6, 13)
    if label == 0 and rng.random() < SLASHED_ZEROS:
        angle = np.deg2rad(rng.normal(60, 14))
        kind = rng.random()
        if kind < 0.15:
            angle = np.pi - angle  # a backslash
        elif kind < 0.3:
            angle = np.deg2rad(rng.normal(0, 8))  # a level bar
        direction = np.array([np.cos(angle), -np.sin(angle)])
        reach = np.hypot(height * np.sin(angle), width * np.cos(angle)) / 2 * rng.uniform(0.75, 1.6, 2)
        middle += rng.normal(0, 3, 2)
        line(large, [middle - direction * reach[0], middle + direction * reach[1]], pen, rng)
    if label == 1 and rng.random() < FLAGGED_ONES:
        head = np.array([stroke_at(pixels[top + 2]), top])
        angle, length = np.deg2rad(rng.uniform(20, 70)), height * rng.uniform(0.2, 0.65)
        line(large, [head, head + length * np.array([-np.sin(angle), np.cos(angle)])], pen, rng)
    if label == 1 and rng.random() < BASED_ONES:
        foot = np.array([stroke_at(pixels[bottom - 2]), bottom])
        reach = height * rng.uniform(0.15, 0.4, (2, 1)) * [[-1, 0], [1, 0]]
        line(large, foot + reach + rng.normal(0, 3, (2, 2)) * [0, 1], pen, rng)
    if label == 7 and rng.random() < CROSSED_SEVENS:
        y = top + height * rng.uniform(0.4, 0.6)
        reach = np.array([[-1, 0], [1, 0]]) * width * rng.uniform(0.2, 0.5, (2, 1))
        line(large, [stroke_at(pixels[int(y)]), y] + reach + rng.normal(0, 5, (2, 2)) * [0, 1], pen, rng)


def stroke_at(row: np.ndarray) -> float:
    """Where the ink of a row of pixels lies, on average; its middle if there is none."""
    columns = np.flatnonzero(row > 127)
    return float(columns.mean()) if columns.size else len(row) / 2


def line(
    image: Image.Image, points: np.ndarray | list, pen: float, rng: np.random.Generator, bow: float | None = None
) -> None:
    """A line through two points under a round pen, bowed to one side by a share of its length."""
    a, b = np.asarray(points[0], float), np.asarray(points[1], float)
    aside = np.array([a[1] - b[1], b[0] - a[0]]) * (rng.normal(0, 0.05) if bow is None else bow)
    t = np.linspace(0, 1, 12)[:, None]
    stroke(image, (1 - t) ** 2 * a + 2 * t * (1 - t) * ((a + b) / 2 + aside) + t**2 * b, pen)


def stroke(image: Image.Image, points: np.ndarray, pen: float) -> None:
    """A polyline (n, 2) under a round pen."""
    draw = ImageDraw.Draw(image)
    draw.line([tuple(p) for p in points], fill=255, width=max(round(pen), 1), joint="curve")
    for x, y in points[[0, -1]]:
        draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], fill=255)


# --- what is no digit -------------------------------------------------------------------------------------------------


def non_digits(count: int, digits: np.ndarray, rng: np.random.Generator, frame: Frame) -> np.ndarray:
    """`count` pictures of no digit, (count, 28, 28) uint8. `digits` (n, 28, 28) uint8 are MNIST's, for mixtures."""
    makers = (
        [letter] * 7
        + [handwriting] * 24
        + [character] * 6
        + [scribble] * 4
        + [signs] * 2
        + [dash, blot]
        + [side_by_side] * 2
        + [chimera] * 3
    )
    made = []
    while len(made) < count:
        maker = makers[rng.integers(len(makers))]
        pixels = cropped(maker(rng, digits))
        if np.count_nonzero(pixels > 127) > CANVAS:  # some glyphs are blank or a dot
            made.append(framed(pixels, frame))
    return np.stack(made)


def cropped(image: Image.Image) -> np.ndarray:
    """The box of what is drawn on a canvas, (H, W) uint8; all of a blank one."""
    return np.asarray(image.crop(image.getbbox()))


def framed(pixels: np.ndarray, frame: Frame) -> np.ndarray:
    """A drawing (H, W) uint8 brought into MNIST's frame, (28, 28) uint8."""
    return to_uint8(frame(pixels.astype(np.float32) / 255))


def blank() -> Image.Image:
    return Image.new("L", (2 * CANVAS, 2 * CANVAS))


def scribble(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """One to three wandering lines: smooth noise as a path, drawn with a pen."""
    image = blank()
    for _ in range(rng.integers(1, 4)):
        n = int(rng.integers(30, 120))
        steps = rng.standard_normal((n, 2))
        smooth = int(rng.integers(2, 9))
        kernel = np.ones(smooth) / smooth
        path = np.cumsum(np.stack([np.convolve(s, kernel, "same") for s in steps.T], axis=1), axis=0)
        path -= path.mean(axis=0)
        path *= rng.uniform(50, 90) / max(np.abs(path).max(), 1e-6)
        stroke(image, path + CANVAS + rng.normal(0, 8, 2), rng.uniform(5, 22))
    return image


def signs(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Two to five straight lines and arcs anywhere: crosses, corners, arrows, zigzags, boxes with something in them."""
    image = blank()
    pen = rng.uniform(6, 20)
    count = rng.integers(2, 6)
    if rng.random() < 0.4:  # a zigzag
        points = rng.uniform(CANVAS - 80, CANVAS + 80, (count + 2, 2))
        if rng.random() < 0.5:
            points = points[np.argsort(points[:, rng.integers(2)])]
        stroke(image, points, pen)
        return image
    for _ in range(count):
        if rng.random() < 0.65:
            line(image, list(rng.uniform(CANVAS - 80, CANVAS + 80, (2, 2))), pen, rng)
        else:
            centre, radius = rng.uniform(CANVAS - 50, CANVAS + 50, 2), rng.uniform(20, 60, 2)
            t = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(2, 6), 30)[:, None]
            stroke(image, centre + radius * np.hstack([np.cos(t), np.sin(t)]), pen)
    return image


def character(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Three to five strokes between the corners, edges and middle of a box, as the letters of any script have them."""
    image = blank()
    box = np.array([rng.uniform(30, 60), rng.uniform(50, 80)])
    anchors = [np.array([x, y]) * box + CANVAS for x in (-1, 0, 1) for y in (-1, 0, 1)]
    pen, here = rng.uniform(6, 20), None
    for _ in range(rng.integers(3, 6)):
        start = here if here is not None and rng.random() < 0.6 else anchors[rng.integers(9)]
        here = anchors[rng.integers(9)] + rng.normal(0, 5, 2)
        bow = rng.normal(0, 0.5) if rng.random() < 0.4 else rng.normal(0, 0.05)
        line(image, [start, here], pen, rng, bow)
    return image


def dash(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """One to three strokes nearer to level than to upright."""
    image = blank()
    y = CANVAS + rng.uniform(-20, 20)
    for _ in range(rng.integers(1, 4)):
        rise = rng.uniform(-0.5, 0.5) * 60
        line(image, [(CANVAS - 70, y + rise), (CANVAS + 70, y - rise)], rng.uniform(5, 30), rng)
        y += rng.uniform(25, 50)
    return image


def blot(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A filled patch."""
    image = blank()
    t = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = rng.uniform(30, 70, 2) * (1 + rng.uniform(0, 0.4) * rng.standard_normal((24, 1)))
    points = CANVAS + radius * np.stack([np.cos(t), np.sin(t)], axis=1)
    ImageDraw.Draw(image).polygon([tuple(p) for p in points], fill=255)
    return image.filter(ImageFilter.GaussianBlur(4))


def side_by_side(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Two digits next to each other, touching or not."""
    image = blank()
    gap = rng.uniform(15, 24) * ZOOM
    for i, digit in enumerate(digits[rng.integers(len(digits), size=2)]):
        part = Image.fromarray(digit).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
        place = round(CANVAS / 2 - gap / 2 + i * gap), round(CANVAS / 2 + rng.normal(0, 6))
        image.paste(255, (*place, place[0] + CANVAS, place[1] + CANVAS), mask=part)
    return image


def chimera(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """Halves of two different digits, or two digits on top of each other."""
    a, b = digits[rng.integers(len(digits), size=2)]
    if rng.random() < 0.3:
        mixed = np.maximum(a, np.rot90(b, rng.integers(1, 4)))
    elif rng.random() < 0.5:
        mixed = np.vstack([a[:14], np.rot90(b)[14:]])
    else:
        mixed = np.hstack([a[:, :14], np.flipud(b)[:, 14:]])
    return Image.fromarray(np.ascontiguousarray(mixed)).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)


# Blocks of Unicode with simple shapes: ASCII, Latin, Greek, Cyrillic, Armenian, Hebrew, arrows, mathematical signs.
LETTER_BLOCKS = [(0x21, 0x7E), (0xA1, 0x17F), (0x391, 0x3FF), (0x400, 0x45F), (0x531, 0x556), (0x561, 0x586),
                 (0x5D0, 0x5EA), (0x2190, 0x21FF), (0x2200, 0x22FF)]  # fmt: skip
# Letters and signs, and with them all their accented forms, that many people write like a digit: straight and round
# ones, slashed circles, and the twins of 2 3 4 5 6 7 8 9.
LOOK_ALIKES = set("BDGIOQSYZabfgijloqrsyz!$%&'(),-./:;?\\^_`{|}\"ØøŁłĐđØßÞþð×÷¤©®"
                  "ΘΙΟΡΦθιορσφβδεζϑϕЈІОЗЧЅЭЪЬФБВабвгзийоуфчъьэѕіј∅∂∃∀∘∙⊕⊖⊗⊘⊙⊚⊛⊜⊝∣∤∥∫∮∶∷")  # fmt: skip
LATIN_SHARE = 0.5  # of the letters: those that visitors draw most often


@cache
def fonts() -> list[ImageFont.FreeTypeFont]:
    """The DejaVu family that matplotlib brings, upright and slanted, with and without serifs."""
    from matplotlib import font_manager

    names = [("DejaVu Sans", "normal"), ("DejaVu Sans", "oblique"), ("DejaVu Serif", "normal"),
             ("DejaVu Serif", "italic"), ("DejaVu Sans Mono", "normal")]  # fmt: skip
    paths = [font_manager.findfont(font_manager.FontProperties(family=family, style=style)) for family, style in names]
    return [ImageFont.truetype(path, CANVAS) for path in paths]


@cache
def has(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether the font knows the character; what it does not know it draws as an empty box, as it does U+FFFF."""
    return bytes(font.getmask(character)) != bytes(font.getmask("\uffff"))


def pick_sign(rng: np.random.Generator) -> tuple[str, ImageFont.FreeTypeFont]:
    """A letter or sign that is not written like a digit, and a font that has it."""
    while True:
        low, high = (0x21, 0x7E) if rng.random() < LATIN_SHARE else LETTER_BLOCKS[rng.integers(1, len(LETTER_BLOCKS))]
        sign = chr(rng.integers(low, high + 1))
        font = fonts()[rng.integers(len(fonts()))]
        plain = unicodedata.normalize("NFD", sign)[0]
        if plain.isprintable() and plain not in LOOK_ALIKES and not plain.isdigit() and has(font, sign):
            return sign, font


def letter(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A letter or sign, slanted and bent, under a pen of any width."""
    sign, font = pick_sign(rng)
    image = blank()
    ImageDraw.Draw(image).text((CANVAS, CANVAS), sign, fill=255, font=font, anchor="mm")
    turn, shear, stretch = rng.normal(0, 0.12), rng.normal(0, 0.2), rng.uniform(0.7, 1.3)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ [[stretch, shear], [0, 1]]
    offset = CANVAS - matrix @ [CANVAS, CANVAS]
    return image.transform(image.size, Image.Transform.AFFINE, (*matrix[0], offset[0], *matrix[1], offset[1]), 2)


def handwriting(rng: np.random.Generator, digits: np.ndarray) -> Image.Image:
    """A letter or sign as a pen writes it."""
    return under_a_pen(letters.written(rng), rng)


def under_a_pen(strokes: list[np.ndarray], rng: np.random.Generator) -> Image.Image:
    """Strokes in a box of about 2 around 0, written with a pen of any width; a fat one fills loops up."""
    image, pen = blank(), rng.uniform(*(FAT_PEN if rng.random() < FAT_PENS_IN_HAND else PEN))
    for path in strokes:
        stroke(image, CANVAS + path * CANVAS * 0.6, pen)
    return image


def to_uint8(tensor: np.ndarray) -> np.ndarray:
    return np.rint(tensor * 255).astype(np.uint8)


def out_of_distribution(digits: Split) -> Split:
    """What few would read as a digit, though a hand that writes digits wrote it: MNIST's own, mirrored or turned by a
    quarter either way. Training shows parts of such digits at most, in `chimera`, so whole ones tell how sure the
    network is of what it does not know. There are about 2.3 times as many as digits.
    """
    mirrored = digits.images[~np.isin(digits.labels, (0, 1, 8))][:, :, ::-1]  # these would be what they were
    turned = digits.images[~np.isin(digits.labels, (0, 1))]  # and these a wide zero and a dash
    images = np.concatenate([mirrored, np.rot90(turned, 1, (1, 2)), np.rot90(turned, -1, (1, 2))])
    return Split(images, np.full(len(images), NOT_A_DIGIT_CLASS))


# --- Made-up non-digits that look like digits -------------------------------------------------------------------------

REFERENCES = 20_000  # digits that made-up pictures are compared with
NEIGHBOURS_CHUNK = 1000
SURELY = 1.001  # a bound that is larger by so much stays larger whatever float32 rounds


def without_look_alikes(pictures: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Leaves out the pictures that lie nearer to some digit than digits usually lie to each other.

    A tall bracket drawn by chance is a 1 to any reader; calling it "not a digit" would teach the network to refuse
    ones. Pictures and digits are (n, 28, 28) uint8; near means the Euclidean distance of their pixels.
    """
    cut = min(REFERENCES, len(digits) - len(digits) // 10)
    references, others = digits[:cut], digits[cut : cut + NEIGHBOURS_CHUNK]
    usual = np.median(nearest_distance(others, references)) if len(others) else 0
    far = at_least_apart(pictures, references) > usual * SURELY
    far[~far] = nearest_distance(pictures[~far], references) >= usual
    return pictures[far]


def at_least_apart(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) A distance that `nearest_distance` does not fall below, for a quarter of its work.

    It is that of the pictures at half their size: by Cauchy and Schwarz, the squared difference of the means of four
    pixels is at most a quarter of the sum of their squared differences.
    """
    return 2 * nearest_distance(halved(pictures), halved(references))


def halved(pictures: np.ndarray) -> np.ndarray:
    """(n, 28, 28) uint8 -> (n, 14, 14) float32, each pixel the mean of four."""
    n, height, width = pictures.shape
    return pictures.reshape(n, height // 2, 2, width // 2, 2).mean(axis=(2, 4), dtype=np.float32)


def nearest_distance(pictures: np.ndarray, references: np.ndarray) -> np.ndarray:
    """(n,) Euclidean distance of each picture's pixels, in [0, 1], to the nearest of the references."""
    flat = references.reshape(len(references), -1).astype(np.float32) / 255
    squares = (flat**2).sum(axis=1)
    nearest = [np.empty(0, np.float32)]
    for start in range(0, len(pictures), NEIGHBOURS_CHUNK):
        X = pictures[start : start + NEIGHBOURS_CHUNK].reshape(-1, flat.shape[1]).astype(np.float32) / 255
        # |x - r|^2 = |x|^2 + |r|^2 - 2 x r, the last term one matrix product for all pairs
        nearest.append((X**2).sum(axis=1) + (squares - 2 * X @ flat.T).min(axis=1))
    return np.sqrt(np.maximum(np.concatenate(nearest), 0))
