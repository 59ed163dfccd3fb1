"""The examples under "Call it" in the README and those of /docs, run as they stand against the running app; and the
figures on MNIST, measured again."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import EXAMPLES, ROOT, awaited, output_of
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

import weights
from nn.measure import metrics
from nn.pictures import mnist

SECTION = re.search(r"^## Call it\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)[1]
ADDRESS = "http://127.0.0.1:7860"


def examples(*languages):
    """(heading, language, code) of the blocks in these languages."""
    found = []
    for part in re.split(r"^### ", SECTION, flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0]
        found += [(heading, *block) for block in re.findall(r"^```(\w+)\n(.*?)^```", part, re.DOTALL | re.MULTILINE)]
    return [pytest.param(*each, id=f"{each[0]}, {each[1]}") for each in found if each[1] in languages]


def prepared(code, server):
    """The code with the address of this server; `python` is the one that runs the tests."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return code.replace(ADDRESS, server), {"cwd": ROOT, "env": environment}


def names_what_is_shown(printed):
    """Whether an example names the digits of its picture: 7, or 2026, in whatever form it prints an answer."""
    if "7.png" in printed:  # the table
        return re.search(r"7\.png +7 ", printed) is not None
    answer = ast.literal_eval(printed.strip().splitlines()[-1].replace("null", "None").replace("false", "False"))
    if isinstance(answer, list):
        return answer == list(range(10))
    if isinstance(answer, dict) and "text" in answer:
        return answer["text"] == "2026"
    if isinstance(answer, dict):
        answer = answer.get("digit") or next(iter(answer.get("data", [answer])[0]))
    return int(answer) == 7


def test_there_is_an_example_for_every_way():
    headings = {example.values[0] for example in examples("python", "javascript", "bash", "json")}
    assert headings == {"HTTP", "Batch", "Gradio", "MCP", "Command line", "Python, without a server"}


@pytest.mark.parametrize(("heading", "language", "code"), examples("python"))
def test_python_example_runs_as_printed(server, heading, language, code):
    code, options = prepared(code, server)
    assert names_what_is_shown(output_of([sys.executable, "-c", code], **options))


@pytest.mark.parametrize(("heading", "language", "code"), examples("bash"))
def test_shell_example_runs_as_printed(server, heading, language, code):
    code, options = prepared(code, server)
    assert names_what_is_shown(output_of(["sh", "-c", code], **options))


@pytest.mark.parametrize(("heading", "language", "code"), examples("javascript"))
def test_javascript_example_runs_as_printed(server, node_project, heading, language, code):
    code, options = prepared(code, server)
    script = Path(node_project) / "example.mjs"
    script.write_text(code)
    assert output_of(["node", str(script)], **options).startswith("[ '7', 0.9")


def test_examples_of_the_documentation_send_a_file(server, tmp_path):
    with urllib.request.urlopen(f"{server}/openapi.json") as response:
        description = json.load(response)["info"]["description"]
    shutil.copy(EXAMPLES / "7.png", tmp_path)
    found = dict(re.findall(r"^```(\w+)\n(.*?)^```", description, re.DOTALL | re.MULTILINE))
    run = {"bash": ["sh", "-c"], "python": [sys.executable, "-c"]}
    if shutil.which("node"):
        run["javascript"] = ["node", "--input-type=module", "--eval"]
    assert set(found) == {"bash", "python", "javascript"}
    for language, command in run.items():
        printed = output_of([*command, found[language].replace("ADDRESS", server)], cwd=tmp_path)
        assert names_what_is_shown(printed), language


@pytest.mark.parametrize(("heading", "language", "code"), examples("json"))
def test_settings_for_an_agent_name_a_server_that_answers(server, heading, language, code):
    async def tools(url):
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            return [tool.name for tool in (await session.list_tools()).tools]

    ((settings),) = json.loads(code.replace(ADDRESS, server))["mcpServers"].values()
    assert "predict" in awaited(tools(settings["url"]))


def test_commands_of_the_hub_are_understood(tmp_path):
    """Offline, and with a folder that is not there: what is wrong with the arguments is said before that (exit 2)."""
    uploads = re.findall(r"^hf upload .*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert uploads
    for line in uploads:
        command = shlex.split(line.replace(" . ", f" {tmp_path / 'nowhere'} "), comments=True)
        command[0] = str(Path(sys.executable).parent / "hf")
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "HF_HUB_OFFLINE": "1"})
        assert done.returncode not in (0, 2), done.stderr


def test_figures_on_mnist_are_those_of_the_bundled_weights(mnist_dir):
    test = mnist.load(mnist_dir).test
    figures = metrics.evaluate_split(weights.load().predict_proba(test.pixels()), test)
    assert figures["accuracy"] >= 0.99
    row = "| test | {images:,} | {errors} | {accuracy:.2%} | {loss:.4f} | {calibration_error:.2%} |".format(**figures)
    for folder in (ROOT, weights.BUNDLED):
        assert row in (folder / "README.md").read_text("utf-8")
