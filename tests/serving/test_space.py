"""The app as a Space runs it: called in the ways that the README and the page show."""

import json
import os
import subprocess
import sys

import httpx
import pytest
from conftest import EXAMPLES, ROOT, SPACE, awaited, running
from gradio_client import Client, handle_file
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from weights.serving.gradio_api import small_data_url

SEVEN = EXAMPLES / "7.png"
PROXY = {"Host": SPACE["SPACE_HOST"], "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with running(tmp_path_factory.mktemp("space") / "log", **SPACE) as (url, _):
        yield url


def test_python_client_uploads_and_calls(space):
    client = Client(space, verbose=False)
    assert next(iter(client.predict(handle_file(SEVEN), api_name="/predict"))) == "7"


def test_direct_calls_are_open(space):
    for path in ("run", "api"):
        body = {"data": [small_data_url(SEVEN)]}
        answer = httpx.post(f"{space}/gradio_api/{path}/predict", json=body, headers=PROXY, timeout=60)
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
    with httpx.Client(base_url=space, headers=PROXY, timeout=60) as http:
        info = http.get("/gradio_api/info").json()
        snippets = json.dumps([each["code_snippets"] for each in info["named_endpoints"].values()])
        assert "127.0.0.1" not in snippets
        assert 'Client(\\"alice/draw\\")' in snippets  # by its name on the Hub
        assert http.get("/config").json()["root"].startswith(f"https://{SPACE['SPACE_HOST']}")
        assert http.post("/predict/image", content=SEVEN.read_bytes()).json()["digit"] == 7


@pytest.mark.slow
def test_all_ways_to_call_work_as_on_a_laptop():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/serving/test_client.py"]
    command += ["tests/serving/test_http.py", "tests/test_readme.py"]
    command += ["-k", "not python_snippet"]  # it calls the Space of this name on the Hub
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "SERVE_AS": "space"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
