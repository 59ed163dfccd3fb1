"""Train one: a network of the visitor's own learns digits before their eyes.

    train_one.view()       # inside a gr.Tab

runs.py trains it, an epoch a question; train_one.js, and the scripts that it names, ask and show.
"""

from __future__ import annotations

import json
from html import escape

import gradio as gr

from nn.mlp import DIGITS
from nn.recipes import PRESETS
from weights.serving.page.lab import archives, drawings, runs
from weights.serving.page.lab.lesson import glossary, word
from weights.serving.page.lab.loading import PROBLEM, room
from weights.serving.page.lab.settings import KERNEL_SIZE, KERNELS, MOST_DRAWINGS, RATES

HIDDEN = {"": "none", "16": "16", "64": "64", "256-128": "256, then 128", "kernels": f"{KERNELS} kernels"}
# Settings in sight: name, what the page calls it, value -> words, the value that is chosen at first.
CHIPS = (
    ("hidden", "Size of the network", HIDDEN, "16"),
    ("rate", "Size of steps", {"careful": "careful", "good": "good", "bold": "bold", "wild": "wild"}, "good"),
    ("digits", "Digits to learn from", {"100": "100", "1000": "1,000", "4500": "4,500"}, "4500"),
)
# More of them, as chips and in menus; in a menu the first value is chosen.
MORE_CHIPS = (("activation", "Kind of unit", {"relu": "ReLU", "sigmoid": "sigmoid"}, "relu"),)
MORE = (
    ("optimizer", "Optimizer", {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}),
    ("batch_size", "Digits per step", {"32": "32", "8": "8", "128": "128", "512": "512"}),
    ("dropout", "Dropout", {"0": "none", "0.2": "20%", "0.5": "50%"}),
    ("decay", "Weight decay", {"0": "none", "0.001": "0.001", "0.01": "0.01"}),
)
# The field's own name of a setting
TERMS = {
    "hidden": f": its {word('hidden units')}",
    "rate": f": the {word('learning rate')}",
    "activation": f": its {word('activation')}",
}
# Words under More that are explained below it
MORE_TERMS = ("SGD", "momentum", "Adam", "mini-batch", "dropout", "weight decay", "seed")
SEEDS = 5
# Settings to try, what the link to them says, and what to look for once the new network trains.
EXPERIMENTS = (
    ("16,good", "Take good steps", "After how many rounds does it read nine of ten digits?"),
    ("16,careful", "Take careful steps", "How many rounds does it take now?"),
    ("16,bold", "Take bold steps", "Why do the curves jump? Look at the loss as well."),
    ("16,wild", "Take wild steps", "What happens to the loss, and to the units?"),
    (
        "64,bold,100,optimizer=momentum",
        "Learn from 100 digits",
        "Choose <i>Loss</i>. Which of the two curves rises again?",
    ),
    ("kernels", "Take kernels", "Compare their pictures with those of hidden units. What is different?"),
)
FUNCTIONS = [
    runs.start,
    runs.load,
    runs.go,
    runs.look,
    runs.unit,
    runs.teach,
    runs.take,
    drawings.save_set,
    drawings.load_set,
]


def view() -> gr.HTML:
    """The whole tab as one component."""
    return room("train", content, FUNCTIONS)


def content() -> str:
    return (
        f'<p class="lead">Your network begins with random {word("weights")}. After every few digits they change a '
        f"little, each against its {word('gradient')}, and the answers get better. "
        '<a href="#inside=learn">See one step in numbers</a>.</p>'
        f"{settings()}"
        '<p class="controls running"><button type="button" class="main" data-press="play">Play</button>'
        '<button type="button" data-press="step">One round</button>'
        '<button type="button" data-press="reset">Reset</button>'
        f'<span class="round">Not trained yet</span></p>{PROBLEM}'
        '<p class="earlier" role="status"></p>'
        f"{experiments()}"
        f'<div class="bench" data-most-files="{archives.MOST_SENT}" data-most-bytes="{archives.MOST_BYTES}">'
        '<section class="you unread example"><h2>Your drawing, now</h2><div class="now"><canvas role="img" '
        f'aria-label="The picture as the network sees it"></canvas><div><p class="note"></p>{teaching()}</div></div>'
        '<div class="pair both"><div><h3>Your network</h3><ol class="bars mine"></ol></div>'
        '<div><h3>The network on <i>Draw</i></h3><ol class="bars theirs"></ol></div></div></section>'
        '<section class="score"><p class="big" role="status"><b>…</b> right on 1,000 new digits</p>'
        '<p class="measures"><button type="button" data-curve="share" aria-pressed="true">Right answers</button>'
        f'<button type="button" data-curve="loss" aria-pressed="false">Loss</button><span>What is {word("loss")}?'
        "</span></p>"
        '<div class="curves" role="img"><span></span><span></span><span></span><div></div></div>'
        '<p class="key"><span class="line seen">digits it learns from <b></b></span>'
        '<span class="line unseen">new digits <b></b></span></p><p class="told" role="status"></p></section>'
        '<section class="filters"><h2>What its units look for</h2>'
        f'<p class="convolved" hidden>Each {word("kernel")} is compared with <span class="side"></span> pixels, all '
        'over the picture.</p><p><span class="some"></span>Blue: ink here makes the sum larger. Orange: ink here makes '
        "it smaller. Tap a picture to see it large.</p>"
        '<div class="tiles weights"></div></section>'
        '<section class="tests"><h2>Some new digits</h2>'
        '<p>It never saw them while it learned. Green is right, red is wrong. <span class="tapped-to"></span></p>'
        f'<ul class="tiles digits"></ul></section>{own_set()}{files()}</div>{glossary()}'
        '<dialog aria-labelledby="of-unit"><div class="of-unit"><h2 id="of-unit" tabindex="-1" autofocus></h2>'
        '<div class="pair"><canvas class="large" role="img" aria-label="The weights"></canvas>'
        "<div><p>The new digits with the largest sums:</p>"
        '<ul class="tiles"></ul></div></div>'
        '<p class="controls"><button type="button" data-press="close">Close</button></p></div></dialog>'
    )


def experiments() -> str:
    items = "".join(f'<li><a href="#lab={settings}">{link}</a>. {words}</li>' for settings, link, words in EXPERIMENTS)
    return (
        '<details class="tries"><summary>Experiments to try</summary><p>Choose one, then press Play.</p>'
        f"<ol>{items}</ol></details>"
    )


def settings() -> str:
    """All that decides how a network learns."""
    beside_preset = {"digits"}  # chips that a preset leaves alone
    chips = "".join(group(*each, own=each[0] not in beside_preset) for each in CHIPS)
    more = "".join(group(*each, own=True) for each in MORE_CHIPS)
    selects = "".join(select(*each, own=True) for each in MORE)
    selects += select("seed", "Seed", {str(seed): str(seed) for seed in range(SEEDS)}, own=False)
    presets = {"": "the settings above"} | {name: name for name, preset in PRESETS.items() if preset.repeats}
    about = {name: about_preset(name) for name in presets if name}
    others = group("preset", "Or a network that a public project published", presets, "", about=about)
    return (
        f'<form class="settings" data-kernels="{KERNELS}" data-kernel-size="{KERNEL_SIZE}" '
        f'data-rates="{escape(json.dumps(RATES))}">{chips}'
        f'<details class="more"><summary>More</summary>{more}<p>{selects}</p>'
        f'<p class="terms">What is {" ".join(map(asked_about, MORE_TERMS))}</p>'
        f'{others}<p class="about"></p></details></form>'
    )


def asked_about(term: str) -> str:
    """A word of a question that ends with the last one; no line begins with its comma."""
    return f"<span>{word(term)}{'?' if term == MORE_TERMS[-1] else ','}</span>"


def about_preset(name: str) -> str:
    preset = PRESETS[name]
    figure = f" With all of MNIST its author reports, in percent: {preset.published}." if preset.published else ""
    return f"{preset.about}.{figure} Here it learns from the digits chosen above, for at most a minute."


def group(
    name: str,
    title: str,
    values: dict[str, str],
    chosen: str,
    own: bool = False,
    about: dict[str, str] | None = None,
) -> str:
    """A row of chips, one of which is chosen. own: a preset replaces it. about: what the page says of a value."""
    chips = "".join(
        f'<label><input type="radio" name="{name}" value="{value}"{" checked" if value == chosen else ""}'
        f"{data_about(about, value)}>"
        f"<span>{values[value]}</span></label>"
        for value in values
    )
    return f"<fieldset{own_settings(own)}><legend>{title}{TERMS.get(name, '')}</legend>{chips}</fieldset>"


def data_about(about: dict[str, str] | None, value: str) -> str:
    return f' data-about="{escape(about[value])}"' if about and value in about else ""


def teaching() -> str:
    digits = options({"": "?"} | {str(digit): str(digit) for digit in range(DIGITS)})
    return (
        f'<div class="teach"><label>My drawing is a <select class="label">{digits}</select></label>'
        '<p class="controls"><button type="button" data-press="mixed" disabled>Teach it with old digits</button>'
        '<button type="button" data-press="alone" disabled>Teach it alone</button></p></div>'
    )


def own_set() -> str:
    return (
        f'<section class="set" data-most="{MOST_DRAWINGS}"><h2>Your own set</h2>'
        '<p class="counted" role="status"></p><ul class="tiles own"></ul><p class="controls">'
        '<button type="button" data-press="all" data-needs>Teach all of them</button>'
        '<button type="button" data-press="save-set" data-needs>Save the set</button>'
        '<button type="button" data-press="load-set">Load a set</button>'
        f'<input type="file" accept=".zip" hidden></p>{PROBLEM}</section>'
    )


def files() -> str:
    return (
        '<section class="along"><h2>Take it with you</h2>'
        "<p>Save the network as a zip. Load it here another day, and it learns on. On your computer, unpack it into a "
        "folder <code>mine</code>: <code>python app.py predict --weights mine PICTURE</code>.</p>"
        '<p class="controls"><button type="button" data-press="take">Save the network</button>'
        '<button type="button" data-press="load">Load a network</button>'
        '<input type="file" accept=".zip,.safetensors,.json" multiple hidden></p>'
        f'{PROBLEM}<p class="taken" role="status"></p></section>'
    )


def select(name: str, title: str, values: dict[str, str], own: bool) -> str:
    return f'<label>{title} <select name="{name}"{own_settings(own)}>{options(values)}</select></label>'


def options(values: dict[str, str]) -> str:
    return "".join(f'<option value="{value}">{words}</option>' for value, words in values.items())


def own_settings(own: bool) -> str:
    """An attribute of what a preset replaces."""
    return " data-own-settings" if own else ""
