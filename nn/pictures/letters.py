"""Letters and signs as a pen writes them: strokes through points of a grid, each drawn a little differently every time.

Printed letters are too regular to learn from: in a hand-written H the bar slips, the posts lean together, and it turns
into something like a 4. Here every point, stroke and corner wanders on its own.
"""

from __future__ import annotations

import numpy as np

# Strokes are parted by "|"; a point is its column 0-4 and row 0-8, of which 0-6 are a capital's height, 2-6 a small
# letter's and 6-8 below the line. "~" begins a stroke without corners. Left out is what many people write like a
# digit: see LOOK_ALIKES in synthetic.py.
STROKES = {
    # Latin
    "A": "06 20 46|14 34", "C": "~41 30 10 01 05 16 36 45", "E": "40 00 06 46|03 33", "F": "40 00 06|03 33",
    "H": "00 06|40 46|03 43", "J": "10 40|~30 35 26 16 05", "K": "00 06|40 03 46", "L": "00 06 46",
    "M": "06 00 24 40 46", "N": "06 00 46 40", "P": "06 00|~00 30 41 42 33 03", "R": "06 00|~00 30 41 42 33 03|13 46",
    "T": "00 40|20 26", "U": "~00 04 16 36 44 40", "V": "00 26 40", "W": "00 16 22 36 40", "X": "00 46|40 06",
    "c": "~42 22 03 05 26 46", "d": "~43 22 12 03 05 26 44|40 46", "e": "~04 44 43 32 12 03 05 16 36 45",
    "h": "00 06|~04 12 32 43 46", "k": "00 06|42 04 46", "m": "02 06|~04 12 23 26|~24 32 43 46",
    "n": "02 06|~04 12 32 43 46", "p": "02 08|~02 32 43 45 36 06", "t": "~10 15 26 36|02 32",
    "u": "~02 05 16 36 45|42 46", "v": "02 26 42", "w": "02 16 23 36 42", "x": "02 46|42 06",
    "Æ": "06 20 26 46|20 40|14 24|23 43", "Ħ": "00 06|40 46|03 43|01 41", "ŧ": "~10 15 26 36|02 32|04 34",
    # Greek
    "Γ": "40 00 06", "Λ": "06 20 46", "Ξ": "00 40|13 33|06 46", "Π": "00 06|40 46|00 40",
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
    # Signs
    "+": "21 25|03 43", "=": "02 42|04 44", "#": "10 06|40 36|02 42|04 44", "*": "20 26|01 45|41 05", "<": "41 03 45",
    ">": "01 43 05", "[": "30 10 16 36", "]": "10 30 36 16", "~": "~04 12 34 42",
    "@": "~33 22 13 24 33 35 44 31 10 01 05 26 46",
    "≠": "02 42|04 44|40 06", "→": "03 43|31 43 35", "↑": "20 26|02 20 42", "√": "03 13 26 40",
    "∞": "~24 03 05 24 43 45 24",
    "heart": "~26 03 01 10 22 30 41 43 26", "star": "16 20 36 02 42 16", "house": "06 03 20 43 46 06",
    "smile": "~20 01 05 26 45 41 20|11 12|31 32|~14 25 34", "bolt": "30 03 33 06",
}  # fmt: skip

POINT, STROKE = 0.28, 0.15  # how far points and whole strokes wander, in steps of the grid
ROUNDED = 0.4  # share of the letters whose corners are rounded
WIDTH = 0.7, 1.3  # of the upright letter's
SLANT, TURN = 0.25, 0.1  # standard deviations of the shear and of the rotation in radians


def written(rng: np.random.Generator) -> list[np.ndarray]:
    """The strokes of a letter or sign: polylines (n, 2), x and y, in a box of about 2 around 0, y downwards."""
    strokes = list(STROKES.values())[rng.integers(len(STROKES))].split("|")
    rounded = rng.random() < ROUNDED
    paths = []
    for text in strokes:
        points = np.array([[int(x), int(y)] for x, y in text.lstrip("~").split()], float)
        points += rng.normal(0, POINT, points.shape) + rng.normal(0, STROKE, 2)
        paths.append(smoothed(points, 3 if text.startswith("~") else 2 if rounded else 0))
    ink = np.concatenate(paths)
    low, high = ink.min(axis=0), ink.max(axis=0)
    turn, width, slant = rng.normal(0, TURN), rng.uniform(*WIDTH), rng.normal(0, SLANT)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) @ [[width, slant], [0, 1]]
    return [(path - (low + high) / 2) @ matrix.T * 2 / max(high - low) for path in paths]


def smoothed(points: np.ndarray, times: int) -> np.ndarray:
    """Cuts the corners of a polyline (n, 2), again and again, and keeps its ends (Chaikin 1974)."""
    for _ in range(times):
        a, b = points[:-1], points[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], cut, points[-1:]])
    return points
