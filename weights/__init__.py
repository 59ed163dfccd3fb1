"""The bundled weights, and the familiar ways to read a network from disk or the Hub and to write it there.

    model = weights.load()                                      # the bundled network
    model = weights.from_pretrained("owner/name", "v1.2")       # one that was published on the Hugging Face Hub
    weights.save_pretrained(model, "folder")                    # model.safetensors + config.json
    weights.push_to_hub(model, "owner/name", data="mnist/")     # measured, with a model card; see `python -m weights`

huggingface_hub is imported where it is needed: it takes a while, and the bundled weights do without.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nn import MLP
from nn.files import BUNDLED, WeightsError
from nn.files import load as load_folder
from nn.files import save as save_pretrained

if TYPE_CHECKING:
    from weights.hub.publish import Published


__all__ = ["BUNDLED", "WeightsError", "from_pretrained", "load", "push_to_hub", "save_pretrained"]


def load(folder: str | Path | None = None) -> MLP:
    """The network in `folder`, or the bundled one.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit the other one; the message names it.
    """
    return load_folder(BUNDLED if folder is None else folder)


def from_pretrained(
    repo: str,
    revision: str | None = None,
    *,
    token: str | bool | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
) -> MLP:
    """The network that was published as "owner/name", of one commit, its checksums verified and its answers tested.

    Args:
        revision: branch, tag or commit; None is the branch main.
        token, endpoint, cache_dir: as for `weights.hub.pull.Repository`.
        local_files_only: make no request, take what an earlier call left in the cache.

    Raises:
        weights.hub.problems.HubError: the Hub cannot be reached, refuses, or has no such thing.
        WeightsError: the files are damaged, do not fit each other, or cannot read digits.
    """
    from nn.selftest import verified
    from weights.hub.pull import Repository, pull, remember

    repository = Repository(repo, token, endpoint, cache_dir)
    snapshot = pull(repository, revision, local_files_only=local_files_only)
    model = verified(snapshot.folder)
    remember(snapshot, revision)
    return model


def push_to_hub(
    model: MLP,
    repo: str,
    *,
    data: str | Path | None = None,
    tag: str | None = None,
    create_pr: bool = False,
    private: bool = False,
    message: str | None = None,
    force: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
) -> Published:
    """Measures the network, writes its model card, and publishes both as "owner/name"; says where they are now.

    Args:
        data: MNIST's files, or pictures in folders named 0 to 9; None takes MNIST from the Hub.
        tag, create_pr, private, message, force: as for `weights.hub.publish.push`.
        token, endpoint: as for `weights.hub.pull.Repository`.

    Raises:
        nn.pictures.mnist.DataError: there is no data to measure on.
        nn.files.WeightsError: the network fails the self-test; nothing was sent.
        weights.hub.publish.NotPublishable: the network is worse than the published one or not measured, or the tag is
            taken; nothing was sent.
        weights.hub.problems.HubError: the Hub cannot be reached or refuses.
    """
    import copy
    import tempfile

    from nn.crossfit import seen_splits
    from nn.images import load_images
    from nn.measure.metrics import evaluate
    from weights.hub.card import write_card
    from weights.hub.publish import push
    from weights.hub.pull import Repository

    repository = Repository(repo, token, endpoint)
    dataset = load_images(data)
    options = {"tag": tag, "create_pr": create_pr, "private": private, "message": message, "force": force}
    with tempfile.TemporaryDirectory() as folder:
        # A copy, for a card changes what a network says of itself.
        write_card(Path(folder), copy.copy(model), evaluate(model, seen_splits(model, dataset)))
        return push(folder, repository, lambda: dataset, **options)
