"""Settings: fields of a dataclass that say what they are for and which values they may have.

    lr: float = setting(1e-3, "learning rate", limits=(1e-12, 1e38))

Recipe and Distortion consist of them. `nn.train` makes an option of each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import field, fields
from numbers import Integral


def setting(default: object, about: str, limits: tuple | None = None, choices: Iterable = ()) -> object:
    """A field of a dataclass. `nn.train --help` shows `about`; `limits` are the lowest and the highest value. A default
    need not be one of the choices.
    """
    return field(default=default, metadata={"about": about, "limits": limits, "choices": tuple(choices)})


def check(settings: object, of: str = "") -> None:
    """Raises ValueError for a value outside of its limits or that is none of its choices. Where the default is a whole
    number, or consists of them, so must the value.

    of: follows the setting's name in the message, such as " of a distortion".
    """
    for each in fields(settings):
        value, limits, choices = getattr(settings, each.name), *map(each.metadata.get, ("limits", "choices"))
        if limits and not limits[0] <= value <= limits[1]:
            lowest, highest = (f"{limit:,}" if isinstance(limit, int) else f"{limit:g}" for limit in limits)
            end = "on" if limits[1] == math.inf else f"to {highest}"
            raise ValueError(f"{each.name}{of} must be from {lowest} {end}, got {value}")
        if choices and value not in (each.default, *choices):
            raise ValueError(f"{each.name}{of} must be one of {', '.join(map(str, choices))}, got {value!r}")
        if isinstance(each.default, tuple) and not (isinstance(value, tuple | list) and all(map(is_whole, value))):
            raise ValueError(f"{each.name}{of} must be whole numbers, got {value!r}")
        if is_whole(each.default) and not is_whole(value):
            raise ValueError(f"{each.name}{of} must be a whole number, got {value!r}")


def is_whole(value: object) -> bool:
    """Whether a value is an integer of Python or NumPy, and no bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)
