"""See inside and Fool it: what the server answers to their questions, and the same in a browser."""

import base64
import functools
import html
import json
import re
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import EXAMPLES, Visit, expect
from PIL import Image
from test_page import serious

import weights
from nn import MLP, train
from nn.functions import softmax
from nn.inside import copied, kernels_at_work, one_pass, one_step
from nn.recipes import Recipe
from nn.selftest import SELFTEST
from preprocessing import to_mnist
from weights.current import served
from weights.serving.page.lab import kept, lesson, questions, runs
from weights.serving.page.lab.code_links import FORMULAS, ROOT, line_of, link
from weights.serving.page.lab.lesson import QUESTIONS, WORDS
from weights.serving.page.lab.shown import share_right
from weights.serving.page.lab.splits import unseen

PHONE = {"width": 390, "height": 844, "phone": True}


def unpacked(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


@pytest.fixture(scope="module")
def small():
    return weights.load(questions.SMALL)


@pytest.fixture(scope="module")
def digits():
    """The fifty digits of the self-test, and what they are."""
    with np.load(SELFTEST) as file:
        return file["images"].reshape(50, 784).tolist(), file["labels"]


# --- The small network ------------------------------------------------------------------------------------------------


# What config.json says about a run beside its settings.
OF_THE_RUN = ("epochs_done", "images", "made_with")


def test_the_small_network_is_what_its_command_makes(small):
    """The command beside it has the recipe that the file names."""
    readme = (questions.SMALL / "README.md").read_text("utf-8")
    command = next(line for line in readme.splitlines() if "nn.train" in line)
    recipe = train.recipe_from(train.parser().parse_args(command.split()[3:]))
    trained = {name: value for name, value in small.info["training"].items() if name not in OF_THE_RUN}
    newer = asdict(Recipe())  # than the file: settings that it does not name have their defaults
    assert newer | trained == json.loads(json.dumps(asdict(recipe)))
    assert small.widths == (784, *recipe.hidden, 10)
    assert sum(file.stat().st_size for file in questions.SMALL.iterdir()) < 40_000


def test_the_small_network_reads_most_digits(small, digits):
    pixels, labels = digits
    assert (small.logits(np.array(pixels) / 255).argmax(axis=1) == labels).mean() >= 0.8


# --- Questions --------------------------------------------------------------------------------------------------------


def test_the_numbers_that_are_sent_are_those_of_the_network(small, digits):
    pixels = digits[0][7]
    sent, seen = questions.numbers({"pixels": pixels}), one_pass(small, np.array(pixels) / 255)
    np.testing.assert_array_equal(unpacked(sent["x"], 784), seen.x)
    np.testing.assert_array_equal(unpacked(sent["x"], 784, 1) * unpacked(sent["W1"], 784, 16), seen.contributions)
    np.testing.assert_array_equal(np.float32(seen.h[:, None]) * unpacked(sent["W2"], 16, 10), seen.pushes)
    for name in ("z", "h", "logits", "probs"):
        np.testing.assert_allclose(sent[name], getattr(seen, name), atol=5e-7, rtol=1e-6)
    assert sent["pixels"] == pixels
    assert tuple(sent["served"]) == served().current.model.widths
    json.dumps(sent, allow_nan=False)


def test_steps_follow_one_another_and_the_next_visitor_sees_none_of_them(small, digits):
    pixels, labels = digits
    theta = questions.small().theta.copy()
    target, model, losses = int(labels[3] + 1) % 10, small, []
    for steps in range(1, 5):
        before, step = model, one_step(model, np.array(pixels[3]) / 255, target, 0.01)
        model = step.model
        losses.append(step.loss)
        sent = questions.learn({"pixels": pixels[3], "target": target, "steps": steps, "rate": 0.01})
        for name in ("before", "after", "delta2", "blame", "delta1"):
            np.testing.assert_allclose(sent[name], getattr(step, name), atol=1e-6)
        change = unpacked(sent["change"], 784, 16)
        np.testing.assert_array_equal(change, step.change)
        np.testing.assert_allclose(sent["losses"], [*losses, -np.log(step.after[target])], atol=1e-4)
        assert sent["unseen"] == pytest.approx([share_right(each, unseen()) for each in (small, model)], abs=1e-6)
        W2 = before.views(before.theta)[0][1]
        np.testing.assert_array_equal(unpacked(sent["W2"], 16, 10), W2)
        np.testing.assert_allclose(sent["h"], one_pass(before, np.array(pixels[3]) / 255).h, atol=1e-6)
        np.testing.assert_allclose(
            unpacked(sent["change2"], 16, 10), -0.01 * np.outer(sent["h"], sent["delta2"]), atol=1e-6
        )
        moved, units = sent["most_moved"], np.arange(16)
        assert (np.abs(change[moved, units]) == np.abs(change).max(axis=0)).all()
        after = sent["weights"] + change[moved, units]
        np.testing.assert_allclose(after, step.model.weights[0][moved, units], atol=1e-6)
    np.testing.assert_array_equal(questions.small().theta, theta)


def test_large_steps_on_one_picture_make_it_forget_the_others(digits):
    """What the page says of its learning rates."""
    unseen_right = []
    for rate in questions.RATES:
        sent = questions.learn({"pixels": digits[0][3], "target": int(digits[1][3] + 1) % 10, "rate": rate})
        assert sent["losses"][1] < sent["losses"][0]
        unseen_right.append(sent["unseen"][1])
    assert unseen_right[0] > 0.85 > unseen_right[1] > 0.3 > unseen_right[2]


def test_steps_that_lead_out_of_bounds_are_said_to_be_too_large(monkeypatch):
    large = MLP((16,), seed=1)
    large.theta *= 2e9
    monkeypatch.setattr(questions, "subject", lambda *_, **__: questions.Subject(large, True, ""))
    sent = questions.learn({"target": 3, "rate": 0.2, "steps": 50})
    assert sent == {"error": "The steps are too large: its numbers are out of bounds. Choose a smaller learning rate."}


def test_a_fooled_picture_is_answered_by_both_networks(small, digits):
    pixels, labels = digits
    target = int(labels[0] + 1) % 10
    sent = questions.change({"pixels": pixels[0], "target": target, "strength": 0.3})
    before, after = (unpacked(sent[name], 784) for name in ("pixels", "after"))
    assert sent["fooled"]
    assert np.argmax(sent["small"][1]) == target
    assert np.abs(after - before).max() == pytest.approx(sent["most"], abs=1e-6)
    assert sent["most"] <= 0.3 + 1e-6
    np.testing.assert_allclose(sent["small"][1], softmax(small.forward(after[None]))[0], atol=1e-6)
    np.testing.assert_allclose(sent["served"][1], served().current.model.predict_proba(after[None])[0], atol=1e-5)


def test_peoples_ways_change_the_picture_as_they_say(digits):
    x = np.array(digits[0][0]) / 255

    def changed(**how):
        return unpacked(questions.change({"pixels": digits[0][0], **how})["pixels"], 784)

    np.testing.assert_allclose(changed(), x, atol=1e-6)
    np.testing.assert_allclose(changed(invert=True), 1 - x, atol=1e-6)
    assert changed(thicker=1).sum() > 1.2 * x.sum()
    assert (changed(thicker=1) >= x - 1e-6).all()
    assert np.mean(changed(noise=0.5) != np.float32(x)) > 0.2
    np.testing.assert_array_equal(changed(noise=0.5), changed(noise=0.5))
    square = x.reshape(28, 28)
    # A quarter turn to the right: what was on top is now at the right.
    np.testing.assert_allclose(changed(degrees=90).reshape(28, 28), np.rot90(square, -1), atol=0.02)


# A drawing and people's ways for each mission: of the 1,000 unseen digits, of this project's examples.
COMPLETED = {
    "seven": (lambda: unseen().images[527], {"degrees": -20}),
    "letter": (lambda: np.rint(to_mnist(Image.open(EXAMPLES / "letter-A.png")) * 255), {"degrees": 155}),
    "even": (lambda: unseen().images[1], {"degrees": 135}),
}


@pytest.mark.parametrize("mission", questions.MISSIONS)
def test_a_mission_can_be_completed_but_not_with_the_gradients_help(mission):
    picture, ways = COMPLETED[mission]
    asked = {"pixels": picture().astype(int).reshape(-1).tolist(), **ways}
    assert questions.change(asked)["missions"] == [mission]
    assert questions.change(asked | {"target": 3})["missions"] == []
    assert mission not in questions.change(asked | {"degrees": 0})["missions"]


def test_silent_units_break_some_digits_and_no_unit_is_needed_twice():
    everything = questions.silence({"off": [[]]})
    assert everything["right"][0] == everything["right"][1] > 0.88
    assert everything["digits"][0] == everything["digits"][1]
    some = questions.silence({"off": [[2, 5, 9]]})
    assert some["right"][0] == everything["right"][0] > some["right"][1]
    nothing = questions.silence({"off": [list(range(16))]})
    assert sorted(nothing["digits"][1]) == [0] * 9 + [1]  # the biases alone always say the same
    assert nothing["right"][1] == pytest.approx(0.1)


@pytest.mark.parametrize("off", [[[16]], [[], [0]], [[-1]], [[0.5]], [[0] * 257], "all", [[], [], []]])
def test_units_that_there_are_not_are_refused_in_a_sentence(off):
    assert questions.silence({"off": off}).keys() == {"error"}


def test_the_visitors_own_network_is_shown_where_its_numbers_fit_on_a_screen():
    own = runs.start({"hidden": [8], "digits": 1000})["run"]
    runs.go({"run": own})
    sent, model = questions.numbers({"run": own}), kept.RUNS.get(own).trainer.model
    assert sent["own"]
    np.testing.assert_array_equal(unpacked(sent["W1"], 784, 8), model.weights[0])
    x = unpacked(sent["x"], 784)
    np.testing.assert_allclose(sent["logits"], model.forward(x[None])[0], atol=1e-6)
    step = one_step(model, x, 3, questions.RATES[0])
    np.testing.assert_allclose(questions.learn({"run": own, "target": 3})["after"], step.after, atol=1e-6)
    theta = model.theta.copy()
    assert questions.silence({"run": own, "off": [[0, 1]]})["own"]
    np.testing.assert_array_equal(model.theta, theta)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"hidden": [64]}, "64 hidden units"),
        ({"hidden": []}, "no hidden units"),
        ({"activation": "sigmoid"}, "sigmoid"),
        ({"kernels": 4, "hidden": []}, "kernels"),
    ],
)
def test_another_network_of_the_visitors_is_said_not_to_be_shown(settings, why):
    own = runs.start(settings | {"digits": 100})["run"]
    sent = questions.numbers({"run": own})
    assert not sent["own"]
    assert why in sent["why"]
    assert sent["widths"] == [784, 16, 10]
    assert questions.silence({"run": own, "off": [[]]})["own"] == (settings.get("hidden") != [])


def test_kernels_are_those_of_the_visitors_network_or_of_the_one_on_draw(digits):
    pixels = digits[0][7]
    sent, seen = questions.kernels({"pixels": pixels}), kernels_at_work(served().current.model, np.array(pixels) / 255)
    assert (sent["own"], sent["side"], len(sent["starts"]), sent["pool"]) == (False, 8, 10, 2)
    assert sent["answer"] == seen.logits.argmax()
    np.testing.assert_array_equal(unpacked(sent["kernels"], 192, 64), seen.kernels)
    np.testing.assert_allclose(unpacked(sent["h"], 192, 25), seen.h, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(unpacked(sent["pushes"], 192), seen.pushes[:, sent["answer"]], atol=1e-4)
    json.dumps(sent, allow_nan=False)
    own = runs.start({"kernels": 4, "kernel_size": 12, "hidden": [], "digits": 100})["run"]
    sent = questions.kernels({"run": own})
    assert (sent["own"], sent["side"], len(sent["starts"])) == (True, 12, 8)
    assert unpacked(sent["kernels"], 4, 144).any()
    plain = runs.start({"hidden": [8], "digits": 100})["run"]
    assert questions.kernels({"run": plain})["own"] is False


def test_a_served_network_without_kernels_has_none_to_show(small, monkeypatch):
    monkeypatch.setattr(questions, "served", lambda: SimpleNamespace(current=SimpleNamespace(model=small)))
    assert questions.kernels({}) == {"own": False, "side": None}


def test_units_of_a_network_that_is_not_kept_are_said_to_be_gone():
    assert questions.silence({"run": "nobody's", "off": [[16]]})["gone"]
    own = runs.start({"hidden": [8], "digits": 100})["run"]
    assert "gone" not in questions.silence({"run": own, "off": [[8]]})


def test_a_network_that_is_not_kept_gives_way_to_the_one_that_ships():
    assert questions.numbers({"run": "nobody's"})["own"] is False
    learned = questions.learn({"run": "nobody's", "target": 3})
    assert (learned["own"], learned["widths"]) == (False, [784, 16, 10])


def test_without_a_drawing_there_is_an_example():
    sent = questions.numbers({})
    assert np.argmax(sent["probs"]) == 2


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("numbers", None),
        ("numbers", [1, 2]),
        ("numbers", {"pixels": [0] * 783}),
        ("numbers", {"pixels": [256] * 784}),
        ("numbers", {"pixels": [0.5] * 784}),
        ("numbers", {"pixels": [True] * 784}),
        ("numbers", {"more": 1}),
        ("learn", {}),
        ("learn", {"target": 10}),
        ("learn", {"target": 3, "steps": 0}),
        ("learn", {"target": 3, "steps": 10**9}),
        ("learn", {"target": 3, "rate": 0}),
        ("learn", {"target": 3, "rate": 1e9}),
        ("change", {"strength": float("nan")}),
        ("change", {"degrees": float("inf")}),
        ("change", {"noise": 2}),
        ("change", {"thicker": 10**6}),
        ("change", {"target": "3"}),
    ],
)
def test_a_wrong_question_is_refused_in_a_sentence(question, values):
    answer = getattr(questions, question)(values)
    assert answer.keys() == {"error"}
    assert answer["error"].startswith("This is not what is expected as ")
    assert len(answer["error"]) < 300


# --- Formulas and words -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_leads_to_its_line_of_code(name, monkeypatch):
    line = (ROOT / FORMULAS[name].file).read_text("utf-8").splitlines()[line_of(name) - 1]
    assert FORMULAS[name].code in line
    monkeypatch.setenv("SPACE_ID", "alice/draw")
    assert f"/blob/main/{FORMULAS[name].file}#L{line_of(name)}" in link(name)
    monkeypatch.delenv("SPACE_ID")
    assert "href" not in link(name)


def test_the_lesson_has_six_questions_and_explains_its_words():
    shown = html.unescape(lesson.view())
    assert len(QUESTIONS) == 6
    assert all(text in shown for question in QUESTIONS for text in (question.text, question.answer))
    assert all(text in shown for each in WORDS.items() for text in each)


# --- In a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(browser, server):
    """A laptop on which a 7 was drawn; the last tests that share it change the drawing."""
    v = Visit(browser, server)
    v.draw(7)
    expect(v.answer).to_be_visible()
    yield v
    v.close()
    assert v.errors == []


@pytest.fixture
def drawn(shared):
    """The laptop that the tests below share."""
    shared.look_at()
    return shared


def opened(v, title, name):
    v.page.get_by_role("tab", name=title, exact=True).click()
    room = v.page.locator(f".lab.{name}")
    expect(room).to_have_attribute("data-ready", "true")
    return room


def number(text):
    return float(text.replace("−", "-"))


def figure(locator):
    return number(locator.inner_text())


def figures(locator):
    """All numbers in a text, in order."""
    return [number(found) for found in re.findall(r"−?\d+\.\d+", locator.inner_text())]


def unit_in_sight(room):
    return int(re.search(r"\d+", room.locator("h2 .which").text_content())[0]) - 1


def seen_pixels(visit):
    """What the network sees of the drawing, (784,)."""
    pixels = visit.page.evaluate(
        """async () => {
            const image = document.querySelector("#why ol > .seen img"), canvas = document.createElement("canvas");
            canvas.width = canvas.height = 28;
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            return [...context.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
        }"""
    )
    return np.array(pixels) / 255


def test_the_numbers_that_are_shown_equal_those_of_the_network(drawn, small):
    room = opened(drawn, "See inside", "inside")
    seen = one_pass(small, seen_pixels(drawn))
    unit = unit_in_sight(room)
    assert seen.h[unit] > 0
    room.locator(".stepper [data-step=unit]").click()
    # From the first pixel that is white: what is shown of the pixel to its right.
    room.locator(".map").focus()
    drawn.page.keyboard.press("ArrowRight")
    pixel = int(room.locator(".map").get_attribute("aria-valuenow"))
    shown = [figure(each) for each in room.locator(".product b").all()]
    expected = [seen.x[pixel], small.views(small.theta)[0][0][pixel, unit], seen.contributions[pixel, unit]]
    assert shown == pytest.approx(expected, abs=6e-5)
    assert figure(room.locator(".sum .z")) == pytest.approx(seen.z[unit], abs=6e-5)
    assert figure(room.locator(".sum .h")) == pytest.approx(seen.h[unit], abs=6e-5)
    room.locator(".stepper [data-step=scores]").click()
    for digit in range(10):
        assert figure(room.locator(f"[data-logit='{digit}']")) == pytest.approx(seen.logits[digit], abs=6e-5)
    rows = [figures(row) for row in room.locator(".pushes tbody tr").all()]
    top, pushes = int(seen.probs.argmax()), []
    for (h, weight, push), expected in zip(rows[:16], seen.pushes[:, top], strict=True):
        assert h * weight == pytest.approx(push, abs=1e-3)
        assert push == pytest.approx(expected, abs=6e-5)
        pushes.append(push)
    (bias,), (score,) = rows[16:]
    assert sum(pushes) + bias == pytest.approx(score, abs=2e-3)
    room.locator(".stepper [data-step=percent]").click()
    for digit in range(10):
        assert figure(room.locator(f"[data-prob='{digit}']")) == pytest.approx(seen.probs[digit], abs=6e-5)
        exp = room.locator(".shares tbody tr").nth(digit).locator("td").nth(1).inner_text()
        assert float(exp.replace(",", "")) == pytest.approx(np.exp(seen.logits[digit]), rel=1e-3)
    assert drawn.page.evaluate("lab.tools.readable(3269017)") == "3,269,000"


def test_a_moved_weight_and_a_silenced_unit_change_the_answer_and_undo_brings_it_back(drawn):
    room = opened(drawn, "See inside", "inside")
    answer = room.locator(".answer .bars")
    before = answer.inner_text()
    room.locator(".stepper [data-step=unit]").click()
    room.locator(".weight input").fill("-2")
    expect(answer).not_to_have_text(before)
    room.locator("[data-undo]").click()
    assert answer.inner_text() == before
    expect(room.locator(".stepper [data-step=unit]")).to_be_focused()  # the button is gone
    room.locator(".stepper [data-step=units]").click()
    room.locator("li:not(.silent) .off").first.click()
    assert answer.inner_text() != before
    assert set(room.locator(".off").all_inner_texts()) == {"switch off", "off"}
    for switch in room.locator(".off").all():  # who speaks to the computer says what is to be read
        assert switch.inner_text() in switch.get_attribute("aria-label").lower()
    room.locator("[data-undo]").click()
    assert answer.inner_text() == before


def test_the_slope_of_the_loss_over_a_weight_is_its_gradient_and_steps_go_downhill(drawn, small):
    room = opened(drawn, "See inside", "inside")
    pixels = seen_pixels(drawn)
    says, runner_up = one_pass(small, pixels).probs.argsort()[:-3:-1]
    for menu in room.locator(".target").all():
        expect(menu).to_have_value(str(runner_up))
    expect(room.locator(".pretend")).to_contain_text(f"that this is a {says}. Pretend that it should be a")
    room.locator(".stepper [data-step=unit]").click()
    pixel, unit = int(room.locator(".map").get_attribute("aria-valuenow")), unit_in_sight(room)
    loss, gradient, downhill = (room.locator(f".slope {name}") for name in (".loss", ".gradient", "[data-downhill]"))

    def expected(target):
        """Of nn, with the weight as it is shown."""
        model = copied(small)
        weight = figure(room.locator(".weight output"))
        model.views(model.theta)[0][0][pixel, unit] = weight
        step = one_step(model, pixels, target, rate=1)
        return [step.loss, -step.change[pixel, unit]]

    def shown():
        return [figure(loss), figure(gradient)]

    assert shown() == pytest.approx(expected(runner_up), abs=5e-4)
    assert abs(figure(gradient)) > 0.3  # a curve that is worth a look
    losses = [figure(loss)]
    for _ in range(4):
        old, rate, slope, new = [number(n) for n in re.findall(r"−?[\d.]+", room.locator(".next").inner_text())]
        assert new == pytest.approx(old - rate * slope, abs=2e-4)
        downhill.click()
        assert figure(room.locator(".weight output")) == new
        assert shown() == pytest.approx(expected(runner_up), abs=5e-4)
        losses.append(figure(loss))
    assert losses == sorted(set(losses), reverse=True)
    assert figures(room.locator(".fell")) == pytest.approx(losses[-4:], abs=6e-3)
    room.locator(".slope .target").select_option(str(says))  # the other menu follows
    expect(room.locator(".learning .target")).to_have_value(str(says))
    expect(room.locator(".pretend")).to_contain_text("little is left to learn")
    assert shown() == pytest.approx(expected(says), abs=5e-4)
    expect(room.locator(".fell")).to_be_empty()
    room.locator("[data-undo]").click()
    room.locator(".slope .target").select_option(str(runner_up))
    # Where the unit is silent the curve is flat, and a step goes nowhere.
    h = one_pass(small, pixels).h
    room.locator(".stepper [data-step=units]").click()
    room.locator(f".units [data-unit='{np.where(h > 0, h, np.inf).argmin()}']").click()
    room.locator(".stepper [data-step=unit]").click()
    assert figure(gradient) != 0
    room.locator(".weight input").fill("-4")
    assert figure(room.locator(".sum .h")) == figure(gradient) == 0
    expect(room.locator(".next")).to_contain_text("flat here, so there is no step: the unit is silent")
    downhill.click()
    assert figure(room.locator(".weight output")) == -4
    room.locator("[data-undo]").click()


def test_kernels_are_shown_at_work_and_windows_can_be_pointed_at(drawn):
    room = opened(drawn, "See inside", "inside")
    drawn.page.get_by_role("tab", name="Draw").click()
    drawn.page.evaluate("rooms.go('#inside=kernels')")
    section = room.locator(".kernels")
    expect(section).to_have_attribute("data-ready", "true")
    expect(section).to_be_in_viewport()
    expect(section.locator(".legend")).to_contain_text("no ink wanted")
    expect(section).to_contain_text("whole numbers from −127 to 127")
    tiles = section.locator(".found button")
    expect(tiles).to_have_count(24)
    section.get_by_role("button", name="Show all 192").click()
    expect(tiles).to_have_count(192)
    section.get_by_role("button", name="Show 24").click()
    for tile in (0, 23):
        tiles.nth(tile).click()
        expect(tiles.nth(tile)).to_have_attribute("aria-pressed", "true")
        # The marked window is the one that was kept, and it is the loudest place of this kernel.
        expect(section.locator(".four .kept")).to_have_attribute("aria-pressed", "true")
        largest, bias, z, h = (figure(each) for each in section.locator(".pooled-sum b").all())
        assert figure(section.locator("[data-sum]")) == largest
        assert z == pytest.approx(largest + bias, rel=2e-3)
        assert h == max(z, 0)
        shown = [figure(each) for each in section.locator(".places button").all()]
        assert figure(section.locator(".places [aria-pressed=true]")) == max(shown) == pytest.approx(h, rel=0.06)
        assert h < 100 or max(shown) == pytest.approx(h, abs=0.5)
    section.locator(".four button:not(.kept)").first.click()
    assert figure(section.locator("[data-sum]")) < largest
    sheet = section.locator(".sheet")
    sheet.focus()
    for key in ["ArrowDown", "ArrowRight"] * 10:
        drawn.page.keyboard.press(key)
    expect(sheet).to_have_attribute("aria-valuenow", "99")
    back = (
        "sheet => sheet.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft', altKey: true, cancelable: true}))"
    )
    assert sheet.evaluate(back)  # Alt and left are the browser's
    assert figure(section.locator("[data-sum]")) == 0  # the corner is blank
    sheet.click(position={"x": 126, "y": 126})
    assert 33 <= int(sheet.get_attribute("aria-valuenow")) <= 66
    before = section.locator(".push").inner_text()
    tiles.nth(5).click()
    expect(section.locator(".push")).not_to_have_text(before)


def test_kernels_wait_in_the_pages_own_colour(drawn):
    room = opened(drawn, "See inside", "inside")
    section, picture = room.locator(".kernels"), room.locator(".kernels .sheet canvas")
    section.scroll_into_view_if_needed()
    expect(section).to_have_attribute("data-ready", "true")
    expect(picture).to_have_css("opacity", "1")
    section.evaluate("section => section.removeAttribute('data-ready')")  # as before its answer came
    expect(picture).to_have_css("opacity", "0.16")
    section.evaluate("section => (section.dataset.ready = true)")


def test_steps_of_backpropagation_teach_it_another_digit(drawn):
    room = opened(drawn, "See inside", "inside")
    room.locator(".learning .target").select_option("2")
    again = room.locator("[data-learn=again]")
    most = again.get_attribute("data-most")
    assert most == str(questions.MOST_STEPS)
    again.evaluate("button => (button.dataset.most = 3)")
    room.locator(".stepper [data-step=unit]").click()
    room.locator(".weight input").fill("-2")
    again.dblclick()
    expect(room.locator(".said")).to_contain_text("Step 2:")
    with drawn.held("**/component_server/**"):
        again.click()
        room.locator(".learning .target").select_option("5")  # what was asked about the 2 is not said of the 5
    drawn.wait_until_silent()
    expect(room.locator(".taken")).to_be_hidden()
    room.locator(".learning .target").select_option("2")
    for step in range(1, 4):
        again.press("Enter")
        expect(room.locator(".said")).to_contain_text(f"Step {step}:")
        expect(room.locator("[data-undo]")).to_have_count(0)  # the moved weight is not one of the unit now in sight
    over = room.locator("[data-learn=over]")
    expect(again).to_be_disabled()
    expect(over).to_be_focused()
    again.evaluate("(button, most) => (button.dataset.most = most)", most)
    before, after = (figure(cell) for cell in room.locator(".deltas .chosen .figure").all()[:4:3])
    assert after > before
    losses = figures(room.locator(".losses"))
    assert len(losses) == 4
    assert losses == sorted(losses, reverse=True)
    expect(room.locator(".others")).to_contain_text("Of 1,000 new digits it reads 92.6% →")
    assert figure(room.locator(".deltas .chosen .figure").nth(2)) == pytest.approx(before - 1, abs=1e-4)

    # Each number follows from others that are shown, for the unit that is blamed most and for one that is tapped.
    for unit in (unit_in_sight(room), 4):
        row = room.locator(".blames tbody tr").nth(unit)
        row.get_by_role("button").click()
        expect(row.get_by_role("button")).to_have_attribute("aria-pressed", "true")
        *terms, (blame,) = [figures(each) for each in room.locator(".terms tbody tr").all()]
        for delta2, weight, term in terms:
            assert delta2 * weight == pytest.approx(term, abs=2e-4)
        assert sum(term for *_, term in terms) == pytest.approx(blame, abs=1e-3)
        assert [blame, blame] == figures(row)
        expect(room.locator(".learning h3 .which").last).to_have_text(f"unit {unit + 1}")
        for rule, error in ((".first", blame), (".second", terms[2][0])):
            of_gradient, of_weight = (figures(each) for each in room.locator(f"{rule} .sums").all())
            came_in, delta, gradient = of_gradient
            old, rate, again_gradient, new = of_weight
            assert delta == pytest.approx(error, abs=1e-4)
            assert came_in * delta == pytest.approx(gradient, abs=1e-3)
            assert (rate, again_gradient) == (questions.RATES[0], gradient)
            assert old - rate * gradient == pytest.approx(new, abs=2e-4)
    room.locator(".rate").select_option("0.2")  # what was said of the other rate is forgotten
    expect(room.locator(".taken")).to_be_hidden()
    again.click()
    expect(room.locator(".said")).to_contain_text("Step 1:")
    assert figures(room.locator(".others"))[1] < 40
    room.locator(".rate").select_option("0.002")
    again.click()
    expect(room.locator(".taken")).to_be_visible()
    over.press("Enter")
    expect(room.locator(".taken")).to_be_hidden()
    expect(again).to_be_focused()


def test_a_question_of_the_lesson_leads_to_its_answer_though_the_lesson_was_folded(drawn):
    room = opened(drawn, "See inside", "inside")
    lesson = room.get_by_text("Lesson: six questions")
    lesson.click()
    ask = room.get_by_role("button", name="Show me")
    first = room.locator("li:has(.show)").first
    first.evaluate("item => (item.firstChild.textContent = 'Which is <b>?')")
    ask.first.click()
    expect(room.locator(".asked span")).to_have_text("Which is <b>?")
    lesson.click()
    room.get_by_role("button", name="Its answer").click()
    expect(first.locator(".solution p")).to_be_in_viewport()
    expect(first.locator("summary")).to_be_focused()
    first.evaluate("(item, text) => (item.firstChild.textContent = text)", f"{QUESTIONS[0].text} ")
    again = room.locator("[data-learn=again]")
    again.evaluate("button => (button.disabled = true)")  # as after the last step
    ask.last.click()
    expect(room.locator(".learning")).to_be_focused()
    again.evaluate("button => (button.disabled = false)")
    room.get_by_role("button", name="Its answer").click()
    lesson.click()


def test_back_returns_to_the_room_before_and_keeps_the_drawing(drawn):
    v = drawn
    v.page.get_by_role("tab", name="Draw").click()
    for title in ("Train one", "Fool it"):
        v.page.get_by_role("tab", name=title).click()
    v.page.go_back()
    expect(v.page.get_by_role("tab", name="Train one")).to_have_attribute("aria-selected", "true")
    v.page.go_back()
    expect(v.page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    expect(v.page.locator("#words")).to_contain_text("That is a 7")
    v.page.go_forward()
    v.page.go_forward()
    expect(v.page.get_by_role("tab", name="Fool it")).to_have_attribute("aria-selected", "true")
    v.page.reload()
    expect(v.page.locator(".lab.fool .small .top b")).to_have_text("7")  # the drawing is there again
    expect(v.page.locator(".lab.fool .example")).to_be_empty()


def test_it_is_fooled(drawn):
    room = opened(drawn, "Fool it", "fool")
    expect(room.locator(".lead").first).to_contain_text("it is not the one that you train")
    room.locator(".target").select_option("3")
    room.locator("[data-press=fool]").click()
    expect(room).to_have_attribute("data-fooled", "true")
    expect(room.locator(".small .top b")).to_have_text("3")
    room.locator(".target").select_option("7")
    expect(room.locator(".outcome")).to_have_text(
        "It says 7 already, before the gradient changed anything. Choose another digit."
    )
    room.locator(".target").select_option("3")
    room.locator("[name=strength]").fill("0")
    expect(room.locator(".outcome")).to_have_text("Not fooled: at strength 0 no pixel may change.")
    room.locator("[data-press=back]").click()
    room.locator("[name=degrees]").fill("130")  # at other angles a mission is done as well
    expect(room.locator(".outcome")).to_contain_text("Fooled without the gradient: it now sees")
    expect(room.locator(".outcome")).to_contain_text("as drawn it saw a 7.")
    room.locator("[data-press=back]").click()
    expect(room).to_have_attribute("data-fooled", "null")
    expect(room.locator(".small .top b")).not_to_have_text("3")
    sure = drawn.page.locator("#words .chart .best b").text_content()  # on Draw
    expect(room.locator(".served .top em")).to_have_text(sure)

    # What does not reach the server here leaves the answer on Draw.
    drawn.route("**/component_server/**", lambda route: route.abort())
    room.locator("[data-press=fool]").click()
    expect(room.locator(".problem").first).to_contain_text("does not answer")
    drawn.page.unroute("**/component_server/**")
    room.locator("[data-press=back]").click()
    expect(room.locator(".problem").first).to_be_empty()
    expect(drawn.page.locator("#words p")).to_have_text("That is a 7.")

    # A mission that is done stays done at a reload.
    drawn.page.evaluate("rooms.go('#draw')")
    drawn.take_example("letter A")
    expect(drawn.page.locator("#words")).to_contain_text("not look like a digit")  # else two questions are under way
    room = opened(drawn, "Fool it", "fool")
    room.locator("[name=degrees]").fill("155")
    expect(room.locator(".outcome")).to_contain_text("A mission is done: Show something that the small network calls")
    expect(room.locator("[data-mission=letter]")).to_contain_text("done")
    room.locator("[name=degrees]").fill("0")  # the next answer is about something else
    expect(room.locator(".outcome")).not_to_contain_text("A mission is done")
    expect(room.locator(".achieved")).to_have_text("✓ Missions done: 1 of 3")
    drawn.page.reload()
    expect(room.locator("[data-mission=letter]")).to_contain_text("done")
    expect(room.locator("[data-mission=even]")).to_contain_text("to do")
    expect(room.locator(".achieved")).to_be_visible()


def test_units_that_were_switched_while_the_server_was_away_stay_so(drawn):
    room = opened(drawn, "Fool it", "fool").locator(".silenced")
    unit = [room.locator(f"[data-silence='{number}']") for number in range(2)]
    problem = room.locator(".problem")
    drawn.wait_until_silent()  # the page was loaded anew, and builds the switches once more with each drawing
    unit[0].click()
    expect(room.locator(".big")).to_contain_text("with all units")
    drawn.route("**/component_server/**", lambda route: route.abort())
    room.get_by_role("button", name="All on").click()
    expect(unit[0]).to_have_attribute("aria-pressed", "false")
    expect(problem).to_contain_text("does not answer")
    unit[1].click()
    drawn.page.unroute("**/component_server/**")
    unit[0].click()
    expect(problem).to_be_empty()
    for each in unit:
        expect(each).to_have_attribute("aria-pressed", "true")
    room.get_by_role("button", name="All on").click()
    expect(room.locator(".big")).not_to_contain_text("with all units")


# The words whose meaning is not wholly on the screen.
CUT_OFF = """() => [...document.querySelectorAll(".lab .word")].filter((word) => {
    word.focus();
    const { left, right, width } = word.querySelector("span").getBoundingClientRect();
    return word.offsetParent && !(width && left >= 0 && right <= innerWidth);
}).map((word) => word.textContent)"""


@pytest.fixture
def handset(visit):
    """A phone, dark, on which nothing was drawn."""
    return visit(**PHONE, scheme="dark")


@pytest.mark.parametrize("device", ["drawn", "handset"], ids=["laptop", "phone"])
def test_both_rooms_are_accessible_and_fit_the_screen(device, request):
    v = request.getfixturevalue(device)
    usual = v.page.viewport_size
    for title, name in (("See inside", "inside"), ("Fool it", "fool")):
        opened(v, title, name)
        if name == "inside":
            heights = set()
            for step in ("pixels", "unit", "units", "scores", "percent"):
                v.page.locator(f".stepper [data-step={step}]").click()
                heights.add(v.page.locator(".lab.inside .stage").bounding_box()["height"])
            assert len(heights) == 1 or device == "handset"  # nothing below jumps
            v.page.get_by_role("button", name="Take one step").click()
            expect(v.page.locator(".taken:visible .terms")).to_be_visible()
            v.page.locator(".kernels").scroll_into_view_if_needed()
            expect(v.page.locator(".kernels")).to_have_attribute("data-ready", "true")
        expect(v.page.locator(f".lab.{name} .problem").first).to_be_empty()
        assert serious(v.page) == []
        assert v.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert v.page.evaluate(CUT_OFF) == []
    for width in () if device == "handset" else (721, 1100, 1160):
        v.page.set_viewport_size({"width": width, "height": 800})
        assert v.page.evaluate(CUT_OFF) == []
    v.page.set_viewport_size(usual)
    word = v.page.locator(".lab.fool .word").first
    word.focus()
    expect(word.get_by_role("tooltip")).to_be_visible()
    v.page.keyboard.press("Escape")
    expect(word.get_by_role("tooltip")).to_be_hidden()


def test_links_lead_to_the_rooms_and_a_fragment_opens_one_as_it_says(drawn, server):
    v = drawn
    v.page.goto(f"{server}/#lab=64,wild")
    expect(v.page.get_by_role("tab", name="Train one")).to_have_attribute("aria-selected", "true")
    for chip in ("64", "wild"):
        expect(v.page.locator(f".settings input[value='{chip}']")).to_be_checked()
    v.page.get_by_role("tab", name="Draw").click()
    expect(v.page).to_have_url(re.compile("^[^#]*$"))
    v.page.get_by_role("tab", name="Train one").click()
    expect(v.page).to_have_url(f"{server}/#lab=64,wild")  # a reload comes back to the same settings
    v.page.get_by_role("tab", name="Draw").click()
    with v.context.expect_page() as other:
        v.page.get_by_role("link", name="fool it").click(modifiers=["ControlOrMeta"])
    other.value.close()
    expect(v.page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
    v.page.get_by_role("link", name="fool it").click()
    expect(v.page.get_by_role("tab", name="Fool it")).to_have_attribute("aria-selected", "true")
    expect(v.page.get_by_role("tab", name="Fool it")).to_be_focused()
    inside = opened(v, "See inside", "inside")
    inside.get_by_text("Lesson: six questions").click()
    for number, focused in ((0, ".stepper [data-step=pixels]"), (5, "[data-learn=again]")):
        inside.get_by_role("button", name="Show me").nth(number).click()
        expect(inside.locator(focused)).to_be_focused()
        expect(inside.locator(".asked")).to_contain_text(QUESTIONS[number].text)  # it stays in sight above its answer
        expect(inside.locator(".asked")).to_be_in_viewport(ratio=1)
    inside.get_by_role("button", name="Its answer").click()
    expect(inside.locator(".solution summary").nth(5)).to_be_focused()
    expect(inside.locator(".solution p").nth(5)).to_be_in_viewport()
    expect(inside.locator(".asked")).to_be_hidden()
    inside.get_by_role("link", name="#inside=percent").click()
    expect(inside.locator(".stepper [data-step=percent]")).to_have_attribute("aria-pressed", "true")
    inside.get_by_role("link", name="#lab=64,bold,100,optimizer=momentum").click()
    expect(v.page.get_by_role("radio", name="100", exact=True)).to_be_checked()
    expect(v.page.get_by_role("button", name="Play")).to_be_focused()
    v.page.get_by_role("link", name="See one step in numbers").click()
    expect(inside.locator(".learning")).to_be_focused()
    v.page.evaluate("rooms.go('#lab=64,100')")
    v.page.get_by_role("radio", name="sigmoid", exact=True).check()
    expect(v.page).to_have_url(re.compile("#lab=64,good,100,sigmoid$"))  # what a link does not name is as usual
    v.page.get_by_role("radio", name="none", exact=True).check()
    expect(v.page).to_have_url(re.compile("#lab=none,good,100,sigmoid$"))
    v.page.evaluate("rooms.go('#lab=16,optimizer=adam,dropout=0.5,seed=99,label=7')")  # there are no such last two
    expect(v.page.get_by_role("radio", name="none", exact=True)).not_to_be_checked()
    for name, value in (("optimizer", "adam"), ("dropout", "0.5"), ("seed", "0")):
        menu = v.page.locator(f".settings select[name={name}]")
        expect(menu).to_have_value(value)
        expect(menu).to_be_visible()
    menu.select_option("3")
    expect(v.page).to_have_url(re.compile("#lab=16,good,4500,relu,optimizer=adam,dropout=0.5,seed=3$"))
    v.page.locator(".settings select[name=dropout]").select_option("0")
    expect(v.page).to_have_url(re.compile("#lab=16,good,4500,relu,optimizer=adam,seed=3$"))
    v.page.locator(".settings").get_by_text("More", exact=True).click()
    expect(v.page.get_by_role("radio", name="sigmoid", exact=True)).to_be_hidden()
    v.page.evaluate("rooms.go('#lab=none,good,100,sigmoid')")
    expect(v.page.get_by_role("radio", name="sigmoid", exact=True)).to_be_visible()
    expect(v.page.get_by_role("radio", name="none", exact=True)).to_be_checked()
    v.page.evaluate("rooms.go('#lab=64%2Cwild')")  # as some programs write it that pass a link on
    for chip in ("64", "wild"):
        expect(v.page.locator(f".settings input[value='{chip}']")).to_be_checked()


def test_no_room_hides_in_a_menu_whichever_is_open(drawn):
    v, usual = drawn, drawn.page.viewport_size
    v.page.set_viewport_size({"width": 320, "height": 640})
    rooms = [v.page.get_by_role("tab", name=name) for name in ("Draw", "Train one", "See inside", "Fool it")]
    for room in rooms:
        room.click()
        expect(room).to_have_attribute("aria-selected", "true")
        for each in rooms:
            expect(each).to_be_visible()
    v.page.set_viewport_size(usual)


def test_links_to_drawings_and_back_show_the_drawing_of_the_address(drawn):
    v = drawn
    v.page.get_by_role("tab", name="Draw").click()
    v.take_example("letter A")
    expect(v.page.locator("#words")).to_contain_text("not look like a digit")
    for example, digit in (("7", "7"), ("1-serif", "1")):
        with v.page.expect_navigation():  # the page loads itself anew for it
            v.page.evaluate("example => (location.hash = `example=${example}`)", example)
        expect(v.page.locator("#words")).to_contain_text(f"That is a {digit}")
    v.page.go_back()
    expect(v.page.locator("#words")).to_contain_text("That is a 7")
    # What the visitor has made of it stays, also when a reload comes between.
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.6), (0.7, 0.6)]))
    text = v.page.evaluate("drawing.text(2000)")
    assert "strokes=" in text
    opened(v, "Fool it", "fool")
    v.page.reload()
    v.wait_until_armed()
    v.page.go_back()
    v.page.wait_for_function("text => drawing.text(2000) === text", arg=text)
    v.wait_until_silent()
    assert v.page.evaluate("drawing.text(2000)") == text


def test_a_step_before_the_numbers_of_a_new_picture_came_is_about_the_picture_in_sight(drawn):
    v = drawn
    room = opened(v, "See inside", "inside")
    v.wait_until_silent()
    in_sight = np.rint(seen_pixels(v) * 255)
    v.page.get_by_role("tab", name="Draw").click()
    expect(room).to_be_hidden()  # both tabs within a frame would bring nothing into sight

    def asks(name):
        return v.page.expect_request(lambda request: f'"{name}"' in (request.post_data or ""))

    with v.held("**/component_server/**"):
        with asks("numbers"):
            v.page.evaluate("lab.tools.tap(Array(784).fill(0), 3, '#inside')")
        with asks("learn") as step:
            room.locator("[data-learn=again]").click()
    np.testing.assert_array_equal(json.loads(step.value.post_data)["data"]["pixels"], in_sight)
    v.wait_until_silent()
    expect(room.locator(".which-picture")).to_contain_text("a 3")
    expect(room.locator(".taken")).to_be_hidden()  # what was asked about the picture before is not said of this one
    room.get_by_role("button", name="Back to your drawing").click()
    v.wait_until_silent()


# Numbers of rounds at which two names below the curves touch.
TOUCHING = """() => {
    const section = document.querySelector(".train .score"), { show } = lab.curves(section);
    const frame = (epoch, step) => ({ seen: 0.5, unseen: 0.5, losses: [1, 1], epoch, step });
    const course = [frame(0, 0), ...[1, 3, 8, 20, 50].map((step) => frame(1, step))];
    return Array.from({ length: 60 }, (_, i) => i + 1).filter((round) => {
        course.push(frame(round, 0));
        show(course);
        const boxes = [...section.querySelectorAll(".curves div i")].map((name) => name.getBoundingClientRect());
        return boxes.some((box, i) => i && boxes[i - 1].right > box.left);
    });
}"""


def test_on_a_small_phone_a_slider_brings_the_pictures_into_sight_and_stays_there(visit):
    v = visit(width=360, height=640, phone=True)
    room = opened(v, "Fool it", "fool")
    noise = room.locator("[name=noise]")
    noise.focus()
    v.page.keyboard.press("ArrowRight")
    expect(room.locator(".outcome")).to_have_text("Not fooled: it still sees a 2.")
    expect(room.locator(".after canvas")).to_be_in_viewport(ratio=1)
    expect(noise).to_be_in_viewport(ratio=1)
    room.locator(".served p").evaluate(
        "said => (said.innerHTML = 'It says <b>not a digit</b>, 97%, which takes lines')"
    )
    for pair in (("small .bars", "served .bars"), ("of-digits", "of-drawing")):  # which are compared
        assert len({room.locator(f".{bars}").bounding_box()["y"] for bars in pair}) == 1
    opened(v, "Train one", "train").locator(".tries summary").click()
    v.page.get_by_role("link", name="Learn from 100 digits").click()  # its menus take all of the screen
    expect(v.page.get_by_role("button", name="Play")).to_be_in_viewport(ratio=1)
    assert v.page.evaluate(TOUCHING) == []


def test_for_those_who_want_no_motion_the_page_scrolls_in_one_go(visit):
    v = visit(width=360, height=640, phone=True, motion="reduce")
    noise = opened(v, "Fool it", "fool").locator("[name=noise]")
    moved = "slider => { slider.dispatchEvent(new Event('change', { bubbles: true })); return scrollY; }"
    assert noise.evaluate(moved) > 0  # at once


def test_an_answer_that_comes_late_reaches_the_room_in_sight(drawn):
    v = drawn
    v.page.get_by_role("tab", name="Draw").click()
    v.press("Clear canvas")
    expect(v.page.locator("#words")).to_contain_text("Nothing here yet")
    opened(v, "Fool it", "fool")
    v.page.get_by_role("tab", name="Draw").click()
    with v.held("**/queue/join**"):
        v.draw(7)
        room = opened(v, "Fool it", "fool")
        expect(room.locator(".example")).to_contain_text("example")
        expect(room.get_by_role("heading", name="The example")).to_be_visible()
    expect(v.page.locator("#words p")).to_have_text("That is a 7.")
    expect(room.locator(".example")).to_be_empty()
    expect(room.get_by_role("heading", name="Your drawing")).to_be_visible()
    expect(room.locator(".small .bars .top b")).to_have_text("7")


def test_of_several_digits_the_rooms_show_the_first_one_until_another_is_chosen(drawn):
    v = drawn
    v.page.get_by_role("tab", name="Draw").click()
    v.press("Clear canvas")
    expect(v.page.locator("#words")).to_contain_text("Nothing here yet")
    rooms = (("Fool it", "fool", ".example"), ("See inside", "inside", ".which-picture"))
    for title, name, place in rooms:
        expect(opened(v, title, name).locator(place)).to_contain_text("an example")
    v.page.get_by_role("tab", name="Draw").click()
    v.take_example("sum 27")
    v.page.locator("#answer:not(.old) #words").filter(has_text="digits").wait_for()
    for title, name, place in rooms:
        room = opened(v, title, name)
        expect(room.locator(place)).to_contain_text("the first of several digits")
        expect(room.locator(".top b").first).to_have_text("2")
    v.page.get_by_role("tab", name="Draw").click()
    v.page.locator("#why button[data-tile='1']").click()
    v.page.locator("#why ol.chosen").wait_for()
    expect(opened(v, "Fool it", "fool").locator(".example")).to_be_empty()
    expect(v.page.locator(".fool .served .top b")).to_have_text("7")


def test_the_rooms_show_the_drawing_of_who_looked_for_a_picture_and_brought_none(drawn):
    v = drawn
    v.page.get_by_role("tab", name="Draw").click()
    v.take_example("sum 27")
    v.page.locator("#answer:not(.old) #words").filter(has_text="digits").wait_for()
    v.page.get_by_role("button", name="Remove Image").click()
    expect(v.page.locator("#words")).to_contain_text("Add a picture")
    v.page.get_by_role("tab", name="On the pad").click()
    v.press("Clear canvas")
    v.draw(7)
    expect(v.answer).to_have_text("7")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.page.locator("#words")).to_contain_text("Add a picture")
    room = opened(v, "Fool it", "fool")
    expect(room.locator(".example")).to_be_empty()
    expect(room.locator(".served .top b")).to_have_text("7")
    v.page.get_by_role("tab", name="Draw").click()
    expect(v.answer).to_have_text("7")


FAILURES = (
    (re.compile(r"/fool\.js\?v=[0-9a-f]{12}$"), lambda route: route.abort()),  # another address in another version
    (re.compile("/component_server/$"), lambda route: route.fulfill(status=500, json={"error": None})),
)


def test_a_room_whose_script_and_content_did_not_load_can_be_opened_again_and_starts_once(visit):
    v = visit()
    room, press = v.page.locator(".lab.fool"), v.page.get_by_role("tab", name="Fool it").click
    v.context.set_offline(True)
    press()
    expect(room).to_contain_text("did not load")
    press = functools.partial(v.context.set_offline, False)  # it tries again by itself
    for address, failure in FAILURES:
        v.route(address, failure)
        with v.page.expect_request(address):
            press()
        v.wait_until_silent()
        expect(room).to_contain_text("did not load")
        v.page.unroute(address)
        press = room.get_by_role("button", name="Try again").dblclick
    press()
    expect(room).to_have_attribute("data-ready", "true")
    expect(room.locator(".silenced .big")).to_contain_text("1,000 new digits")
    v.requests.clear()
    with v.page.expect_response("**/component_server/**"):
        room.get_by_role("button", name="Switch unit 3 of layer 1 off").click()
    assert sum("/component_server" in url for url in v.requests) == 1
