"""Takes pictures of the page, to be looked at: laptop, tablet and phone, light and dark, in every state worth a look.

    python tests/page/screenshots.py OUT [--readme]

--readme also replaces the two pictures that the README shows.
"""

import argparse
import sys
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from conftest import ROOT, STROKES, Visit, launched, serving
from PIL import Image

SCREENS = {
    "laptop": {"width": 1280, "height": 800},
    "tablet": {"width": 768, "height": 1024},
    "phone": {"width": 390, "height": 844, "phone": True},
    "small": {"width": 360, "height": 640, "phone": True},
}
SCHEMES = ("light", "dark")
DIGIT = 3
COLOURS = 128  # enough for a page, and a picture of 30 KB instead of 100
README = {"laptop-light-drawn": "laptop", "phone-dark-drawn": "phone"}  # in .assets


def rounded(stroke, times=3):
    """The stroke with its corners cut off again and again (Chaikin 1974), as a hand would draw it."""
    for _ in range(times):
        cut = [stroke[0]]
        for (x, y), (u, v) in pairwise(stroke):
            cut += [(0.75 * x + 0.25 * u, 0.75 * y + 0.25 * v), (0.25 * x + 0.75 * u, 0.25 * y + 0.75 * v)]
        stroke = [*cut, stroke[-1]]
    return stroke


def take(folder):
    """Writes SCREEN-SCHEME-STATE.png into the folder."""
    with serving(folder / "server.log") as url, launched() as browser:
        for screen, options in SCREENS.items():
            for scheme in SCHEMES:
                visit = Visit(browser, url, scheme=scheme, **options)
                for state, full in states(visit):
                    visit.page.screenshot(path=folder / f"{screen}-{scheme}-{state}.png", full_page=full)
                visit.close()
                print(f"{screen}-{scheme}")
    (folder / "server.log").unlink()


def states(visit):
    """Brings the page into one state after the other: (name, whether to show all of the page)."""
    words = visit.page.locator("#words")
    yield "empty", False
    visit.page.locator("#answer h2").wait_for()
    settled(visit.page)
    yield "first", False
    *strokes, last = map(rounded, STROKES[DIGIT])
    for stroke in strokes:
        visit.stroke(stroke)
    visit.begin(last)
    visit.page.locator("#answer.live h2").wait_for()
    yield "drawing", False
    visit.page.mouse.up()
    visit.answer.wait_for()
    settled(visit.page)
    yield "drawn", False
    visit.page.get_by_role("button", name="Measurements").click()
    visit.page.get_by_role("button", name="The network").click()
    visit.page.locator("#network .matrix").wait_for()
    visit.page.locator("#network [data-cell='4-9']").click()
    settled(visit.page)
    yield "open", True
    visit.page.get_by_role("button", name="Measurements").click()
    visit.page.get_by_role("button", name="The network").click()
    visit.take_example("sum 27")
    words.filter(has_text="digits").wait_for()
    visit.page.get_by_role("button", name="Read as 7").click()
    visit.page.locator("#why ol.chosen").wait_for()
    settled(visit.page)
    yield "sum", True
    for example, said in (("several 2026", "digits"), ("letter A", "not look like a digit"), ("4 tiny", "4")):
        visit.take_example(example)
        words.filter(has_text=said).wait_for()
        settled(visit.page)
        yield example.replace(" ", "-"), True
    visit.take_example("paper 2")
    visit.answer.filter(has_text="2").wait_for()
    settled(visit.page)
    yield "picture", True
    for room, button in (("Train one", "Play"), ("See inside", None), ("Fool it", "Fool it")):
        visit.page.get_by_role("tab", name=room).click()
        if button:
            visit.page.get_by_role("button", name=button).click()
        if button == "Play":
            visit.page.get_by_text("3 rounds through the digits").wait_for()
            visit.page.get_by_role("button", name="Pause").click()
        settled(visit.page)
        yield room.replace(" ", "-"), True


def settled(page):
    """Waits until nothing moves and every picture is there."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function("[...document.images].every(i => i.complete || i.loading === 'lazy')")
    page.wait_for_function("document.getAnimations().every(a => a.playState !== 'running')")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="replace the README's pictures as well")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    take(arguments.out)
    for name, shown in README.items() if arguments.readme else ():
        with Image.open(arguments.out / f"{name}.png") as picture:
            picture.quantize(COLOURS).save(ROOT / ".assets" / f"{shown}.png", optimize=True)


if __name__ == "__main__":
    main()
