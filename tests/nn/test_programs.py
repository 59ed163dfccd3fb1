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
TRAIN = ["-m", "nn.train", "--data", sample.FILE, "--dry-run"]
COMPARE = ["-m", "nn.compare", "--data", sample.FILE]
HUB = ["ann/digits", "--endpoint", "http://127.0.0.1:9"]
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
    "predict, reading": (PREDICT, "open", "7.png", 130, ""),
    "train, reading": (TRAIN, "open", "mnist-sample.png", 1, "interrupted; --resume goes on"),
    "compare, reading": (COMPARE, "open", "mnist-sample.png", 1, "interrupted: the table ends here"),
    "evaluate": (EVALUATE, "open", "mnist-sample.png", 130, ""),
    "a sheet": (["-m", "nn.pictures.sheet", "digits", "styles.png"], "open", "styles.png", 130, ""),
    "weights list": (["-m", "weights", "list", *HUB], "socket.connect", "127.0.0.1", 130, ""),
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
    lines = [line for line in done.stderr.splitlines() if line.strip()]
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


def test_all_programs_end_so():
    files = [file for folder in ("nn", "weights") for file in (ROOT / folder).rglob("*.py")] + [ROOT / "app.py"]
    mains = [text for text in (file.read_text() for file in files) if 'if __name__ == "__main__":' in text]
    assert len(mains) > 6
    for text in mains:
        assert "programs.run(" in text.partition('if __name__ == "__main__":')[2]
