"""Memory and turns for pictures are bounded: large ones are told to come back, small ones find room beside them."""

import contextlib
import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import httpx
import pytest
from conftest import EXAMPLES
from PIL import Image

from preprocessing.decoding import MAX_DECODING_BYTES, decoding_bytes
from weights.serving.http import LIVE_AT_ONCE, LIVE_WAITING
from weights.serving.limits.pictures import MAX_BYTES, SMALL_BYTES, Busy, Room, room_for

SEVEN = (EXAMPLES / "7.png").read_bytes()


# MB that the app may take with all pictures under way.
MUST_MB = 700


def heavy(kind, mode, side, **options):
    """A few KB that take 100 to 230 MB to decode."""
    file = io.BytesIO()
    Image.new(mode, (side, side), "white" if mode == "RGB" else 0.5).save(file, kind, **options)
    return file.getvalue()


@cache  # where they are needed: each of pytest's processes would make them for a second
def heavy_pictures():
    return (
        heavy("WEBP", "RGB", 3600, method=0),
        heavy("TIFF", "F", 4000, compression="tiff_adobe_deflate"),
        heavy("AVIF", "RGB", 3400, speed=10),
    )


def test_large_pictures_leave_room_for_small_ones():
    room = Room(MAX_BYTES, MAX_DECODING_BYTES)
    with room.take(MAX_DECODING_BYTES):
        with pytest.raises(Busy), room.take(SMALL_BYTES + 1):
            pass
        with room.take(SMALL_BYTES), room.take(SMALL_BYTES), pytest.raises(Busy), room.take(SMALL_BYTES):
            pass
    with room.take(MAX_DECODING_BYTES):  # what was taken is given back
        pass
    assert MAX_BYTES - MAX_DECODING_BYTES >= 2 * SMALL_BYTES


def test_a_program_that_imports_our_functions_is_not_bounded():
    with Room().take(MAX_BYTES), Room().take(MAX_BYTES), room_for(Image.open(io.BytesIO(heavy_pictures()[0]))):
        pass
    picture = Image.open(io.BytesIO(heavy_pictures()[0]))
    with contextlib.ExitStack() as stack:
        for _ in range(2 * MAX_BYTES // decoding_bytes(picture)):
            stack.enter_context(room_for(picture))


def at_once(url, path, contents, count):
    # One client for all: making one reads the system's certificates, which costs more than most requests.
    http = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None))

    def ask(n):
        return http.post(url + path, content=contents[n % len(contents)])

    pool = ThreadPoolExecutor(count)
    return pool, [pool.submit(ask, n) for n in range(count)]


@pytest.mark.parametrize("path", ["/predict/image", "/read"])
def test_many_heavy_pictures_do_not_keep_a_good_one_waiting(server_process, path):
    server, process = server_process
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak counts from here
    pool, asked = at_once(server, path, heavy_pictures(), 30)
    time.sleep(0.5)
    start = time.perf_counter()
    good = httpx.post(f"{server}/predict/image", content=SEVEN, timeout=60)
    waited = time.perf_counter() - start
    answers = [each.result() for each in asked]
    pool.shutdown()
    assert (good.status_code, good.json()["digit"]) == (200, 7)
    assert waited < 5
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert all("retry-after" in answer.headers for answer in refused)
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak_mb = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1000
    print(f"\npeak of {path}: {peak_mb:.0f} MB")
    assert peak_mb < MUST_MB


def test_many_unfinished_drawings_do_not_keep_the_page_waiting(server):
    file = io.BytesIO()
    Image.open(EXAMPLES / "several-2026.png").convert("L").resize((400, 400)).save(file, "PNG")
    pool, asked = at_once(server, "/live", [file.getvalue()], 150)
    time.sleep(0.3)
    start = time.perf_counter()
    assert httpx.get(f"{server}/", timeout=60).status_code == 200
    waited = time.perf_counter() - start
    statuses = [each.result().status_code for each in asked]
    pool.shutdown()
    assert waited < 3
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) >= LIVE_AT_ONCE + LIVE_WAITING
