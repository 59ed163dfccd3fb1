"""Letters and signs as a pen writes them: strokes through points of a grid, each drawn a little differently every time.

Printed letters are too regular to learn from: in a hand-written H the bar slips, the posts lean together, and it turns
into something like a 4. Here every point, stroke and corner wanders on its own. digits.py writes digits the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A letter or sign is one text. "|" separates strokes. A point is two figures: its column 0-4 and its row 0-8. Rows 0-6
# are a capital's height, 2-6 a small letter's, and 6-8 lie below the line. "~" begins a stroke without corners. A
# number after a letter marks another way to write it. Characters that many people write like a digit are left out: see
# LOOK_ALIKES in non_digits.py.
STROKES = {
    # Latin capitals
    "A": "06 20 46|14 34", "A2": "~06 00 40 46|03 43", "A3": "06 20 46|04 44",
    "C": "~41 30 10 01 05 16 36 45", "C2": "~40 00 06 46", "C3": "~42 41 20 00 06 36 45", "C4": "~30 10 01 05 16 36",
    "C5": "40 10 01 05 16 46", "C6": "40 00 06 46",
    "E": "40 00 06 46|03 33", "E2": "~41 20 10 12 23 23 14 05 26 45", "E3": "00 06|00 40|03 33|06 46",
    "F": "40 00 06|03 33", "F2": "10 16|00 40|13 33", "H": "00 06|40 46|03 43", "H2": "00 06|40 46|04 42",
    "H3": "00 06 03 43 40 46", "H4": "10 06|40 36|03 43", "H5": "~00 06 03 23 43 40|40 46", "H6": "10 16|30 36|13 33",
    "J": "10 40|~30 35 26 16 05", "J2": "~40 45 26 16 05", "J3": "00 40|~20 26 06 05", "J4": "~30 36 16 05",
    "J5": "~10 20 40 35 26 06 04", "J6": "10 50|~30 36 06 04",
    "K": "00 06|40 03 46", "K2": "00 06|40 03|13 46", "L": "00 06 46", "L2": "~10 00 06 06 46", "L3": "~20 10 16 06 46",
    "M": "06 00 24 40 46", "M2": "06 10 24 30 46", "M3": "~06 00 20 24|~24 20 40 46",
    "N": "06 00 46 40", "N2": "~06 00 10 36 46 40", "N3": "00 06|00 46|40 46",
    "P": "06 00|~00 30 41 42 33 03", "P2": "00 06|~01 20 40 43 03", "P3": "10 16|~00 40 42 33 13",
    "R": "06 00|~00 30 41 42 33 03|13 46", "R2": "00 06|~01 20 40 43 03 03 46",
    "T": "00 40|20 26", "T2": "01 00 40 41|20 26", "T3": "00 40|~20 25 36", "T4": "~00 10 30 40|20 16",
    "U": "~00 04 16 36 44 40", "U2": "~00 06 46 40", "U3": "~00 05 26 45 40|40 46",
    "V": "00 26 40", "V2": "~00 16 26 40", "W": "00 16 22 36 40", "W2": "~00 06 26 22|~22 26 46 40",
    "X": "00 46|40 06", "X2": "~00 10 36 46|40 06", "X3": "~00 22 24 06|~40 22 24 46",
    # Latin small letters
    "c": "~42 22 03 05 26 46", "c2": "~42 02 06 46",
    "d": "~43 22 12 03 05 26 44|40 46", "d2": "~42 02 06 36 44|40 46", "d3": "~43 12 03 06 36 44 40 40 46",
    "d4": "~33 13 05 16 35|30 36", "d5": "40 46|~44 12 04 16 45", "d6": "~42 12 03 06 46 40|40 46",
    "e": "~04 44 43 32 12 03 05 16 36 45", "e2": "04 44|~44 42 12 03 06 36 45", "e3": "~03 33 41 20 00 06 36 45",
    "e4": "~14 43 32 12 03 06 46", "e5": "~05 43 41 20 02 06 46 45", "e6": "~04 34 32 02 06 46",
    "h": "00 06|~04 12 32 43 46", "h2": "~10 00 06 04 32 43 46", "h3": "00 06|~03 33 46", "h4": "~20 10 06 03 33 35 46",
    "k": "00 06|42 04 46", "k2": "00 06|~04 22 42 34 04|24 46", "k3": "00 06|43 04|24 46", "k4": "00 06 04 42|14 46",
    "k5": "~10 00 06 04 32 33 14|14 46", "k6": "10 16|42 14 46",
    "m": "02 06|~04 12 23 26|~24 32 43 46", "m2": "~06 02 22 26|~26 22 42 46",
    "n": "02 06|~04 12 32 43 46", "n2": "~06 02 42 46", "n3": "02 06|~03 22 42 46",
    "p": "02 08|~02 32 43 45 36 06", "p2": "02 08|~03 22 43 45 26 05", "p3": "12 08|~13 32 44 36 05",
    "p4": "~02 08 03 22 43 46 06", "p5": "01 08|~01 31 42 44 05", "p6": "12 18|~02 42 45 15",
    "p7": "02 08|~03 42 45 16",
    "t": "~10 15 26 36|02 32", "t2": "20 26|02 42", "t3": "~20 25 36 45|12 42", "t4": "20 26|03 33",
    "t5": "30 16|02 42",
    "t6": "~10 16 36 35|01 31", "t7": "~20 26 46|02 43", "t8": "20 26|01 41",
    "u": "~02 05 16 36 45|42 46", "u2": "~02 06 46 42", "u3": "~02 06 36 44|42 46", "u4": "~01 05 26 45 41|41 46 56",
    "u5": "02 05 36 42 46", "u6": "~02 06 46 42 42 46",
    "v": "02 26 42", "v2": "~02 16 26 42 52", "w": "02 16 23 36 42", "w2": "~02 06 26 23|~23 26 46 42",
    "x": "02 46|42 06", "x2": "~02 22 26 06|~42 22 26 46",
    "Æ": "06 20 26 46|20 40|14 24|23 43", "Ħ": "00 06|40 46|03 43|01 41", "ŧ": "~10 15 26 36|02 32|04 34",
    # Greek
    "Γ": "40 00 06", "Ξ": "00 40|13 33|06 46", "Π": "00 06|40 46|00 40",
    "Σ": "40 00 23 06 46", "Ψ": "~00 02 24 42 40|20 26", "Ω": "06 16|~16 04 01 20 41 44 36|36 46",
    "α": "~42 34 16 05 03 12 33 46", "γ": "02 25|~42 25 18 28 25", "λ": "00 46|23 06", "μ": "02 08|~02 05 26 45|42 46",
    "π": "02 42|12 16|32 36", "τ": "02 42|~22 25 36", "ψ": "~02 05 26 45 42|20 28",
    "ω": "~12 04 06 16 24|~24 36 46 44 32",
    # Cyrillic
    "Ж": "00 46|40 06|20 26", "И": "00 06 40 46", "Л": "~06 15 20|20 40 46", "Ц": "00 06 46 48|40 46",
    "Ш": "00 06 46 40|20 26", "Ю": "00 06|03 13|~30 11 15 36 45 41 30", "Я": "46 40|~40 10 01 02 13 43|33 06",
    "Ђ": "00 40|20 26|~24 33 44 45 36", "Ж2": "~00 13 33 40|~06 13 33 46|20 26",
    # Hebrew, Devanagari, kana, Chinese: simple ones
    "א": "00 46|40 43 33|06 13", "ש": "~00 05 26 45 40|20 26", "ט": "~10 01 05 26 45 41 30 32",
    "त": "00 40|30 36|~33 13 04 15", "カ": "01 41 45 35|20 06", "キ": "12 42|04 44|20 36",
    "ト": "10 16|12 35", "メ": "40 06|02 45", "大": "02 42|~20 24 06|23 46", "木": "02 42|20 26|22 05|22 45",
    "王": "00 40|03 43|06 46|20 26", "田": "00 40 46 06 00|20 26|03 43",
    # Signs, first those that stand beside numbers
    "+": "21 25|03 43", "+2": "20 26|03 43", "=": "02 42|04 44", "=2": "03 43|05 45", "±": "20 24|02 42|06 46",
    "percent": "40 06|~11 01 03 13 11|~34 33 35 45 43", "percent2": "40 06|~10 00 02 22 20 10|~34 24 26 46 44 34",
    "euro": "~41 30 10 01 05 16 36 45|02 32|04 34", "euro2": "~40 10 06 46|02 32|03 33", "x3": "11 35|31 15",
    "≈": "~03 12 32 41|~05 14 34 43", "#": "10 06|40 36|02 42|04 44", "*": "20 26|01 45|41 05",
    "<": "41 03 45", ">": "01 43 05", "[": "30 10 16 36", "[2": "40 00 06 46", "[3": "30 20 26 36",
    "]": "10 30 36 16", "]2": "00 40 46 06", "]3": "10 20 26 16", "]4": "10 30 38 18", "]5": "00 30 36 06",
    "~": "~04 12 34 42", "check": "03 16 40", "percent3": "40 06|11 12|34 35",
    "@": "~33 22 13 24 33 35 44 31 10 01 05 26 46", "@2": "~34 14 12 32 35 45 40 00 06 46",
    "≠": "02 42|04 44|40 06", "→": "03 43|31 43 35", "↑": "20 26|02 20 42", "√": "03 13 26 40",
    "∞": "~24 03 05 24 43 45 24",
    "heart": "~26 03 01 10 22 30 41 43 26", "star": "16 20 36 02 42 16",
    "smile": "~20 01 05 26 45 41 20|11 12|31 32|~14 25 34",
}  # fmt: skip


@dataclass(frozen=True)
class Hand:
    """How far a hand departs from the points of a grid.

    point and stroke: standard deviation of the place of each point and of each stroke, in steps of the grid. rounded:
    share of the signs whose corners are rounded. width: range of the horizontal stretch. slant and turn: standard
    deviations of the shear and of the rotation in radians.
    """

    point: float = 0.28
    stroke: float = 0.15
    rounded: float = 0.4
    width: tuple[float, float] = (0.7, 1.3)
    slant: float = 0.25
    turn: float = 0.1


LETTERS = Hand()
SMOOTH, ROUND = 2, 1  # times that corners are cut: in a stroke without corners, and in a rounded one


def written(rng: np.random.Generator) -> list[np.ndarray]:
    """The strokes of a letter or sign: polylines (n, 2), x and y, in a box of about 2 around 0, y downwards."""
    return write(list(STROKES.values())[rng.integers(len(STROKES))], rng, LETTERS)


def write(text: str, rng: np.random.Generator, hand: Hand) -> list[np.ndarray]:
    """The strokes of a text such as those of STROKES, written by a hand; the result is `written`'s.

    A point that stands in the text more than once wanders to one place. Strokes that share it still meet there when
    hand.stroke is 0; otherwise each has moved as a whole, and they miss each other by a little or cross. A point named
    twice in a row keeps its corner in a stroke without corners.
    """
    rounded = rng.random() < hand.rounded
    places, paths = {}, []
    for stroke in text.split("|"):
        names = stroke.lstrip("~").split()
        new = [name for name in dict.fromkeys(names) if name not in places]
        steps = rng.normal(0, hand.point, (len(new), 2)).tolist()
        places |= {name: (int(name[0]) + x, int(name[1]) + y) for name, (x, y) in zip(new, steps, strict=True)}
        points = np.array([places[name] for name in names]) + rng.normal(0, hand.stroke, 2)
        paths.append(smoothed(points, SMOOTH if stroke.startswith("~") else ROUND if rounded else 0))
    ink = np.concatenate(paths)
    low, high = ink.min(axis=0), ink.max(axis=0)
    turn, width, slant = rng.normal(0, hand.turn), rng.uniform(*hand.width), rng.normal(0, hand.slant)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ [[width, slant], [0, 1]]
    middle, size = (low + high) / 2, max(high - low)
    return [(path - middle) @ matrix.T * 2 / size for path in paths]


def smoothed(points: np.ndarray, times: int) -> np.ndarray:
    """Cuts the corners of a polyline (n, 2), again and again, and keeps its ends (Chaikin 1974)."""
    for _ in range(times):
        near, far = 0.75 * points, 0.25 * points
        cut = np.empty((2 * len(points), 2))
        cut[0], cut[-1] = points[0], points[-1]
        cut[1:-1:2], cut[2:-1:2] = near[:-1] + far[1:], far[:-1] + near[1:]
        points = cut
    return points
