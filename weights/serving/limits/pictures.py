"""How much memory all pictures under way may take together, told by their headers before any is decoded.

    limit()                              # in a server; elsewhere there is room for everything
    with room_for(picture):              # raises Busy when there is none
        tensor = to_mnist(picture)

Every way in comes through here: routes, endpoints, tools of agents, the page. Nobody waits for room, because a thread
that waited would be missing for small pictures.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator

import numpy as np
from PIL import Image

from preprocessing.decoding import MAX_DECODING_BYTES, decoding_bytes

# All pictures together. With them the whole app was seen to take up to 500 MB under attack: it fits a host of 512 MB.
MAX_BYTES = 275_000_000
# Pictures that take no more than this find room beside the largest one: a drawing takes 3 MB.
SMALL_BYTES = 12_500_000
BUSY = "Pictures under way take all the memory there is for them. Try again shortly."


class Busy(Exception):
    """There is no room for a picture now."""

    def __init__(self) -> None:
        super().__init__(BUSY)


class Room:
    """Memory for pictures. total: bytes of all; large: bytes of those that are not small."""

    def __init__(self, total: float = math.inf, large: float = math.inf):
        self.total, self.large = total, large
        self.held = self.held_large = 0  # bytes of all pictures under way, and of the large ones among them
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Raises Busy."""
        large = size if size > SMALL_BYTES else 0
        with self.lock:
            if self.held + size > self.total or (large and self.held_large + large > self.large):
                raise Busy
            self.held += size
            self.held_large += large
        try:
            yield
        finally:
            with self.lock:
                self.held -= size
                self.held_large -= large


# One for the process, as its memory is. A program that only imports our functions knows best what it has room for.
ROOM = Room()


def limit() -> None:
    """Bounds the memory for pictures, as a server needs that anybody may ask."""
    ROOM.total, ROOM.large = MAX_BYTES, MAX_DECODING_BYTES


def room_for(*pictures: Image.Image | np.ndarray) -> contextlib.AbstractContextManager[None]:
    """Room for these pictures while they are decoded. An array is in memory already. Raises Busy when it is entered."""
    return ROOM.take(sum(decoding_bytes(picture) for picture in pictures if isinstance(picture, Image.Image)))
