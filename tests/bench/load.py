"""Many callers at once: whether every answer is right, how long it takes, and what stays in memory.

    python tests/bench/load.py [--quick] [--json FILE] [--seconds N] [--requests N]

A trivial app runs beside ours: a route and a `gr.api` that take 784 pixels and give a ready answer. Both are asked in
turn, so that everything else on the machine slows both. Goals:

- the median of POST /predict is at most 1.3 times the trivial route's
- the median of `run/predict_pixels` is at most 1.15 times the trivial gr.api's
- memory after 100,000 requests is at most 1.15 times that after 1,000
- no answer is wrong while 64 callers use everything for a minute

All of it runs on the loopback of this machine.
"""

import argparse
import asyncio
import base64
import contextlib
import http.client
import json
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "hub")]

import numpy as np  # noqa: E402
from conftest import running  # noqa: E402
from PIL import Image  # noqa: E402

import preprocessing  # noqa: E402

CALLERS = 64
SECONDS = 60
PAIRS = 1_000  # of requests, for a ratio
BEFORE, AFTER = 1_000, 100_000  # requests between which memory is compared
THREADS = 4
BATCH = 8

TRIVIAL = """
import gradio as gr
from fastapi import FastAPI
from pydantic import BaseModel

ANSWER = {str(n): 0.1 for n in range(10)} | {"not a digit": 0.0}

class Body(BaseModel):
    pixels: list[int]

api = FastAPI()

@api.post("/predict")
async def predict(body: Body) -> dict:
    return {"digit": 7, "confidence": 0.1, "probabilities": ANSWER, "not_a_digit": 0.0}

def predict_pixels(pixels: list[int]) -> dict[str, float]:
    return ANSWER

with gr.Blocks() as demo:
    gr.api(predict_pixels, api_name="predict_pixels")
demo.launch(ssr_mode=False, app_kwargs={"routes": api.routes})
"""

FILE = ROOT / "preprocessing" / "examples" / "7.png"
SEVEN = FILE.read_bytes()
PIXELS = np.rint(preprocessing.to_mnist(Image.open(FILE)) * 255).astype(int).ravel().tolist()
ENCODED = base64.b64encode(SEVEN).decode()
FILE_DATA = {"url": f"data:image/png;base64,{ENCODED}", "meta": {"_type": "gradio.FileData"}}
RUN = "/gradio_api/run/predict_pixels"
RATIOS = {
    "load_predict_ratio": ("/predict", json.dumps({"pixels": PIXELS}).encode(), 1.3),
    "load_run_ratio": (RUN, json.dumps({"data": [PIXELS]}).encode(), 1.15),
}


# --- Ratios and memory, with a client that costs next to nothing ------------------------------------------------------


def connection(url):
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)


def ask(connection, path, body):
    """Seconds until the answer is there."""
    start = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {text[:200]}")
    return time.perf_counter() - start


def ratio(app, trivial, path, body, pairs):
    """Medians of the app and of the trivial one, in seconds."""
    ours, theirs = connection(app), connection(trivial)
    times = [(ask(ours, path, body), ask(theirs, path, body)) for _ in range(pairs)]
    return [statistics.median(each) for each in zip(*times[pairs // 10 :], strict=True)]  # the first ones warm up


def send_many(url, paths, count):
    def some(number):
        client = connection(url)
        for index in range(count // THREADS):
            ask(client, *paths[(index + number) % len(paths)])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(some, range(THREADS)))


# --- The mixed load ---------------------------------------------------------------------------------------------------


def top(probabilities):
    return max(probabilities, key=probabilities.get)


async def post_predict(client):
    return (await client.post("/predict", json={"pixels": PIXELS})).json()["digit"] == 7


async def post_image(client):
    return (await client.post("/predict/image", content=SEVEN)).json()["digit"] == 7


async def post_batch(client):
    answer = await client.post("/predict/batch", json={"inputs": [PIXELS, ENCODED] * (BATCH // 2)})
    return [each["digit"] for each in answer.json()["predictions"]] == [7] * BATCH


async def get_health(client):
    return (await client.get("/health")).json()["status"] == "ok"


async def run_pixels(client):
    return top((await client.post(RUN, json={"data": [PIXELS]})).json()["data"][0]) == "7"


async def run_picture(client):
    return top((await client.post("/gradio_api/run/predict", json={"data": [FILE_DATA]})).json()["data"][0]) == "7"


async def call_picture(client):
    event = (await client.post("/gradio_api/call/predict", json={"data": [FILE_DATA]})).json()["event_id"]
    events = (await client.get(f"/gradio_api/call/predict/{event}")).text
    return "event: complete" in events and top(json.loads(events.rpartition("data: ")[2])[0]) == "7"


async def upload(client):
    path = (await client.post("/gradio_api/upload", files={"files": ("7.png", SEVEN)})).json()[0]
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    return top((await client.post("/gradio_api/run/predict", json={"data": [file]})).json()["data"][0]) == "7"


KINDS = {
    "POST /predict": post_predict,
    "POST /predict/image": post_image,
    f"POST /predict/batch, {BATCH}": post_batch,
    "GET /health": get_health,
    "run/predict_pixels": run_pixels,
    "run/predict": run_picture,
    "call/predict and its stream": call_picture,
    "upload, then run/predict": upload,
}


async def load(url, seconds):
    """(seconds by kind of request, what went wrong) while CALLERS ask one thing after the other."""
    times, wrong = defaultdict(list), []
    end = time.perf_counter() + seconds

    async def caller(client, number):
        order = random.Random(number)
        while time.perf_counter() < end:
            name = order.choice(list(KINDS))
            start = time.perf_counter()
            try:
                if not await KINDS[name](client):
                    wrong.append(f"{name}: a wrong answer")
            except Exception as error:
                wrong.append(f"{name}: {error!r}")
            times[name].append(time.perf_counter() - start)

    connections = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=connections) as client:
        await asyncio.gather(*(caller(client, number) for number in range(CALLERS)))
    return times, wrong


# --- The program ------------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="a few seconds of each, to see that it works")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the mixed load")
    parser.add_argument("--requests", type=int, default=AFTER, help="after which memory is compared")
    arguments = parser.parse_args()
    seconds, requests, pairs = arguments.seconds, arguments.requests, PAIRS
    if arguments.quick:
        seconds, requests, pairs = 3, 2 * BEFORE, 100

    measures = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        variables = {"GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_TEMP_DIR": folder}
        app, process = stack.enter_context(running(f"{folder}/app", **variables))
        trivial, _ = stack.enter_context(running(f"{folder}/trivial", sys.executable, "-c", TRIVIAL, **variables))

        print(f"{'one caller':34}{'app ms':>10}{'trivial ms':>12}{'ratio':>8}")
        for name, (path, body, limit) in RATIOS.items():
            ours, theirs = ratio(app, trivial, path, body, pairs)
            measures |= {name: ours / theirs, name.replace("ratio", "ms"): 1000 * ours}
            print(f"{path:34}{1000 * ours:10.2f}{1000 * theirs:12.2f}{ours / theirs:8.2f}   (must {limit})")

        memory = psutil.Process(process.pid).memory_info
        paths = [each[:2] for each in RATIOS.values()]
        send_many(app, paths, BEFORE)
        before = memory().rss
        start = time.perf_counter()
        send_many(app, paths, requests - BEFORE)
        rate = (requests - BEFORE) / (time.perf_counter() - start)
        growth = memory().rss / before
        measures |= {"load_memory_ratio": growth, "load_memory_mib": memory().rss / 2**20, "load_requests_second": rate}
        print(
            f"\nmemory after {BEFORE:,} requests {before / 2**20:.0f} MiB, after {requests:,} "
            f"{memory().rss / 2**20:.0f} MiB: {growth:.2f}   (must 1.15)   {rate:.0f} requests/s by {THREADS} callers"
        )

        times, wrong = asyncio.run(load(app, seconds))
        print(f"\n{CALLERS} callers, {seconds:g} s{'':18}{'requests':>10}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}")
        for name in KINDS:
            p50, p95, p99 = np.percentile(np.array(times[name]) * 1000, [50, 95, 99])
            print(f"{name:34}{len(times[name]):10,}{p50:10.0f}{p95:10.0f}{p99:10.0f}")
        total = sum(map(len, times.values()))
        measures |= {"load_mixed_second": total / seconds, "load_wrong": len(wrong)}
        print(f"{total / seconds:.0f} a second, {len(wrong)} wrong answers or errors   (must 0)")
        for each in sorted(set(wrong))[:5]:
            print(f"  {each}")
    if arguments.json:
        arguments.json.write_text(json.dumps(measures, indent=2) + "\n")


if __name__ == "__main__":
    main()
