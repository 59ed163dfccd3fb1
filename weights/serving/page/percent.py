"""How the page writes shares in percent. tools.js has the same two rules for what the browser computes.

percent.sure(0.9996)    # ">99%": how sure a network is
percent.right(0.914)    # "91.4%": how many of some digits it reads
"""

from __future__ import annotations

import math

# A network is never quite sure, and its confidence is not known to a tenth of a percent.
LEAST, MOST = 0.005, 0.995  # would be rounded to 0% and to 100%


def sure(share: float) -> str:
    """A probability: a whole number of percent, neither 0% nor 100%."""
    if share < LEAST:
        return "<1%"
    return f"{math.floor(100 * share + 0.5)}%" if share < MOST else ">99%"


def in_words(share: float) -> str:
    """A confidence in a sentence."""
    return sure(share).replace(">", "over ").replace("<", "under ")


def right(share: float) -> str:
    """A share of digits that were counted: one decimal place, two near 0 and 100%."""
    text = f"{100 * share:.{2 if share > 0.9995 or share < 0.0005 else 1}f}%"
    return {"100.00%": "100%", "0.00%": "0%"}.get(text, text)
