"""See inside: one picture on its way through a small network, with the network's own numbers, and one step of learning.

    inside.view()       # inside a gr.Tab

The page gets the numbers of one pass once (questions.py); inside.js shows them and works on them in the browser.
"""

from __future__ import annotations

import gradio as gr

from weights.serving.page.lab import kernels, learning, lesson, questions
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
    return stepper() + stage() + learning.view() + kernels.view() + lesson.view()


def stepper() -> str:
    buttons = "".join(
        f'<button type="button" data-step="{name}" aria-pressed="{str(name == "pixels").lower()}">'
        f"<small>{number}</small> {title}</button>"
        for number, (name, title) in enumerate(STEPS.items(), start=1)
    )
    return (
        '<p class="lead">A small network looks at your drawing.</p><p class="which-picture"></p>'
        f'{PROBLEM}<div class="stepper" role="group" aria-label="The way through the network">{buttons}</div>'
        '<p class="asked" hidden><b>Question:</b> <span></span> '
        '<button type="button" data-answer>Its answer</button></p>'
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


def slope() -> str:
    """The loss over one weight: slope.js draws the curve above the slider, as wide as it."""
    return (
        '<div class="slope"><div><div class="curve"></div>'
        '<label class="weight"><input type="range" min="-1" max="1" step="0.01" value="0">'
        f"<span>Change this weight</span><output></output></label>"
        "<p>The loss over this weight alone. Where the curve is steep a step is large, where it is flat, small.</p>"
        f"</div><div>{learning.target()}"
        '<p class="sumline"><span>loss<b class="loss"></b></span><span>gradient = slope<b class="gradient"></b></span>'
        '</p><p class="controls"><button type="button" data-downhill>Step downhill</button></p>'
        '<p class="next"></p><p class="fell" role="status"></p></div></div>'
    )


def stage() -> str:
    """The picture at the left, what a step shows of it in the middle, the answer at the right."""
    pointed = (
        '<figure class="seen"><div class="map pointed" role="slider" tabindex="0" aria-label="A pixel of the picture" '
        'aria-valuemin="0" aria-valuemax="783" aria-valuenow="0"><canvas></canvas><span class="cursor"></span></div>'
        '<figcaption class="place">Tap or point at a pixel</figcaption></figure>'
    )
    head = "<thead><tr>{}</tr></thead><tbody></tbody>"
    scored = '<th scope="col">digit</th><td></td><th scope="col">score</th>'
    pushed = '<th scope="col">unit</th><th scope="col">h</th><th scope="col">× weight</th><td></td>'
    pushed += '<th scope="col">= push</th>'
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("digit", "score", "exp(score)", "probability"))
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
            f"<p>It has one {word('weight')} for each pixel: blue is above 0, orange below. Pixel times weight, all "
            f"added up with a {word('bias')}, is its sum z. {word('ReLU')} makes its output h of that.</p>"
            '<div class="pair">'
            + picture("looks", "its weights", "The weights of this unit")
            + picture("worths", "pixel × weight", "What each pixel contributes")
            + '<div class="course"></div></div><p class="sumline product"></p><p class="sumline sum"></p>'
            f"<p>{link('z')} {link('relu')}</p>{slope()}",
        )
        + part(
            "units",
            f"<h2>All {word('hidden units')} do the same, each with weights of its own</h2>"
            "<p>A unit whose sum z is not above 0 is silent: its output h is 0. Switch one off and see what the answer "
            "loses.</p>"
            f'<div class="units"><ul></ul></div><p>{link("z")} {link("relu")}</p>',
        )
        + part(
            "scores",
            "<h2>Each unit pushes each digit up or down</h2>"
            f"<p>Its output h times a weight; added up, that is the digit's score, its {word('logit')}. "
            "Choose a digit to see who pushes it.</p>"
            f'<div class="pair"><table class="scores">{head.format(scored)}</table>'
            f'<table class="pushes"><caption></caption>{head.format(pushed)}</table></div><p>{link("logits")}</p>',
        )
        + part(
            "percent",
            "<h2>Scores become probabilities</h2>"
            f"<p>{word('Softmax')} takes e, which is 2.718, to the power of each score, so that none is below 0, "
            "and divides by their sum. The results add up to 1, which is 100%.</p>"
            f'<table class="shares">{head.format(columns)}</table><p class="lossline"></p>'
            f"<p>{link('softmax')} {link('loss')}</p>",
        )
        + '</div><div class="answer"><h2>The answer</h2><p>…</p><ol class="bars"></ol></div></div>'
    )
