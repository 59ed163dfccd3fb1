"""Train one: what the server answers to its questions, and the same in a browser."""

import base64
import errno
import gc
import html
import io
import json
import math
import re
import time
import tracemalloc
import weakref
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT, expect
from test_lab import opened
from test_page import serious

import weights
from nn import evaluate, train
from nn.functions import softmax
from nn.pictures import sample
from nn.recipes import PRESETS
from weights.current import served
from weights.serving.page import percent
from weights.serving.page.lab import drawings, kept, questions, runs, train_one
from weights.serving.page.lab.asking import Picture, answering
from weights.serving.page.lab.settings import RATES
from weights.serving.page.lab.shown import answers_of, first_weights
from weights.serving.page.lab.splits import unseen


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Each test has the runs to itself."""
    monkeypatch.setattr(kept, "RUNS", kept.Runs())


def begun(**settings):
    return runs.start(settings)["run"]


def as_set(labels, pictures):
    """Labels and drawings as the page sends them."""
    return {"labels": labels, "drawings": base64.b64encode(np.uint8(pictures).tobytes()).decode()}


def network_of(taken, folder):
    """The network in the zip that `take` gave."""
    zipfile.ZipFile(io.BytesIO(base64.b64decode(taken["zip"]))).extractall(folder)
    return weights.load(folder)


def test_a_small_network_learns_to_read_unseen_digits():
    answer = runs.start({})
    shares = [answer["frames"][0]["unseen"]]
    for _ in range(5):
        answer = answer | runs.go({"run": answer["run"]})
        shares.append(answer["frames"][-1]["unseen"])
    assert shares[0] < 0.3
    assert shares[-1] > 0.88
    json.dumps(answer, allow_nan=False)


def test_the_loss_of_each_frame_is_that_of_its_network():
    answer = runs.start({"digits": 1000})
    run, losses = kept.RUNS.get(answer["run"]), []
    for _ in range(3):
        answer = answer | runs.go({"run": answer["run"]})
        losses.append(answer["frames"][-1]["losses"])
    probs = softmax(run.trainer.model.logits(unseen().pixels()))
    of_labels = probs[np.arange(len(probs)), unseen().labels]
    assert losses[-1][1] == pytest.approx(-np.log(of_labels).mean(), abs=1e-4)
    assert losses == sorted(losses, reverse=True)


def test_the_first_round_is_seen_step_by_step():
    run = begun(digits=1000)
    counts = [len(runs.go({"run": run})["frames"]) for _ in range(2)]
    assert counts == [5, 1]  # a round of 1,000 digits has 32 steps


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rate": "wild"}, "divergence"),
        ({"rate": "wild", "kernels": 16, "hidden": []}, "divergence"),
        ({"digits": 100, "hidden": [64]}, "overfitting"),
        ({"rate": "wild", "hidden": [64]}, "64 units now say 0 to every digit"),
    ],
)
def test_what_goes_wrong_is_explained_in_a_sentence(settings, said):
    run = begun(**settings)
    assert any(said in runs.go({"run": run})["said"] for _ in range(40))


@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_wild_steps_leave_a_loss_above_that_of_guessing(optimizer, activation):
    run = begun(rate="wild", optimizer=optimizer, activation=activation, digits=1000)
    answers = [runs.go({"run": run}) for _ in range(3)]
    assert all(min(answer["frames"][-1]["losses"]) > math.log(10) for answer in answers)
    assert "divergence" in answers[-1]["said"]


@pytest.mark.parametrize("settings", [{"digits": 1000}, {}])
def test_a_network_that_comes_back_to_guessing_stays_divergent(settings):
    run = begun(rate="wild", optimizer="adam", batch_size=128, **settings)
    answers = [runs.go({"run": run}) for _ in range(7)][runs.DIVERGED - 1 :]
    assert min(answer["frames"][-1]["losses"][0] for answer in answers) < 1.1 * math.log(10)
    assert all("divergence" in answer["said"] for answer in answers)


@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize("batch_size", [8, 128])
def test_a_network_that_knows_its_digits_is_told_of_too_large_steps(optimizer, batch_size):
    run = begun(rate="wild", hidden=[], digits=100, optimizer=optimizer, batch_size=batch_size)
    said = [runs.go({"run": run})["said"] for _ in range(20)]
    assert all("steps are too large" in each for each in said[runs.DIVERGED - 1 :])
    assert "overfitting" in said[-1]
    assert "Where it is wrong, it is sure of it." in said[-1]


@pytest.mark.parametrize("rate", ["careful", "good"])
@pytest.mark.parametrize("optimizer", RATES)
@pytest.mark.parametrize(
    "settings", [{}, {"hidden": []}, {"activation": "sigmoid"}, {"hidden": [64], "batch_size": 128}, {"batch_size": 8}]
)
def test_sane_steps_are_not_called_too_large(settings, optimizer, rate):
    run = begun(rate=rate, optimizer=optimizer, digits=100, **settings)
    assert not [said for _ in range(20) if "too large" in (said := runs.go({"run": run})["said"])]


def test_silent_units_of_all_layers_are_counted():
    run = kept.RUNS.get(begun(hidden=[16, 32], digits=100))
    run.trainer.model.biases[1][:] = -100
    assert runs.of_silent_units(run.trainer.model).startswith("32 of 48 units now say 0")


def test_the_experiment_with_few_digits_overfits_as_it_says():
    losses, run = [], begun(hidden=[64], rate="bold", digits=100, optimizer="momentum")
    for _ in range(20):
        losses.append(runs.go({"run": run})["frames"][-1]["losses"])
    seen, unseen = zip(*losses, strict=True)
    assert unseen[-1] > 1.3 * min(unseen)
    assert seen[-1] < 0.01


def test_the_room_says_each_figure_once():
    tooltips, tags = r'<span role="tooltip">.*?</span>', r"<[^>]*>"
    room, _ = train_one.content().split("<summary>Words")
    text = re.sub(tags, " ", re.sub(tooltips, "", room)).lower()
    for once in ("1,000 new digits", "16 kernels", "press play", "never saw", "gradient", "random"):
        assert text.count(once) == 1, once
    assert not re.search(r"\b(six|twenty|two files)\b", text)


def test_a_sentence_writes_shares_as_the_page_does():
    run = kept.RUNS.get(begun(digits=100))
    said = runs.sentence(run, {"seen": 1.0, "unseen": 0.725, "losses": [0.1, 1.0]})
    assert said.startswith("It knows 100% of its 100 digits, but only 72.5% of new ones")


def test_a_network_of_enormous_numbers_ends_in_words():
    run = begun(rate="wild", optimizer="sgd")
    kept.RUNS.get(run).trainer.model.theta[:] = 1e30
    assert runs.look({"run": run})["frames"][0]["losses"] == [None, None]
    answer = runs.go({"run": run})
    assert "blew up" in answer["said"]
    assert answer["ended"].startswith("It blew up")
    assert "blew up" in runs.teach({"run": run, **as_set([1], [[0] * 784])})["error"]
    assert "blew up" in runs.take({"run": run})["error"]


WRONG = {
    "a width of a million": {"hidden": [10**6]},
    "three layers": {"hidden": [16, 16, 16]},
    "no width": {"hidden": [0]},
    "a rate that is no number": {"rate": float("nan")},
    "all digits": {"digits": 60_000},
    "a decay that is no number": {"decay": float("nan")},
    "no digits a step": {"batch_size": 0},
    "a negative seed": {"seed": -1},
    "seventeen kernels": {"kernels": 17},
    "fewer kernels than none": {"kernels": -1},
    "kernels that leave windows over": {"kernels": 4, "kernel_size": 7},
    "a setting that there is not": {"epochs": 10**9},
    "a list": [],
}


@pytest.mark.parametrize("case", WRONG)
def test_settings_of_no_network_are_refused_in_a_sentence(case):
    assert runs.start(WRONG[case])["error"].startswith("This is not what is expected as ")


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"hidden": [16, 16]}, "a convolution is one"), ({"hidden": [], "batch_size": 512}, "at most 128 digits")],
)
def test_a_convolution_too_large_for_here_is_refused_in_a_sentence(settings, said):
    assert said in runs.start(settings | {"kernels": 16})["error"]
    few = runs.start({"kernels": 16, "hidden": [], "batch_size": 512, "digits": 100})  # a step has them all
    assert "error" not in runs.go({"run": few["run"]})


def test_a_network_with_kernels_learns_to_read_unseen_digits():
    answer = runs.start({"kernels": 16, "hidden": []})
    assert (answer["widths"], answer["kernels"], answer["side"]) == ([784, 400, 10], 16, 8)
    pictures = base64.b64decode(runs.go({"run": answer["run"]})["frames"][-1]["weights"])
    assert len(pictures) == 16 * 8 * 8
    kernel = first_weights(kept.RUNS.get(answer["run"]).trainer.model)[:, 3]
    sent = np.frombuffer(pictures, np.int8)[3 * 64 : 4 * 64]
    assert np.corrcoef(kernel, sent)[0, 1] > 0.999
    for _ in range(2):
        answer = answer | runs.go({"run": answer["run"]})
    assert answer["frames"][-1]["unseen"] > 0.9


@pytest.mark.parametrize(
    "ask",
    [
        runs.go,
        runs.look,
        runs.take,
        lambda values: runs.unit(values | {"unit": 1}),
        lambda values: runs.teach(values | {"labels": [1], "drawings": ""}),
    ],
)
def test_a_network_that_is_not_kept_is_said(ask):
    assert "Reset" in ask({"run": "nobody's"})["error"]


def test_a_full_disk_is_said():
    @answering(Picture)
    def write(question):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert "disk of this server is full" in write({})["error"]


def test_two_train_at_once_and_the_third_sees_its_place(monkeypatch):
    monkeypatch.setattr(kept, "TURN_SECONDS", math.inf)  # nobody leaves the page
    first, second, third = (begun(digits=100) for _ in range(3))
    assert all("frames" in runs.go({"run": run}) for run in (first, second))
    answer = runs.go({"run": third})
    said = "Two networks train at a time, a few seconds each. Your place in the line: 1."
    assert answer == {"place": 1, "said": said}
    monkeypatch.setattr(kept, "TURN_SECONDS", 0)  # the first two have left it
    assert "frames" in runs.go({"run": third})


def test_those_who_wait_take_turns_with_those_who_train(monkeypatch):
    monkeypatch.setattr(kept, "TURN_SECONDS", math.inf)  # nobody leaves the page
    monkeypatch.setattr(kept, "SHARE_SECONDS", 0)  # each turn is one round
    names = [begun(digits=100) for _ in range(5)]
    rounds = dict.fromkeys(names, 0)
    for _ in range(10):  # all ask, over and over
        for name in names:
            rounds[name] += "frames" in runs.go({"run": name})
    assert min(rounds.values()) >= 2
    assert max(rounds.values()) - min(rounds.values()) <= 1


def test_nobody_gives_way_while_nobody_waits(monkeypatch):
    monkeypatch.setattr(kept, "SHARE_SECONDS", 0)
    names = [begun(digits=100) for _ in range(2)]
    assert all("frames" in runs.go({"run": name}) for _ in range(3) for name in names)


def test_only_the_newest_networks_are_kept(monkeypatch):
    monkeypatch.setattr(kept, "MOST_RUNS", 3)
    names = [begun(digits=100) for _ in range(5)]
    assert [kept.RUNS.get(name) is not None for name in names] == [False, False, True, True, True]


def test_a_network_is_not_kept_longer_than_it_is_said_to_be(monkeypatch):
    run = begun()
    monkeypatch.setattr(kept, "KEPT_SECONDS", -1)
    answer = runs.look({"run": run})
    assert "not kept any longer" in answer["error"]
    assert answer["gone"]
    assert not kept.RUNS.kept


def test_a_preset_is_not_called_divergent_for_a_setting_that_it_replaces():
    run = begun(preset="sgd64", rate="wild", digits=100)
    assert runs.go({"run": run})["said"].startswith("A round is 100 steps. Each looks at one digit and then")


def test_a_round_is_put_in_numbers():
    for settings, numbers in (
        ({}, "A round is 141 steps. Each looks at up to 32 digits and"),
        ({"digits": 100, "batch_size": 128}, "A round is one step. It looks at 100 digits and"),
    ):
        assert numbers in runs.go({"run": begun(**settings)})["said"]


def test_all_that_was_done_to_a_network_is_said(tmp_path):
    run = begun()
    runs.go({"run": run})
    loaded = runs.load({"files": [{"name": "a.zip", "content": runs.take({"run": run})["zip"]}]})["run"]
    runs.teach({"run": loaded} | as_set([7], sample.load().test.images[:1]))
    said = runs.take({"run": loaded})["said"]
    assert "file" in said
    assert "taught" in said


def test_memory_of_a_network_comes_back_as_soon_as_it_is_not_kept(monkeypatch):
    name = begun(digits=100)
    runs.go({"run": name})
    network = weakref.ref(kept.RUNS.get(name).trainer.model)
    monkeypatch.setattr(kept, "MOST_RUNS", 1)
    gc.disable()
    try:
        begun(digits=100)
        assert network() is None
    finally:
        gc.enable()


def test_a_run_ends_after_its_seconds(monkeypatch):
    monkeypatch.setattr(runs, "MOST_SECONDS", 0)
    answer = runs.go({"run": begun(digits=100)})
    assert answer["ended"].startswith("Its training time is used up")
    assert answer["said"] == ""  # what was said of the last round stays


@pytest.mark.parametrize("mixed", [True, False])
def test_a_taught_digit_is_read_and_what_it_cost_is_said(mixed):
    run = begun()
    for _ in range(6):
        shown = runs.go({"run": run})["frames"][-1]
    split = unseen()
    answers = kept.RUNS.get(run).trainer.model.logits(split.pixels()).argmax(axis=1)
    wrong = int(np.flatnonzero(answers != split.labels)[0])
    pixels, label = split.images[wrong].reshape(-1).tolist(), int(split.labels[wrong])
    theta = served().current.model.theta.copy()
    reads = [int(answers[wrong])]
    for _ in range(5 if mixed else 1):
        answer = runs.teach({"run": run, "pixels": pixels, "mixed": mixed, **as_set([label], [pixels])})
        after = answer["frames"][0]
        reads.append(int(np.argmax(after["drawing"])))
        begin = "It still" if reads[-1] == reads[-2] else "Now it"
        assert answer["said"].startswith(f"{begin} reads your drawing as a")
    assert reads[-1] == label
    assert after["unseen"] > shown["unseen"] - 0.03 if mixed else after["unseen"] < shown["unseen"]
    assert ("it forgot others" in answer["said"]) == (not mixed)
    np.testing.assert_array_equal(served().current.model.theta, theta)
    fresh = runs.start({"pixels": pixels})["frames"][0]
    assert fresh["drawing"] != after["drawing"]


@pytest.mark.parametrize("mixed", [True, False])
def test_kernels_are_taught_gently(mixed):
    run = begun(kernels=16, hidden=[])
    for _ in range(3):
        shown = runs.go({"run": run})["frames"][-1]
    split, one = unseen(), kept.RUNS.get(run)
    model, theta = one.trainer.model, one.trainer.model.theta.copy()
    wrong = np.flatnonzero(answers_of(model, split.pixels()) != split.labels)[:10]
    mended, costs = 0, []
    for i in wrong:
        model.theta[...], one.seconds = theta, 0  # a busy machine is slow
        given = as_set([int(split.labels[i])], split.images[i])
        costs.append(shown["unseen"] - runs.teach({"run": run, "mixed": mixed, **given})["frames"][0]["unseen"])
        mended += int(answers_of(model, split.pixels()[[i]])[0] == split.labels[i])
    assert mended >= 7
    assert np.mean(costs) < (0.01 if mixed else 0.03)


def test_the_network_taken_along_is_the_one_that_was_trained(tmp_path):
    run = begun(hidden=[], digits=1000)
    runs.go({"run": run})
    taken = runs.take({"run": run})
    model = network_of(taken, tmp_path / "mine")
    np.testing.assert_allclose(model.theta, kept.RUNS.get(run).trainer.model.theta, rtol=1e-3)  # float16, as nn.train
    assert evaluate.main(["--weights", str(tmp_path / "mine"), "--data", str(sample.FILE)]) == 0
    recipe = train.recipe_from(train.parser().parse_args(taken["command"].split()[3:]))
    assert (recipe.hidden, recipe.optimizer, recipe.lr) == ((), "sgd", 0.05)
    assert "one like it" in taken["said"]  # nn.train has no option for fewer digits


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "momentum", "rate": "good", "dropout": 0.2},
        {"preset": "adam256", "seed": 3},
        {"kernels": 4, "hidden": [16]},
    ],
)
def test_the_command_trains_the_very_same_network(settings, tmp_path, monkeypatch):
    run = begun(**settings)
    for _ in range(3):
        runs.go({"run": run})
    taken = runs.take({"run": run})
    assert "the same network, up to rounding" in taken["said"]
    monkeypatch.chdir(ROOT)
    assert train.main([*taken["command"].split()[3:], "--out", str(tmp_path / "theirs")]) == 0
    mine, theirs = network_of(taken, tmp_path / "mine"), weights.load(tmp_path / "theirs")
    assert (mine.widths, mine.mean, mine.std) == (theirs.widths, theirs.mean, theirs.std)
    np.testing.assert_array_equal(mine.theta, theirs.theta)
    assert mine.calibration == theirs.calibration


def test_what_the_command_does_not_know_is_said(tmp_path):
    run = begun(digits=100)
    assert "press Play" in runs.take({"run": run})["error"]
    runs.teach({"run": run, **as_set([3], [[0] * 784])})
    assert "taught drawings" in runs.take({"run": run})["said"]


@pytest.mark.parametrize("preset", [name for name, each in PRESETS.items() if each.repeats])
def test_a_public_projects_network_begins_as_its_recipe_says(preset):
    run = kept.RUNS.get(begun(preset=preset, digits=100, seed=4))
    assert run.trainer.recipe == replace(PRESETS[preset].recipe, seed=4)
    assert runs.go({"run": next(iter(kept.RUNS.kept))})["frames"]


def test_a_preset_ends_after_its_own_epochs():
    run = begun(preset="linear", digits=100)
    kept.RUNS.get(run).trainer.history = [{"validation_accuracy": 0.5, "epoch": 1}] * 1490
    answer = runs.go({"run": run})
    assert answer["frames"][-1]["epoch"] == 1500
    assert answer["ended"].startswith("All 1,500 rounds are done")


# --- Memory and processors --------------------------------------------------------------------------------------------


def test_networks_that_take_much_memory_leave_room_for_fewer(monkeypatch):
    largest = {"hidden": [256, 256], "optimizer": "adam", "batch_size": 512, "digits": 100}
    first = begun(**largest)
    size = kept.RUNS.get(first).bytes
    assert size > 5 * kept.RUNS.get(first).trainer.model.theta.nbytes
    monkeypatch.setattr(kept, "MOST_BYTES", 2.5 * size)
    second, third = begun(**largest), begun(**largest)
    assert [kept.RUNS.get(name) is not None for name in (first, second, third)] == [False, True, True]


@pytest.mark.parametrize("settings", [{"preset": "adam256"}, {"kernels": 16, "hidden": [64], "batch_size": 128}])
def test_what_is_counted_is_what_a_network_takes(settings):
    begun(**settings)  # what all share is there
    tracemalloc.start()
    run = kept.RUNS.get(begun(**settings))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken == pytest.approx(run.bytes, rel=0.1)


def learned(**settings):
    run = begun(digits=100, **settings)
    assert "frames" in runs.go({"run": run})
    return run


def test_what_two_resets_replaced_is_the_first_to_go_and_not_before(monkeypatch):
    monkeypatch.setattr(kept, "MOST_RUNS", 4)
    others, mine = begun(digits=100), learned()
    second = learned(instead_of=mine)
    third = learned(instead_of=second)
    assert "frames" in runs.go({"run": mine})  # by a copy of the tab
    assert list(kept.RUNS.kept) == [others, second, third, mine]
    kept.RUNS.get(others)
    fourth = begun(digits=100, instead_of=third)
    assert list(kept.RUNS.kept) == [third, mine, others, fourth]


def test_a_network_that_learned_nothing_goes_before_the_one_that_it_replaced(monkeypatch):
    monkeypatch.setattr(kept, "MOST_RUNS", 3)
    mine = learned()
    second = begun(digits=100, instead_of=mine)
    third = begun(digits=100, instead_of=second)
    assert list(kept.RUNS.kept) == [second, mine, third]
    assert kept.RUNS.get(third).before == mine
    others = begun(digits=100)
    assert list(kept.RUNS.kept) == [mine, third, others]


def test_the_one_before_is_kept_while_others_are_older(monkeypatch):
    monkeypatch.setattr(kept, "MOST_RUNS", 3)
    others = [begun(digits=100) for _ in range(2)]
    mine = learned()
    second = begun(digits=100, instead_of=mine)
    assert list(kept.RUNS.kept) == [others[1], mine, second]


def test_a_network_at_work_keeps_its_turn_when_another_tab_replaces_it():
    run = begun(digits=100)
    kept.RUNS.place(run)
    kept.RUNS.at_work(run, True)
    begun(digits=100, instead_of=run)
    assert list(kept.RUNS.asking) == [run]
    kept.RUNS.at_work(run, False)
    begun(digits=100, instead_of=run)
    assert not kept.RUNS.asking


def test_nothing_gets_round_the_limit_on_trainers(monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 0)
    run = begun(digits=100)
    with kept.working(), kept.working():
        asked = [
            runs.start({}),
            runs.look({"run": run}),
            runs.unit({"run": run, "unit": 0}),
            runs.teach({"run": run, **as_set([1], [[0] * 784])}),
            runs.go({"run": run}),
            drawings.load_set({"files": [{"name": "a", "content": "AAAA"}]}),
        ]
    assert asked == [{"error": kept.BUSY}] * len(asked)
    assert "error" not in runs.go({"run": run})


def test_a_network_at_work_lets_no_question_wait_for_long(monkeypatch):
    monkeypatch.setattr(kept, "PATIENCE", 0)
    run = begun(digits=100)
    with kept.RUNS.get(run).lock:
        asked = [
            runs.go({"run": run}),
            runs.look({"run": run}),
            runs.unit({"run": run, "unit": 0}),
            runs.teach({"run": run, **as_set([1], [[0] * 784])}),
            runs.take({"run": run}),
            questions.numbers({"run": run}),
            questions.silence({"run": run}),
        ]
    assert asked == [{"error": kept.AT_WORK}] * len(asked)
    assert "error" not in runs.look({"run": run})


def test_what_is_taught_counts_as_training(monkeypatch):
    run = begun(digits=100)
    monkeypatch.setattr(runs, "MOST_SECONDS", 0)
    assert "training time is used up" in runs.teach({"run": run, **as_set([1], [[0] * 784])})["error"]


# --- One unit ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [[16], []])
def test_the_digits_that_excite_a_unit_most_are_shown(hidden):
    run = begun(hidden=hidden, digits=1000)
    runs.go({"run": run})
    answer = runs.unit({"run": run, "unit": 5})
    model = kept.RUNS.get(run).trainer.model
    sums = unseen().pixels() @ model.weights[0][:, 5] + model.biases[0][5]
    assert answer["sums"] == pytest.approx(sorted(sums, reverse=True)[:10], abs=1e-5)
    best = int(sums.argmax())
    assert answer["labels"][0] == unseen().labels[best]
    assert base64.b64decode(answer["pixels"])[:784] == unseen().images[best].tobytes()
    assert "error" in runs.unit({"run": run, "unit": 15 if not hidden else 16})


def test_the_digits_that_show_most_of_a_kernel_anywhere_are_shown():
    run = begun(kernels=3, hidden=[], digits=1000)
    runs.go({"run": run})
    answer = runs.unit({"run": run, "unit": 1})
    model = kept.RUNS.get(run).trainer.model
    hidden = []
    model.forward(unseen().pixels(), hidden)
    sums = hidden[0][0].reshape(-1, 25, 3)[:, :, 1].max(axis=1)
    assert answer["sums"] == pytest.approx(sorted(sums, reverse=True)[:10], abs=1e-5)
    assert answer["labels"][0] == unseen().labels[int(sums.argmax())]
    assert len(base64.b64decode(answer["weights"])) == 64
    assert "3 kernels" in runs.unit({"run": run, "unit": 3})["error"]


# --- In a browser -----------------------------------------------------------------------------------------------------


def accessible_and_as_wide_as_the_screen(page):
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def untrained(v):
    """The room with a network of 16 units before its first round; what else was set stays."""
    room = opened(v, "Train one", "train")
    v.page.evaluate("rooms.go('#lab=16')")
    v.wait_until_silent()
    expect(room.locator(".round")).to_have_text("Not trained yet")
    return room


# As when another tab lies over the page: it sees no rounds, and takes nobody's place.
HIDE = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""


def test_a_visitor_trains_a_network_stops_it_and_teaches_it(visit):
    v = visit(scheme="dark")
    v.draw(7)
    expect(v.answer).to_be_visible()
    room = opened(v, "Train one", "train")
    shares = [n / 1000 for n in range(1001)] + [0.9999, 0.0001]
    assert v.page.evaluate("shares => shares.map(lab.tools.percentRight)", shares) == list(map(percent.right, shares))
    sure = v.page.evaluate("shares => shares.map(lab.tools.percentSure)", shares)
    assert list(map(html.unescape, sure)) == list(map(percent.sure, shares))
    right = "() => parseFloat(document.querySelector('.train .big b').textContent)"
    assert v.page.evaluate(right) < 50
    weights_at_first = room.locator(".weights canvas").first.evaluate("canvas => canvas.toDataURL()")
    room.get_by_role("button", name="Play").press("Enter")
    v.page.wait_for_function(f"({right})() > 85")
    expect(room.locator(".mine .top b")).to_have_text("7")
    assert room.locator(".weights canvas").first.evaluate("canvas => canvas.toDataURL()") != weights_at_first
    v.page.evaluate(HIDE, True)
    v.wait_until_silent()
    rounds = room.locator(".round").inner_text()
    v.page.evaluate(HIDE, False)
    expect(room.locator(".round")).not_to_have_text(rounds)
    room.get_by_role("button", name="Pause").click()
    expect(room.get_by_role("button", name="Play")).to_be_visible()
    room.locator(".label").select_option("2")
    room.get_by_role("button", name="Teach it alone").click()
    expect(room.locator(".told")).to_contain_text("Of the new digits it read")
    accessible_and_as_wide_as_the_screen(v.page)
    room.get_by_role("radio", name="wild").check()
    expect(room.locator(".round")).to_have_text("Not trained yet")
    room.get_by_role("button", name="Play").click()
    expect(room.locator(".told")).to_contain_text("divergence")

    # A network that is gone answers nothing, and another drawing is seen all the same.
    gone = {"error": "This network is not kept any longer: press Reset for a new one.", "gone": True}
    changes = {"Draw a digit": lambda: v.press("Clear canvas"), "no answer to this": lambda: v.draw(1)}
    for note, change in changes.items():
        v.page.get_by_role("tab", name="Draw").click()
        before = v.page.locator("#why").inner_html()
        change()
        v.page.wait_for_function("html => document.querySelector('#why').innerHTML !== html", arg=before)
        v.wait_until_silent()
        answer_once(v, "look", gone)
        opened(v, "Train one", "train")
        expect(room.locator(".problem").first).to_contain_text("not kept any longer")
        expect(room.locator(".note")).to_contain_text(note)
        expect(room.locator(".mine li, .theirs li")).to_have_count(0)
        expect(room.locator(".label")).to_have_value("")
        assert room.locator(".teach").is_visible() == (note != "Draw a digit")  # not the example


def held(v, name):
    """The questions of this name, which wait until the test lets them go on."""
    waiting = []

    def hold(route):
        if asks(name)(route.request):
            waiting.append(route)
        else:
            route.fallback()

    v.route(re.compile("/component_server"), hold)
    return waiting


def asks(name):
    return lambda request: "component_server" in request.url and f'"{name}"' in (request.post_data or "")


def wait_until(v, holds):
    """Waits for something that the browser's questions bring about here."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        v.page.wait_for_timeout(20)


def test_a_network_that_is_slow_to_come_is_the_one_that_plays(laptop):
    v = laptop  # whose first visit to the room this is
    starts = held(v, "start")
    v.page.get_by_role("tab", name="Train one").click()
    wait_until(v, lambda: starts)
    teach = v.page.get_by_role("button", name=re.compile("^Teach it "), include_hidden=True)
    assert teach.evaluate_all("all => all.map((button) => button.disabled)") == [True, True]
    starts.pop().continue_()
    room = opened(v, "Train one", "train")
    for chip in ("careful", "good", "wild"):
        room.get_by_role("radio", name=chip).check()
    room.get_by_role("button", name="Play").click()
    expect(room.get_by_role("button", name="Pause")).to_be_visible()
    wait_until(v, lambda: starts)
    starts[0].continue_()
    wait_until(v, lambda: len(starts) > 1)
    assert len(starts) == 2  # the one between them was never made
    assert json.loads(starts[1].request.post_data)["data"]["instead_of"]
    rounds = held(v, "go")
    starts[1].continue_()
    wait_until(v, lambda: rounds)
    expect(room.locator(".round")).to_have_text("First round …")
    rounds[0].continue_()
    v.page.unroute_all()
    expect(room.locator(".told")).to_contain_text("divergence")
    expect(room.locator(".problem").first).to_be_empty()


def answer_once(v, name, answer):
    """The next question of this name gets this answer, not the server's."""
    given = []

    def give(route):
        if given or not asks(name)(route.request):
            return route.fallback()
        given.append(route)
        return route.fulfill(json=answer)

    v.route(re.compile("/component_server"), give)


def test_a_link_leads_to_play_though_it_is_disabled_until_the_network_comes(laptop):
    v = laptop
    room = untrained(v)
    play = room.get_by_role("button", name="Play")
    answer_once(v, "go", {"frames": [], "ended": "All 3 rounds are done", "said": ""})
    room.get_by_role("button", name="One round").click()
    expect(play).to_be_disabled()
    starts = held(v, "start")
    v.page.evaluate("rooms.go('#lab=16,careful')")
    wait_until(v, lambda: starts)
    v.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    expect(v.page.get_by_role("tab", name="Train one")).to_be_focused()
    starts[0].continue_()
    expect(play).to_be_enabled()
    expect(play).to_be_focused()
    v.page.unroute_all()


def test_questions_pressed_quickly_are_answered_one_after_the_other(laptop):
    v = laptop
    room = untrained(v)
    step = room.get_by_role("button", name="One round")
    step.click()
    step.click()
    expect(room.locator(".round")).to_have_text("2 rounds through the digits")
    # Of two Plays that were paused the first has asked for its round already; the second never asks.
    rounds = held(v, "go")
    room.get_by_role("button", name="Play").click()
    wait_until(v, lambda: rounds)
    for press in ("Pause", "Play", "Pause", "One round"):
        room.get_by_role("button", name=press).click()
    rounds[0].fulfill(json=rounds[0].fetch().json() | {"said": "That was round 3."})
    wait_until(v, lambda: len(rounds) == 2)
    expect(room.locator(".told")).to_have_text("That was round 3.")  # as the figures beside it
    rounds[1].continue_()
    v.page.unroute_all()
    expect(room.locator(".round")).to_have_text("4 rounds through the digits")
    expect(room.locator(".problem").first).to_be_empty()

    # One round waits for its turn.
    answer_once(v, "go", {"place": 1, "said": "Your place in the line: 1."})
    step.click()
    expect(room.locator(".told")).to_have_text("Your place in the line: 1.")
    expect(room.locator(".round")).to_have_text("5 rounds through the digits")

    # A late answer is about the network that was asked for, which stays until then.
    units = held(v, "unit")
    room.get_by_role("button", name="What unit 4 looks for").click()
    room.get_by_role("radio", name="none", exact=True).check()
    wait_until(v, lambda: units)
    units[0].continue_()
    expect(room.get_by_role("dialog")).to_contain_text("What unit 4 looks for")
    v.page.keyboard.press("Escape")
    expect(room.get_by_role("button", name="What speaks for an 8")).to_be_visible()

    v.page.unroute_all()
    step.click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")

    # One that comes when the visitor is elsewhere opens nothing there, and Back closes what is open.
    presses = (room.get_by_role("button", name="What speaks for a 3"), room.locator(".digits button").first)
    for seen, press in enumerate(presses, start=2):
        rounds = held(v, "go")
        step.click()
        press.click()
        wait_until(v, lambda rounds=rounds: rounds)
        v.page.get_by_role("tab", name="Draw").click()
        rounds[0].continue_()
        v.page.unroute_all()
        expect(room.locator(".round")).to_have_text(f"{seen} rounds through the digits")
        v.page.wait_for_timeout(1000)  # the round's last frame stays for EVERY, then the other question has its turn
        v.wait_until_silent()
        expect(v.page.get_by_role("tab", name="Draw")).to_have_attribute("aria-selected", "true")
        v.page.get_by_role("tab", name="Train one").click()
    expect(room.locator("dialog")).to_be_hidden()
    room.get_by_role("button", name="What speaks for a 3").click()
    expect(room.locator("dialog")).to_be_visible()
    v.page.go_back()
    v.page.get_by_role("tab", name="Train one").click()
    expect(room.locator("dialog")).to_be_hidden()


def test_curves_show_the_loss_and_the_network_before_comes_back(laptop):
    v = laptop
    room = untrained(v)
    step, earlier = (
        room.get_by_role("button", name="One round"),
        room.get_by_role("button", name="Back to the one before"),
    )
    for rounds in ("1 round", "2 rounds"):
        step.click()
        expect(room.locator(".round")).to_have_text(f"{rounds} through the digits")
    expect(room.locator(".curves > span").first).to_have_text("100%")
    shares = room.locator(".curves svg").inner_html()
    room.get_by_role("button", name="Loss", exact=True).click()
    expect(room.locator(".curves > span").first).to_have_text("2.4")
    expect(room.locator(".key b").last).to_have_text(re.compile(r"^0\.\d\d$"))
    assert room.locator(".curves svg").inner_html() != shares
    share = room.locator(".big b").inner_text()

    # Another rate is another network; the one before waits.
    room.get_by_role("radio", name="bold").check()
    expect(room.locator(".earlier")).to_contain_text(f"(2 rounds, {share})")
    step.click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    earlier.click()
    expect(room.locator(".round")).to_have_text("2 rounds through the digits")
    expect(room.locator(".big b")).to_have_text(share)
    expect(room.get_by_role("radio", name="good")).to_be_checked()
    assert "good" in v.page.evaluate("location.hash")
    expect(room.locator(".earlier")).to_contain_text("(1 round, ")
    answer_once(v, "look", {"error": "This network is not kept any longer: press Reset for a new one.", "gone": True})
    earlier.click()
    expect(room.locator(".earlier")).to_have_text("The network before is not kept any longer.")
    expect(room.locator(".problem").first).to_be_empty()
    expect(room.get_by_role("radio", name="good")).to_be_checked()
    v.page.unroute_all()

    # After its last round the reason stands where the rounds stood, and only Reset is left.
    why = "All 60 rounds are done: Reset makes a new network."
    answer_once(v, "go", {"frames": [], "ended": why, "said": ""})
    step.click()
    expect(room.locator(".round")).to_have_text(why)
    expect(step).to_be_disabled()
    expect(room.get_by_role("button", name="Play")).to_be_disabled()
    expect(room.get_by_role("button", name="Reset")).to_be_focused()
    room.get_by_role("button", name="Reset").click()
    expect(room.locator(".round")).to_have_text("Not trained yet")
    expect(step).to_be_enabled()
    room.get_by_role("button", name="Right answers").click()
    v.page.unroute_all()


def test_the_room_is_accessible_and_fits_a_small_phone(visit):
    v = visit(width=360, height=640, phone=True)
    room = opened(v, "Train one", "train")
    expect(room.locator(".you h2")).to_have_text("The example, now")
    expect(room.locator(".theirs .top b")).to_have_text("2")
    expect(room.locator(".told")).to_have_text("Its weights are still random, so it guesses.")
    expect(room.get_by_role("button", name="Play")).to_be_in_viewport(ratio=1)
    with v.held("**/component_server/**"):
        room.get_by_role("button", name="One round").click()
        expect(room.locator(".big[role=status]")).to_have_attribute("aria-busy", "true")  # one sentence at the end
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    expect(room.locator(".big")).to_have_attribute("aria-busy", "false")
    expect(room.locator(".told")).to_contain_text("A round is 141 steps")
    right = re.compile(r"^Right answers: from \d+\.\d% to [678]\d.*, from \d+\.\d% to ")
    expect(room.locator(".curves")).to_have_attribute("aria-label", right)
    accessible_and_as_wide_as_the_screen(v.page)


def test_on_a_phone_what_a_drawing_taught_is_said_in_sight(visit):
    v = visit(width=360, height=640, phone=True)
    v.touch(3)
    expect(v.answer).to_have_text("3")
    room = opened(v, "Train one", "train")
    room.get_by_role("button", name="Teach it alone").click()
    expect(room.locator(".told")).to_contain_text("reads your drawing as a")
    expect(room.locator(".told")).to_be_in_viewport(ratio=1)
    expect(room.locator(".you .note")).to_be_in_viewport()  # and so is the drawing
