"""`python app.py predict`: pictures in, a table or JSON out, without a server."""

import json
import os
import subprocess
import sys

import pytest
from conftest import EXAMPLES, ROOT
from PIL import Image

import app
import weights
from weights.serving import command

SEVEN = EXAMPLES / "7.png"


def run(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "app.py", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path):
    """A folder with pictures of a 3 and a 7, one of them further down, blank paper, and a file that is no picture."""
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a.png").write_bytes((EXAMPLES / "3-small-off-centre.png").read_bytes())
    (tmp_path / "b" / "c" / "SEVEN.PNG").write_bytes(SEVEN.read_bytes())
    Image.new("L", (50, 60), "white").save(tmp_path / "blank.jpg")
    (tmp_path / "notes.txt").write_text("not asked for")
    return tmp_path


def test_table_has_a_line_for_each_picture(folder):
    done = run("predict", SEVEN, folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        [str(SEVEN), "7"],
        [str(folder / "a.png"), "3"],
        [str(folder / "b" / "c" / "SEVEN.PNG"), "7"],
        [str(folder / "blank.jpg"), "-"],
    ]
    assert lines[-1][2:] == ["100.0%", "no", "ink"]


def test_json_is_a_list_with_the_answers_of_the_page(folder):
    done = run("predict", "--json", SEVEN, folder / "blank.jpg")
    seven, blank = json.loads(done.stdout)
    assert (seven["picture"], seven["digit"]) == (str(SEVEN), 7)
    answer = seven["probabilities"] | {"not a digit": seven["not_a_digit"]}
    assert answer == pytest.approx(app.recognize(Image.open(SEVEN)), abs=1e-6)
    assert (blank["digit"], blank["not_a_digit"]) == (None, 1)


def test_bad_pictures_are_told_and_the_rest_is_read(folder):
    (folder / "aa.png").write_text("Dear network")
    (folder / "zz.png").write_bytes(SEVEN.read_bytes()[:1000])
    (folder / "empty").mkdir()
    done = run("predict", "--json", folder, folder / "none.png", folder / "empty", SEVEN)
    assert done.returncode == 1
    assert [answer["digit"] for answer in json.loads(done.stdout)] == [3, 7, None, 7]
    *errors, total = done.stderr.splitlines()
    assert total == "4 of 8 could not be read"
    for error, path, words in zip(
        errors,
        ("aa.png", "zz.png", "none.png", "empty"),
        ("expected a picture such as PNG", "cannot be decoded", "No such file", "no pictures in this folder"),
        strict=True,
    ):
        assert error.startswith(f"error: {folder / path}: ")
        assert words in error


def test_nothing_readable_is_an_empty_list(tmp_path):
    done = run("predict", "--json", tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (1, [])


def test_large_folder_goes_through_in_batches(tmp_path, monkeypatch, capsys):
    picture = SEVEN.read_bytes()
    count = 2 * command.BATCH + 1
    for number in range(count):
        (tmp_path / f"{number:04}.png").write_bytes(picture)
    passes = []
    predict_proba = weights.MLP.predict_proba
    monkeypatch.setattr(weights.MLP, "predict_proba", lambda self, X: passes.append(len(X)) or predict_proba(self, X))
    assert command.main(["predict", str(tmp_path)]) == 0
    assert passes == [command.BATCH, command.BATCH, 1]
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names == [str(tmp_path / f"{number:04}.png") for number in range(count)]


def test_other_weights_may_be_named(tmp_path):
    weights.save_pretrained(weights.MLP(hidden=(), seed=3), tmp_path)
    untrained, bundled = (
        json.loads(run("predict", "--json", SEVEN, *options).stdout)[0] for options in (["--weights", tmp_path], [])
    )
    assert untrained["probabilities"] != bundled["probabilities"]


@pytest.mark.parametrize("source", [[], ["--weights", weights.BUNDLED]], ids=["bundled", "folder"])
def test_a_revision_without_a_repository_is_refused(source):
    done = run("predict", SEVEN, "--revision", "v1", *source, WEIGHTS_REPO="")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--revision v1: of which repository? name it with --weights OWNER/NAME" in done.stderr


def test_missing_weights_are_told_without_a_traceback(tmp_path):
    done = run("predict", SEVEN, "--weights", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_command_line_does_without_gradio():
    code = (
        "import sys, runpy; sys.argv = ['app.py', 'predict', sys.argv[1]]\n"
        "try: runpy.run_path('app.py', run_name='__main__')\n"
        "except SystemExit: print('gradio' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, SEVEN], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"


def test_help_tells_both_ways_to_run_it():
    done = run("--help")
    assert done.returncode == 0
    assert "serves the page" in done.stdout
    assert "predict PICTURE..." in done.stdout


def test_unknown_command_is_refused_and_serves_nothing():
    done = run("serve-me")
    assert done.returncode == 2
    assert "predict" in done.stderr


def test_reader_that_has_seen_enough_meets_no_traceback(folder):
    done = subprocess.run(
        f"{sys.executable} app.py predict {EXAMPLES} | head -n 1", shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split()[1] == "0"
    assert done.stderr == ""
