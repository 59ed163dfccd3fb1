"""The app as a Space runs it: called in the ways that the README and the page show."""

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import EXAMPLES, ROOT, awaited
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image
from space import HOST, MEMORY_MB, on_a_space, peak_mb

from weights.serving.gradio_api import small_data_url

SEVEN = EXAMPLES / "7.png"
PHOTOGRAPH = (4000, 3000)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """(address, process)."""
    with on_a_space(tmp_path_factory.mktemp("space") / "log") as started:
        yield started


def photograph():
    """A number on a sheet of paper, as large as a phone takes it."""
    file = io.BytesIO()
    with Image.open(EXAMPLES / "several-2026.png") as drawn:
        drawn.convert("RGB").resize(PHOTOGRAPH).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def space(started):
    return started[0]


def test_it_runs_without_rights(started):
    status = dict(line.split(":\t") for line in Path(f"/proc/{started[1].pid}/status").read_text().splitlines())
    if status["Uid"].split()[0] == "0":
        pytest.skip("the tests are run by root, with a Python where no other user may go")
    assert int(status["CapEff"], 16) == 0


def test_python_client_uploads_and_calls(space):
    client = Client(space, verbose=False)
    assert next(iter(client.predict(handle_file(SEVEN), api_name="/predict"))) == "7"


def test_direct_calls_are_open(space):
    for path in ("run", "api"):
        body = {"data": [small_data_url(SEVEN)]}
        answer = httpx.post(f"{space}/gradio_api/{path}/predict", json=body, timeout=60)
        assert next(iter(answer.json()["data"][0])) == "7"


def test_tools_of_agents_have_the_names_of_the_endpoints(space):
    async def names():
        async with (
            streamable_http_client(f"{space}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            called = await session.call_tool("predict", {"image": small_data_url(SEVEN)})
            return {tool.name for tool in (await session.list_tools()).tools}, called

    found, called = awaited(names())
    assert found == {"predict", "predict_pixels", "predict_batch", "read"}
    assert called.content[0].text.startswith("{'7'")


def test_snippets_and_the_page_name_the_spaces_own_address(space):
    with httpx.Client(base_url=space, timeout=60) as http:
        info = http.get("/gradio_api/info").json()
        snippets = json.dumps([each["code_snippets"] for each in info["named_endpoints"].values()])
        assert "127.0.0.1" not in snippets
        assert 'Client(\\"alice/draw\\")' in snippets  # by its name on the Hub
        assert http.get("/config").json()["root"].startswith(f"https://{HOST}")
        assert http.post("/predict/image", content=SEVEN.read_bytes()).json()["digit"] == 7


def test_all_this_takes_no_more_memory_than_a_small_machine_has(started):
    (url, process), content = started, photograph()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(f"{url}/read", content=content, timeout=60), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    print(f"\npeak: {peak_mb(process):.0f} MB")
    assert peak_mb(process) < MEMORY_MB


@pytest.mark.slow
def test_all_ways_to_call_work_as_on_a_laptop():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/serving/test_client.py"]
    command += ["tests/serving/test_http.py", "tests/test_readme.py"]
    # These call the Space itself: by its name on the Hub, or at the address that it says it has.
    command += ["-k", "not python_snippet and not javascript"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "SERVE_AS": "space"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
