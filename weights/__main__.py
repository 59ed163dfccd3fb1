"""Weights on the Hugging Face Hub: publish, pull, look, check, roll back.

    python -m weights push OWNER/NAME --data DIR --tag v1.2    # check, measure, publish, tag
    python -m weights list OWNER/NAME                          # what was published, and what it scored
    python -m weights pull OWNER/NAME --revision v1.1          # into the cache, checked
    python -m weights show [FOLDER | OWNER/NAME]               # what a network is, and what it scored
    python -m weights verify [FOLDER]                          # is it fit to be served?
    python -m weights rollback v1.1 --repo OWNER/NAME          # a new commit with the files of v1.1

OWNER/NAME is WEIGHTS_REPO when it is not given. Public weights are read without a token; to publish, set HF_TOKEN, pass
--token, or log in once with `hf auth login`. HF_ENDPOINT is the Hub's address, if it is another one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import weights
from nn.files import CONFIG_FILE, MODEL_FILE, WeightsError, replacing
from nn.pictures import mnist as data
from nn.pictures.mnist import DataError, Dataset
from nn.selftest import self_test, selftest_digits, verified
from weights.hub import publish
from weights.hub import pull as hub
from weights.hub.figures import figures, in_words
from weights.hub.problems import HubError
from weights.hub.publish import Published, Refused


def push(arguments: argparse.Namespace) -> None:
    options = {key: getattr(arguments, key) for key in ("tag", "create_pr", "private", "message", "force")}
    dataset = read_data(arguments.data)
    published = publish.push(arguments.folder, arguments.repo, dataset, **options, **places(arguments))
    report(published)


def read_data(folder: Path | None) -> Dataset | None:
    """The data to measure on; None, and a word why, when there is none."""
    try:
        return data.load(folder)
    except DataError as error:
        print(f"no data: {error}", file=sys.stderr)
        return None


def report(published: Published) -> None:
    print(f"commit        {published.commit}\n              {published.url}")
    if published.tag_url:
        print(f"tag           {published.tag_url}")
    if published.pull_request_url:
        print(f"pull request  {published.pull_request_url}")


def pull(arguments: argparse.Namespace) -> None:
    snapshot = hub.pull(arguments.repo, arguments.revision, **places(arguments))
    model = verified(snapshot.folder)
    folder = snapshot.folder
    if arguments.folder:
        folder = arguments.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL_FILE, CONFIG_FILE):
            with replacing(folder / name) as temporary:
                shutil.copyfile(snapshot.folder / name, temporary)
    describe(model, snapshot.sha256, snapshot.commit)
    print(f"folder    {folder}")


def list_versions(arguments: argparse.Namespace) -> None:
    for version in hub.versions(arguments.repo, **places(arguments)):
        date = version.date.date().isoformat() if version.date else "          "
        print(f"{version.commit}  {date}  {', '.join(version.names):<12}  {in_words(version.results) or version.title}")


def show(arguments: argparse.Namespace) -> None:
    what = arguments.what
    if what is None or Path(what).is_dir():
        folder = Path(what or weights.BUNDLED)
        describe(weights.load(folder), hub.sha256_of(folder / MODEL_FILE))
    else:
        snapshot = hub.pull(what, arguments.revision, **places(arguments))
        describe(weights.load(snapshot.folder), snapshot.sha256, snapshot.commit)


def describe(model: weights.MLP, sha256: str, commit: str | None = None) -> None:
    print(f"network   {model!r}")
    print(f"results   {in_words(figures(model.info)) or 'none stated'}")
    print(f"sha256    {sha256}")
    if commit:
        print(f"commit    {commit}")


def verify(arguments: argparse.Namespace) -> None:
    model = weights.load(arguments.folder)
    share = self_test(model, arguments.folder / MODEL_FILE)
    print(f"{arguments.folder}: {model!r}")
    print(f"names, shapes, types and values are right; reads {share:.0%} of {len(selftest_digits()[1])} test digits")


def rollback(arguments: argparse.Namespace) -> None:
    report(publish.rollback(arguments.version, arguments.repo, message=arguments.message, **places(arguments)))


def places(arguments: argparse.Namespace) -> dict:
    return {"token": arguments.token, "endpoint": arguments.endpoint}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    default_repo = os.environ.get("WEIGHTS_REPO")

    def command(function, name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(function=function)
        if function is not verify:
            sub.add_argument("--token", help="default: HF_TOKEN, or the login that `hf auth login` left")
            sub.add_argument("--endpoint", metavar="URL", help="address of the Hub (default: HF_ENDPOINT)")
        return sub

    def repository(sub: argparse.ArgumentParser, name: str = "repo") -> None:
        optional = {"nargs": "?"} if name == "repo" else {"required": default_repo is None}
        metavar = "OWNER/NAME"
        sub.add_argument(name, metavar=metavar, default=default_repo, help="default: WEIGHTS_REPO", **optional)

    sub = command(push, "push", "Publish weights: one commit with network, config, model card and its pictures.")
    repository(sub)
    sub.add_argument("--folder", type=Path, default=weights.BUNDLED, help="what to publish (default: bundled weights)")
    sub.add_argument("--data", type=Path, help="MNIST's IDX files, to measure on (default: ylecun/mnist)")
    sub.add_argument("--tag", metavar="vX.Y", help="a new tag for the commit; an existing one is never moved")
    sub.add_argument("--create-pr", action="store_true", help="open a pull request instead of committing")
    sub.add_argument("--private", action="store_true", help="when the repository is created now")
    sub.add_argument("--message", help="of the commit (default: says what was measured)")
    sub.add_argument("--force", action="store_true", help="publish even if worse or not measured; the commit says so")

    sub = command(rollback, "rollback", "Make a new commit with the files of an earlier version; all replicas follow.")
    sub.add_argument("version", metavar="VERSION", help="tag or commit, as `list` shows them")
    repository(sub, "--repo")
    sub.add_argument("--message", help="of the commit (default: names the version)")

    sub = command(pull, "pull", "Download weights into the cache of huggingface_hub, and check them.")
    repository(sub)
    sub.add_argument("--revision", help="branch, tag or commit (default: main)")
    sub.add_argument("--folder", type=Path, help="put a copy there")

    sub = command(list_versions, "list", "List published versions and their results, newest first.")
    repository(sub)

    sub = command(show, "show", "Tell what a network is and what it scored.")
    sub.add_argument("what", nargs="?", metavar="FOLDER | OWNER/NAME", help="default: the bundled weights")
    sub.add_argument("--revision", help="branch, tag or commit (default: main)")

    sub = command(verify, "verify", "Check files, values, and that the network reads the bundled test digits.")
    sub.add_argument("folder", nargs="?", type=Path, default=weights.BUNDLED, help="default: the bundled weights")
    return parser


def main(argv: list[str] | None = None) -> int:
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if getattr(arguments, "repo", "") is None:
        parser.error("which repository? give OWNER/NAME or set WEIGHTS_REPO")
    try:
        arguments.function(arguments)
    except (HubError, WeightsError, Refused, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
