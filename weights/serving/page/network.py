"""The network, as the page shows it: its size and results, its mistakes, which weights are served and since when, what
was published. Read-only.

    weights.page.view(serving)    # inside gr.Blocks

Names come from the Hub, where anybody may have chosen them: everything is escaped.
"""

from __future__ import annotations

import os
from datetime import datetime
from html import escape
from pathlib import Path

import gradio as gr

from nn import MLP
from weights import BUNDLED
from weights.current import BUNDLED_SOURCE, Serving
from weights.hub.figures import summarize
from weights.hub.pull import Version

CARD = "README.md"
HUB = "https://huggingface.co"
# Plots that lie beside the bundled weights: the file, and what a screen reader says of it.
PLOTS = {
    BUNDLED / "confusion_matrix.png": "Confusion matrix: which digit of MNIST's test images was read as which",
    BUNDLED / "mistakes.png": "The test images that were misread with the most confidence, and what they were read as",
}


def view(serving: Serving) -> gr.Accordion:
    """A folded section; it is brought up to date each time somebody unfolds it."""
    with gr.Accordion("The network", open=False, elem_id="network") as section:
        content = gr.HTML(render(serving))
    section.expand(
        lambda: render(serving), None, content, show_progress="hidden", queue=False, api_visibility="private"
    )
    return section


def render(serving: Serving) -> str:
    """The view as HTML."""
    model, served = serving.current
    look, versions = serving.look, serving.versions
    names = [version.label for version in versions if version.commit == served.revision]
    bundled = served.source == BUNDLED_SOURCE
    facts = {
        "Layers": layers(model),
        "Results on MNIST": summarize(served.results),
        "Weights": "bundled with this app" if bundled else served.source,
        "Version": ", ".join(names) or served.requested,
        "Commit": served.revision,
        "SHA-256": served.sha256,
        "Served since": moment(served.since),
        "Hub asked": moment(look.checked),
        "Problem": look.error,
    }
    rows = "".join(f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value)
    plots = "".join(plot(*each) for each in PLOTS.items()) if bundled else ""  # others' plots are on their card
    return (
        f"<table>{rows}</table>{links(None if bundled else served.source)}"
        f'<div class="plots">{plots}</div>{published(versions, served.revision)}'
    )


def layers(model: MLP) -> str:
    """`784 → 3000 → 1600 → 11, relu, 3,574,211 parameters`"""
    return f"{' → '.join(map(str, model.widths))}, {model.activation}, {model.theta.size:,} parameters"


def links(repo: str | None) -> str:
    """Where to read more: the card of these weights, and the code, if this runs on a Space."""
    space = os.environ.get("SPACE_ID")
    code = f"{HUB}/spaces/{space}"
    card = f"{HUB}/{repo}" if repo else f"{code}/blob/main/{BUNDLED.name}/{CARD}"
    found = {"Model card": card if repo or space else None, "Code": f"{code}/tree/main" if space else None}
    items = [f'<a href="{escape(url)}" target="_blank" rel="noopener">{name}</a>' for name, url in found.items() if url]
    missing = "" if repo or space else f"The model card is {BUNDLED.name}/{CARD}, beside the code of this app."
    return f'<p class="links">{" ".join(items)}{missing}</p>'


def plot(file: Path, alt: str) -> str:
    """A picture that loads when it comes into sight; app.py lets it be served."""
    return (
        f'<img src="gradio_api/file={escape(str(file))}" alt="{escape(alt)}" loading="lazy">' if file.is_file() else ""
    )


def published(versions: tuple[Version, ...], served: str | None) -> str:
    """The table of published versions, the served one marked; nothing before the Hub has been asked."""
    if not versions:
        return ""
    rows = "".join(row(version, version.commit == served) for version in versions)
    heading = "".join(f"<th>{name}</th>" for name in ("Version", "Test images", "Date"))
    return f"<h2>Published versions</h2><table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>"


def row(version: Version, served: bool) -> str:
    names = escape(version.label) + (" <strong>(served)</strong>" if served else "")
    score = summarize({"test": version.results.get("test", {})}).removeprefix("test ") or "not stated"
    date = version.date.date().isoformat() if version.date else ""
    commit = f"<br><code>{escape(version.commit[:8])}</code>"
    return f"<tr><td>{names}{commit}</td><td>{escape(score)}</td><td class=whole>{date}</td></tr>"


def moment(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else ""
