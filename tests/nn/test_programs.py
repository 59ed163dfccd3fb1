"""How programs end: after Ctrl-C, and when standard output is lost."""

import os
import shlex
import subprocess
import sys

import pytest
from conftest import EXAMPLES, ROOT

from nn.pictures import sample

SEVEN = EXAMPLES / "7.png"
PREDICT = ["app.py", "predict", SEVEN]
EVALUATE = ["-m", "nn.evaluate", "--data", sample.FILE]
CORRUPTIONS = ["-m", "nn.corruptions", "--data", sample.FILE, "--limit", "1"]
TRAIN = ["-m", "nn.train", "--data", sample.FILE, "--dry-run"]
COMPARE = ["-m", "nn.compare", "--data", sample.FILE]
HUB = ["ann/digits", "--endpoint", "http://127.0.0.1:9"]
PUSH = ["-m", "weights", "push", *HUB, "--token", "hf_a", "--data", sample.FILE]
# Python imports a file of this name before all others: it presses Ctrl-C when the program comes to a certain place.
PRESSES_CTRL_C = """
import os, signal, sys

def look(event, arguments):
    global pressed
    if not pressed and event == os.environ["EVENT"] and os.environ["PLACE"] in repr(arguments):
        pressed = True
        signal.raise_signal(signal.SIGINT)

pressed = False
signal.signal(signal.SIGINT, signal.default_int_handler)  # the processes of pytest-xdist ignore it
sys.addaudithook(look)
"""
# The program, what it is about to do when Ctrl-C is pressed, and how it ends.
INTERRUPTED = {
    "predict, importing": (PREDICT, "import", "'numpy'", 130, ""),
    "predict, reading": (PREDICT, "open", "7.png", 130, ""),
    "predict --json": ([*PREDICT, "--json"], "open", "7.png", 130, ""),
    "the server, importing": (["app.py"], "import", "'PIL'", 130, ""),
    "the server, starting": (["app.py"], "open", "config.json", 130, ""),
    "train, importing numpy": (TRAIN, "import", "'numpy'", 130, ""),
    "train, importing the last": (TRAIN, "import", "'nn.trainer'", 130, ""),
    "train, reading": (TRAIN, "open", "mnist-sample.png", 1, "interrupted; --resume goes on"),
    "compare, importing": (COMPARE, "import", "'safetensors'", 130, ""),
    "compare, reading": (COMPARE, "open", "mnist-sample.png", 1, "interrupted: the table ends here"),
    "evaluate": (EVALUATE, "open", "mnist-sample.png", 130, ""),
    "corruptions": (CORRUPTIONS, "open", "mnist-sample.png", 130, ""),
    "a sheet": (["-m", "nn.pictures.sheet", "digits", "styles.png"], "open", "styles.png", 130, ""),
    "a sample": (["-m", "nn.pictures.sample", "--data", "tests"], "os.scandir", "tests", 130, ""),
    "weights, importing": (["-m", "weights", "show"], "import", "'huggingface_hub", 130, ""),
    "weights show": (["-m", "weights", "show"], "open", "config.json", 130, ""),
    "weights list": (["-m", "weights", "list", *HUB], "socket.connect", "127.0.0.1", 130, ""),
    "weights push, reading": (PUSH, "open", "mnist-sample.png", 130, ""),
    "weights push, sending": (PUSH, "socket.connect", "127.0.0.1", 130, ""),
}


@pytest.mark.parametrize("case", INTERRUPTED)
def test_ctrl_c_ends_a_program_without_a_traceback(tmp_path, case):
    program, event, place, code, said = INTERRUPTED[case]
    (tmp_path / "sitecustomize.py").write_text(PRESSES_CTRL_C)
    done = subprocess.run(
        [sys.executable, *map(str, program)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "EVENT": event, "PLACE": place, "GRADIO_SERVER_PORT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line for line in done.stderr.splitlines() if "weights: serving" not in line]
    assert (done.returncode, done.stdout, len(lines)) == (code, "", 1 if said else 0), done.stderr
    assert done.stderr.startswith(said)


PRINTING = {
    "predict": PREDICT,
    "predict --json": [*PREDICT, "--json"],
    "evaluate": EVALUATE,
    "evaluate --json": [*EVALUATE, "--json"],
    "corruptions": CORRUPTIONS,
    "corruptions --json": [*CORRUPTIONS, "--json"],
    "train": TRAIN,
    "help of compare": ["-m", "nn.compare", "--help"],
    "weights show": ["-m", "weights", "show"],
}
REDIRECTIONS = {
    "a reader that has gone": ("| true", ""),
    "a full disk": ("> /dev/full", "error: standard output cannot be written to: No space left on device"),
    "closed": (">&-", "error: standard output cannot be written to: Bad file descriptor"),
}


@pytest.mark.parametrize("redirection", REDIRECTIONS)
@pytest.mark.parametrize("program", PRINTING)
def test_a_program_whose_output_is_lost_fails_without_a_traceback(program, redirection):
    where, said = REDIRECTIONS[redirection]
    command = shlex.join(map(str, [sys.executable, *PRINTING[program]]))
    if where == "| true":  # a reader that surely has gone before anything is written
        command = f"(sleep 0.1; exec {command})"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {where}"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    lines = [line for line in done.stderr.splitlines() if line.strip() and "corruption/s" not in line]  # no bar
    assert (done.returncode, lines) == (1, [said] if said else []), done.stderr


def test_the_help_of_a_program_fails_too_when_it_cannot_be_written():
    done = subprocess.run(
        "exec " + shlex.join([sys.executable, "-m", "weights", "--help"]) + " > /dev/full",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_program_does_not_take_a_full_disk_elsewhere_for_its_output(tmp_path):
    (tmp_path / "full.png").symlink_to("/dev/full")
    program = ["-m", "nn.pictures.sheet", "digits", str(tmp_path / "full.png")]
    done = subprocess.run([sys.executable, *program], cwd=ROOT, capture_output=True, text=True)
    assert "standard output" not in done.stderr


def test_whoever_imports_this_as_a_library_keeps_ctrl_c():
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import nn, weights, app, nn.train\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
