"""A lesson of six questions with their answers, and the words that the rooms take for known.

lesson.view()               # both, folded, as HTML
lesson.word("gradient")     # a word that says what it means when it is tapped
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

WORDS = {
    "pixel": "One dot of the picture: a number from 0, black, to 1, white.",
    "weight": "A number that a pixel or a unit's output is multiplied by. Learning changes weights and biases.",
    "bias": "A number that is added to a unit's sum. The larger it is, the more easily the unit responds.",
    "hidden unit": "It multiplies each input by a weight, adds them all up with a bias, and gives the sum to its "
    "activation.",
    "layer": "Units side by side: each gets the same inputs, and all that they say goes on to the next layer.",
    "activation": "What a unit makes of its sum: ReLU or sigmoid. Without it many layers could do no more than one.",
    "kernel": "A small square of weights. At every place they are multiplied with the pixels below, and added up.",
    "max-pooling": "Of neighbouring sums only the largest is kept.",
    "ReLU": "What a hidden unit does with its sum: below 0 it says 0, above 0 it says the sum.",
    "sigmoid": "It turns a unit's sum into a number between 0 and 1; a sum of 0 becomes 0.5.",
    "logit": "A digit's score before it becomes a probability. It can be any number.",
    "softmax": "It turns scores into probabilities: e to the power of each, divided by the sum of all.",
    "probability": "How sure the network is of a digit, from 0 to 1. Those of all digits add up to 1, which is 100%.",
    "loss": "How wrong the answers are. It is 0 if the right digit has a probability of 1, and grows as this falls: "
    "−ln of the probability, on average over the digits. Guessing among ten digits has −ln 0.1 = 2.3. The natural "
    "logarithm ln undoes the powers of e = 2.718.",
    "gradient": "For each number, how much the loss grows when that number grows a little.",
    "backpropagation": "The way to all gradients at once: the error goes back through the layers, last one first.",
    "learning rate": "A factor. In one step each weight moves by this times its gradient, the other way.",
    "round": "Once through all the digits it learns from; elsewhere it is called an epoch.",
    "mini-batch": "The few digits that one step learns from: its gradient is their average.",
    "SGD": "Stochastic gradient descent: after every few digits a step against the gradient that they give.",
    "momentum": "A part of the step before is added to each step, as a ball rolls on.",
    "Adam": "Adam gives each weight a step size of its own: smaller where gradients were large.",
    "dropout": "In each step of learning some units are left out by chance, so that none relies on another.",
    "weight decay": "Each step also makes all weights a little smaller. A weight stays large only if that keeps the "
    "loss low.",
    "seed": "The number that the random numbers begin from: with the same one the same network comes out.",
    "divergence": "Steps so large that each one overshoots: the loss grows and does not come down again.",
    "overfitting": "A network that knows its training pictures by heart and fails on others.",
    "MNIST": "70,000 digits, handwritten by pupils and census workers in the USA. The digits here are from it.",
    "adversarial example": "A picture that was changed so little that you hardly see it, and that a network misreads.",
}


class Question(NamedTuple):
    text: str
    step: str  # of See inside, which shows the answer
    answer: str  # for any picture; inside.js adds what holds for the present one


QUESTIONS = (
    Question(
        "How many numbers does the network get, and what does it not know about them?",
        "pixels",
        "784, one a pixel. It does not know which pixels are neighbours. If all pictures had their pixels shuffled in "
        "the same way, it would learn just as well.",
    ),
    Question(
        "Which pixel adds most to the sum of a unit, and is its weight blue or orange?",
        "unit",
        "The one with the largest pixel × weight. Its weight is blue: only a weight above 0 adds something. A black "
        "pixel adds nothing, whatever its weight.",
    ),
    Question(
        "Which units stay silent, and what does the answer lose when you switch the loudest one off?",
        "units",
        "Units whose sum z is not above 0 are silent. Without the loudest unit its pushes are gone: scores that it "
        "pushed up fall, scores that it pushed down rise. Often the other units still find the same digit.",
    ),
    Question(
        "Which unit pushes hardest for the answer, and which against it?",
        "scores",
        "The unit with the largest h × weight pushes hardest for the answer. The one furthest below 0 pushes hardest "
        "against it. A silent unit pushes nothing, however large its weights are.",
    ),
    Question(
        "Two scores differ by 1. By what factor do their probabilities differ?",
        "percent",
        "By e = 2.718, whatever the scores are: exp(5) is 2.718 times exp(4), and both are divided by the same sum. A "
        "difference of 2 makes it e × e = 7.389.",
    ),
    Question(
        "Tell it a wrong digit and take steps. When does it change its mind, and which weights never move?",
        "learn",
        "As soon as the wrong digit's score passes that of the right one. For the runner-up this takes about three "
        "steps at the rate 0.002, and one at 0.02. Weights of black pixels never move: pixel × delta1 = 0. "
        "Nor does any weight of a unit that stays silent: its h and delta1 are 0.",
    ),
)
# What a link shows; each names a room and its settings, and can be handed to a class.
LINKS = {
    "#lab=16,good": "a small network learns within seconds",
    "#lab=16,bold": "steps that are rather large: the curves jump",
    "#lab=16,wild": "steps that are too large: divergence",
    "#lab=64,bold,100,optimizer=momentum": "too few digits: overfitting",
    "#lab=kernels": "kernels: one pattern is looked for everywhere",
    "#inside=unit": "what one unit does",
    "#inside=percent": "from scores to percent",
    "#inside=kernels": "what a kernel finds in a drawing",
    "#inside=learn": "one step of gradient descent, number by number",
    "#fool": "a change that you hardly see: an adversarial example",
}


def word(shown: str) -> str:
    """A word of the glossary, or its plural; tapped or focused, it says what it means."""
    meaning = next(WORDS[name] for name in (shown, shown.lower(), shown.removesuffix("s")) if name in WORDS)
    return f'<button type="button" class="word">{escape(shown)}<span role="tooltip">{escape(meaning)}</span></button>'


def view() -> str:
    questions = "".join(
        f'<li>{escape(question.text)} <button type="button" class="show" data-step="{question.step}">Show me</button>'
        f'<details class="solution"><summary>Answer</summary><p>{escape(question.answer)} '
        f'<span data-now="{question.step}"></span></p></details></li>'
        for question in QUESTIONS
    )
    links = "".join(f'<li><a href="{link}"><code>{link}</code></a> {shown}</li>' for link, shown in LINKS.items())
    return (
        f"<details><summary>Lesson: six questions</summary><ol>{questions}</ol>"
        "<p>For teachers: right-click one of these links, or hold it on a phone, to copy it for your pupils. Each "
        "opens a part of this page with its settings.</p>"
        f"<ul>{links}</ul></details>"
        f"{glossary()}"
    )


def glossary() -> str:
    words = "".join(f"<dt>{escape(each)}</dt><dd>{escape(meaning)}</dd>" for each, meaning in WORDS.items())
    return f"<details><summary>Words: a glossary</summary><dl>{words}</dl></details>"
