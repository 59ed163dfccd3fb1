"""The trainer alone, as a page might use it: no files, no program, nothing of nn.fast."""

import itertools
import subprocess
import sys
import threading

import numpy as np
import pytest

from nn.pictures.augment import distort
from nn.pictures.mnist import Split
from nn.pictures.synthetic import MadeUp
from nn.recipes import Recipe
from nn.trainer import AHEAD, DISTORTING, SHUFFLING, Trainer


def bars(count):
    """A toy split: digit d is a bar in column 2 d + 4."""
    labels = np.arange(count) % 10
    images = np.random.default_rng(0).integers(0, 60, (count, 28, 28), np.uint8)
    images[np.arange(count), 4:24, 2 * labels + 4] = 255
    return Split(images, labels)


def test_a_callback_sees_the_network_after_every_step():
    seen = []
    trainer = Trainer(
        Recipe(hidden=(8,), batch_size=32),
        bars(100),
        bars(20),
        progress=lambda loss: seen.append((loss, trainer.model.theta.copy())),
    )
    trainer.run_epoch()
    assert len(seen) == trainer.steps_per_epoch == 4
    assert all(np.isfinite(loss) for loss, _ in seen)
    assert all((before != after).any() for (_, before), (_, after) in itertools.pairwise(seen))


def test_an_epoch_is_no_full_batch_where_only_the_bank_has_as_many_pictures():
    made_up = MadeUp(np.empty((0, 28, 28), np.uint8), bars(50), np.empty((0, 28, 28), np.uint8))
    steps = []
    trainer = Trainer(Recipe(hidden=(), batch_size=150, written=1.0), bars(100), bars(20), made_up, steps.append)
    trainer.run_epoch()
    assert len(steps) == trainer.steps_per_epoch == 2


def test_the_best_epoch_answers():
    trainer = Trainer(Recipe(hidden=(16,), batch_size=16), bars(200), bars(50))
    accuracies = [trainer.run_epoch()["validation_accuracy"] for _ in range(6)]
    answers = trainer.answering_model(trainer.best).predict_proba(trainer.validation_pixels).argmax(axis=1)
    assert (answers == trainer.validation.labels).mean() == pytest.approx(max(accuracies))


def test_the_last_epoch_answers_where_the_learning_rate_falls():
    recipe = Recipe(hidden=(16,), batch_size=16, schedule="cosine", lr=0.01, epochs=6, average=1.0)
    trainer = Trainer(recipe, bars(200), bars(50))
    accuracies = [trainer.run_epoch()["validation_accuracy"] for _ in range(5)]
    assert trainer.best_row["validation_accuracy"] == max(accuracies)
    best = trainer.best_row
    best["validation_accuracy"] = 2.0  # no later epoch can be better
    assert trainer.run_epoch() is trainer.best_row
    np.testing.assert_array_equal(trainer.best, trainer.average)


@pytest.mark.parametrize("batch_size", [0, 64, 10])
def test_the_average_moves_in_every_epoch_however_few_its_steps(batch_size):
    trainer = Trainer(Recipe(hidden=(8,), batch_size=batch_size, average=2.0), bars(200), bars(20))
    for _ in range(4):
        before = trainer.average.copy()
        trainer.run_epoch()
        assert (trainer.average != before).any()


@pytest.mark.parametrize(("steps", "every"), [(380, 8), (211, 8), (40, 2), (20, 1), (3, 1)])
def test_the_average_takes_every_eighth_step_or_more_of_a_short_epoch(steps, every):
    trainer = Trainer(Recipe(hidden=(), batch_size=1, average=2.0), bars(steps), bars(20))
    moved = []
    for step in range(steps):
        before = trainer.average.copy()
        trainer.model.theta += 1
        trainer._update_average(step)
        moved.append((trainer.average != before).any())
    assert np.flatnonzero(moved).tolist() == list(range(0, steps, every))


def test_the_core_trains_and_answers_without_the_fast_matrices():
    code = (
        "import sys; sys.modules['nn.fast'] = None\n"
        "from test_trainer import bars, Recipe, Trainer\n"
        "trainer = Trainer(Recipe(hidden=(8,)), bars(100), bars(20))\n"
        "print(trainer.run_epoch()['epoch'], trainer.answering_model(trainer.best))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True
    )
    assert run.stdout == "1 MLP(784-8-10, relu, 6,370 parameters)\n", run.stderr


def test_copies_that_another_thread_distorts_are_those_of_one_call():
    recipe = Recipe(hidden=(8,), batch_size=96, augment=True, normalize=True)
    trainer = Trainer(recipe, bars(2 * AHEAD + 70), bars(20))
    batches = list(trainer._batches())
    order = trainer.bank.epoch(trainer._rng(SHUFFLING))
    copies = distort(trainer.train.images[order], trainer._rng(DISTORTING), recipe.distortion)
    np.testing.assert_array_equal(np.concatenate([X for X, _ in batches]), trainer.model.normalize(copies))
    labels = np.concatenate([targets.argmax(axis=1) for _, targets in batches])
    np.testing.assert_array_equal(labels, trainer.train.labels[order])


def test_an_epoch_that_is_broken_off_leaves_no_thread():
    def stop(loss):
        raise KeyboardInterrupt

    trainer = Trainer(Recipe(hidden=(8,), batch_size=32, augment=True), bars(10 * AHEAD), bars(20), progress=stop)
    with pytest.raises(KeyboardInterrupt):
        trainer.run_epoch()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("distort")]
    assert trainer.epoch == 0


def test_what_distorting_raises_reaches_the_caller(monkeypatch):
    def full(*_):
        raise MemoryError("no room for the copies")

    monkeypatch.setattr("nn.trainer.distort", full)
    with pytest.raises(MemoryError, match="no room"):
        Trainer(Recipe(hidden=(8,), augment=True), bars(100), bars(20)).run_epoch()


def test_too_little_data_is_refused():
    with pytest.raises(ValueError, match="expected images to train on and to validate with, got 100 and 0"):
        Trainer(Recipe(), bars(100), bars(0))


@pytest.mark.parametrize("batch_size", [0, 1, 32], ids=["full batch", "single sample", "mini-batch"])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_every_optimizer_learns_a_toy_problem(optimizer, batch_size):
    lr = 0.003 if optimizer == "adam" or batch_size == 1 else 0.03 if batch_size else 0.1
    epochs = {0: 120, 1: 3, 32: 25}[batch_size]
    trainer = Trainer(
        Recipe(hidden=(32,), optimizer=optimizer, lr=lr, batch_size=batch_size, epochs=epochs),
        bars(300),
        bars(50),
    )
    for _ in range(epochs):
        trainer.run_epoch()
    assert trainer.best_row["validation_accuracy"] > 0.9
