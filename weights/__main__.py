"""Weights on the Hugging Face Hub: describe, publish, pull, look, check, roll back.

    python -m weights card FOLDER --data DIR                   # measure, then write the model card with the figures
    python -m weights push OWNER/NAME --data DIR --tag v1.2    # check, measure, publish, tag
    python -m weights list OWNER/NAME                          # published versions and their results
    python -m weights pull OWNER/NAME --revision v1.1          # into the cache, checked
    python -m weights show [FOLDER | OWNER/NAME]               # a network's size and results
    python -m weights verify [FOLDER]                          # is it fit to be served?
    python -m weights rollback v1.1 OWNER/NAME                 # a new commit with the files of v1.1

OWNER/NAME is WEIGHTS_REPO when it is not given. Public weights are read without a token; to publish, set HF_TOKEN, pass
--token, or log in once with `hf auth login`. HF_ENDPOINT is the Hub's address, if it is another one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import weights
from nn import flags, programs
from nn.crossfit import seen_splits
from nn.files import CONFIG_FILE, MODEL_FILE, check_folder, printable, replacing, sha256_of
from nn.images import load_images
from nn.measure import metrics
from nn.pictures import mnist
from nn.pictures.mnist import DataError, Dataset
from nn.selftest import self_test, selftest_digits, verified
from weights.hub.card import drawing_figures, write_card
from weights.hub.figures import read_figures, summarize
from weights.hub.problems import HubError
from weights.hub.publish import Published, push, rollback
from weights.hub.pull import Repository, list_versions, pull, remember

# --- Commands ---------------------------------------------------------------------------------------------------------


def run_card(arguments: argparse.Namespace) -> None:
    from nn.measure import plots  # matplotlib takes a second to import, and only plots need it

    drawings = drawing_figures(read_json(arguments.drawings)) if arguments.drawings else None
    model = weights.load(arguments.folder)
    dataset = seen_splits(model, load_images(arguments.data))
    results = metrics.evaluate(model, dataset)
    written = plots.write(arguments.folder, model, dataset, results)
    written += write_card(arguments.folder, model, results, drawings)
    print(f"results   {summarize(read_figures(model.info))}")
    print(f"wrote     {', '.join(map(str, written))}")


def run_push(arguments: argparse.Namespace) -> None:
    repository = repository_of(arguments)
    options = {key: getattr(arguments, key) for key in ("tag", "create_pr", "private", "message", "force")}
    print_published(push(arguments.folder, repository, lambda: dataset_or_none(arguments.data), **options))


def run_rollback(arguments: argparse.Namespace) -> None:
    print_published(rollback(arguments.version, repository_of(arguments), message=arguments.message))


def run_pull(arguments: argparse.Namespace) -> None:
    if arguments.folder:
        check_folder(arguments.folder)
    snapshot = pull(repository_of(arguments), arguments.revision)
    model, folder = verified(snapshot.folder), snapshot.folder
    remember(snapshot, arguments.revision)
    if arguments.folder:
        folder = arguments.folder
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / MODEL_FILE) as parameters, replacing(folder / CONFIG_FILE) as config:
            shutil.copyfile(snapshot.folder / MODEL_FILE, parameters)
            shutil.copyfile(snapshot.folder / CONFIG_FILE, config)
    print_network(model, snapshot.sha256, snapshot.commit)
    print(f"folder    {folder}")


def run_list(arguments: argparse.Namespace) -> None:
    for version in list_versions(repository_of(arguments)):
        date = version.date.date().isoformat() if version.date else " " * len("2026-01-01")
        results = summarize(version.results) or version.title
        print(printable(f"{version.commit}  {date}  {version.label:<12}  {results}"))


def run_show(arguments: argparse.Namespace) -> None:
    source = arguments.source
    if os.path.isdir(source):
        if arguments.revision:
            raise ValueError(f"--revision {arguments.revision}: of which repository? {source} is a folder")
        print_network(weights.load(source), sha256_of(Path(source) / MODEL_FILE))
    else:
        try:
            snapshot = pull(Repository(source, arguments.token, arguments.endpoint), arguments.revision)
        except HubError as error:
            raise HubError(f"{error}; and there is no folder {source}", error.status) from error
        print_network(weights.load(snapshot.folder), snapshot.sha256, snapshot.commit)


def run_verify(arguments: argparse.Namespace) -> None:
    model = weights.load(arguments.folder)
    share = self_test(model, arguments.folder / MODEL_FILE)
    print(f"{arguments.folder}: {model!r}")
    print(f"names, shapes, types and values are right; reads {share:.0%} of {len(selftest_digits()[1])} test digits")


# --- Their input and output -------------------------------------------------------------------------------------------


def repository_of(arguments: argparse.Namespace) -> Repository:
    return Repository(arguments.repo, arguments.token, arguments.endpoint)


def read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read as JSON: {error}") from error


def dataset_or_none(folder: Path | None) -> Dataset | None:
    """The data to measure on; None, after a line on stderr, where there is none."""
    try:
        return load_images(folder)
    except DataError as error:
        print(f"no data: {error}", file=sys.stderr)
        return None


def print_published(published: Published) -> None:
    print(f"commit        {published.commit}\n              {published.url}")
    if published.tag_url:
        print(f"tag           {published.tag_url}")
    if published.pull_request_url:
        print(f"pull request  {published.pull_request_url}")


def print_network(model: weights.MLP, sha256: str, commit: str | None = None) -> None:
    print(f"network   {model!r}")
    print(f"results   {summarize(read_figures(model.info)) or 'none stated'}")
    print(f"sha256    {sha256}")
    if commit:
        print(f"commit    {commit}")


# --- The command line -------------------------------------------------------------------------------------------------


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    default_repo = flags.variable("WEIGHTS_REPO")

    def command(function: Callable, name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(function=function)
        if function not in (run_card, run_verify):
            sub.add_argument(
                "--token", type=flags.name, help="default: HF_TOKEN, or the login that `hf auth login` left"
            )
            sub.add_argument(
                "--endpoint", type=flags.name, metavar="URL", help="address of the Hub (default: HF_ENDPOINT)"
            )
        return sub

    def optional(sub: argparse.ArgumentParser, name: str, metavar: str, default: object, text: str) -> None:
        kind = flags.path if metavar == "FOLDER" else flags.name
        sub.add_argument(name, nargs="?", metavar=metavar, type=kind, default=default, help=f"default: {text}")

    sub = command(run_card, "card", "Measure a network and write its model card: README.md, figures and pictures.")
    optional(sub, "folder", "FOLDER", weights.BUNDLED, "the bundled weights")
    sub.add_argument("--data", type=flags.path, help=mnist.DATA_HELP)
    sub.add_argument("--drawings", type=flags.path, metavar="JSON", help="the app's score on real people's drawings")

    sub = command(run_push, "push", "Publish weights: one commit with network, config, model card and its pictures.")
    optional(sub, "repo", "OWNER/NAME", default_repo, "WEIGHTS_REPO")
    sub.add_argument(
        "--folder", type=flags.path, default=weights.BUNDLED, help="what to publish (default: bundled weights)"
    )
    sub.add_argument("--data", type=flags.path, help=f"to measure on: {mnist.DATA_HELP}")
    sub.add_argument(
        "--tag", type=flags.name, metavar="vX.Y", help="a new tag for the commit; an existing one is never moved"
    )
    sub.add_argument("--create-pr", action="store_true", help="open a pull request instead of committing")
    sub.add_argument("--private", action="store_true", help="when the repository is created now")
    sub.add_argument("--message", type=flags.name, help="of the commit (default: gives the measured errors)")
    sub.add_argument("--force", action="store_true", help="publish even if worse or not measured; the commit says so")

    sub = command(run_list, "list", "List published versions and their results, newest first.")
    optional(sub, "repo", "OWNER/NAME", default_repo, "WEIGHTS_REPO")

    sub = command(run_pull, "pull", "Download weights into the cache of huggingface_hub, and check them.")
    optional(sub, "repo", "OWNER/NAME", default_repo, "WEIGHTS_REPO")
    sub.add_argument("--revision", type=flags.name, help="branch, tag or commit (default: main)")
    sub.add_argument("--folder", type=flags.path, help="put a copy there")

    sub = command(run_show, "show", "Show a network's size and results.")
    optional(sub, "source", "FOLDER | OWNER/NAME", str(weights.BUNDLED), "the bundled weights")
    sub.add_argument("--revision", type=flags.name, help="branch, tag or commit (default: main)")

    sub = command(run_verify, "verify", "Check files, values, and that the network reads the bundled test digits.")
    optional(sub, "folder", "FOLDER", weights.BUNDLED, "the bundled weights")

    sub = command(
        run_rollback, "rollback", "Make a new commit with the files of an earlier version; all replicas follow."
    )
    sub.add_argument("version", type=flags.name, metavar="VERSION", help="tag or commit, as `list` shows them")
    optional(sub, "repo", "OWNER/NAME", argparse.SUPPRESS, "WEIGHTS_REPO")  # suppressed: or it would undo a --repo
    sub.add_argument(
        "--repo", type=flags.name, metavar="OWNER/NAME", default=default_repo, help="the same, as an option"
    )
    sub.add_argument("--message", type=flags.name, help="of the commit (default: names the version)")
    return parser


@programs.reports_errors(HubError)
def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if getattr(arguments, "repo", "") is None:
        parser.error("which repository? give OWNER/NAME or set WEIGHTS_REPO")
    arguments.function(arguments)
    return 0


if __name__ == "__main__":
    programs.run(main)
