"""The network, as the page shows it: its size and results, its mistakes, which weights are served and since when, what
was published. Read-only.

    content = network.view(serving)    # inside gr.Blocks

Names come from the Hub, where anybody may have chosen them: everything is escaped.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import os
from datetime import datetime
from html import escape

import gradio as gr
from PIL import Image, ImageOps

from nn import MLP
from nn.files import BUNDLED, CARD_FILE, MISTAKES_DATA
from nn.measure.metrics import CLASSES
from nn.mlp import DIGITS
from weights.current import BUNDLED_SOURCE, Serving
from weights.hub.figures import learned_from, summarize
from weights.hub.pull import Version
from weights.serving.gradio_internals import field
from weights.serving.page import percent
from weights.serving.page.answer import article, axis_label
from weights.serving.page.inputs import CANVAS, on_the_pad

HUB = "https://huggingface.co"
MISTAKES = BUNDLED / MISTAKES_DATA  # of the bundled weights; those of others are on their card
MADE_UP = {"redrawn", "written", "non_digits"}  # settings of a recipe for pictures that a program made
MISREAD = "misread-"  # and a number: the name of such a digit on the pad, as strokes.js knows it
MANY = 4  # errors of one kind, from which a cell is coloured no deeper
PIXELS_ON_THE_PAD = 280  # of a digit's side when it is loaded
# A cell shows its digits. A digit that is pressed goes on the pad, or to the pictures where the browser has no pad.
CHOOSE = """
element.addEventListener("click", ({ target }) => {
    const cell = target.closest("[data-cell]"), digit = target.closest("[data-mistake]");
    if (cell) for (const each of element.querySelectorAll("[data-cell], .wrong")) {
        const chosen = [each.dataset.cell, each.dataset.of].includes(cell.dataset.cell);
        if (each.matches(".wrong")) each.hidden = !chosen;
        else each.setAttribute("aria-pressed", chosen);
    }
    const as_picture = document.documentElement.matches(".padless");
    if (digit) trigger("select", { index: Number(digit.dataset.mistake), as_picture });
});
"""


def view(serving: Serving) -> gr.HTML:
    """A folded section, brought up to date each time somebody unfolds it.

    `select` of its content tells which misread digit was chosen, as {"index": ...}.
    """
    with gr.Accordion("The network", open=False, elem_id="network") as section:
        content = gr.HTML(introduction(serving), js_on_load=CHOOSE)
    section.expand(
        lambda: render(serving), None, content, show_progress="hidden", queue=False, api_visibility="private"
    )
    return content


def load(event: gr.EventData) -> tuple:
    """Values of pad and picture when a misread digit is chosen: it lies on the pad, as large as one would draw it."""
    index, known = field(event, "index"), mistakes()["mistakes"]
    if type(index) is not int or not 0 <= index < len(known):
        raise gr.Error("There is no such digit.", print_exception=False)
    digit = Image.open(io.BytesIO(base64.b64decode(known[index]["png"]))).convert("L")
    paper = Image.new("L", CANVAS, "white")
    large = ImageOps.invert(digit).resize((PIXELS_ON_THE_PAD,) * 2, Image.Resampling.BICUBIC)
    paper.paste(large, ((CANVAS[0] - PIXELS_ON_THE_PAD) // 2, (CANVAS[1] - PIXELS_ON_THE_PAD) // 2))
    if field(event, "as_picture") is True:
        return gr.skip(), paper
    return on_the_pad(paper, f"{MISREAD}{index}"), gr.skip()


def render(serving: Serving) -> str:
    """The view as HTML: first what it can do and where it errs, last its version and checksum."""
    served, versions = serving.current.provenance, serving.versions
    bundled = served.source == BUNDLED_SOURCE
    confusions = confusion_matrix(mistakes(), served.results) if bundled else ""
    return (
        introduction(serving)
        + confusions
        + links(None if bundled else served.source)
        + published(versions, served.revision)
        + facts(serving)
    )


def introduction(serving: Serving) -> str:
    """What a person wants to know first."""
    model, served = serving.current
    test, layers = served.results.get("test", {}), len(model.hidden) - len(model.linear)
    said = f"{model.theta.size:,} numbers in {layers} hidden {'layer' if layers == 1 else 'layers'}, learned from"
    said += f" {count:,} digits" if (count := learned_from(model.info)) else " digits"
    said += " that people wrote by hand"
    training = model.info.get("training", {})
    if any(training.get(name) for name in MADE_UP):
        said += ", and from pictures that a program made"
        said += ", some of which are not digits" if training.get("non_digits") else ""
    said += ". The code is written from scratch in NumPy."
    if {"accuracy", "errors", "images"} <= test.keys():
        wrong, images = test["errors"], test["images"]
        said += f" Of {images:,} that it had never seen it misreads {wrong:,}: {test['accuracy']:.2%} are right."
    return f'<p class="lead">{said}</p>'


@functools.cache
def mistakes() -> dict:
    """The confusion matrix of the bundled weights and every image behind its errors; see nn.measure.plots."""
    return json.loads(MISTAKES.read_text("utf-8")) if MISTAKES.is_file() else {"counts": [], "mistakes": []}


def confusion_matrix(found: dict, results: dict) -> str:
    """The matrix as a table in which an error is a button, and below it the digits of each.

    Empty when `found` is not about the weights that got these results.
    """
    wrong = len(found["mistakes"])
    if not wrong or wrong != results.get(found["split"], {}).get("errors"):
        return ""
    names = [axis_label(name) for name in CLASSES]
    heading = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(map(row_of_matrix, names[:DIGITS], found["counts"]))
    groups: dict[str, str] = {}
    for index, mistake in enumerate(found["mistakes"]):
        place = f"{mistake['true']}-{axis_label(mistake['read'])}"
        groups[place] = groups.get(place, "") + misread(index, mistake)
    digits = "".join(f'<ul class="wrong" data-of="{place}" hidden>{items}</ul>' for place, items in groups.items())
    return (
        "<h2>Its mistakes</h2>"
        "<p>Rows: what was written. Columns: what was read. Choose a coloured number to see its digits, and a digit to "
        "try it. It is then cut out and centred again, so the answer may differ.</p>"
        f'<div class="matrix"><table><thead><tr><td></td>{heading}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{digits}"
    )


def row_of_matrix(true: str, counts: list[int]) -> str:
    """How often one digit was read as each of the classes."""
    cells = "".join(cell(true, axis_label(read), count) for read, count in zip(CLASSES, counts, strict=False))
    return f'<tr><th scope="row">{true}</th>{cells}</tr>'


def cell(true: str, read: str, count: int) -> str:
    """One count of the confusion matrix; a button if these were errors."""
    if true == read or not count:
        return f"<td>{count or ''}</td>"
    said = f"{count} of {true} read as {read}"
    return (
        f'<td><button type="button" data-cell="{true}-{read}" aria-pressed="false" aria-label="{said}"'
        f' style="--errors:{min(count, MANY) / MANY:.2f}">{count}</button></td>'
    )


def misread(index: int, mistake: dict) -> str:
    """One misread digit as a list item: a button that takes it as the input."""
    share, sure = percent.sure(mistake["confidence"]), percent.in_words(mistake["confidence"])
    said = f"{article(mistake['true']).capitalize()}, read as {mistake['read']}, {sure} sure. Try it."
    image = f'<img src="data:image/png;base64,{mistake["png"]}" width="28" height="28" alt="{said}">'
    return f'<li><button type="button" data-mistake="{index}" title="{said}">{image}{escape(share)}</button></li>'


def facts(serving: Serving) -> str:
    """The table of what identifies these weights."""
    model, served = serving.current
    look = serving.look
    names = [version.label for version in serving.versions if version.commit == served.revision]
    rows = {
        "Layers": layers(model),
        "Results": summarize(served.results),
        "Weights": "bundled with this app" if served.source == BUNDLED_SOURCE else served.source,
        "Version": ", ".join(names) or served.requested,
        "Served since": moment(served.since),
        "Hub last checked": moment(look.checked),
        "Problem": look.error,
        "Commit": served.revision,
        "SHA-256": served.sha256,
    }
    shown = "".join(
        f'<tr><th scope="row">{name}</th><td>{escape(value)}</td></tr>' for name, value in rows.items() if value
    )
    return f'<h2>These weights</h2><table class="facts">{shown}</table>'


def layers(model: MLP) -> str:
    """`784 → 4800 → 1125 → 11, 3 networks side by side, kernels of 8 × 8, relu, 1,830,599 parameters`"""
    members = f"{model.members} networks side by side, " if model.members > 1 else ""
    kernels = f"kernels of {model.kernel_size} × {model.kernel_size}, " if model.kernel_size else ""
    return f"{model.layers.replace('-', ' → ')}, {members}{kernels}{model.activation}, {model.theta.size:,} parameters"


def links(repo: str | None) -> str:
    """Where to read more: the card of these weights, and the code, if this runs on a Space."""
    space = os.environ.get("SPACE_ID")
    code = f"{HUB}/spaces/{space}"
    card = f"{HUB}/{repo}" if repo else f"{code}/blob/main/{BUNDLED.name}/{CARD_FILE}"
    found = {"Model card": card if repo or space else None, "Code": f"{code}/tree/main" if space else None}
    items = [f'<a href="{escape(url)}" target="_blank" rel="noopener">{name}</a>' for name, url in found.items() if url]
    missing = "" if repo or space else f"The model card is {BUNDLED.name}/{CARD_FILE}, beside the code of this app."
    return f'<p class="links">{" ".join(items)}{missing}</p>'


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
