"""What others wait while somebody sends what is small and costs much: heavy pictures, tiny chunks, idle connections.

    python tests/bench/attack.py [--quick] [--json FILE] [--url URL --pid PID]

Each attack runs for a few seconds while /health, the page and a good picture are asked for in turn; their longest waits
are printed, and the app's peak memory. Goals: /health within 1 s, the page within 3 s, a picture within 5 s, memory
below 700 MB. All on the loopback of this machine, bounded in count and time. --url asks a server that runs already, an
older version of the app perhaps.
"""

import argparse
import contextlib
import io
import json
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from PIL import Image

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from conftest import running  # noqa: E402

EXAMPLES = ROOT / "preprocessing" / "examples"
SEVEN = (EXAMPLES / "7.png").read_bytes()
SECONDS = 15  # of each attack
PATIENCE = 60  # s; a question that takes longer counts as so much
GOALS = {"health": 1, "page": 3, "picture": 5}  # s
MEMORY_GOAL = 700  # MB
LOOPBACK = ("127.0.0.1", "localhost", "::1")


# --- Attacks: each sends until `stop` is set ------------------------------------------------------------------------


def saved(mode, size, kind, **options):
    file = io.BytesIO()
    Image.new(mode, size, "white" if mode != "F" else 0.5).save(file, kind, **options)
    return file.getvalue()


def post(url, path, contents, stop):
    """Sends these bodies one after the other."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        while not stop.is_set():
            for content in contents:
                with contextlib.suppress(httpx.HTTPError):
                    client.post(path, content=content)


def heavy(url, stop, count):
    kinds = [
        saved("RGB", (7000, 7000), "WEBP", method=0),
        saved("RGB", (3600, 3600), "WEBP", method=0),
        saved("F", (4000, 4000), "TIFF", compression="tiff_adobe_deflate"),
        saved("RGB", (3400, 3400), "AVIF", speed=10),
    ]
    return [lambda: post(url, "/predict/image", kinds, stop) for _ in range(count)]


def live(url, stop, count):
    file = io.BytesIO()
    Image.open(EXAMPLES / "several-2026.png").convert("L").resize((400, 400)).save(file, "PNG")
    return [lambda: post(url, "/live", [file.getvalue()], stop) for _ in range(count)]


def connection(url):
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def tiny_chunks(url, stop, count):
    def send():
        while not stop.is_set():
            with contextlib.suppress(OSError), connection(url) as open_:
                open_.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                while not stop.is_set():
                    open_.sendall(b"1\r\nx\r\n" * 1000)

    return [send for _ in range(count)]


def half_heads(url, stop, count):
    def hold():
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    stack.enter_context(connection(url)).sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
            stop.wait()

    return [hold]


ATTACKS = {  # name: what it does, how many at once
    "nothing": (lambda url, stop, count: [], 0),
    "heavy pictures": (heavy, 60),
    "/live": (live, 250),
    "chunks of one byte": (tiny_chunks, 4),
    "half heads": (half_heads, 900),
}


# --- What others wait -----------------------------------------------------------------------------------------------


def asked(url, method, path, **options):
    """Seconds until a right answer; PATIENCE without one."""
    start = time.perf_counter()
    with contextlib.suppress(httpx.HTTPError):
        if httpx.request(method, url + path, timeout=PATIENCE, **options).status_code == 200:
            return time.perf_counter() - start
    return float(PATIENCE)


def measured(url, process, attack, count, seconds):
    """The longest wait for each of GOALS, and the peak memory in MB, while the attack goes on."""
    stop, peak = threading.Event(), [0]

    def watch():
        while not stop.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    senders = [watch, *attack(url, stop, count)]
    waits = {name: [] for name in GOALS}
    with ThreadPoolExecutor(len(senders)) as pool:
        sent = [pool.submit(sender) for sender in senders]
        try:
            time.sleep(1)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                waits["health"].append(asked(url, "GET", "/health"))
                waits["page"].append(asked(url, "GET", "/"))
                waits["picture"].append(asked(url, "POST", "/predict/image", content=SEVEN))
        finally:
            stop.set()
    for each in sent:
        each.result()
    return {name: max(each) for name, each in waits.items()} | {"memory": peak[0] / 1e6}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="two seconds of each, by a quarter as many")
    parser.add_argument("--url", help="of a server on this machine that runs already; with --pid")
    parser.add_argument("--pid", type=int, help="of this server")
    arguments = parser.parse_args()
    if arguments.url and (urlsplit(arguments.url).hostname not in LOOPBACK or not arguments.pid):
        parser.error("expected --url on the loopback of this machine, and --pid")
    measures = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url, pid = arguments.url, arguments.pid
        if not url:
            url, server = stack.enter_context(running(f"{folder}/log", GRADIO_TEMP_DIR=folder))
            pid = server.pid
        print(f"{'longest wait during':24}{'/health s':>11}{'page s':>9}{'picture s':>11}{'peak MB':>9}")
        for name, (attack, count) in ATTACKS.items():
            count, seconds = (count // 4, 2) if arguments.quick else (count, SECONDS)
            found = measured(url, psutil.Process(pid), attack, count, seconds)
            print(
                f"{name:24}{found['health']:11.2f}{found['page']:9.2f}{found['picture']:11.2f}{found['memory']:9.0f}",
                flush=True,
            )
            measures |= {f"attack_{name.strip('/').replace(' ', '_')}_{what}": value for what, value in found.items()}
    print(f"{'must':24}{GOALS['health']:11}{GOALS['page']:9}{GOALS['picture']:11}{MEMORY_GOAL:9}")
    if arguments.json:
        arguments.json.write_text(json.dumps(measures, indent=2) + "\n")


if __name__ == "__main__":
    main()
