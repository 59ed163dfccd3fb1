"""How programs read paths, names and numbers on the command line."""

import argparse
from pathlib import Path

import pytest

from nn import compare, corruptions, evaluate, flags, train
from nn.pictures import sample, sheet
from weights import __main__ as hub
from weights.serving import command

# Each of these is what a shell makes of "$VARIABLE" when that is not set.
EMPTY = {
    "predict, a picture": (command, ["predict", ""], "PICTURE"),
    "predict, the second picture": (command, ["predict", "7.png", ""], "PICTURE"),
    "predict, weights": (command, ["predict", "7.png", "--weights", ""], "--weights"),
    "predict, revision": (command, ["predict", "7.png", "--revision="], "--revision"),
    "train, out": (train, ["--out", ""], "--out"),
    "train, data": (train, ["--data="], "--data"),
    "evaluate, plots": (evaluate, ["--plots", ""], "--plots"),
    "evaluate, weights": (evaluate, ["--weights", ""], "--weights"),
    "corruptions, weights": (corruptions, ["--weights", ""], "--weights"),
    "corruptions, data": (corruptions, ["--data", ""], "--data"),
    "compare, out": (compare, ["--out", ""], "--out"),
    "sample, out": (sample, ["--data", "mnist", "--out", ""], "--out"),
    "sheet": (sheet, ["digits", ""], "file"),
    "push, tag": (hub, ["push", "ann/digits", "--tag", ""], "--tag"),
    "push, message": (hub, ["push", "ann/digits", "--message", ""], "--message"),
    "push, repository": (hub, ["push", ""], "OWNER/NAME"),
    "push, folder": (hub, ["push", "ann/digits", "--folder", ""], "--folder"),
    "push, token": (hub, ["push", "ann/digits", "--token", ""], "--token"),
    "list, endpoint": (hub, ["list", "ann/digits", "--endpoint", ""], "--endpoint"),
    "rollback, version": (hub, ["rollback", "", "ann/digits"], "VERSION"),
    "rollback, --repo": (hub, ["rollback", "v1", "--repo", ""], "--repo"),
    "pull, revision": (hub, ["pull", "ann/digits", "--revision", ""], "--revision"),
    "show": (hub, ["show", ""], "FOLDER | OWNER/NAME"),
    "verify": (hub, ["verify", ""], "FOLDER"),
    "card": (hub, ["card", ""], "FOLDER"),
    "card, drawings": (hub, ["card", "--drawings", ""], "--drawings"),
}


@pytest.mark.parametrize("case", EMPTY)
def test_an_empty_string_is_refused_by_name(case, capsys):
    program, given, name = EMPTY[case]
    with pytest.raises(SystemExit) as stop:
        program.main(given)
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.endswith(f'error: argument {name}: expected something, got "": is a variable not set?\n')


def test_no_path_or_text_is_read_without_a_check(monkeypatch):
    """Every option of every program that takes free text or a path goes through flags."""
    found = []
    add_argument = argparse._ActionsContainer.add_argument

    def watched(self, *names, **options):
        action = add_argument(self, *names, **options)
        if isinstance(action, argparse._StoreAction) and not action.choices and action.type in (None, str, Path):
            found.append(names)
        return action

    monkeypatch.setattr(argparse._ActionsContainer, "add_argument", watched)
    for program in (command, train, evaluate, corruptions, compare, sample, sheet, hub):
        with pytest.raises(SystemExit):
            program.main(["--help"])
    assert found == []


@pytest.mark.parametrize("text", ["-1", "few", "1.5", "", "nan", "inf"])
@pytest.mark.parametrize("option", ["--seed", "--limit"])
def test_an_integer_that_is_none_is_told_what_is_expected(text, option, capsys):
    with pytest.raises(SystemExit):
        corruptions.main([f"{option}={text}"])
    lowest = 0 if option == "--seed" else 1
    assert capsys.readouterr().err.endswith(f"argument {option}: expected an integer from {lowest} on, got {text!r}\n")


def test_what_is_meant_is_read():
    assert [flags.at_least(0)(text) for text in ("0", "7")] == [0, 7]
    assert (flags.name(" "), str(flags.path("runs/mine"))) == (" ", "runs/mine")
