"""Training runs on disk: a recipe's members, one after another or side by side, and the finished network.

`fit` trains the members of a recipe with nn/members.py and hands them to nn/finish.py. The same seed on the same
machine gives the same bytes, also when the run was interrupted and resumed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nn import checkpoint, crossfit, files
from nn.finish import calibrated, cross_calibrated
from nn.made_up import made_up_for
from nn.members import CHECKPOINT_FILE, Run, best_of, blas_libraries, train_side_by_side
from nn.pictures.mnist import Dataset
from nn.recipes import Recipe
from nn.trainer import Trainer

MEMBER = "member-{}"  # a member's folder in its run's folder
# So many members are trained at once. Three keep two processors busy; one alone uses little more than one of them. A
# member of the bundled recipe holds 770 MB: pictures, and the distorted copies of an epoch.
AT_ONCE = 3


def fit(recipe: Recipe, dataset: Dataset, out: Path, resume: bool = False) -> list[Trainer]:
    """Trains with a progress bar, writes the network to `out`, and returns its members' runs; most recipes have one.

    Each run leaves its best network so far, its history and a checkpoint after each epoch: in `out`, or where there are
    several members, in folders in it. Ctrl-C ends all early; the runs of members that had not begun are then missing.

    Raises:
        OSError, ValueError: as `check_out`, or the checkpoint is one of another recipe or of other images.
        FloatingPointError: training diverged.
        ChildProcessError: a member's process was killed.
        KeyboardInterrupt: Ctrl-C while no member trained, but pictures were made or the network calibrated.
    """
    check_out(recipe, out, resume)
    runs: list[Trainer] = []
    for first in range(1, recipe.members + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, recipe.members + 1))
        for run in train_side_by_side(begin(recipe, dataset, number, out) for number in numbers):
            runs.append(run.trainer())
            runs[-1].forget_pictures()
        if len(runs) < numbers[-1] or any(run.epoch < recipe.epochs for run in runs):
            break  # Ctrl-C, before the last of these had begun or later
    if len(runs) == recipe.members and all(run.history for run in runs):
        models = [best_of(run) for run in runs]
        model = (cross_calibrated if recipe.cross_fit else calibrated)(models, recipe, dataset)
        whole = {name: getattr(recipe, name) for name in ("hidden", "members", "cross_fit", "seed")}
        model.info["training"] |= whole | {"epochs_done": min(run.epoch for run in runs)}
        files.save(model, out)
    return runs


def check_out(recipe: Recipe, out: Path, resume: bool) -> None:
    """Raises OSError when `out` cannot be written to, when it has no checkpoint to resume from, or one or a network
    that a new run would replace; ValueError when one network is to be resumed as several, or several as one.
    """
    files.check_folder(out)
    begun = is_begun(out)
    if begun and not resume:
        raise FileExistsError(f"{out}: there is a run in it; --resume goes on with it, another --out leaves it alone")
    if (out / files.MODEL_FILE).is_file() and not begun:
        raise FileExistsError(f"{out}: there is a network in it, and no run to go on with; give another --out")
    if resume and not begun:
        raise FileNotFoundError(f"{out}: no checkpoint to resume from; leave out --resume")
    if resume and not begun_members(recipe, out):
        before = "one network" if (out / CHECKPOINT_FILE).is_file() else "several members"
        raise ValueError(
            f"{out}: the run in it was made with {before} (now {recipe.members}): repeat that to resume, "
            f"or {checkpoint.ANEW}"
        )


def is_begun(out: Path) -> bool:
    """Whether a run left a checkpoint in this folder, or a member of one in a folder of its own."""
    members = out.glob(f"{MEMBER.format('*')}/{CHECKPOINT_FILE}")
    return any(path.is_file() for path in (out / CHECKPOINT_FILE, *members))


def begun_members(recipe: Recipe, out: Path) -> list[int]:
    """The numbers of the recipe's members that left a checkpoint."""
    numbers = range(1, recipe.members + 1)
    return [number for number in numbers if (member_folder(recipe, out, number) / CHECKPOINT_FILE).is_file()]


def member_folder(recipe: Recipe, out: Path, number: int) -> Path:
    return out if recipe.members == 1 else out / MEMBER.format(number)


def member_of(recipe: Recipe, number: int) -> Recipe:
    """The recipe of one member: its share of the hidden units, and random numbers of its own."""
    hidden = tuple(width // recipe.members for width in recipe.hidden)
    seed = recipe.seed * recipe.members + number - 1
    return replace(recipe, hidden=hidden, members=1, cross_fit=False, seed=seed)


def images_of(recipe: Recipe, dataset: Dataset, number: int) -> Dataset:
    """The images that one member trains on, and those that it is measured by."""
    return crossfit.dataset_of(dataset, recipe.members, number) if recipe.cross_fit else dataset


def begin(recipe: Recipe, dataset: Dataset, number: int, out: Path) -> Run:
    """One member at its start, or at its checkpoint."""
    member, images = member_of(recipe, number), images_of(recipe, dataset, number)
    run = Run(member, images, member_folder(recipe, out, number), recipe.members > 1, threads_for_products(recipe))
    finished = run.saved.is_file() and checkpoint.epochs(run.saved) >= recipe.epochs  # it needs no more pictures
    run.made_up = None if finished else made_up_for(member, images.train)
    return run


def threads_for_products(recipe: Recipe) -> int:
    """Each of several members gets one thread for its matrix products. A single network leaves one to what distorts.

    A thread that distorts needs a processor. Where it has none, it and the products wait for each other: with two
    threads on two processors an epoch of a member of the bundled recipe takes twice as long as with one.
    """
    given = [pool["num_threads"] for pool in blas_libraries().info()]
    return 1 if recipe.members > 1 else max([1, *(number - recipe.augment for number in given)])
