"""See inside: one picture on its way through a small network, with the network's own numbers, and one step of learning.

    inside.view()       # inside a gr.Tab

The page gets the numbers of one pass once (questions.py); inside.js shows them and works on them in the browser.
"""

from __future__ import annotations

import gradio as gr

from nn.mlp import DIGITS
from weights.serving.page.lab import kernels, lesson, questions
from weights.serving.page.lab.code_links import link
from weights.serving.page.lab.lesson import word
from weights.serving.page.lab.loading import PROBLEM, room

STEPS = {
    "pixels": "Pixels",
    "unit": "One unit",
    "units": "All units",
    "scores": "Scores",
    "percent": "Percent",
}


def view() -> gr.HTML:
    """The whole tab as one component."""
    return room("inside", content, [questions.numbers, questions.learn, questions.kernels])


def content() -> str:
    return stepper() + stage() + learning() + kernels.view() + lesson.view()


def stepper() -> str:
    buttons = "".join(
        f'<button type="button" data-step="{name}" aria-pressed="{str(name == "pixels").lower()}">'
        f"<small>{number}</small> {title}</button>"
        for number, (name, title) in enumerate(STEPS.items(), start=1)
    )
    return (
        '<p class="lead">A small network looks at your drawing.</p><p class="which-picture"></p>'
        f'{PROBLEM}<div class="stepper" role="group" aria-label="The way through the network">{buttons}</div>'
    )


def part(of: str, content: str, name: str = "") -> str:
    """What is in sight at these steps."""
    hidden = "" if "pixels" in of.split() else " hidden"
    return f'<div class="part {name}" data-of="{of}"{hidden}>{content}</div>'


def picture(name: str, title: str, label: str) -> str:
    """A picture of 28 by 28 with a cursor on the chosen pixel."""
    canvas = f'<canvas role="img" aria-label="{label}"></canvas>'
    return (
        f'<figure class="{name}"><div class="still">{canvas}<span class="cursor"></span></div>'
        f"<figcaption>{title}</figcaption></figure>"
    )


def stage() -> str:
    """The picture at the left, what a step shows of it in the middle, the answer at the right."""
    pointed = (
        '<figure class="seen"><div class="map pointed" role="slider" tabindex="0" aria-label="A pixel of the picture" '
        'aria-valuemin="0" aria-valuemax="783" aria-valuenow="0"><canvas></canvas><span class="cursor"></span></div>'
        '<figcaption class="place">Tap or point at a pixel</figcaption></figure>'
    )
    slider = (
        '<label class="weight">Change this weight <input type="range" min="-1" max="1" step="0.01" value="0">'
        "<output></output></label>"
    )
    head = "<thead><tr>{}</tr></thead><tbody></tbody>"
    scored = '<th scope="col">digit</th><td></td><th scope="col">score</th>'
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("digit", "score", "exp(score)", "share"))
    columns += "<td></td>"
    return (
        f'<div class="stage">{pointed}<div class="middle">'
        + part(
            "pixels",
            "<h2>The picture is a list of 784 numbers</h2>"
            "<p>Black is 0, white is 1. That is all the network gets: it does not know which pixels are neighbours.</p>"
            '<p class="inked"></p><p>Tap or point at a pixel, or use the arrow keys: these are '
            "the numbers around it.</p>"
            '<div class="near" aria-hidden="true"></div>',
        )
        + part(
            "unit",
            f'<h2><span class="which"></span> multiplies and adds</h2>'
            f"<p>It has one {word('weight')} for each pixel: blue is above 0, orange below. "
            "Pixel times weight, all added up.</p>"
            '<div class="pair">'
            + picture("looks", "its weights", "The weights of this unit")
            + picture("worths", "pixel × weight", "What each pixel contributes")
            + '</div><p class="sumline product"></p><div class="course"></div><p class="sumline sum"></p>'
            f"{slider}<p>{link('z')} {link('relu')}</p>",
        )
        + part(
            "units",
            f"<h2>All {word('hidden unit')}s do the same, each with weights of its own</h2>"
            "<p>A unit whose sum is below 0 stays silent: h is 0. Switch one off and see what the answer loses.</p>"
            f'<div class="units"><ul></ul></div><p>{link("z")} {link("relu")}</p>',
        )
        + part(
            "scores",
            "<h2>Each unit pushes each digit up or down</h2>"
            f"<p>Its output h times a weight; added up, that is the digit's score, its {word('logit')}. "
            "Choose a digit to see who pushes it.</p>"
            f'<div class="pair"><table class="scores">{head.format(scored)}</table>'
            f'<table class="pushes"><caption></caption><tbody></tbody></table></div><p>{link("logits")}</p>',
        )
        + part(
            "percent",
            "<h2>Scores become shares of 100%</h2>"
            f"<p>{word('Softmax')} takes e, which is 2.718, to the power of each score, so that none is below 0, "
            "and divides by their sum.</p>"
            f'<table class="shares">{head.format(columns)}</table><p class="lossline"></p><p>{link("softmax")}</p>',
        )
        + '</div><div class="answer"><h2>The answer</h2><p>…</p><ol class="bars"></ol></div></div>'
    )


def learning() -> str:
    """One step of backpropagation on this picture."""
    digits = "".join(f'<option value="{digit}">{digit}</option>' for digit in range(DIGITS))
    deltas = "".join(f'<th scope="col">{name}</th>' for name in ("digit", "before", "target"))
    deltas += '<th scope="col" colspan="2">delta2</th><th scope="col">after</th>'
    blames = '<th scope="col">unit</th><th scope="col" colspan="2">blame</th><th scope="col">delta1</th>'
    return (
        '<section class="learning"><h2>How it learns: one step backwards</h2>'
        f"<p>Say which digit the picture should be. The error goes back through the network "
        f"({word('backpropagation')}), and weights move a little, each against its {word('gradient')}.</p>"
        f'<p class="controls"><label>This should be a <select class="target">{digits}</select></label>'
        f'<button type="button" class="main" data-learn="again" data-most="{questions.MOST_STEPS}">'
        "Take one step</button>"
        '<button type="button" data-learn="over" disabled>Start over</button></p>'
        '<p class="said" role="status"></p><div class="taken three" hidden>'
        "<div><h3>1. How wrong is each digit?</h3><p>Probability minus target.</p>"
        f'<table class="deltas"><thead><tr>{deltas}</tr></thead><tbody></tbody></table>{link("delta2")}</div>'
        "<div><h3>2. Which unit is to blame?</h3>"
        "<p>Above 0: it should have said less. A silent unit learns nothing.</p>"
        f'<table class="blames"><thead><tr>{blames}</tr></thead><tbody></tbody></table>'
        f"{link('blame')} {link('delta1')}</div>"
        '<div><h3>3. What changes in <span class="which"></span>?</h3><p>Only weights of pixels that are not black. '
        "Blue weights grow, orange ones fall.</p>"
        + picture("change", "change of its weights", "How the weights of this unit change")
        + f'<p class="rule"></p>{link("dW1")} {link("sgd")}</div></div></section>'
    )
