"""The page's outputs for a picture, without a server and without a browser."""

import base64
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from conftest import EXAMPLES
from pictures import oriented
from PIL import Image, ImageDraw

import app
import weights
from nn.evidence import explain
from nn.measure.metrics import CLASSES
from nn.mlp import MLP
from preprocessing import to_mnist
from preprocessing.decoding import decoding_bytes
from weights.current import Look, Served
from weights.serving.limits.pictures import ROOM
from weights.serving.page import inputs, network, percent, view
from weights.serving.page.answer import UNITS_SHOWN, live_answer, sentence, several
from weights.serving.recognize import examine

BLANK = Image.new("RGB", (400, 400), "white")


def best(answer):
    return max(answer, key=answer.get)


def reading_of(name):
    return examine(EXAMPLES / f"{name}.png", app.served().current)


def test_page_and_api_give_the_same_answer():
    image = Image.open(EXAMPLES / "5-thin.png")
    assert view.show(image)[0] == app.recognize(image)


def sent(picture, folder):
    """A file as the page sends it."""
    path = folder / f"{len(list(folder.iterdir()))}.png"
    picture.save(path)
    return {"path": str(path)}


def test_drawing_is_read_from_its_composite_or_from_its_ink_alone(tmp_path):
    ink = inputs.as_ink(Image.open(EXAMPLES / "4-tiny.png"))
    drawing = {"background": None, "layers": [sent(ink, tmp_path)], "composite": None}
    assert best(view.show_given(drawing, None)[0]) == "4"
    composite = sent(Image.open(EXAMPLES / "9.png"), tmp_path)
    assert best(view.show_given({**drawing, "composite": composite}, None)[0]) == "9"


# How a camera that is held in this way must turn an upright picture before it stores it.
HELD = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_90", 7: "TRANSVERSE"}
HELD |= {8: "ROTATE_270"}


@pytest.mark.parametrize(
    ("orientation", "kind"), [*((each, "JPEG") for each in HELD), (6, "PNG"), (6, "WEBP"), (6, "TIFF")]
)
def test_a_photograph_is_read_as_its_exif_data_turn_it(tmp_path, orientation, kind):
    upright = Image.new("RGB", (900, 600), "white")
    upright.paste(Image.open(EXAMPLES / "7.png").convert("RGB"), (450, 100))
    stored = upright.transpose(Image.Transpose[HELD[orientation]])
    stored.save(tmp_path / "photo", kind, exif=oriented(orientation))
    file = {"path": str(tmp_path / "photo")}
    label, _, way, _ = view.show_given(None, file)
    assert best(label) == "7"
    assert best(view.show_given(None, file, [0.5, 0, 1, 1])[0]) == "7"
    assert view.show_given(None, file, [0, 0, 0.4, 1])[0] == {}
    wide = re.search(r'src="data:image/[^,]*,([^"]+)"', way).group(1)
    with Image.open(io.BytesIO(base64.b64decode(wide))) as shown:
        assert shown.width > shown.height


def test_a_part_is_looked_at_within_the_memory_for_pictures(tmp_path, monkeypatch):
    held, without_cuts = [], view.without_cuts
    monkeypatch.setattr(view, "without_cuts", lambda *given: (held.append(ROOM.held), without_cuts(*given))[1])
    picture = Image.open(EXAMPLES / "7.png").convert("RGB")
    view.photo(sent(picture, tmp_path), [0, 0, 1, 1])
    assert held == [decoding_bytes(picture)]
    assert ROOM.held == 0


def test_empty_pad_shows_words_and_no_answer():
    answer, words, *_ = view.show_given({"background": None, "layers": [], "composite": None}, None)
    assert answer == {}
    assert view.INVITATION in words


def test_a_dot_is_called_too_little_ink_and_what_an_eraser_leaves_is_not(tmp_path):
    for opacity, words in ((255, view.TOO_LITTLE), (view.VISIBLE - 1, view.INVITATION)):
        ink = Image.new("RGBA", (400, 400))
        ImageDraw.Draw(ink).ellipse([190, 190, 210, 210], fill=(0, 0, 0, opacity))
        drawing = {"background": None, "layers": [sent(ink, tmp_path)], "composite": None}
        label, said, *_ = view.show_given(drawing, None)
        assert label == {}
        assert said == f"<p>{words}</p>"


def test_blank_picture_and_no_picture_have_words_of_their_own(tmp_path):
    assert "no ink" in view.show_given(None, sent(BLANK, tmp_path))[1]
    assert "Add a picture" in view.show_given(None, None)[1]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"7": 0.97, "1": 0.03}, "That is a 7."),
        ({"8": 0.97, "1": 0.03}, "That is an 8."),
        ({"7": 0.7, "1": 0.3}, "Probably a 7."),
        ({"7": 0.5, "1": 0.4, "2": 0.1}, "Hard to tell: 7 or 1?"),
        ({"7": 0.5, "not a digit": 0.4, "2": 0.1}, "Hard to tell: a 7?"),
        ({"not a digit": 0.8, "2": 0.2}, "This does not look like a digit to me."),
    ],
)
def test_words_are_as_sure_as_the_network(answer, words):
    assert sentence(answer) == words


def test_hints_are_shown_in_plain_words():
    reading = reading_of("4-tiny")
    assert reading.prepared.diagnostics.hints
    assert all(hint in view.measurements([reading]) for hint in reading.prepared.diagnostics.hints)


def test_first_hint_stands_below_the_answer():
    reading = reading_of("4-tiny")
    assert reading.prepared.diagnostics.hints[0] in view.words([reading])


def test_a_photo_that_looks_like_no_digit_may_be_read_in_parts():
    reading = reading_of("letter-A")
    assert view.PART_HINT in view.words([reading], photo=True)
    assert view.PART_HINT not in view.words([reading])


def test_every_step_from_drawing_to_probabilities_is_shown_in_the_order_of_the_data():
    shown = view.way(Image.open(EXAMPLES / "7.png"), [reading_of("7")])
    steps = ("drawn", "ink", "seen", "for", "against", "units")
    places = [shown.index(f'<li class="{step}">') for step in steps]
    assert places == sorted(places)
    assert shown.count("<img") == 5 + UNITS_SHOWN
    assert shown.count(' alt=""') == 0


def test_answer_is_a_sentence_and_one_chart_with_labels_where_they_are_worth_one():
    answer = dict.fromkeys(CLASSES, 0.0) | {"7": 0.984, "1": 0.012, "2": 0.004}
    words = view.words([reading_of("7")._replace(answer=answer)])
    assert words.startswith("<p>That is a 7.</p>")
    labels = [re.sub("<.*?>", "", label) for label in re.findall(r"<b>(.*?)</b>", words)]
    assert labels == ["", "1%", "", "", "", "", "", "98%", "", "", ""]


def test_no_network_is_quite_sure_wherever_the_page_says_how_sure_it_is():
    shares = (1.0, 0.9996, 0.995, 0.994, 0.125, 0.005, 0.004, 0.0)
    written = [">99%", ">99%", ">99%", "99%", "13%", "1%", "<1%", "<1%"]
    assert [percent.sure(share) for share in shares] == written
    assert [percent.in_words(share) for share in (0.9996, 0.5, 0.004)] == ["over 99%", "50%", "under 1%"]


def test_live_answer_does_not_claim_to_be_the_last_word():
    live = live_answer([reading_of("7")])
    assert live["label"]["label"] == "7"
    assert live["words"].startswith("<p>So far: 7</p>")


@pytest.mark.parametrize("hidden", [(), (7,), (5, 4, 3)])
@pytest.mark.parametrize("classes", [10, 11])
def test_networks_of_any_depth_explain_themselves(hidden, classes):
    reading = reading_of("7")
    model = MLP(hidden, classes=classes)
    probs = model.predict_proba(reading.prepared.tensor.reshape(1, -1))[0].tolist()
    answer = dict.fromkeys(CLASSES, 0.0) | dict(zip(CLASSES, probs, strict=False))
    assert "For " in view.way(BLANK, [reading._replace(model=model, answer=answer)])


def test_several_digits_are_told_in_their_order_with_their_joint_confidence():
    answer, words, way, _ = view.show(Image.open(EXAMPLES / "several-2026.png"))
    assert answer == {}
    assert "2 0 2 6" in words
    assert "Four digits" in words
    assert way.count("Read as") == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("27", "Two digits: 97% sure of all together."),
        ("-7", "One digit: 97% sure."),
        ("1.5", "Two digits: 97% sure of all together."),
        ("27\n?35", "Four digits, and one shape that is none, it seems."),
        ("??", "No digits, and two shapes that are none, it seems."),
    ],
)
def test_signs_are_not_counted_among_the_digits(text, said):
    assert said in several(text, 0.97)


def test_weights_from_elsewhere_may_state_half_of_their_results():
    model = MLP((4,))
    for row in ({"accuracy": 0.99}, {"errors": 3}, {"accuracy": 0.99, "images": 10}, {}):
        provenance = replace(app.served().current.provenance, results={"test": row, "train": {}})
        serving = SimpleNamespace(current=Served(model, provenance))
        assert "misreads" not in network.introduction(serving)


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (None, ""),
        (
            "alice/<b>w</b>@v2 is refused: too large",
            '<th scope="row">Problem</th><td>alice/&lt;b&gt;w&lt;/b&gt;@v2 is refused: too large</td>',
        ),
    ],
)
def test_the_page_says_why_newer_weights_are_not_served(error, row):
    serving = SimpleNamespace(
        current=app.served().current, look=Look(datetime(2026, 1, 2, tzinfo=UTC), error), versions=()
    )
    facts = network.facts(serving)
    assert row in facts
    assert ("Problem" in facts) == bool(row)
    assert "Hub last checked" in facts


@pytest.mark.parametrize("picture", [BLANK, Image.open(EXAMPLES / "7.png")], ids=["blank", "7"])
def test_a_tensor_belongs_to_who_asked_for_it(picture):
    first = to_mnist(picture)
    first += 1
    assert to_mnist(picture).max() <= 1


@pytest.mark.parametrize("part", ["", "<p>", [], [0, 0, 1], [0, 0, 1, 2], [0, 0, 1, "1"], [0, 0, True, 1], {"left": 0}])
def test_part_that_is_none_is_refused(tmp_path, part):
    with pytest.raises(gr.Error, match="expected a part's left, top, right and bottom"):
        view.show_given(None, sent(BLANK, tmp_path), part)


def test_part_holds_what_lies_in_it_for_the_most_part(tmp_path):
    """Half of an 8 looks like a 0."""
    page = Image.new("L", (800, 900), "white")
    for i, name in enumerate(("6", "8-thick"), start=1):
        with Image.open(EXAMPLES / f"{name}.png") as digit:
            for row in range(3):
                page.paste(digit.convert("L").resize((250, 250)), (300 * i - 200, 25 + 300 * row))
    file = sent(page, tmp_path)
    for part in ([0.05, 0.35, 0.7, 0.65], [0.05, 0.46, 0.95, 0.66], [0.25, 0.35, 0.95, 0.72]):
        assert ">6 8</strong>" in view.show_given(None, file, part)[1]


@pytest.mark.parametrize("part", [[0, 0, 0, 0], [1, 1, 1, 1], [0.9, 0.9, 0.1, 0.1]])
def test_part_without_an_area_is_read_as_a_pixel(tmp_path, part):
    assert "no ink" in view.show_given(None, sent(BLANK, tmp_path), part)[1]


def test_picture_with_all_its_pixels_on_one_side_is_shown_whole(tmp_path):
    wide = Image.new("L", (3000, 40), "white")
    wide.paste(0, (100, 10, 2900, 14))
    assert "drawn" in view.show_given(None, sent(wide, tmp_path))[2]


def test_measurements_say_which_weights_answered():
    reading = reading_of("7")
    assert reading.provenance.sha256[:12] in view.measurements([reading])


def test_the_page_shows_the_same_whatever_scale_a_hidden_unit_has():
    image, reading = Image.open(EXAMPLES / "7.png"), reading_of("7")
    model = weights.load()
    matrices, biases = model.views(model.theta)
    scale = np.random.default_rng(0).uniform(0.5, 100, matrices[0].shape[1]).astype(np.float32)
    matrices[0] /= scale  # relu(s z) = s relu(z)
    maps = scale.reshape(model.members, 1, -1)  # units of one map share a kernel
    scale = np.repeat(maps, model.hidden[0] // scale.size, axis=1).ravel()
    biases[0] /= scale
    rows = matrices[1].reshape(model.hidden[0], -1)
    rows *= scale[:, None]
    before, after = (view.way(image, [reading._replace(model=each)]) for each in (reading.model, model))
    bars = [re.findall(r"--p:([\d.]+).*?Unit (\d+)</b>.*?added (\S+) to", page) for page in (before, after)]
    assert len(bars[0]) == UNITS_SHOWN
    np.testing.assert_allclose(np.array(bars[1], float), np.array(bars[0], float), atol=0.02)
    units = explain(reading.model, reading.prepared.tensor, 7, 1, UNITS_SHOWN).units[0]
    shown = [(unit.contribution / units[0].contribution, unit.index, unit.contribution) for unit in units]
    np.testing.assert_allclose(np.array(bars[0], float), shown, atol=0.01)


@pytest.mark.parametrize("scheme", [":root", ".dark"])
def test_lines_stand_out_from_the_desk(scheme):
    """Three to one is what WCAG 1.4.11 asks of them."""
    colours = (app.PAGE / "page.css").read_text("utf-8").partition(f"\n{scheme} {{")[2].partition("}")[0]
    desk, *lines = (
        np.array([int(re.search(rf"--{name}: #(\w{{6}});", colours)[1][i : i + 2], 16) for i in (0, 2, 4)]) / 255
        for name in ("desk", "against", "accent")
    )

    def luminance(rgb):
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722] + 0.05

    for line in lines:
        low, high = sorted((luminance(line), luminance(desk)))
        assert high / low >= 3


@pytest.mark.parametrize("style", app.STYLES)
def test_gradio_can_split_selectors_at_every_comma(style):
    """It puts its own container before each part, also before those within :is(a, b)."""
    rules = re.sub(r"/\*.*?\*/", "", (app.PAGE / style).read_text("utf-8"), flags=re.DOTALL)
    parts = [part for selectors in re.findall(r"[^{}]+(?={)", rules) for part in selectors.split(",")]
    assert parts
    assert [part.strip() for part in parts if part.count("(") != part.count(")")] == []
