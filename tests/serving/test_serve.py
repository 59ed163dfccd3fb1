"""How the app starts, where it listens, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from conftest import EXAMPLES, PROGRAM_SECONDS, ROOT, awaited, running

from weights.serving.serve import repeat

SEVEN = (EXAMPLES / "7.png").read_bytes()


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """(address, process, log) of a server that the last of these tests stops."""
    log = tmp_path_factory.mktemp("own") / "log"
    with running(log, HF_TOKEN="hf_thisisasecret") as (url, process):
        yield url, process, log


def test_what_is_done_again_and_again_survives_an_error(caplog):
    done = []

    async def act():
        done.append(len(done))
        if len(done) == 1:
            raise OSError("the disk is full")

    async def for_a_while():
        task = asyncio.create_task(repeat(0.01, act))
        while len(done) < 3 and not task.done():
            await asyncio.sleep(0.01)
        task.cancel()

    awaited(for_a_while())
    assert len(done) >= 3
    assert "the disk is full" in caplog.text


def test_token_of_the_environment_is_in_no_answer(own):
    for path in ("/", "/config", "/health", "/gradio_api/info", "/openapi.json", "/gradio_api/openapi.json"):
        assert "hf_thisisasecret" not in httpx.get(own[0] + path, timeout=60).text


def test_wrong_message_of_an_agent_takes_one_line_of_the_log(own):
    url, _, log = own
    before = len(log.read_bytes())
    message = {"jsonrpc": "2.0", "id": 1, "method": "nothing", "params": {"name": "secret" * 100}}
    headers = {"Accept": "application/json, text/event-stream"}
    answer = httpx.post(f"{url}/gradio_api/mcp/", json=message, headers=headers, timeout=60)
    assert '"error"' in answer.text
    said = log.read_bytes()[before:].decode()
    assert "secret" not in said
    assert len(said.splitlines()) <= 1


def test_threads_share_the_memory_that_is_given_back(own):
    url, process, _ = own
    with ThreadPoolExecutor(16) as pool:  # makes the server start all of its threads
        answers = list(pool.map(lambda _: httpx.post(f"{url}/predict/image", content=SEVEN, timeout=60), range(64)))
    assert all(answer.json()["digit"] == 7 for answer in answers)
    assert not arenas(process.pid)


def arenas(pid):
    """Memory that glibc keeps for single threads: a part in use and one that is not yet, side by side, which begin at a
    multiple of 64 MiB and are together at least as long.
    """
    found, size = [], 64 * 2**20
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    for used, unused in pairwise(maps):
        (start, middle), (next_, end) = ((int(part, 16) for part in line[0].split("-")) for line in (used, unused))
        side_by_side = start % size == 0 and middle == next_ and end >= start + size
        if side_by_side and (used[1], unused[1]) == ("rw-p", "---p"):
            found.append(" ".join(used))
    return found


def test_told_to_stop_it_answers_what_is_under_way_and_exits_within_five_seconds(own):
    url, process, log = own
    address = (urlsplit(url).hostname, urlsplit(url).port)
    body = json.dumps({"pixels": [0] * 784}).encode()
    agent = {"Accept": "text/event-stream, application/json"}
    with (
        httpx.stream("GET", f"{url}/gradio_api/heartbeat/visitor", timeout=30) as page,
        httpx.stream("GET", f"{url}/gradio_api/mcp/", headers=agent, timeout=30) as stream,
    ):
        beats = page.iter_bytes()
        next(beats)  # a page is open
        assert stream.status_code == 200  # and an agent listens
        with socket.create_connection(address, timeout=30) as s:
            head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            s.sendall(head % len(body) + body[:100])
            httpx.get(f"{url}/health", timeout=30)  # by now the first half has arrived
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            while is_open(address):
                pass
            s.sendall(body[100:])
            answer = b"".join(iter(lambda: s.recv(4096), b""))
        assert list(beats) == []  # the stream ended in good order
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"digit":null' in answer
    assert process.wait(timeout=30) == 0
    seconds = time.monotonic() - start
    print(f"\nSIGTERM: {seconds:.2f} s")
    assert seconds < 5
    assert "Traceback" not in log.read_text()
    assert "Exception" not in log.read_text()


def is_open(address):
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError:
        return False
    return True


# --- Where it listens -------------------------------------------------------------------------------------------------


def test_on_a_space_it_is_open_to_all_and_may_be_called_directly_and_ctrl_c_ends_it(tmp_path):
    space = {"SYSTEM": "spaces", "SPACE_ID": "alice/draw", "SPACE_HOST": "alice-draw.hf.space"}
    with running(tmp_path / "log", GRADIO_SERVER_NAME="", **space) as (url, process):
        elsewhere = url.replace("127.0.0.1", "127.0.0.2")  # reached only if it listens on 0.0.0.0
        with httpx.Client(base_url=elsewhere, timeout=60) as http:
            assert http.get("/health").json()["status"] == "ok"
            pixels = [0] * 784
            for path in ("/gradio_api/run/predict_pixels", "/gradio_api/api/predict_pixels"):
                assert http.post(path, json={"data": [pixels]}).json()["data"] == [{}]
            page = http.get("/", headers={"Host": "alice-draw.hf.space", "X-Forwarded-Proto": "https"}).text
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert 'property="og:image" content="https://alice-draw.hf.space/gradio_api/file=' in page
    assert 'content="Gradio"' not in page


@pytest.mark.parametrize("port", ["abc", "-1", "70000", "1e3"])
def test_port_that_is_none_is_told_in_words(port):
    run = start(GRADIO_SERVER_PORT=port)
    assert run.returncode == 1
    assert "GRADIO_SERVER_PORT: expected a port" in run.stderr
    assert "Traceback" not in run.stderr


def test_empty_variables_are_as_good_as_not_set():
    code = (
        "from weights.serving.address import address; print(*address())\n"
        "import gradio as gr; gr.Blocks().queue(); from gradio import node_server, http_server"
    )
    empty = dict.fromkeys(["GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_NUM_PORTS"], "")
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | empty, capture_output=True, text=True, check=True
    )
    assert run.stdout == "127.0.0.1 7860\n"


def test_port_that_is_taken_is_told_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        run = start(GRADIO_SERVER_PORT=str(taken.getsockname()[1]))
    assert run.returncode not in (0, None)
    assert "address already in use" in run.stderr
    assert "Traceback" not in run.stderr


def start(**variables):
    """Runs the app, which must end by itself."""
    environment = {**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1", **variables}
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PROGRAM_SECONDS)
