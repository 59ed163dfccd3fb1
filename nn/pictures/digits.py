"""Digits as people all over the world write them, stroke by stroke, in styles that MNIST hardly has.

MNIST's writers were Americans, around 1990. Elsewhere a 1 has a long upstroke, a 7 a bar, a 0 a slash, and a 4 is
written like a lightning bolt; no distortion of MNIST's digits ever turns into one of these. Each style is a text like
those of letters.py, on a grid of its own: a point is its column 0-9 and its row 0-9, and most digits are six columns
wide.
"""

from __future__ import annotations

import numpy as np

from nn.pictures.letters import Hand, write

STYLES = {
    0: {
        "closed": "~30 00 09 69 60 30", "narrow": "~30 10 19 59 50 30", "round": "~41 11 08 88 81 41",
        "open": "~40 00 09 69 61 52", "overlapping": "~52 30 00 09 69 61 30 11", "slash": "~40 10 19 79 70 40|71 18",
        "long slash": "~40 10 19 79 70 40|80 09", "short slash": "~40 10 19 79 70 40|53 36",
        "backslash": "~40 10 19 79 70 40|11 78", "level bar": "~40 10 19 79 70 40|15 75",
        "short bar": "~40 10 19 79 70 40|34 54", "dot": "~40 10 19 79 70 40|44 45",
        "upright bar": "~42 12 07 47 77 72 42|40 49", "short upright bar": "~41 11 08 48 78 71 41|40 48",
        "long upright bar": "~42 22 26 46 66 62 42|40 49", "slash through": "~42 12 07 47 77 72 42|70 19",
        "angular": "00 09 69 60 00", "pointed": "30 03 06 39 66 63 30",
    },
    1: {
        "plain": "30 39", "short flag": "12 30 39", "flag": "13 40 49", "long flag": "04 40 49",
        "longer flag": "05 50 59", "steep flag": "06 30 39", "curved flag": "~14 34 40|40 49",
        "long curved flag": "~05 34 50|50 59", "short level flag": "20 40 49", "foot": "40 49|29 69",
        "wide foot": "40 49|09 89", "flag and foot": "22 40 49|19 79", "long flag and foot": "04 40 49|19 79",
        "level flag and foot": "20 40 49|19 79", "long level flag and foot": "00 40 49|09 89",
        "level flag, foot to the left": "10 50 59|09 69", "leaning": "60 29", "hooked": "~22 40 40 49",
    },
    2: {
        "corner": "~02 00 40 60 63 36 09 09 69", "curved": "~12 10 50 53 35 08 08 28 49 69",
        "loop": "~02 00 60 64 28 09 07 17 39 69", "large loop": "~12 10 60 65 29 09 06 26 59 79",
        "like z": "00 60 09 69", "round z": "~01 10 60 60 09 09 69", "no hook": "~00 40 63 09 09 69",
        "angular": "00 60 64 04 09 69", "wave": "~02 00 60 64 09 09 28 49 68", "barred z": "00 60 09 69|15 55",
    },
    3: {
        "round": "~01 20 60 64 34 34 65 69 29 08", "no notch": "~01 20 60 63 34 65 69 29 08",
        "flat top": "00 60 34|~34 65 69 29 08", "loop": "~01 10 60 64 25 14 33 65 69 19 08",
        "angular": "00 60 69 09|14 64", "pointed": "00 60 24 67 39 08", "short middle": "~00 50 54 24 24 65 69 09",
        "flat round": "00 50 23|~23 73 69 19 08", "no waist": "~00 50 61 54 65 69 39 08",
    },
    4: {
        "open": "10 06 66|41 49", "closed": "49 40 06 66", "closed, long bar": "59 50 06 86",
        "lightning": "40 05 65 39",
        "slanting lightning": "50 05 55 29", "L and stroke": "00 05 65|42 49", "L and short stroke": "10 05 65|44 49",
        "U and stroke": "~00 05 65 60|60 69", "y": "~00 05 55 60|60 49", "chair": "00 04 64|60 69",
        "leaning": "30 06 66|52 39",
        "open top": "20 15 65|60 59", "curved": "~20 15 06 06 66|51 49", "angular, open": "00 05 75|50 59",
        "crossed stem": "30 06 76|43 49", "one stroke": "~50 05 05 65 63 61 51 39", "like H": "20 07 64|70 49",
    },
    5: {
        "one stroke": "60 10 04|~04 34 66 69 29 08", "two strokes": "10 04|~04 33 66 69 29 08|10 60",
        "detached top": "11 05|~05 34 66 69 29 08|20 70", "slipped top": "12 05|~05 34 66 69 29 08|10 50",
        "like s": "~60 20 03 34 66 69 29 08", "like S": "~61 40 00 05 64 69 29 08", "angular": "60 00 04 64 69 09",
        "short neck": "50 10 13|~13 53 67 49 09", "no corner": "~60 10 10 05 34 66 59 19 08",
        "long top": "80 10 05|~05 44 66 49 08", "flat belly": "60 10 04|~04 64 69 09",
    },
    6: {
        "straight": "~50 23 05 09 69 65 24 06", "curved": "~50 10 04 09 69 64 24 06",
        "curled": "~60 20 02 09 69 64 24 17 37",
        "like b": "10 18|~16 34 65 69 29 18", "like b, curved": "~10 05 09 69 64 24 06",
        "hooked": "~62 50 10 03 09 69 65 24 06",
        "angular": "60 00 09 69 65 05", "open": "~40 03 09 69 65 35", "large belly": "~30 04 09 79 74 33 06",
        "steep": "40 06|~06 09 69 65 24 06",
    },
    7: {
        "plain": "00 60 29", "crossed": "00 60 29|14 64", "long bar": "10 70 39|15 85", "serif": "02 00 60 29",
        "serif, crossed": "02 00 60 29|14 64", "curved": "~00 30 60 60 35 29", "curved stem": "00 60|~60 34 29",
        "curved, crossed": "00 60|~60 35 29|15 65", "wavy": "~02 10 31 60 60 35 29", "angular": "00 60 69",
        "angular, crossed": "00 60 69|35 85", "left post": "03 00 60 69", "leaning": "00 60 09",
        "crossed low": "00 60 29|35 84",
    },
    8: {
        "one line": "~51 30 00 03 34 66 69 39 09 06 34 63 60 51", "two rings": "~30 10 14 54 50 30|~34 04 09 69 64 34",
        "snowman": "~30 00 04 64 60 30|~34 04 09 69 64 34", "open top": "~50 10 02 34 66 69 09 06 34 62 71",
        "open top, straight": "~60 10 03 66 69 09 06 06 70", "from the middle": "~34 04 00 60 64 04 09 69 64 34",
        "angular": "00 60 69 09 00|04 64", "hourglass": "00 60 09 69 00",
        "rings apart": "~30 10 13 53 50 30|~35 05 09 69 65 35",
    },
    9: {
        "straight": "~61 30 00 04 64 61|60 69", "curved": "~62 50 00 05 64 60 60 68 39 08",
        "curled": "~62 40 00 05 65 61|~60 69 29 08", "like g": "~61 20 00 04 64 61|~60 68 69 09 08",
        "like q": "~61 30 00 04 64 61|60 69 87", "leaning": "~62 60 00 05 63 60|60 39",
        "one stroke": "~62 40 00 04 54 61 61 39",
        "angular": "64 04 00 60 69 09", "angular, straight": "64 04 00 60 69",
        "spiral": "~43 52 30 00 05 65 61|~60 67 39 18",
        "round": "~60 00 05 65 60 60 49",
    },
}  # fmt: skip

# Nobody can tell which digit was meant: a level flag as long as this makes a 1 to some people and a 7 to others. Such a
# text is written under each of its digits, so that the network learns to be unsure.
AMBIGUOUS = {
    "level flag": ((1, 7), "00 40 49"),
    "falling flag": ((1, 7), "01 50 49"),
    "U, closed": ((4, 9), "~00 05 65 60|10 60 69"),
}

HAND = Hand(point=0.3, stroke=0.15, rounded=0.25, width=(0.65, 1.25), slant=0.2, turn=0.08)


def texts() -> dict[int, list[str]]:
    """{digit: every text that it may be written by}."""
    found = {digit: list(styles.values()) for digit, styles in STYLES.items()}
    for digits, text in AMBIGUOUS.values():
        for digit in digits:
            found[digit].append(text)
    return found


def written(rng: np.random.Generator, digit: int) -> list[np.ndarray]:
    """The strokes of a digit in one of its styles: polylines (n, 2), x and y, in a box of about 2 around 0, y down."""
    known = texts()[digit]
    return write(known[rng.integers(len(known))], rng, HAND)
