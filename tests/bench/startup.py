"""Time from the start of the process to the first right answer over HTTP, and the memory it has by then.

    python tests/bench/startup.py [--quick] [--json FILE]

The app is compared with a Blocks app of three lines (goal: a ratio of 1.15; must be <= 1.3), and the app that follows
weights on a Hub that never answers with the app that follows none (must be <= 1.1). They are started in turn, so that
everything else on the machine slows all of them.
"""

import argparse
import base64
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "hub")]

from hub_helpers import REPO, environment  # noqa: E402
from hub_server import HubServer, silence  # noqa: E402

SEVEN = ROOT / "preprocessing" / "examples" / "7.png"
TIMEOUT = 120

THREE_LINES = """
import gradio as gr
with gr.Blocks() as demo:
    gr.Button().click(lambda image: {"7": 1.0}, gr.Image(), gr.JSON(), api_name="predict")
demo.launch(ssr_mode=False)
"""

APP, PEER, SILENT = "app", "three lines", "app, silent Hub"
COMMANDS = {
    APP: [sys.executable, "app.py"],
    PEER: [sys.executable, "-c", THREE_LINES],
    SILENT: [sys.executable, "app.py"],
}
RATIOS = {
    "startup_ratio": (APP, PEER, "goal 1.15, must 1.3"),
    "startup_silent_hub_ratio": (SILENT, APP, "must 1.1"),
}
RUNS = 7


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def first_answer(command, variables):
    """(seconds, bytes of memory) from the start of the command to its first answer to a picture of a 7."""
    port = free_port()
    # Without this the peer would tell gradio's makers that it runs, and the time of that would be measured too.
    variables = variables | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    picture = {
        "url": "data:image/png;base64," + base64.b64encode(SEVEN.read_bytes()).decode(),
        "meta": {"_type": "gradio.FileData"},
    }
    start = time.perf_counter()
    server = subprocess.Popen(
        command, cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while True:
            answer = ask(f"http://127.0.0.1:{port}/gradio_api/run/predict", picture)
            seconds = time.perf_counter() - start
            if answer:
                if max(answer, key=answer.get) != "7":
                    raise RuntimeError(f"{command[1]} answered {answer} to a 7")
                return seconds, psutil.Process(server.pid).memory_info().rss
            if server.poll() is not None or seconds > TIMEOUT:
                raise RuntimeError(f"{command[1]} did not answer: {server.stderr.read() if server.poll() else ''}")
            time.sleep(0.01)
    finally:
        server.kill()
        server.communicate()


def ask(url, picture):
    """The answer, or None while no server listens."""
    request = urllib.request.Request(
        url, json.dumps({"data": [picture]}).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["data"][0]
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="one run of each, to see that it works")
    arguments = parser.parse_args()

    times, memories = {name: [] for name in COMMANDS}, {name: [] for name in COMMANDS}
    with HubServer() as hub, tempfile.TemporaryDirectory() as home:
        for method in ("HEAD", "GET"):
            hub.fault(method, "/", silence)
        plain = environment(hub, home)
        variables = {APP: plain, PEER: plain, SILENT: plain | {"WEIGHTS_REPO": REPO}}
        for _ in range(1 if arguments.quick else RUNS):
            for name, command in COMMANDS.items():
                seconds, memory = first_answer(command, variables[name])
                times[name].append(seconds)
                memories[name].append(memory / 2**20)

    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {measure: medians[ours] / medians[peer] for measure, (ours, peer, _) in RATIOS.items()}
    memory = {name: statistics.median(values) for name, values in memories.items()}
    print(f"{'':16}{'median s':>10}{'min':>8}{'max':>8}{'MiB':>8}{'runs':>6}")
    for name, values in times.items():
        figures = f"{medians[name]:10.2f}{min(values):8.2f}{max(values):8.2f}{memory[name]:8.0f}{len(values):6d}"
        print(f"{name:16}{figures}")
    for measure, (ours, peer, limits) in RATIOS.items():
        print(f"{ours} / {peer}: {ratios[measure]:.2f}   ({limits})")
    ratios["startup_memory_ratio"] = memory[APP] / memory[PEER]
    print(f"memory, {APP} / {PEER}: {ratios['startup_memory_ratio']:.2f}   (must 1.3)")
    if arguments.json:
        seconds = {f"startup_{name.replace(',', '').replace(' ', '_')}_seconds": t for name, t in medians.items()}
        arguments.json.write_text(json.dumps(seconds | ratios, indent=2) + "\n")


if __name__ == "__main__":
    main()
