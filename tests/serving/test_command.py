"""`python app.py predict`: pictures in, a table or JSON out, without a server."""

import contextlib
import errno
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from conftest import EXAMPLES, ROOT
from PIL import Image

import app
import weights
from preprocessing.decoding import MAX_PIXELS
from preprocessing.picture import open_picture, silence_decoders
from weights.serving import command
from weights.serving.recognize import text_of

SEVEN = EXAMPLES / "7.png"


def run_apart(*arguments):
    """The command as a program of its own."""
    return subprocess.run(
        [sys.executable, "app.py", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def run(capfd):
    """The command in this process. The result looks like that of `run_apart`."""

    def run(*arguments):
        try:
            code = command.main([*map(str, arguments)])
        except SystemExit as stop:
            code = stop.code
        return subprocess.CompletedProcess(arguments, code, *capfd.readouterr())

    return run


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
    done = run_apart("predict", SEVEN, folder)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"skipped: {folder / 'notes.txt'}: expected a picture such as PNG, JPEG or WebP, got something else"
    ]
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        [str(SEVEN), "7"],
        [str(folder / "a.png"), "3"],
        [str(folder / "b" / "c" / "SEVEN.PNG"), "7"],
        [str(folder / "blank.jpg"), "-"],
    ]
    assert lines[-1][2:] == ["100.0%", "no", "ink"]


def test_json_is_a_list_with_the_answers_of_the_page(run, folder):
    done = run("predict", "--json", SEVEN, folder / "blank.jpg")
    seven, blank = json.loads(done.stdout)
    assert (seven["picture"], seven["digit"]) == (str(SEVEN), 7)
    answer = seven["probabilities"] | {"not a digit": seven["not_a_digit"]}
    assert answer == pytest.approx(app.recognize(Image.open(SEVEN)), abs=1e-6)
    assert (blank["digit"], blank["not_a_digit"], blank["text"], blank["digits"]) == (None, 1, "", [])
    assert seven["text"] == "7"
    (placed,) = seven["digits"]
    assert tuple(placed["box"]) == app.read(Image.open(SEVEN))[0].box


def test_several_digits_of_a_picture_are_read_with_their_places(run):
    number = EXAMPLES / "several-2026.png"
    row = run("predict", number, SEVEN).stdout.splitlines()[0].split()
    assert row[:2] == [str(number), "2026"]
    (found,) = json.loads(run("predict", "--json", number).stdout)
    readings = app.read(number)
    assert found["text"] == "2026"
    assert [digit["digit"] for digit in found["digits"]] == [2, 0, 2, 6]
    assert [tuple(digit["box"]) for digit in found["digits"]] == [reading.box for reading in readings]
    assert found["confidence"] == pytest.approx(np.prod([reading.confidence for reading in readings]), abs=1e-6)
    assert "digit" not in found


def test_examples_are_read_as_the_page_reads_them(run):
    rows = json.loads(run("predict", "--json", EXAMPLES).stdout)
    for row in rows:
        assert row["text"] == text_of(app.read(Path(row["picture"]))), row["picture"]


def test_lines_of_digits_stand_in_one_row(run):
    row = run("predict", EXAMPLES / "sum-27.jpg").stdout
    assert text_of(app.read(EXAMPLES / "sum-27.jpg")).replace("\n", " / ") in row
    assert len(row.splitlines()) == 1


def test_heic_and_pictures_without_a_suffix_are_read_and_other_files_are_named(run, tmp_path):
    pillow_heif.from_pillow(Image.open(SEVEN).convert("RGB")).save(tmp_path / "IMG_0007.HEIC")
    (tmp_path / "seven").write_bytes(SEVEN.read_bytes())
    (tmp_path / "movie.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    done = run("predict", "--json", tmp_path)
    assert done.returncode == 0
    assert [row["text"] for row in json.loads(done.stdout)] == ["7", "7"]
    assert done.stderr.startswith(f"skipped: {tmp_path / 'movie.mov'}: ")


def test_folder_in_which_nothing_can_be_read_is_a_failure_that_names_every_file(run, tmp_path):
    (tmp_path / "IMG_0007.heic").write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    (tmp_path / "notes.txt").write_text("not a picture")
    done = run("predict", tmp_path)
    assert done.returncode == 1
    assert f"error: {tmp_path / 'IMG_0007.heic'}: " in done.stderr
    assert f"skipped: {tmp_path / 'notes.txt'}: " in done.stderr
    assert "1 of 1 could not be read" in done.stderr
    (tmp_path / "IMG_0007.heic").unlink()
    done = run("predict", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: {tmp_path}: no pictures in this folder" in done.stderr


def test_bad_pictures_are_told_and_the_rest_is_read(folder):
    (folder / "aa.png").write_text("Dear network")
    (folder / "zz.png").write_bytes(SEVEN.read_bytes()[:1000])
    (folder / "empty").mkdir()
    done = run_apart("predict", "--json", folder, folder / "none.png", folder / "empty", SEVEN)
    assert done.returncode == 1
    assert [answer["digit"] for answer in json.loads(done.stdout)] == [3, 7, None, 7]
    skipped, *errors, total = done.stderr.splitlines()
    assert skipped.startswith(f"skipped: {folder / 'notes.txt'}: ")
    assert total == "4 of 8 could not be read"
    for error, path, words in zip(
        errors,
        ("aa.png", "zz.png", "none.png", "empty"),
        ("expected a picture such as PNG", "cannot be decoded", "No such file", "no pictures in this folder"),
        strict=True,
    ):
        assert error.startswith(f"error: {folder / path}: ")
        assert words in error


def test_damaged_tiffs_have_one_line_each(tmp_path):
    """In a process of its own, whose decoders nobody has silenced before."""
    draw = random.Random(0)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        Image.open(SEVEN).convert("L").save(tmp_path / "whole.tif", compression=compression)
        content = (tmp_path / "whole.tif").read_bytes()
        for number in range(10):
            damaged = bytearray(content)
            for _ in range(5):
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
            (tmp_path / f"{compression}-{number}.tif").write_bytes(damaged)
        (tmp_path / f"{compression}-half.tif").write_bytes(content[: len(content) // 2])
    done = run_apart("predict", tmp_path)
    *lines, total = done.stderr.splitlines()
    assert total == f"{len(lines)} of 45 could not be read"
    assert len(lines) > 10
    assert all(line.startswith(f"error: {tmp_path}") for line in lines)


def test_large_pictures_leave_no_warnings(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", MAX_PIXELS // 2)  # as the app does
    file = tmp_path / "large.png"
    Image.new("1", (6000, 5000), 1).save(file)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", Image.DecompressionBombWarning)
        Image.open(file).close()
        assert [each.category for each in seen] == [Image.DecompressionBombWarning]
        silence_decoders()
        for number, size in enumerate([(6000, 5000), (7000, 7000), (9000, 9000)]):
            Image.new("1", size, 1).save(file)
            with contextlib.suppress(ValueError):
                open_picture(file).close()
            assert len(seen) == 1, [number, *map(str, seen)]


@pytest.mark.parametrize("place", ["gone.png", "gone", "file/7.png", "loop.png", "x" * 300, "secret.png"])
def test_a_file_that_cannot_be_opened_is_named_once(run, tmp_path, monkeypatch, place):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    if place == "secret.png":  # whoever runs the tests may read everything

        def refuse(file):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))

        monkeypatch.setattr(command, "open_picture", refuse)
    error, _ = run("predict", tmp_path / place).stderr.splitlines()
    assert error.startswith(f"error: {tmp_path / place}: ")
    assert error.count(str(tmp_path)) == 1


def test_skipped_files_are_named_once(run, tmp_path, monkeypatch):
    def refuse(file):
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    (tmp_path / "notes").write_text("secret")
    monkeypatch.setattr(command, "open_picture", refuse)
    assert run("predict", tmp_path).stderr.startswith(f"skipped: {tmp_path / 'notes'}: Permission denied\n")


def test_nothing_readable_is_an_empty_list(run, tmp_path):
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


def test_other_weights_may_be_named(run, tmp_path):
    weights.save_pretrained(weights.MLP(hidden=(), seed=3), tmp_path)
    untrained, bundled = (
        json.loads(run("predict", "--json", SEVEN, *options).stdout)[0] for options in (["--weights", tmp_path], [])
    )
    assert untrained["probabilities"] != bundled["probabilities"]


@pytest.mark.parametrize("sizes", [{"classes": 3}, {"classes": 13}, {"inputs": 100}])
def test_weights_that_know_no_digits_are_told(run, tmp_path, sizes):
    weights.save_pretrained(weights.MLP((4,), **sizes), tmp_path)
    done = run("predict", SEVEN, "--weights", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected 784 and 10 or 11" in done.stderr


def test_a_folder_that_is_not_there_is_said_beside_the_repository_that_it_may_be(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = run("predict", SEVEN, "--weights", "runs/mine")
    assert done.returncode == 1
    assert done.stderr.endswith("; and there is no folder runs/mine\n")


def test_a_name_that_the_output_cannot_write_loses_no_other_answer(tmp_path):
    for name in (b"a.png", b"b\xff.png", b"c.png"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(SEVEN.read_bytes())
    done = subprocess.run(
        [sys.executable, "app.py", "predict", tmp_path],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        timeout=120,
    )
    rows = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert [row.split()[1] for row in rows] == ["7", "7", "7"]
    assert "b\\udcff.png" in rows[1]


@pytest.mark.parametrize("source", [[], ["--weights", weights.BUNDLED]], ids=["bundled", "folder"])
def test_a_revision_without_a_repository_is_refused(run, source, monkeypatch):
    monkeypatch.setenv("WEIGHTS_REPO", "")
    done = run("predict", SEVEN, "--revision", "v1", *source)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--revision v1: of which repository? name it with --weights OWNER/NAME" in done.stderr


def test_missing_weights_are_told_without_a_traceback(run, tmp_path):
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


def test_help_tells_both_ways_to_run_it(run):
    done = run("--help")
    assert done.returncode == 0
    assert "serves the page" in done.stdout
    assert "predict PICTURE..." in done.stdout


def test_unknown_command_is_refused_and_serves_nothing():
    done = run_apart("serve-me")
    assert done.returncode == 2
    assert "predict" in done.stderr


def test_reader_that_has_seen_enough_meets_no_traceback(folder):
    done = subprocess.run(
        f"{sys.executable} app.py predict {EXAMPLES} | head -n 1", shell=True, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split()[1] == "0"
    assert all(line.startswith("skipped: ") for line in done.stderr.splitlines())
