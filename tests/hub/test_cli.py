"""`python -m weights`: what each command prints, and that a mistake is one line of plain words."""

import subprocess

import pytest
from hub_helpers import (
    ANN,
    REPO,
    ROOT,
    blind_to_nine,
    command,
    environment,
    folder_of,
    is_version,
    model,
    version,
    write_idx,
)

import weights
from weights.__main__ import main


@pytest.fixture
def run(hub, capsys, monkeypatch):
    """run("list", REPO) -> (exit code, standard output, standard error), the Hub's address and a token given."""
    monkeypatch.setenv("HF_TOKEN", ANN)

    def run(name, *arguments):
        place = [] if name in ("card", "verify") else ["--endpoint", hub.url]
        code = main([name, *map(str, arguments), *place])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def mine(tmp_path):
    return folder_of(model(2), tmp_path / "mine")


@pytest.fixture
def data(tmp_path):
    return write_idx(tmp_path / "mnist")


def test_push_prints_where_the_weights_are_now(published, run, mine, data):
    code, out, _ = run("push", REPO, "--folder", mine, "--data", data, "--tag", "v2")
    commit = published.repos[REPO].tags["v2"].oid
    assert code == 0
    assert f"commit        {commit}" in out
    assert f"{published.url}/{REPO}/commit/{commit}" in out
    assert f"tag           {published.url}/{REPO}/tree/v2" in out
    assert "errors on 500 test images" in out
    assert ANN not in out


def test_push_as_a_pull_request_prints_its_address(published, run, mine, data):
    _, out, _ = run("push", REPO, "--folder", mine, "--data", data, "--create-pr", "--message", "Better ones")
    assert f"pull request  {published.url}/{REPO}/discussions/1" in out
    assert published.repos[REPO].branches["refs/pr/1"].title == "Better ones"


def test_push_without_data_is_refused_with_a_way_out(published, run, mine, tmp_path):
    code, _, err = run("push", REPO, "--folder", mine, "--data", tmp_path / "nowhere")
    assert code == 1
    assert "nowhere: no such folder" in err
    assert "error: not published: there are no test images" in err
    assert "--force" in err


def test_push_of_worse_weights_is_refused(published, run, data, tmp_path):
    worse = model(3)
    blind_to_nine(worse)
    code, _, err = run("push", REPO, "--folder", folder_of(worse, tmp_path / "worse"), "--data", data)
    assert code == 1
    assert "worse than the published weights" in err
    code, _, _ = run("push", REPO, "--folder", tmp_path / "worse", "--data", data, "--force")
    assert code == 0
    assert "forced" in published.repos[REPO].branches["main"].title


def test_list_shows_versions_with_tags_and_results(published, run):
    published.add_commit(REPO, "Version 2", version(2))
    _, out, _ = run("list", REPO)
    newest, oldest = out.splitlines()
    assert newest.startswith(published.repos[REPO].branches["main"].oid)
    assert " v1 " in oldest
    assert "test 99.16% (84 errors)" in oldest


def test_list_shows_no_title_that_steers_a_terminal(published, run):
    published.add_commit(REPO, "Version 2\x1b]0;title\x07\x1b[2J", {"config.json": b"{}"})
    assert all(map(str.isprintable, run("list", REPO)[1].splitlines()))


def test_list_tells_which_version_main_is_after_a_rollback(published, run):
    published.add_commit(REPO, "Version 2", version(2))
    published.repos[REPO].tags["v2"] = published.repos[REPO].branches["main"]
    newest, _ = run("list", REPO)[1].splitlines()
    assert " main, v2 " in newest
    run("rollback", "v1", REPO)
    newest, *_ = run("list", REPO)[1].splitlines()
    assert " main = v1 " in newest
    published.add_commit(REPO, "Version 3", version(3))
    newest, *_ = run("list", REPO)[1].splitlines()
    assert " main " in newest
    assert "=" not in newest


@pytest.mark.parametrize("way", [["v1", REPO], ["v1", "--repo", REPO], ["--repo", REPO, "v1"], ["v1"]])
def test_rollback_takes_the_repository_as_the_others_do_and_as_an_option(published, run, monkeypatch, way):
    published.add_commit(REPO, "Version 2", version(2))
    monkeypatch.setenv("WEIGHTS_REPO", REPO if way == ["v1"] else "ann/other")
    code, out, _ = run("rollback", *way)
    head = published.repos[REPO].branches["main"]
    assert code == 0
    assert head.oid in out
    assert head.files == published.repos[REPO].tags["v1"].files


def test_pull_checks_and_can_leave_a_copy(published, run, tmp_path):
    code, out, _ = run("pull", REPO, "--revision", "v1", "--folder", tmp_path / "copy")
    assert code == 0
    assert f"commit    {published.repos[REPO].tags['v1'].oid}" in out
    assert is_version(weights.load(tmp_path / "copy"), 1)


def test_pull_of_bad_weights_leaves_the_copy_alone(published, run, tmp_path):
    run("pull", REPO, "--folder", tmp_path / "copy")
    published.add_commit(REPO, "bad", {"model.safetensors": b"bad"})
    code, _, err = run("pull", REPO, "--folder", tmp_path / "copy")
    assert code == 1
    assert "cannot be read as safetensors" in err
    assert is_version(weights.load(tmp_path / "copy"), 1)


@pytest.mark.parametrize("place", ["file", "file/copy"])
def test_pull_says_that_there_can_be_no_copy_before_it_asks_the_hub(run, tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    code, _, err = run("pull", "ann/nothing", "--folder", tmp_path / place)
    assert (code, err) == (1, f"error: {tmp_path / 'file'}: a file, expected a folder to write to\n")


def test_show_describes_a_folder_or_a_repository(published, run, mine):
    for what in (mine, REPO):
        _, out, _ = run("show", what)
        assert "784-10" in out
        assert "results   test 99.16% (84 errors)" in out
        assert "sha256    " in out


def test_card_measures_and_names_the_files_it_wrote(run, mine, data):
    (mine / "README.md").unlink()
    code, out, _ = run("card", mine, "--data", data)
    assert code == 0
    assert "test 100.00% (0 errors)" in out
    for name in ("model.safetensors", "config.json", "README.md", "confusion_matrix.png", "mistakes.png"):
        assert str(mine / name) in out
        assert (mine / name).is_file()
    assert "confusion_matrix.png" in (mine / "README.md").read_text()
    assert weights.load(mine).info["results"]["test"]["images"] == 500


def test_verify_names_its_checks(run, mine):
    code, out, _ = run("verify", mine)
    assert code == 0
    assert "reads 100% of 50 test digits" in out
    (mine / "model.safetensors").write_bytes(b"bad")
    code, _, err = run("verify", mine)
    assert code == 1
    assert "cannot be read as safetensors" in err


MISTAKES = {
    "an unknown repository": (["list", "ann/nothing"], "no repository ann/nothing"),
    "an unknown version": (["rollback", "v9", "--repo", REPO], "no such branch, tag or commit"),
    "no owner": (["pull", "digits"], "expected OWNER/NAME"),
    "a revision of a folder": (["show", "--revision", "v1"], "--revision v1: of which repository?"),
    "no owner to push to, without data": (["push", "notaname", "--data", "nowhere"], "expected OWNER/NAME"),
    "no data for a card": (["card", "--data", "nowhere"], "nowhere: no such folder"),
    "drawings that are no JSON": (["card", "--drawings", __file__], "test_cli.py: cannot be read as JSON"),
    "no token": (["push", REPO, "--token", " "], "no token: set HF_TOKEN"),
    "a token with a blank": (["push", REPO, "--token", "hf_a b"], "the token holds a blank"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(published, run, mine, data, mistake):
    arguments, message = MISTAKES[mistake]
    extra = ["--folder", mine] if arguments[0] == "push" else []
    if arguments[0] in ("push", "card") and "--data" not in arguments:
        extra += ["--data", data]
    code, _, err = run(*arguments, *extra)
    assert code == 1
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_without_a_repository_it_says_how_to_name_one(run, capsys):
    with pytest.raises(SystemExit):
        run("list")
    assert "give OWNER/NAME or set WEIGHTS_REPO" in capsys.readouterr().err


def test_help_names_every_command(hub, tmp_path):
    shown = subprocess.run(
        command("--help"), cwd=ROOT, env=environment(hub, tmp_path), capture_output=True, text=True, check=True
    ).stdout
    for name in ("card", "push", "pull", "list", "show", "verify", "rollback", "WEIGHTS_REPO", "HF_TOKEN"):
        assert name in shown
