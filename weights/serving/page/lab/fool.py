"""Fool it: change a picture a little until a small network sees another digit, and see what the served one says.

fool.view()     # inside a gr.Tab
"""

from __future__ import annotations

import gradio as gr

from nn.mlp import DIGITS
from weights.serving.page.lab import questions
from weights.serving.page.lab.code_links import link
from weights.serving.page.lab.lesson import word
from weights.serving.page.lab.loading import PROBLEM, room
from weights.serving.page.lab.shown import MOST_PICTURES


def view() -> gr.HTML:
    """The whole tab as one component."""
    return room("fool", content, [questions.change, questions.silence])


def content() -> str:
    return f'<section class="fooling">{gradient()}{people()}{pictures()}</section>{missions()}{silenced()}'


def slider(name: str, title: str, low: int, high: int, value: int) -> str:
    return (
        f'<label>{title} <input type="range" name="{name}" min="{low}" max="{high}" value="{value}">'
        f'<output data-of="{name}"></output></label>'
    )


def gradient() -> str:
    digits = "".join(f'<option value="{digit}">{digit}</option>' for digit in range(DIGITS))  # fool.js chooses one
    return (
        '<p class="lead">A small change that you hardly see can fool a network. Such a picture is called an '
        f"{word('adversarial example')}. Each pixel becomes a little lighter or darker, as its {word('gradient')} "
        "says. The small network comes with the page; it is not the one that you train. "
        '<span class="example"></span></p>'
        f'{PROBLEM}<p class="controls"><label>Target digit <select class="target">{digits}</select></label>'
        '<button type="button" class="main" data-press="fool">Fool it</button>'
        '<button type="button" data-press="back">As drawn</button></p>'
        f'<div class="sliders">{slider("strength", "Strength", 0, 50, 25)}</div>'
    )


def pictures() -> str:
    def figure(name: str, title: str) -> str:
        canvas = f'<canvas role="img" aria-label="The picture {title}"></canvas>'
        return f'<figure class="{name}">{canvas}<figcaption>{title}</figcaption></figure>'

    def answers(name: str, title: str) -> str:
        return f'<div class="answer {name}"><h2>{title}</h2><p>…</p><ol class="bars"></ol></div>'

    return (
        '<p class="outcome" role="status"></p><p class="achieved" hidden></p>'
        f'<div class="three figures">{figure("before", "as drawn")}{figure("times", "change × 10")}'
        f"{figure('after', 'after')}</div>"
        f'<div class="pair">{answers("small", "The small network")}{answers("served", "The network on Draw")}</div>'
        "<p>The mark on a bar shows the answer to the picture as drawn. The gradient comes from the small network, so "
        "the change is aimed at that network alone. "
        f"{link('fool')} "
        "<small>Goodfellow, Shlens and Szegedy 2014; Kurakin, Goodfellow and Bengio 2016.</small></p>"
    )


def people() -> str:
    """Ways to fool a network that need no gradient."""
    ways = (
        slider("degrees", "Rotate", -questions.MOST_DEGREES, questions.MOST_DEGREES, 0)
        + slider("thicker", "Thicken", 0, questions.MOST_PIXELS, 0)
        + slider("noise", "Noise", 0, 100, 0)
    )
    return (
        "<h2>Without the gradient</h2>"
        "<p>You still know the digit after a small change. How much change fools the network?</p>"
        f'<div class="sliders">{ways}<label>Invert <input type="checkbox" name="invert"></label></div>'
    )


def missions() -> str:
    items = "".join(
        f'<li data-mission="{name}"><span class="state">to do</span> {mission.text}</li>'
        for name, mission in questions.MISSIONS.items()
    )
    return (
        "<section><h2>Missions</h2><p>Draw something of your own. Missions count only while the gradient is off."
        '<span class="gradient-on" hidden> It is on now: press <i>As drawn</i> first.</span></p>'
        f'<ul class="missions">{items}</ul></section>'
    )


def silenced() -> str:
    """Units that can be switched off, and what is left of the network."""
    return (
        '<section class="silenced"><h2>Switch off units</h2>'
        f'<p><span class="network"></span> A {word("hidden unit")} that is off passes nothing on. What goes wrong?</p>'
        f'<div class="switches" data-few="{MOST_PICTURES}"></div>'
        '<p class="controls"><button type="button" data-press="on">All on</button></p>'
        f'{PROBLEM}<p class="big" role="status"><b>…</b></p>'
        '<div class="pair"><div><h3>Share of each digit that it reads right</h3>'
        '<ol class="bars of-digits"></ol></div>'
        '<div><h3 class="which-picture">The example</h3><ol class="bars of-drawing"></ol></div></div>'
        "</section>"
    )
