"""The section of *See inside* about learning: one step of backpropagation on the picture, number by number.

learning.view()     # as HTML; learning.js brings it to life
learning.target()   # the menu of digits: there is one in each section, and they agree
"""

from __future__ import annotations

from nn.mlp import DIGITS
from weights.serving.page.lab import questions, settings
from weights.serving.page.lab.code_links import link
from weights.serving.page.lab.lesson import word
from weights.serving.page.lab.loading import PROBLEM


def target() -> str:
    digits = "".join(f'<option value="{digit}">{digit}</option>' for digit in range(DIGITS))
    return f'<label>The right digit <select class="target">{digits}</select></label>'


def head(*names: str) -> str:
    """The head of a table. A name of two words with a bar between them stands over bars, at either side."""
    cells = (
        f'<th scope="col" class="sides"><div><span>{"</span> <span>".join(name.split("|"))}</span></div></th>'
        if "|" in name
        else f'<th scope="col">{name}</th>'
        for name in names
    )
    return f"<thead><tr>{''.join(cells)}</tr></thead><tbody></tbody>"


SIDES = "too little|too much"


def view() -> str:
    rates = "".join(f'<option value="{rate}">{rate}</option>' for rate in questions.RATES)
    most = questions.MOST_STEPS
    elsewhere, together = settings.RATES["sgd"]["good"], settings.Settings.model_fields["batch_size"].default
    return (
        '<section class="learning" tabindex="-1"><h2>How it learns: one step backwards</h2>'
        "<p>Say which digit the picture should be. The error goes back through the network: that is "
        f"{word('backpropagation')}. Then all weights move a little, each against its {word('gradient')}.</p>"
        '<p class="pretend" role="status"></p>'
        f'<p class="controls">{target()}<label>Learning rate <select class="rate">{rates}</select></label>'
        f'<span class="controls"><button type="button" class="main" data-learn="again" data-most="{most}">Take one step'
        '</button><button type="button" data-learn="over" disabled>Start over</button></span></p>'
        f'{PROBLEM}<p class="about">On <i>Train one</i> a good {word("learning rate")} is {elsewhere}: there a step '
        f"follows the mean gradient of {together} digits. Here one digit decides alone, and large steps make it forget "
        "others.</p>"
        f'<div class="said" role="status"></div><div class="taken" hidden>{backwards()}{changes()}</div></section>'
    )


def backwards() -> str:
    """How the error reaches the units."""
    return (
        '<div class="three neutral"><div><h3>1. How wrong is each digit?</h3><p>Probability minus target.</p>'
        f'<table class="deltas">{head("digit", "before", "target", SIDES, "delta2", "after")}</table>{link("delta2")}'
        "</div><div><h3>2. Which unit is to blame?</h3><p>Blame is dL/dh, the derivative of the loss with respect to "
        "the unit's output. Above 0 it said too much, below 0 too little. Tap a unit.</p>"
        f'<table class="blames">{head("unit", SIDES, "blame", "delta1")}</table>{link("blame")}</div>'
        '<div><h3>The blame of <span class="which"></span></h3><p>Each digit\'s delta2 times the weight from the unit '
        f'to it, all added up.</p><table class="terms">{head("digit", "delta2", "× weight", "=")}</table>'
        f'<p class="passes"></p>{link("delta1")}</div></div>'
    )


def changes() -> str:
    """What moves, for the chosen unit."""
    return (
        '<h3>3. What changes in <span class="which"></span>?</h3><div class="three moves"><figure class="change">'
        '<canvas role="img" aria-label="How the weights of this unit change"></canvas>'
        "<figcaption>Change of its weights: blue ones grow, orange ones fall. Those of black pixels stay.</figcaption>"
        f'</figure><div class="rule first"></div><div class="rule second"></div></div>'
        f"<p>{link('dW1')} {link('dW2')} {link('db')} {link('sgd')}</p>"
    )
