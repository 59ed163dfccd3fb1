"""Training runs: they learn, repeat bit for bit, can be interrupted and resumed, and say what is wrong."""

import contextlib
import csv
import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import psutil
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from threadpoolctl import ThreadpoolController, threadpool_limits

import weights
from nn import compare, files, finish, members, runs, train
from nn.calibrate import fit_temperature
from nn.fast.quantize import quantize
from nn.mlp import MLP
from nn.pictures import mnist, synthetic
from nn.pictures.augment import Distortion
from nn.pictures.mnist import Dataset, Split
from nn.recipes import FULL_BATCH, PRESETS, Preset, Recipe
from nn.runs import fit, member_of
from nn.trainer import Trainer

ROOT = Path(__file__).parent.parent.parent
SHORT = Recipe(hidden=(16,), epochs=3, batch_size=32)


@pytest.fixture(scope="module", autouse=True)
def forked():
    """Members are trained in processes that inherit what a test has replaced."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("fork", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.fixture(scope="module")
def bars():
    """A toy dataset: digit d is a bar in column 2 d + 4, with noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 10
    images = rng.integers(0, 60, (400, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 2 * label + 4] = 255
    return Dataset(
        Split(images[:300], labels[:300]), Split(images[300:350], labels[300:350]), Split(images[350:], labels[350:])
    )


EVERYTHING = {"augment": True, "dropout": 0.2, "sampled_below": 0.5, "schedule": "cosine", "warmup": 1, "average": 1.0}


@pytest.mark.parametrize(
    "recipe",
    [
        SHORT,
        Recipe(hidden=(16,), epochs=3, **EVERYTHING),
        Recipe(hidden=(50, 4, 8), linear=(1,), kernel_size=8, epochs=3, **EVERYTHING),
    ],
    ids=["plain", "everything", "everything, convolution, linear"],
)
def test_the_same_seed_gives_the_same_bytes_and_resuming_changes_nothing(bars, tmp_path, recipe):
    fit(recipe, bars, tmp_path / "once")
    fit(recipe, bars, tmp_path / "again")
    stopping_after_one_epoch(recipe, bars, tmp_path / "resumed")
    fit(recipe, bars, tmp_path / "resumed", resume=True)
    files = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("once", "again", "resumed")]
    assert files[0] == files[1] == files[2]


def test_matrix_products_leave_a_thread_to_what_distorts_and_those_of_members_take_one_each(
    bars, tmp_path, monkeypatch
):
    run_epoch, seen = Trainer.run_epoch, multiprocessing.SimpleQueue()
    monkeypatch.setattr(Trainer, "run_epoch", lambda trainer: seen.put(blas_threads()) or run_epoch(trainer))
    for given, count, augment in [(1, 1, True), (1, 1, False), (3, 1, True), (3, 1, False), (3, 2, False)]:
        with threadpool_limits(given, "blas"):
            recipe = dataclasses.replace(SHORT, epochs=1, members=count, augment=augment)
            fit(recipe, bars, tmp_path / f"{given}-{count}-{augment}")
            assert blas_threads() == {given}
    assert [seen.get() for _ in range(6)] == [{1}, {1}, {2}, {3}, {1}, {1}]


def blas_threads():
    return {pool["num_threads"] for pool in ThreadpoolController().select(user_api="blas").info()}


def stopping_after_one_epoch(recipe, dataset, out, member=1):
    """A run that is interrupted in the second epoch of this member."""
    with interrupted(member_of(recipe, member)):
        return fit(recipe, dataset, out)[-1]


@contextlib.contextmanager
def interrupted(recipe, epoch=2, after=None):
    """Ctrl-C in an epoch of this recipe, or later, once the event `after` is set."""
    run_epoch = Trainer.run_epoch

    def stopping(trainer):
        if trainer.epoch + 1 == epoch and trainer.recipe == recipe:
            assert after is None or after.wait(30)
            os.kill(os.getppid(), signal.SIGINT)
            steps_until_told_to_stop(trainer)
        return run_epoch(trainer)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # the processes of pytest-xdist ignore it
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "run_epoch", stopping)
            yield
    finally:
        signal.signal(signal.SIGINT, before)


def steps_until_told_to_stop(trainer, told=None):
    """An epoch that ends with the run alone; sets the event `told` then."""
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            trainer.progress(0.0)
            time.sleep(0.001)
    except members.Stopped:
        if told:
            told.set()
        raise
    raise AssertionError("nobody told the member to stop")


def no_member_trains():
    return not multiprocessing.active_children()


FEW_UNITS = ("75", "6")  # of the bundled recipe's hidden layers: a kernel and some units for each of the three members


def test_a_short_form_of_the_bundled_recipe_gives_the_same_bytes_when_it_is_resumed(
    bars, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(mnist, "load", lambda *_: bars)
    for amount, fewer in (("TASK", 100), ("WRITTEN", 100), ("NON_DIGITS", 200)):
        monkeypatch.setattr(synthetic, amount, fewer)
    options = ["--preset", "best", "--data", "toy", "--hidden", *FEW_UNITS, "--batch-size", "32"]
    options += ["--epochs", "3", "--warmup", "0"]
    recipe = train.recipe_from(train.parser().parse_args(options))
    assert recipe.cross_fit
    assert recipe.quantize
    assert train.main([*options, "--out", str(tmp_path / "once")]) == 0
    pairs = weights.load(tmp_path / "once").info["training"]["unseen_by_pairs"]
    figure = f"{100 - 100 * pairs['errors'] / pairs['images']:.2f}%"
    assert f"accuracy of pairs of members on images that they did not see {figure}" in capsys.readouterr().out
    with interrupted(member_of(recipe, 1)):
        assert train.main([*options, "--out", str(tmp_path / "resumed")]) == 1
    assert train.main([*options, "--out", str(tmp_path / "resumed"), "--resume"]) == 0
    for name in ("model.safetensors", "config.json"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()
    rates = [row["learning_rate"] for row in history_of(tmp_path / "resumed" / "member-1")]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] < 0.01 * recipe.lr


def history_of(folder):
    with (folder / "history.csv").open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


MEMBERS = Recipe(hidden=(16,), members=2, epochs=3, batch_size=32)


def test_members_repeat_resume_and_are_joined(bars, tmp_path):
    runs = fit(MEMBERS, bars, tmp_path / "once")
    stopping_after_one_epoch(MEMBERS, bars, tmp_path / "resumed")  # in the first member
    fit(MEMBERS, bars, tmp_path / "resumed", resume=True)
    for file in ("member-1/model.safetensors", "member-2/model.safetensors", "model.safetensors"):
        assert (tmp_path / "once" / file).read_bytes() == (tmp_path / "resumed" / file).read_bytes()
    assert [run.model.widths for run in runs] == [(784, 8, 10)] * 2
    assert (runs[0].best != runs[1].best).any()
    whole = weights.load(tmp_path / "once")
    assert whole.widths == (784, 16, 10)
    assert whole.info["training"]["hidden"] == [16]
    assert whole.info["training"]["members"] == 2


def test_members_are_trained_side_by_side(bars, tmp_path, monkeypatch):
    run_epoch, meeting = Trainer.run_epoch, multiprocessing.Barrier(2, timeout=30)  # passed by two at once, or by none

    def together(trainer):
        meeting.wait()
        return run_epoch(trainer)

    monkeypatch.setattr(Trainer, "run_epoch", together)
    assert [run.epoch for run in fit(MEMBERS, bars, tmp_path)] == [3, 3]


def test_each_member_is_the_one_that_it_would_be_alone(bars, tmp_path, monkeypatch):
    recipe = dataclasses.replace(MEMBERS, members=4, **EVERYTHING)
    with threadpool_limits(4, "blas"):
        fit(recipe, bars, tmp_path / "together")
        monkeypatch.setattr(runs, "AT_ONCE", 1)
        fit(recipe, bars, tmp_path / "apart")
    for file in (*(f"member-{number}/model.safetensors" for number in range(1, 5)), "model.safetensors"):
        assert (tmp_path / "together" / file).read_bytes() == (tmp_path / "apart" / file).read_bytes()


def test_a_finished_member_beside_others_keeps_its_bytes(bars, tmp_path):
    other_saved = multiprocessing.Event()
    with interrupted(member_of(MEMBERS, 2), after=other_saved), pytest.MonkeyPatch.context() as patch:
        saved = members.checkpoint.save

        def save(trainer, path):
            saved(trainer, path)
            if trainer.epoch == MEMBERS.epochs:
                other_saved.set()

        patch.setattr(members.checkpoint, "save", save)
        assert [run.epoch for run in fit(MEMBERS, bars, tmp_path)] == [3, 1]
    before = (tmp_path / "member-1" / "model.safetensors").read_bytes()
    assert [run.epoch for run in fit(MEMBERS, bars, tmp_path, resume=True)] == [3, 3]
    assert (tmp_path / "member-1" / "model.safetensors").read_bytes() == before


def test_a_finished_member_needs_no_pictures_to_be_resumed(bars, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(runs, "made_up_for", lambda recipe, digits: asked.append(recipe.seed))
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    stopping_after_one_epoch(MEMBERS, bars, tmp_path, member=2)
    fit(MEMBERS, bars, tmp_path, resume=True)
    assert asked == [0, 1, 1]


def test_pictures_of_a_member_are_made_when_those_of_the_one_before_are_given_away(bars, tmp_path, monkeypatch):
    def make(recipe, digits):
        assert not [run for run in taken if run.made_up]
        return synthetic.MadeUp(np.empty((0, 28, 28), np.uint8), digits[:20], np.empty((0, 28, 28), np.uint8))

    taken, begin = [], runs.begin
    monkeypatch.setattr(runs, "made_up_for", make)
    monkeypatch.setattr(runs, "begin", lambda *of: taken.append(begin(*of)) or taken[-1])
    fit(dataclasses.replace(MEMBERS, written=0.1), bars, tmp_path)
    assert len(taken) == 2


def test_ctrl_c_before_the_first_member_leaves_nothing(bars, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "begin", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(MEMBERS, bars, tmp_path)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_before_the_second_member_begins_no_third(bars, tmp_path, monkeypatch):
    begin, numbers, first = runs.begin, [], []
    monkeypatch.setattr(runs, "AT_ONCE", 2)

    def once_the_first_has_ended(*of):
        numbers.append(of[2])
        while numbers[-1] == 2 and first[0].shown.epochs < 1:
            time.sleep(0.05)
        if numbers[-1] == 2:
            raise KeyboardInterrupt
        first.append(begin(*of))
        return first[-1]

    monkeypatch.setattr(runs, "begin", once_the_first_has_ended)
    trained = fit(dataclasses.replace(MEMBERS, members=3, hidden=(24,), epochs=1), bars, tmp_path)
    assert [run.epoch for run in trained] == [1]
    assert numbers == [1, 2]


def test_ctrl_c_before_the_second_member_ends_the_first(bars, run, tmp_path, monkeypatch):
    begin = runs.begin
    monkeypatch.setattr(Trainer, "run_epoch", steps_until_told_to_stop)
    monkeypatch.setattr(runs, "begin", lambda *of: begin(*of) if of[2] == 1 else interrupt())
    code, _, err = run("--members", 2, "--epochs", 3, "--out", tmp_path)
    assert code == 1
    assert err.endswith("interrupted before there was a network\n")
    assert no_member_trains()


def interrupt(*_):
    raise KeyboardInterrupt


def test_members_of_which_one_is_not_finished_do_not_pass_for_a_finished_run(bars, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    stopping_after_one_epoch(MEMBERS, bars, tmp_path, member=2)
    assert weights.load(tmp_path).info["training"]["epochs_done"] == 1
    fit(MEMBERS, bars, tmp_path, resume=True)
    assert weights.load(tmp_path).info["training"]["epochs_done"] == 3


def test_a_run_whose_first_member_finished_no_epoch_is_resumed_like_any_other(bars, run, tmp_path, monkeypatch):
    fit(MEMBERS, bars, tmp_path / "once")
    saved, other_saved = members.checkpoint.save, multiprocessing.Event()
    monkeypatch.setattr(members.checkpoint, "save", lambda *of: (saved(*of), other_saved.set()))
    options = ["--members", 2, "--epochs", 3, "--batch-size", 32, "--out", tmp_path / "resumed"]
    with interrupted(member_of(MEMBERS, 1), epoch=1, after=other_saved):
        code, _, err = run(*options)
    assert code == 1
    assert "interrupted before there was a network\n--resume goes on from the last epoch" in err
    assert not (tmp_path / "resumed" / "member-1" / "checkpoint.safetensors").exists()
    assert "there is a run in it" in run(*options)[2]
    assert run(*options, "--resume", "--dry-run")[0] == 0
    assert run(*options, "--resume")[0] == 0
    names = ("model.safetensors", "config.json")
    assert [(tmp_path / "resumed" / name).read_bytes() for name in names] == [
        (tmp_path / "once" / name).read_bytes() for name in names
    ]


def test_a_member_that_fails_ends_the_others_and_gives_back_the_threads(bars, tmp_path, monkeypatch):
    second, told = member_of(MEMBERS, 2), multiprocessing.Event()

    def failing(trainer):
        if trainer.recipe == second:
            raise FloatingPointError("the loss is inf")
        steps_until_told_to_stop(trainer, told)

    monkeypatch.setattr(Trainer, "run_epoch", failing)
    with threadpool_limits(3, "blas"):
        with pytest.raises(FloatingPointError, match="the loss is inf"):
            fit(MEMBERS, bars, tmp_path)
        assert blas_threads() == {3}
    assert told.is_set()
    assert no_member_trains()


class Lost(Exception):
    """Does not come back from a pickle."""

    def __init__(self, name, number):
        super().__init__(f"{name} {number}")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no " + 100_000 * "long "), ValueError),  # more than fits into a pipe
        (Lost("weights", 3), RuntimeError),
    ],
    ids=["long", "lost"],
)
def test_any_error_of_a_member_is_told(bars, tmp_path, monkeypatch, error, told):
    def failing(trainer):
        raise error

    monkeypatch.setattr(Trainer, "run_epoch", failing)
    with pytest.raises(told, match=str(error)) as raised:
        fit(MEMBERS, bars, tmp_path)
    assert "in failing" in raised.value.__notes__[0]
    assert no_member_trains()


def test_a_member_that_is_killed_is_told_and_ends_the_others(bars, tmp_path, monkeypatch):
    second, told = member_of(MEMBERS, 2), multiprocessing.Event()

    def killed(trainer):
        if trainer.recipe == second:
            os.kill(os.getpid(), signal.SIGKILL)
        steps_until_told_to_stop(trainer, told)

    monkeypatch.setattr(Trainer, "run_epoch", killed)
    with pytest.raises(ChildProcessError, match="training member-2 ended with exit code -9: --resume goes on from its"):
        fit(MEMBERS, bars, tmp_path)
    assert told.is_set()
    assert no_member_trains()


# Trains two members of a small network: in which folder, for how many epochs, and how processes are started.
PROGRAM = """
import multiprocessing
import sys
from pathlib import Path

from nn.pictures import sample
from nn.recipes import Recipe
from nn.runs import fit

if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[3])
    fit(Recipe(hidden=(16,), members=2, epochs=int(sys.argv[2]), batch_size=64), sample.load(), Path(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path):
    """Begins PROGRAM with its three arguments. Gives the process and the file of what it says."""
    path, said, begun = tmp_path / "program.py", tmp_path / "said.txt", []
    path.write_text(PROGRAM)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}

    def begin(*arguments):
        command = [sys.executable, path, *map(str, arguments)]
        with said.open("w") as file:
            begun.append(subprocess.Popen(command, env=environment, stderr=file))
        return begun[-1], said

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def test_members_end_when_the_process_that_waits_for_them_is_killed(program, tmp_path):
    waiting, _ = program(tmp_path / "run", 100_000, "fork")
    saved = [tmp_path / "run" / f"member-{number}" / "checkpoint.safetensors" for number in (1, 2)]
    wait_until(lambda: all(path.is_file() for path in saved))
    processes = psutil.Process(waiting.pid).children()
    assert len(processes) == 2
    waiting.kill()
    wait_until(lambda: all(has_ended(process) for process in processes))


def has_ended(process):
    """A process whose parent is gone stays a zombie where nobody asks how it ended."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_until(happened):
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_processes_that_inherit_nothing_train_the_same_network(program, tmp_path):
    """As on Windows and macOS, where a new process imports everything anew."""
    for start in ("fork", "spawn"):
        process, said = program(tmp_path / start, 2, start)
        assert process.wait(120) == 0, said.read_text()
    for file in ("member-1/model.safetensors", "member-2/model.safetensors", "model.safetensors"):
        assert (tmp_path / "fork" / file).read_bytes() == (tmp_path / "spawn" / file).read_bytes()


def test_an_epoch_that_cannot_be_kept_is_told_after_ctrl_c_too(bars, tmp_path, monkeypatch):
    writing, told = multiprocessing.Event(), multiprocessing.Event()
    progress = members.Run.progress

    def full(trainer, path):
        writing.set()
        assert told.wait(30)
        raise OSError("no space left")

    def seen(run, loss):
        if run.shown.stop:
            told.set()
        progress(run, loss)

    monkeypatch.setattr(members.Run, "progress", seen)
    monkeypatch.setattr(members.checkpoint, "save", full)
    with interrupted(member_of(MEMBERS, 1), 1, writing), pytest.raises(OSError, match="no space left"):
        fit(MEMBERS, bars, tmp_path)
    assert no_member_trains()


def test_members_of_different_seeds_share_no_random_numbers():
    seeds = [member_of(dataclasses.replace(MEMBERS, seed=seed), number).seed for seed in range(3) for number in (1, 2)]
    assert len(set(seeds)) == 6


def test_table_of_presets_ends_where_it_is_interrupted(bars, tmp_path):
    preset = Preset(SHORT, "short")
    with interrupted(SHORT), pytest.raises(KeyboardInterrupt):
        compare.row("short", preset, bars, tmp_path)
    assert not compare.finished(tmp_path, preset, bars)


def test_table_of_presets_has_no_figures_of_networks_from_other_images(bars, tmp_path):
    preset = Preset(SHORT, "short")
    row = compare.row("short", preset, bars, tmp_path)
    assert compare.row("short", preset, bars, tmp_path) == row  # it is not trained again
    config = json.loads((tmp_path / "config.json").read_text())
    del config["training"]["sampled_below"]  # as of weights that are older than a setting
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert compare.row("short", preset, bars, tmp_path) == row
    fewer = dataclasses.replace(bars, train=bars.train[:-1])
    with pytest.raises(ValueError, match="made from other images: give the same --data, or another --out"):
        compare.row("short", preset, fewer, tmp_path)


def test_training_without_made_up_pictures_needs_no_matplotlib(monkeypatch):
    def version(name):
        if name == "matplotlib":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(members, "version", version)
    assert members.versions().items() >= {"numpy": "1.0", "pillow": "1.0"}.items()
    assert "matplotlib" not in members.versions()


def test_ctrl_c_keeps_the_best_so_far(bars, tmp_path):
    trainer = stopping_after_one_epoch(SHORT, bars, tmp_path)
    assert trainer.epoch == 1
    np.testing.assert_array_equal(weights.load(tmp_path).theta, trainer.best.astype(np.float16))
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 2


def test_another_seed_gives_other_weights(bars, tmp_path):
    fit(SHORT, bars, tmp_path / "a")
    fit(Recipe(hidden=(16,), epochs=3, batch_size=32, seed=1), bars, tmp_path / "b")
    assert (weights.load(tmp_path / "a").theta != weights.load(tmp_path / "b").theta).any()


def test_resuming_with_another_recipe_is_refused(bars, tmp_path):
    fit(SHORT, bars, tmp_path)
    with pytest.raises(ValueError, match=r"made with lr 0.001 \(now 0.1\)"):
        fit(Recipe(hidden=(16,), epochs=3, batch_size=32, lr=0.1), bars, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("members", "others", "message"),
    [(1, 2, r"made with one network \(now 2\)"), (2, 1, r"made with several members \(now 1\)")],
)
def test_resuming_with_another_number_of_members_is_refused_and_nothing_is_overwritten(
    bars, tmp_path, members, others, message
):
    fit(dataclasses.replace(SHORT, members=members), bars, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=message):
        fit(dataclasses.replace(SHORT, members=others), bars, tmp_path, resume=True)
    assert contents(tmp_path) == before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_with_a_constant_learning_rate_may_go_on_for_more_epochs(bars, tmp_path):
    fit(SHORT, bars, tmp_path / "resumed")
    longer = dataclasses.replace(SHORT, epochs=SHORT.epochs + 2)
    fit(longer, bars, tmp_path / "resumed", resume=True)
    fit(longer, bars, tmp_path / "once")
    files = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("once", "resumed")]
    assert files[0] == files[1]
    with pytest.raises(ValueError, match=r"made with epochs 5 \(now 3\)"):
        fit(SHORT, bars, tmp_path / "resumed", resume=True)


def test_a_learning_rate_that_falls_knows_its_end_from_the_start(bars, tmp_path):
    falling = dataclasses.replace(SHORT, schedule="cosine")
    fit(falling, bars, tmp_path)
    with pytest.raises(ValueError, match=r"made with epochs 3 \(now 5\)"):
        fit(dataclasses.replace(falling, epochs=5), bars, tmp_path, resume=True)


def test_resuming_from_other_images_is_refused(bars, tmp_path):
    fit(SHORT, bars, tmp_path)
    others = Dataset(bars.train[1:], bars.validation, bars.test)
    with pytest.raises(ValueError, match="from other images"):
        fit(SHORT, others, tmp_path, resume=True)


def test_a_file_that_is_no_checkpoint_is_said_to_be_none(bars, tmp_path):
    save_file({"theta": np.zeros(3, np.float32)}, tmp_path / "checkpoint.safetensors")
    with pytest.raises(ValueError, match="no checkpoint of a training run"):
        fit(SHORT, bars, tmp_path, resume=True)


@pytest.mark.parametrize(
    "options",
    [
        ["--hidden", "17000"],
        ["--hidden", "16000", "16000"],
        ["--hidden", "0"],
        ["--lr", "inf"],
        ["--warmup", "inf"],
        ["--augment", "--distort-rotation", "nan"],
        ["--augment", "--distort-elastic-sigma", "0"],
        ["--augment", "--distort-scale", "-3"],
        ["--distort-rotation", "30"],
    ],
)
def test_what_no_run_can_have_is_said_before_it_begins(run, options):
    code, _, err = run(*options, "--dry-run")
    assert code == 1
    assert err.startswith("error: ")


def test_what_comes_after_the_training_may_change_on_resuming_and_settings_may_be_newer(bars, tmp_path):
    [trainer] = fit(SHORT, bars, tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with safe_open(checkpoint, "np") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    recipe = json.loads(metadata["recipe"])
    del recipe["quantize"], recipe["members"], recipe["distortion"]["sharpening"]  # as before there was such a thing
    save_file(arrays, checkpoint, metadata | {"recipe": json.dumps(recipe)})
    [again] = fit(dataclasses.replace(SHORT, quantize=True), bars, tmp_path, resume=True)
    np.testing.assert_array_equal(again.best, trainer.best)
    assert load_file(tmp_path / "model.safetensors")["W1"].dtype == np.int8


def test_a_finished_run_that_kept_another_epoch_is_resumed_with_the_last_one(bars, tmp_path):
    recipe = dataclasses.replace(SHORT, schedule="cosine", average=1.0)
    [trainer] = fit(recipe, bars, tmp_path)
    checkpoint = tmp_path / "checkpoint.safetensors"
    with safe_open(checkpoint, "np") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    save_file(arrays | {"best": np.zeros_like(arrays["best"])}, checkpoint, metadata)
    [again] = fit(recipe, bars, tmp_path, resume=True)
    np.testing.assert_array_equal(again.best, trainer.average)


def test_config_holds_everything_needed_to_repeat_the_run(bars, tmp_path):
    fit(SHORT, bars, tmp_path)
    training = json.loads((tmp_path / "config.json").read_text())["training"]
    assert {key: training[key] for key in ("hidden", "lr", "batch_size", "epochs", "seed", "optimizer", "l2")} == {
        "hidden": [16],
        "lr": 1e-3,
        "batch_size": 32,
        "epochs": 3,
        "seed": 0,
        "optimizer": "adam",
        "l2": 5e-4,
    }


def test_resuming_without_a_checkpoint_is_refused(bars, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint to resume from"):
        fit(SHORT, bars, tmp_path, resume=True)


def test_a_damaged_checkpoint_is_refused(bars, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"a damaged checkpoint .* give another --out to start anew"):
        fit(SHORT, bars, tmp_path, resume=True)


def without_theta(arrays, metadata):
    del arrays["theta"]


def with_a_short_average(arrays, metadata):
    arrays["average"] = arrays["average"][:1]


def of_another_type(arrays, metadata):
    arrays["theta"] = arrays["theta"].astype(np.float64)


def with_nan(arrays, metadata):
    arrays["best"][0] = np.nan


def with_a_list_for_a_recipe(arrays, metadata):
    metadata["recipe"] = "[]"


def with_half_a_history(arrays, metadata):
    metadata["history"] = metadata["history"][:5]


def without_distortions(arrays, metadata):
    metadata["recipe"] = json.dumps(json.loads(metadata["recipe"]) | {"distortion": None})


def without_a_number_of_epochs(arrays, metadata):
    metadata["recipe"] = json.dumps(json.loads(metadata["recipe"]) | {"epochs": "all"})


def with_rows_of_nothing(arrays, metadata):
    metadata["history"] = "[{}, 3]"


def with_rows_of_two_columns(arrays, metadata):
    rows = json.loads(metadata["history"])
    metadata["history"] = json.dumps([{key: row[key] for key in ("epoch", "validation_accuracy")} for row in rows])


def with_the_same_epoch_again(arrays, metadata):
    rows = json.loads(metadata["history"])
    metadata["history"] = json.dumps([rows[0], rows[0], *rows[1:]])


def without_an_accuracy(arrays, metadata):
    rows = json.loads(metadata["history"])
    metadata["history"] = json.dumps([row | {"validation_accuracy": None} for row in rows])


DAMAGES = [
    without_theta,
    with_a_short_average,
    of_another_type,
    with_nan,
    with_a_list_for_a_recipe,
    with_half_a_history,
    without_distortions,
    without_a_number_of_epochs,
    with_rows_of_nothing,
    with_rows_of_two_columns,
    with_the_same_epoch_again,
    without_an_accuracy,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_with_damaged_contents_is_refused_by_name(bars, tmp_path, damage):
    fit(SHORT, bars, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(path, "np") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    damage(arrays, metadata)
    save_file(arrays, path, metadata)
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors: a damaged checkpoint"):
        fit(SHORT, bars, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("gone", "name"), [({"restarts": [3]}, "restarts"), ({"distortion": {"blur": 0.5}}, "distortion blur")]
)
def test_a_run_with_a_setting_that_is_gone_is_not_resumed(bars, tmp_path, gone, name):
    fit(SHORT, bars, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(path, "np") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    metadata["recipe"] = json.dumps(json.loads(metadata["recipe"]) | gone)
    save_file(arrays, path, metadata)
    with pytest.raises(ValueError, match=f"made with {name}, which this version does not know"):
        fit(SHORT, bars, tmp_path, resume=True)


def test_a_setting_that_is_gone_and_was_not_used_changes_nothing(bars, tmp_path):
    fit(SHORT, bars, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(path, "np") as file:
        arrays, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    recipe = json.loads(metadata["recipe"])
    recipe["distortion"]["blur"] = recipe["restarts"] = 0
    save_file(arrays, path, metadata | {"recipe": json.dumps(recipe)})
    fit(SHORT, bars, tmp_path, resume=True)


def test_a_network_is_not_overwritten_by_a_new_run(bars, tmp_path):
    files.save(MLP((4,)), tmp_path)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match="there is a network in it"):
        fit(SHORT, bars, tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 1e30), ("sgd", 1e6), ("adam", 1e6), ("adam", 1e30)])
def test_a_learning_rate_that_explodes_is_a_plain_error_and_no_network(bars, tmp_path, optimizer, lr):
    with pytest.raises(FloatingPointError, match=r"in epoch \d, at a loss of .*: lower the learning rate, 1e\+"):
        fit(Recipe(hidden=(16,), optimizer=optimizer, lr=lr, epochs=3), bars, tmp_path)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("lr", "l2", "decay"), [(0.5, 10.0, ", or l2, 10"), (1e30, 0.0, ""), (1e3, 5e-4, "")])
def test_weight_decay_that_explodes_is_named_too(bars, tmp_path, lr, l2, decay):
    with pytest.raises(FloatingPointError, match=f"lower the learning rate, {lr:g}{decay}$".replace("+", r"\+")):
        fit(Recipe(hidden=(16,), optimizer="sgd", lr=lr, l2=l2, epochs=100), bars, tmp_path)


@pytest.mark.parametrize(("optimizer", "lr"), [("sgd", 1e20), ("adam", 1e20), ("sgd", 1e38), ("adam", 1e38)])
def test_the_last_step_of_an_epoch_may_explode_too(bars, tmp_path, optimizer, lr):
    whole = Recipe(hidden=(16,), optimizer=optimizer, lr=lr, epochs=1, batch_size=FULL_BATCH)
    with pytest.raises(FloatingPointError, match=r"diverged in epoch 1, at a loss of \d"):
        fit(whole, bars, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.fixture
def run(bars, capsys, monkeypatch):
    """run("--epochs", 2) -> (exit code, standard output, standard error) of the command line, on the toy data."""
    monkeypatch.setattr(mnist, "load", lambda *_: bars)

    def run(*options):
        try:
            code = train.main(["--hidden", "16", *map(str, options)])
        except SystemExit as exit:
            code = exit.code
        return code, *capsys.readouterr()

    return run


def test_a_network_that_has_hardly_learned_is_named_as_such(run, tmp_path):
    code, _, err = run("--epochs", 1, "--lr", 1e-9, "--out", tmp_path)
    assert code == 0
    assert "hardly more than by guessing: try another --lr than 1e-09, or more --epochs" in err
    assert "guessing" not in run("--epochs", 20, "--out", tmp_path)[2]


def test_a_network_that_tells_two_classes_apart_has_learned(bars, run, tmp_path, monkeypatch):
    train, validation = (split[split.labels < 2] for split in (bars.train, bars.validation))
    # One of the classes is more common, so that guessing reads more than half.
    monkeypatch.setattr(mnist, "load", lambda *_: Dataset(train, validation[1:], bars.test))
    code, out, err = run("--epochs", 20, "--out", tmp_path / "learned")
    assert (code, "validation accuracy 100.00%" in out, "guessing" in err) == (0, True, False)
    assert "guessing" in run("--epochs", 1, "--lr", 1e-9, "--out", tmp_path / "untrained")[2]


def test_a_network_that_cannot_be_loaded_again_is_a_plain_error(run, tmp_path, monkeypatch):
    def damaged(*_):
        raise files.WeightsError("damaged")

    monkeypatch.setattr(files, "load", damaged)
    code, _, err = run("--epochs", 1, "--out", tmp_path)
    assert (code, err.splitlines()[-1]) == (1, "error: damaged")


def test_a_dry_run_checks_the_folder_to_write_to(run, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for out in (file, file / "runs" / "mine"):
        code, _, err = run("--out", out, "--dry-run")
        assert (code, err) == (1, f"error: {file}: a file, expected a folder to write to\n")
    assert run("--out", tmp_path / "new" / "run", "--dry-run")[0] == 0
    assert not (tmp_path / "new").exists()


def test_a_dry_run_checks_the_checkpoint(bars, run, tmp_path):
    code, _, err = run("--out", tmp_path, "--resume", "--dry-run")
    assert code == 1
    assert "no checkpoint to resume from; leave out --resume" in err
    fit(SHORT, bars, tmp_path)
    assert run("--out", tmp_path, "--epochs", 3, "--batch-size", 32, "--resume", "--dry-run")[0] == 0
    code, _, err = run("--out", tmp_path, "--epochs", 3, "--batch-size", 16, "--resume", "--dry-run")
    assert code == 1
    assert "made with batch_size 32 (now 16)" in err


def test_a_dry_run_checks_the_checkpoint_of_a_cross_fitted_run(bars, run, tmp_path):
    fit(Recipe(hidden=(18,), members=3, cross_fit=True, epochs=1), bars, tmp_path)
    options = ["--hidden", 18, "--members", 3, "--cross-fit", "--out", tmp_path, "--resume", "--dry-run"]
    assert run(*options, "--epochs", 1)[0] == 0
    assert "made with lr 0.001 (now 0.1)" in run(*options, "--epochs", 1, "--lr", 0.1)[2]


@pytest.mark.parametrize("target", ["101", "-1", "nan", "most"])
def test_a_target_that_no_network_can_reach_is_refused(run, target):
    code, _, err = run(f"--target-accuracy={target}", "--dry-run")
    assert code == 2
    assert err.endswith(f"argument --target-accuracy: expected a percentage from 0 to 100, got {target!r}\n")


def test_the_command_line_trains_checks_a_target_and_dry_runs(bars, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(mnist, "load", lambda *_: bars)
    options = ["--hidden", "16", "--epochs", "2", "--out", str(tmp_path / "run")]
    assert train.main([*options, "--dry-run"]) == 0
    assert "MLP(784-16-10" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    assert train.main([*options, "--members", "2", "--dry-run"]) == 0
    assert "MLP(784-16-10, relu, 12,730 parameters), joined of 2 members" in capsys.readouterr().out
    assert train.main([*options, "--target-accuracy", "99.99"]) == 1
    assert "below the target" in capsys.readouterr().err
    assert train.main([*options, "--target-accuracy", "1"]) == 1
    assert "there is a run in it; --resume goes on with it" in capsys.readouterr().err
    assert train.main([*options, "--target-accuracy", "1", "--resume"]) == 0


def test_a_network_that_reaches_its_target_exactly_does_reach_it(run, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "held_out_accuracy", lambda *_: ("validation accuracy", 100 * 0.954))
    assert run("--epochs", 1, "--target-accuracy", 95.4, "--out", tmp_path / "equal")[0] == 0
    assert run("--epochs", 1, "--target-accuracy", 95.41, "--out", tmp_path / "below")[0] == 1


@pytest.mark.parametrize(("floor", "reached"), [(95.4, "yes"), (95.41, "no")])
def test_a_preset_that_reaches_the_figure_of_its_author_exactly_does_reach_it(
    bars, tmp_path, monkeypatch, floor, reached
):
    splits = ("train", "validation", "test")
    monkeypatch.setattr(compare, "evaluate", lambda *_: {split: {"accuracy": 0.954} for split in splits})
    assert compare.row("short", Preset(SHORT, "short", floor=floor), bars, tmp_path).endswith(f"| {reached} |")


def test_options_override_a_preset(capsys):
    given = ["--preset", "adam256", "--lr", "0.5", "--hidden", "--augment", "--distort-rotation", "3"]
    recipe = train.recipe_from(train.parser().parse_args(given))
    assert (recipe.lr, recipe.hidden, recipe.distortion.rotation) == (0.5, (), 3.0)
    assert recipe.normalize == PRESETS["adam256"].recipe.normalize


def test_every_choice_of_an_option_is_read_as_the_recipe_has_it():
    for field in dataclasses.fields(Recipe):
        for choice in field.metadata.get("choices", ()):
            option = f"--{field.name.replace('_', '-')}"
            given = vars(train.parser().parse_args([option, str(choice)]))
            assert given[field.name] == choice
            assert type(given[field.name]) is type(choice)


def test_help_tells_every_option_of_the_recipe(capsys):
    with pytest.raises(SystemExit):
        train.main(["--help"])
    shown = capsys.readouterr().out
    options = {f"--{field.name}": field for field in dataclasses.fields(Recipe) if field.name != "distortion"}
    options |= {f"--distort-{field.name}": field for field in dataclasses.fields(Distortion)}
    for name, field in options.items():
        assert name.replace("_", "-") in shown
        assert "".join(field.metadata["about"].split()) in "".join(shown.split())  # however the lines are broken
    for option in ("--resume", "--preset", "--dry-run", "--target-accuracy"):
        assert option in shown
    assert "(default: none)" in " ".join(shown.split())


def test_a_finished_run_is_calibrated_on_validation(bars, tmp_path):
    [trainer] = fit(SHORT, bars, tmp_path)
    saved = weights.load(tmp_path)
    logits = saved.logits(bars.validation.pixels())
    assert saved.calibration.temperature == fit_temperature(logits, bars.validation.labels)
    np.testing.assert_array_equal(saved.theta, trainer.best.astype(np.float16))


def test_a_quantized_run_is_calibrated_on_what_it_will_answer(bars, tmp_path, monkeypatch):
    def louder(model):
        quantize(model)
        model.weights[-1] *= 20  # so that it makes a difference

    monkeypatch.setattr(finish, "quantize", louder)
    [trainer] = fit(dataclasses.replace(SHORT, quantize=True), bars, tmp_path)
    saved, real = weights.load(tmp_path), trainer.answering_model(trainer.best)
    pixels, labels = bars.validation.pixels(), bars.validation.labels
    logits = saved.logits(pixels)
    assert (
        saved.calibration.temperature == fit_temperature(logits, labels) != fit_temperature(real.logits(pixels), labels)
    )


@pytest.mark.slow
def test_the_augmented_recipe_reaches_98_percent_in_five_epochs(mnist_dir, tmp_path):
    options = ["--preset", "augmented", "--epochs", "5", "--data", str(mnist_dir), "--out", str(tmp_path)]
    assert train.main([*options, "--target-accuracy", "98"]) == 0
