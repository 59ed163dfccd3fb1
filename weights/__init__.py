"""The bundled weights, and how a network is read from disk or the Hub and written to it.

model = weights.load()                                      # the bundled network
model = weights.from_pretrained("owner/name", "v1.2")       # one that was published on the Hugging Face Hub
weights.save_pretrained(model, "folder")                    # model.safetensors + config.json
weights.push_to_hub(model, "owner/name", data="mnist/")     # measured, with a model card; `python -m weights` does more
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nn import MLP
from nn.files import WeightsError
from nn.files import load as _load
from nn.files import save as save_pretrained

if TYPE_CHECKING:
    from weights.hub.publish import Published

BUNDLED = Path(__file__).parent

__all__ = ["BUNDLED", "WeightsError", "from_pretrained", "load", "push_to_hub", "save_pretrained"]


def load(folder: str | Path | None = None) -> MLP:
    """The network in `folder`, or the bundled one.

    Raises:
        WeightsError: a file is missing, damaged, or does not fit the other one; the message names it.
    """
    return _load(BUNDLED if folder is None else folder)


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
        token: for repositories that are not public; None takes HF_TOKEN or the stored login.
        endpoint: address of the Hub; None takes HF_ENDPOINT, or https://huggingface.co.
        cache_dir: None is huggingface_hub's own cache.
        local_files_only: take what an earlier call left in the cache and ask nobody.

    Raises:
        weights.problems.HubError: the Hub cannot be reached, refuses, or has no such thing.
        WeightsError: the files are damaged, do not fit each other, or cannot read digits.
    """
    from nn import (
        selftest as verify,  # huggingface_hub takes a while to import, and the bundled weights need none of it
    )
    from weights.hub import pull as hub

    places = {"token": token, "endpoint": endpoint, "cache_dir": cache_dir}
    return verify.verified(hub.pull(repo, revision, local_files_only=local_files_only, **places).folder)


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
        data: folder with MNIST's IDX files; None takes MNIST from the Hub.
        tag, create_pr, private, message, force, token, endpoint: as for `weights.publish.push`.

    Raises:
        nn.data.DataError: there is no data to measure on.
        weights.publish.Refused: the network is worse than the published one, or the tag exists; nothing was sent.
        weights.problems.HubError: the Hub cannot be reached or refuses.
    """
    import tempfile

    from nn.measure.metrics import evaluate
    from nn.pictures.mnist import load as load_data
    from weights.hub import card, publish

    dataset = load_data(data)
    options = {"tag": tag, "create_pr": create_pr, "private": private, "message": message, "force": force}
    with tempfile.TemporaryDirectory() as folder:
        card.write(Path(folder), model, evaluate(model, dataset))
        return publish.push(folder, repo, dataset, token=token, endpoint=endpoint, **options)
