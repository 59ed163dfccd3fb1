"""What the page shows of the network at work: the answer in words, which ink spoke for it, the hidden units, all bars.

answer.words(answer)                             # a sentence and a chart of all probabilities, as HTML
answer.steps(answer, tensor, explanation)        # the later steps of the way, as HTML
"""

from __future__ import annotations

import functools
from html import escape

import numpy as np

from nn.evidence import Explanation, Unit
from nn.measure.metrics import CLASSES, NOT_A_DIGIT, Answer
from preprocessing.frame import SIDE
from weights.serving.page import percent
from weights.serving.page.drawing import figure, picture_url, step, to_levels
from weights.serving.recognize import Reading, text_of

SHOWN = 3  # classes that gr.Label is given; its heading is the first of them
SURE, LIKELY = 0.9, 0.6  # from these probabilities on, the answer is put as certain or as probable
UNITS_SHOWN = 6
COUNTS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")

# Colours of evidence on black: told apart by people who see no red or green, too.
FOR, AGAINST = np.array([0.42, 0.72, 1.0]), np.array([1.0, 0.55, 0.2])
INK = 0.22  # how light ink without a say is
STRONG = 0.35  # of the strongest evidence in a map; from here on colours deepen no more

LEAST = 0.01  # less likely classes get no label: a row of "0%" tells nobody anything

# The tile that is pressed tells the way of its digit. Gradio may ask about a picture twice, and the second answer knows
# of no tile: then it is chosen again.
CHOOSE_TILE = """
const TRIES = 3; // at most: the server may not know the tile any more
let chosen = null;
let centred = ""; // the picture and the digit that its sheet was last scrolled to
const picture = () => element.querySelector(".several img")?.src;
const choose = () => trigger("select", { index: chosen.index });
const middle = (each) => {
    const { left, right, top, bottom } = each.getBoundingClientRect();
    return [(left + right) / 2, (top + bottom) / 2];
};
element.addEventListener("click", ({ target }) => {
    const tile = target.closest("[data-tile]");
    if (!tile) return;
    chosen = { index: Number(tile.dataset.tile), picture: picture(), tries: TRIES };
    choose();
});
// The sheet is scrolled to a digit when it is chosen, and then stays where the visitor scrolls it. Gradio keeps the
// elements of the previous answer, so only a class tells that another digit is chosen.
new MutationObserver(() => {
    const box = element.querySelector(".sheet .chosen"), now = box ? `${box.dataset.tile} ${picture()}` : "";
    if (box && now !== centred) {
        const sheet = box.closest(".sheet"), [x, y] = middle(box), [u, v] = middle(sheet);
        sheet.scrollBy(x - u, y - v);
    }
    centred = now;
}).observe(element, { subtree: true, childList: true, attributeFilter: ["class"] });
new MutationObserver(() => {
    if (chosen?.picture !== picture()) chosen = null;
    if (!chosen?.tries || element.querySelector("[data-tile][aria-pressed=true]")) return;
    chosen.tries -= 1;
    choose();
}).observe(element, { subtree: true, childList: true });
"""


def words(answer: Answer, hint: str = "") -> str:
    """The answer to one digit as HTML: a sentence, at most one hint, and a chart of all probabilities."""
    return f"<p>{sentence(answer)}</p><small>{escape(hint)}</small>{chart(answer)}"


def live_answer(readings: list[Reading]) -> dict:
    """What live.js shows of an unfinished drawing: the value of gr.Label and the HTML beside it."""
    if not readings:
        return {"label": {}, "words": ""}
    if len(readings) > 1:
        return {"label": {}, "words": f"{set_large(text_of(readings))}<p>So far</p>"}
    answer = readings[0].answer
    confidences = [{"label": name, "confidence": share} for name, share in ranked(answer)[:SHOWN]]
    said = f"<p>So far: {guess(answer)}</p><small></small>{chart(answer)}"
    return {"label": {"label": readings[0].best, "confidences": confidences}, "words": said}


def guess(answer: Answer) -> str:
    """An answer in as few words as can be: "7", "7 or 1?" or "no digit"."""
    (best, confidence), (second, _) = ranked(answer)[:2]
    if best == NOT_A_DIGIT:
        return "no digit"
    return best if confidence >= LIKELY or second == NOT_A_DIGIT else f"{best} or {second}?"


def sentence(answer: Answer) -> str:
    """An answer in words."""
    (best, confidence), (second, _) = ranked(answer)[:2]
    if best == NOT_A_DIGIT:
        return "This does not look like a digit to me."
    if confidence >= SURE:
        return f"That is {article(best)}."
    if confidence >= LIKELY:
        return f"Probably {article(best)}."
    if second == NOT_A_DIGIT:
        return f"Hard to tell: {article(best)}?"
    return f"Hard to tell: {best} or {second}?"


def several(text: str, confidence: float) -> str:
    """The text of several digits, line by line, and how sure it is of all of them, as HTML."""
    number, others = sum(symbol.isdigit() for symbol in text), text.count("?")
    digits = f"{counted(number)} {'digit' if number == 1 else 'digits'}"
    if others:
        shapes, are = ("shape", "is") if others == 1 else ("shapes", "are")
        said = f"{digits}, and {counted(others).lower()} {shapes} that {are} none, it seems."
    else:
        together = "" if number == 1 else " of all together"
        said = f"{digits}{', I think' * (confidence < SURE)}: {percent.in_words(confidence)} sure{together}."
    return f"{set_large(text)}<p>{said}</p>"


def counted(number: int) -> str:
    return COUNTS[number] if number < len(COUNTS) else str(number)


def set_large(text: str) -> str:
    """The text of several digits as HTML; the longer it is and the more lines it has, the smaller."""
    lines = text.split("\n")
    longest = max(map(len, lines))
    shown = "<br>".join(map(" ".join, lines))
    return f'<strong style="--count:{longest};--lines:{len(lines)}">{shown}</strong>'


def digits(readings: list[Reading], chosen: int | None = None) -> str:
    """The way of several digits, as a list item: a button for each, which shows that digit's own way below."""
    line = "The picture is cut where its digits read best. Each is centred and read alone. Choose one to see why."
    tiles = "".join(tile(reading, i, i == chosen) for i, reading in enumerate(readings))
    return step("digits", f"<ul>{tiles}</ul>", "One by one", line)


def tile(reading: Reading, index: int, chosen: bool) -> str:
    """One of several digits as a button: its 28x28 pixels, its answer, and how sure that is."""
    picture = figure(picture_url(to_levels(reading.prepared.tensor)), f"Read as {reading.best}")
    return (
        f'<li><button type="button" data-tile="{index}" aria-pressed="{str(chosen).lower()}">{picture}'
        f"<b>{reading.symbol}</b> {escape(percent.sure(reading.confidence))}</button></li>"
    )


def article(digit: str | int) -> str:
    """A digit with its article: "a 7" or "an 8"."""
    return f"{'an' if str(digit) == '8' else 'a'} {digit}"


def ranked(answer: Answer) -> list[tuple[str, float]]:
    """Classes and their probabilities, the likeliest first."""
    return sorted(answer.items(), key=lambda item: -item[1])


def named(name: str) -> str:
    """A class as it is spoken of in a line of text."""
    return "no digit" if name == NOT_A_DIGIT else name


def steps(answer: Answer, tensor: np.ndarray, explanation: Explanation | None) -> str:
    """Evidence, hidden units and probabilities as list items; placeholders without an answer."""
    if explanation is None:
        evidence = step("for", blank(), "Evidence", "Which ink will speak for the answer.") + step(
            "against", blank(), "Against", "Which ink will tell it from the runner-up."
        )
        units = ""
    else:
        (best, _), (second, _) = ranked(answer)[:2]
        best, second = named(best), named(second)
        evidence = step(
            "for",
            figure(ink_map(explanation.evidence, tensor), f"Ink that spoke for {best} in blue, against in orange"),
            f"For {best}",
            "Blue ink spoke for it, orange against.",
        ) + step(
            "against",
            figure(
                ink_map(explanation.contrast, tensor),
                f"Ink that spoke for {best} rather than {second} in blue, the other way round in orange",
            ),
            f"{best} or {second}?",
            f"Blue ink spoke for {best}, orange ink for {second}.",
        )
        first = explanation.units[0] if explanation.units else []
        units = "".join(
            unit(each, share, best, not i) for i, (each, share) in enumerate(zip(first, strengths(first), strict=True))
        )
    line = "The six strongest. Choose one."
    return evidence + step(
        "units",
        f"<ul>{units or f'<li><label>{blank()}<i></i></label><p></p></li>' * UNITS_SHOWN}</ul>",
        "Hidden units",
        line,
    )


@functools.cache
def blank() -> str:
    return figure(picture_url(np.zeros((SIDE, SIDE), np.uint8)), "Nothing yet")


def ink_map(evidence: np.ndarray, tensor: np.ndarray) -> str:
    """A map of evidence as a picture of the ink, coloured by what it said."""
    strength = np.clip(evidence / max(STRONG * np.abs(evidence).max(), 1e-9), -1, 1)[..., None]
    colour = np.where(strength > 0, FOR, AGAINST) * np.abs(strength)
    grey = INK * tensor[..., None] * (1 - np.abs(strength))
    return picture_url(to_levels(colour + grey))


def unit(unit: Unit, share: float, name: str, chosen: bool) -> str:
    """One hidden unit as a list item: blue ink excites it, orange ink quiets it, a bar shows what it added. Its words
    are shown when it is chosen.
    """
    weights = unit.picture / max(np.abs(unit.picture).max(), 1e-9)
    colours = np.where(weights[..., None] > 0, FOR, AGAINST) * np.abs(weights[..., None])
    picture = figure(picture_url(to_levels(colours)), f"What hidden unit {unit.index} looks for")
    checked = " checked" * chosen
    return (
        f'<li><label><input type="radio" name="unit"{checked}>{picture}<i style="--p:{share:.3f}"></i></label>'
        f"<p><b>Unit {unit.index}</b> looks for ink where it is blue, and for none where it is orange. "
        f"Here it added {unit.contribution:+.2f} to the score of {name}.</p></li>"
    )


def strengths(units: list[Unit]) -> list[float]:
    """How much each contributed to the answer, as a share of the one that contributed most."""
    most = max((unit.contribution for unit in units), default=0) or 1
    return [max(unit.contribution, 0) / most for unit in units]


def chart(answer: Answer) -> str:
    """All probabilities as columns, in the order of the digits so that they keep their places, as HTML."""
    best, _ = ranked(answer)[0]
    labels = {name: column_label(share) if share >= LEAST else "" for name, share in answer.items()}
    columns = "".join(
        f'<i style="--p:{answer[name]:.4f}"{" class=best" * (name == best)}><b>{labels[name]}</b>'
        f"<u></u>{axis_label(name)}</i>"
        for name in CLASSES
    )
    said = ", ".join(f"{name} {percent.in_words(share)}" for name, share in ranked(answer) if share >= LEAST)
    return f'<div class="chart" role="img" aria-label="Probabilities: {said}">{columns}</div>'


def column_label(share: float) -> str:
    """How sure it is of a class, as HTML. On a narrow screen the page leaves the sign out, and says it once."""
    return f"{escape(percent.sure(share).removesuffix('%'))}<span>%</span>"


def axis_label(name: str) -> str:
    """A class where there is little room."""
    return "none" if name == NOT_A_DIGIT else name
