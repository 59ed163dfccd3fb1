"""The app without a server: what it answers to callers in Python, and how it refuses to start."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT, output_of
from PIL import Image, ImageOps

import app

CLASSES = [*"0123456789", "not a digit"]
BLANK = Image.new("RGB", (400, 400), "white")


def best(answer):
    return max(answer, key=answer.get)


def printed(code):
    """The words that a program prints, run from the root of the repository."""
    return output_of([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT).split()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("[0-9]*.png")), ids=lambda path: path.stem)
def test_every_example_is_its_digit(path):
    assert best(app.recognize(Image.open(path))) == path.stem[0]


@pytest.mark.parametrize(
    ("name", "answer"), [("paper-2.jpg", "2"), ("letter-A.png", "not a digit"), ("shape-star.png", "not a digit")]
)
def test_other_examples_are_what_they_show(name, answer):
    assert best(app.recognize(Image.open(EXAMPLES / name))) == answer


def test_answer_is_a_probability_for_each_class():
    answer = app.recognize(Image.open(EXAMPLES / "7.png"))
    assert list(answer) == CLASSES
    assert all(type(p) is float and 0 <= p <= 1 for p in answer.values())
    assert sum(answer.values()) == pytest.approx(1)


@pytest.mark.parametrize("blank", [BLANK, ImageOps.invert(BLANK), Image.new("RGBA", (40, 30)), np.zeros((28, 28))])
def test_picture_without_ink_has_no_answer(blank):
    assert app.recognize(blank) == {}
    assert app.read(blank) == []


def test_white_on_black_is_the_same_digit():
    assert best(app.recognize(ImageOps.invert(Image.open(EXAMPLES / "3-small-off-centre.png").convert("L")))) == "3"


def test_number_is_read_digit_by_digit():
    readings = app.read(Image.open(EXAMPLES / "several-2026.png"))
    assert [reading.best for reading in readings] == ["2", "0", "2", "6"]
    assert [reading.box[0] for reading in readings] == sorted(reading.box[0] for reading in readings)
    assert all(0.9 < reading.confidence <= 1 for reading in readings)


def test_array_that_is_no_picture_gets_a_value_error():
    for function in (app.recognize, app.read):
        with pytest.raises(ValueError, match=r"\S"):
            function(np.zeros((3, 4, 5, 6)))


AUDIT = """
import sys
events = []
sys.addaudithook(lambda event, given: events.append((event, str(given))))
def happened(event, part=""):
    return any(name == event and part in given for name, given in events)
"""


def test_import_starts_no_server_and_no_thread_and_reads_no_weights():
    code = f"""{AUDIT}
import threading, app
print(happened("socket.bind"), threading.active_count(), happened("open", "model.safetensors"))
app.served()
print(happened("open", "model.safetensors"))
"""
    assert printed(code) == ["False", "1", "False", "True"]


def test_answers_need_no_gradio():
    code = """
        import sys
        from app import read, recognize
        picture = "preprocessing/examples/7.png"
        from pathlib import Path
        answer = recognize(Path(picture))
        print(max(answer, key=answer.get), read(Path(picture))[0].best)
        print(*[name for name in ("gradio", "fastapi", "starlette", "pydantic") if name in sys.modules])
    """
    assert printed(code) == ["7", "7"]


def test_weights_are_read_once_however_many_ask_at_first():
    code = """
        import app
        from concurrent.futures import ThreadPoolExecutor as Pool
        print(len({id(served) for served in Pool(8).map(lambda _: app.served(), range(8))}))
    """
    assert printed(code) == ["1"]


def test_damaged_weights_stop_the_start_with_a_message_that_names_the_file(tmp_path):
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_bytes((ROOT / "weights" / name).read_bytes()[:-100])
    code = f"import app, weights; load = weights.load; weights.load = lambda: load({str(tmp_path)!r}); app.main()"
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": "1",
    }  # forbidden: it must not get that far
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert str(tmp_path) in run.stderr
    assert "Traceback" not in run.stderr
