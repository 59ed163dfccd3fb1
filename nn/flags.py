"""How programs read paths, names and numbers on the command line, and variables of the environment. What cannot be
meant is refused.

    parser.add_argument("--out", type=flags.path)

A wrong value ends the program with a message that begins with the option's name.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path


def variable(name: str) -> str | None:
    """What a variable of the environment says; None if it is not set, or blank."""
    return os.environ.get(name, "").strip() or None


def name(text: str) -> str:
    """A name, an address or a message. An empty one is what a shell makes of "$VARIABLE" when that is not set."""
    if not text:
        raise ArgumentTypeError('expected something, got "": is a variable not set?')
    return text


def path(text: str) -> Path:
    """A file or folder; as `name`. Path("") would be the current folder."""
    return Path(name(text))


def at_least(lowest: int) -> Callable[[str], int]:
    """Reads an integer that is not below `lowest`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if value < lowest:
            raise ArgumentTypeError(f"expected an integer from {lowest} on, got {text[:100]!r}")
        return value

    return read
