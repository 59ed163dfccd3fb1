"""How much memory all pictures under way may take together, told by their headers before any is decoded.

    with room_for(picture):              # raises Busy when there is none
        tensor = to_mnist(picture)

Every way in comes through here: routes, endpoints, tools of agents, the page. Nobody waits for room, because a thread
that waited would be missing for small pictures.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import numpy as np
from PIL import Image

from preprocessing.picture import MAX_DECODING_BYTES, decoding_bytes

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

    def __init__(self, total: int = MAX_BYTES, large: int = MAX_DECODING_BYTES):
        self.limits = {False: total, True: large}
        self.held = {False: 0, True: 0}  # by whether a picture is large
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Raises Busy."""
        large = size > SMALL_BYTES
        with self.lock:
            if sum(self.held.values()) + size > self.limits[False]:
                raise Busy
            if large and self.held[True] + size > self.limits[True]:
                raise Busy
            self.held[large] += size
        try:
            yield
        finally:
            with self.lock:
                self.held[large] -= size


# One for the process, as its memory is.
ROOM = Room()


def room_for(*pictures: Image.Image | np.ndarray) -> contextlib.AbstractContextManager[None]:
    """Room for these pictures while they are decoded. An array is in memory already. Raises Busy when it is entered."""
    return ROOM.take(sum(decoding_bytes(picture) for picture in pictures if isinstance(picture, Image.Image)))
