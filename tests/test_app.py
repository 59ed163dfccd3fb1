"""The app without a server: what it answers, what it shows, and how it refuses to start."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT, output_of
from PIL import Image, ImageOps

import app
import weights
import weights.serving.page.answer
from nn.evidence import strongest_units
from nn.mlp import MLP
from weights.serving.page import inputs

CLASSES = [*"0123456789", "not a digit"]
BLANK = Image.new("RGB", (400, 400), "white")


def best(answer):
    return max(answer, key=answer.get)


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


def test_white_on_black_is_the_same_digit():
    assert best(app.recognize(ImageOps.invert(Image.open(EXAMPLES / "3-small-off-centre.png").convert("L")))) == "3"


def test_page_and_api_give_the_same_answer():
    image = Image.open(EXAMPLES / "5-thin.png")
    assert app.show(image)[0] == app.recognize(image)


def test_drawing_is_read_from_its_composite_or_from_its_ink_alone():
    example = inputs.on_the_pad(Image.open(EXAMPLES / "4-tiny.png"))
    assert best(app.show_drawing(example)[0]) == "4"
    composite = Image.open(EXAMPLES / "9.png")
    assert best(app.show_drawing({**example, "composite": composite})[0]) == "9"


@pytest.mark.parametrize("nothing", [None, {"background": None, "layers": [], "composite": None}])
def test_empty_pad_shows_words_and_no_answer(nothing):
    answer, words, *_ = app.show_drawing(nothing)
    assert answer == {}
    assert app.INVITATION in words


def test_picture_without_ink_is_told_from_no_picture():
    assert "no ink" in app.show_picture(BLANK)[1]
    assert "Add a picture" in app.show_picture(None)[1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"7": 0.97, "1": 0.03}, "That is a 7."),
        ({"8": 0.97, "1": 0.03}, "That is an 8."),
        ({"7": 0.7, "1": 0.3}, "Probably a 7."),
        ({"7": 0.5, "1": 0.4, "2": 0.1}, "Hard to tell: 7 or 1?"),
        ({"7": 0.5, "not a digit": 0.4, "2": 0.1}, "Hard to tell: a 7?"),
        ({"not a digit": 0.8, "2": 0.2}, "Nice, but this does not look like a digit to me."),
    ],
)
def test_words_are_as_sure_as_the_network(answer, words):
    assert weights.serving.page.answer.sentence(answer) == words


def test_hints_are_shown_in_plain_words():
    reading = app.examine(Image.open(EXAMPLES / "4-tiny.png"))
    assert reading.prepared.diagnostics.hints
    assert all(hint in app.measurements([reading]) for hint in reading.prepared.diagnostics.hints)


def test_first_hint_stands_below_the_answer():
    reading = app.examine(Image.open(EXAMPLES / "4-tiny.png"))
    assert reading.prepared.diagnostics.hints[0] in app.words([reading])


def test_every_step_from_drawing_to_probabilities_is_shown_in_the_order_of_the_data():
    image = Image.open(EXAMPLES / "7.png")
    shown = app.why(image, [app.examine(image)])
    steps = ("drawn", "ink", "seen", "for", "against", "units", "bars")
    places = [shown.index(f'<li class="{step}">') for step in steps]
    assert places == sorted(places)
    assert shown.count("<img") == 5 + weights.serving.page.answer.UNITS_SHOWN
    assert shown.count(' alt=""') == 0


@pytest.mark.parametrize("hidden", [(), (7,), (5, 4, 3)])
@pytest.mark.parametrize("classes", [10, 11])
def test_networks_of_any_depth_explain_themselves(hidden, classes):
    reading = app.examine(Image.open(EXAMPLES / "7.png"))
    model = MLP(hidden, classes=classes)
    probs = model.predict_proba(reading.prepared.tensor.reshape(1, -1))[0].tolist()
    answer = dict.fromkeys(CLASSES, 0.0) | dict(zip(CLASSES, probs, strict=False))
    assert "For " in app.why(BLANK, [reading._replace(model=model, answer=answer)])


def test_several_digits_are_told_in_their_order_with_their_joint_confidence():
    answer, words, why, _ = app.show(Image.open(EXAMPLES / "several-2026.png"))
    assert answer == {}
    assert "2 0 2 6" in words
    assert "Four digits" in words
    assert why.count("Read as") == 4


def test_picture_with_all_its_pixels_on_one_side_is_shown_whole():
    wide = Image.new("L", (3000, 40), "white")
    wide.paste(0, (100, 10, 2900, 14))
    assert "drawn" in app.show_picture(wide)[2]


def test_measurements_say_which_weights_answered():
    reading = app.examine(Image.open(EXAMPLES / "7.png"))
    assert reading.provenance.sha256[:12] in app.measurements([reading])


def test_what_is_no_picture_gets_a_value_error():
    with pytest.raises(ValueError, match=r"\S"):
        app.recognize(np.zeros((3, 4, 5, 6)))


def test_import_starts_no_server_and_reads_no_weights():
    code = "import app; print(app.started.cache_info().currsize)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["0"]


def test_weights_are_read_once_however_many_ask_at_first():
    code = (
        "import app; from concurrent.futures import ThreadPoolExecutor as Pool; "
        "print(len({id(s) for s in Pool(8).map(lambda _: app.served(), range(8))}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["1"]


def test_damaged_weights_stop_the_start_with_a_message_that_names_the_file(tmp_path):
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_bytes((ROOT / "weights" / name).read_bytes()[:-100])
    code = f"import app, weights; load = weights.load; weights.load = lambda: load({str(tmp_path)!r}); app.main()"
    environment = {**os.environ, "GRADIO_SERVER_PORT": "1"}  # a port that nobody may open, should it come so far
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert str(tmp_path) in run.stderr
    assert "Traceback" not in run.stderr


def test_the_page_shows_the_same_whatever_scale_a_hidden_unit_has():
    image = Image.open(EXAMPLES / "7.png")
    reading = app.examine(image)
    model = weights.load()
    scale = np.random.default_rng(0).uniform(0.5, 100, model.hidden[0]).astype(np.float32)
    model.weights[0] /= scale  # relu(s z) = s relu(z)
    model.biases[0] /= scale
    rows = model.weights[1].reshape(model.hidden[0], -1)
    rows *= scale[:, None]
    before, after = (app.why(image, [reading._replace(model=each)]) for each in (reading.model, model))
    bars = [re.findall(r'title="Unit (\d+): (\S+) to the logit".*?--p:([\d.]+)', page) for page in (before, after)]
    assert len(bars[0]) == weights.serving.page.answer.UNITS_SHOWN
    np.testing.assert_allclose(np.array(bars[1], float), np.array(bars[0], float), atol=0.02)
    units = strongest_units(reading.model, reading.prepared.tensor, 0, weights.serving.page.answer.UNITS_SHOWN, 7)
    shown = [(unit.index, unit.contribution, unit.contribution / units[0].contribution) for unit in units]
    np.testing.assert_allclose(np.array(bars[0], float), shown, atol=0.01)


def test_sessions_keep_no_copy_of_the_components():
    code = (
        "import app; from weights import lighter; lighter.lighten(); from gradio import state_holder, route_utils; "
        "holder = state_holder.StateHolder(); blocks = app.build(); holder.set_blocks(blocks); "
        "print(len(holder['me'].config_values), len(holder['me'].blocks_config.blocks) == len(blocks.blocks), "
        "route_utils.SessionState is lighter.Session)"
    )
    assert output_of([sys.executable, "-c", code], cwd=ROOT).split() == ["0", "True", "True"]


def test_gradio_finds_its_address_as_the_caller_sees_it():
    code = """
from itertools import product
from gradio import route_utils
from starlette.requests import Request
from weights.serving import lighter

RUN = "/gradio_api/run/predict"
PLACES = [("a.example", RUN, b""), ("b.example:7860", RUN, b"x=1"), ("a.example", "/prefix" + RUN, b"")]
HOST, PROTO = (b"x-forwarded-host", b"c.example, d.example"), (b"x-forwarded-proto", b"https")
TOLD = [[], [HOST], [PROTO], [HOST, PROTO], [(b"x-gradio-server", b"http://e.example/x")]]
ROOTS = ["", None, "/prefix", "https://f.example/"]

def request(place, told):
    host, path, query = place
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": path, "query_string": query}
    return Request(scope | {"headers": [(b"host", host.encode()), *told]})

calls = [(request(place, told), RUN, root) for place, told, root in product(PLACES, TOLD, ROOTS)]
before = [route_utils.get_root_url(*call) for call in calls]
lighter.lighten()
for call, address in zip(calls, before, strict=True):
    assert [route_utils.get_root_url(*call) for _ in range(2)] == [address] * 2
print(len(set(before)) > 10, lighter.known_root_url.cache_info().hits >= len(calls))
"""
    assert output_of([sys.executable, "-c", code], cwd=ROOT).split() == ["True", "True"]


def test_gradio_finds_files_in_a_call_without_a_look_at_each_pixel():
    code = """
import asyncio
from collections import OrderedDict
from gradio import processing_utils
from gradio_client import utils
from weights.serving import lighter

looked_at = []

def is_file(value):
    looked_at.append(value)
    return utils.is_file_obj_with_meta(value)

async def upper(file):
    return file["path"].upper()

file = {"path": "a", "meta": {"_type": "gradio.FileData"}}
pictures = [[(3, file)], [OrderedDict(file)], "text", 7]
call = [[0] * 784, file, {"layers": [file, None], "sizes": [[1, 2], (3, file)]}, pictures]
before = asyncio.run(utils.async_traverse(call, upper, is_file)), len(looked_at)
looked_at.clear()
lighter.lighten()
assert asyncio.run(processing_utils.client_utils.async_traverse(call, upper, is_file)) == before[0]
print(before[1], len(looked_at))
"""
    before, after = map(int, output_of([sys.executable, "-c", code], cwd=ROOT).split())
    assert after < 20 < 784 < before
