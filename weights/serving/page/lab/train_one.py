"""Train one: a network of the visitor's own learns digits before their eyes.

    train_one.view()       # inside a gr.Tab

runs.py trains it, an epoch a question; train_one.js asks and shows.
"""

from __future__ import annotations

import gradio as gr

from nn.mlp import DIGITS
from weights.serving.page.lab import runs
from weights.serving.page.lab.loading import room

# Settings in sight: name, what the page calls it, value -> words; the first value is chosen.
CHIPS = (
    ("hidden", "Hidden units", {"16": "16", "": "none", "64": "64", "256-128": "256-128"}),
    ("rate", "Steps", {"good": "good", "careful": "careful", "wild": "wild"}),
    ("digits", "Digits to learn from", {"5000": "5,000", "1000": "1,000", "100": "100"}),
    ("activation", "Units", {"relu": "ReLU", "sigmoid": "sigmoid"}),
)
ORDERS = {"hidden": ["", "16", "64", "256-128"], "rate": ["careful", "good", "wild"], "digits": ["100", "1000", "5000"]}
MORE = (
    ("optimizer", "Optimizer", {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}),
    ("batch_size", "Digits a step", {"32": "32", "8": "8", "128": "128", "512": "512"}),
    ("dropout", "Dropout", {"0": "none", "0.2": "20%", "0.5": "50%"}),
    ("decay", "Weight decay", {"0": "none", "0.001": "0.001", "0.01": "0.01"}),
    ("seed", "Seed", {str(seed): str(seed) for seed in range(5)}),
)


def view() -> gr.HTML:
    """The whole tab as one component."""
    return room("train", content, [runs.start, runs.go, runs.look, runs.teach, runs.take])


def content() -> str:
    chips = "".join(group(*each) for each in CHIPS)
    selects = "".join(
        f'<label>{title} <select name="{name}">{options(values)}</select></label>' for name, title, values in MORE
    )
    return (
        '<p class="lead">It begins with random numbers and sees digits, again and again. '
        "After each, every weight moves a little.</p>"
        f'<form class="settings">{chips}<details class="more"><summary>More</summary><p>{selects}</p></details></form>'
        '<p class="controls"><button type="button" class="main" data-press="play">Play</button>'
        '<button type="button" data-press="step">Step</button><button type="button" data-press="reset">Reset</button>'
        '<span class="round">Not trained yet</span></p><p class="problem" role="status"></p>'
        '<div class="bench">'
        '<section class="you"><h2>Your drawing, now</h2><div class="pair now"><canvas role="img" '
        'aria-label="Your drawing as the network sees it"></canvas><p class="note"></p></div>'
        '<div class="pair both"><div><h3>Your network</h3><ol class="bars mine"></ol></div>'
        '<div><h3>The one on <i>Draw</i></h3><ol class="bars theirs"></ol></div></div></section>'
        '<section class="score"><p class="big"><b>…</b> right on 1,000 digits it never saw</p>'
        '<div class="curves"></div><p class="key"><span class="line seen">digits it learns from</span>'
        '<span class="line unseen">digits it never saw</span></p><p class="told" role="status"></p>'
        f"{teaching()}</section>"
        '<section class="filters"><h2>What its units look for</h2><p>Blue speaks for, orange against.</p>'
        '<div class="tiles weights"></div></section>'
        '<section class="tests"><h2>Twenty of the unseen digits</h2><p>Green is right, red is wrong.</p>'
        '<ul class="tiles digits"></ul></section></div>'
        '<p class="controls along"><button type="button" data-press="take">Take it along</button>'
        '<span class="taken"></span></p>'
    )


def group(name: str, title: str, values: dict[str, str]) -> str:
    """A row of chips, one of which is chosen."""
    chosen = next(iter(values))
    chips = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{" checked" if value == chosen else ""}>'
        f"<span>{values[value]}</span></label>"
        for value in ORDERS.get(name, values)
    )
    return f"<fieldset><legend>{title}</legend>{chips}</fieldset>"


def options(values: dict[str, str]) -> str:
    return "".join(f'<option value="{value}">{words}</option>' for value, words in values.items())


def teaching() -> str:
    digits = options({str(digit): str(digit) for digit in range(DIGITS)})
    return (
        '<p class="controls teach"><label>My drawing is a <select class="label">' + digits + "</select></label>"
        '<button type="button" data-press="mixed">Teach it, with old digits</button>'
        '<button type="button" data-press="alone">Teach it alone</button></p>'
    )
