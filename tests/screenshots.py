"""Takes pictures of the page, to be looked at: laptop and phone, light and dark, empty and with a digit drawn.

python tests/screenshots.py OUT
"""

import argparse
from itertools import pairwise
from pathlib import Path

from conftest import STROKES, Visit, launched, serving

SCREENS = {
    "laptop": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844, "phone": True},
}
DIGIT = 3


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
            for scheme in ("light", "dark"):
                visit = Visit(browser, url, scheme=scheme, **options)
                name = f"{screen}-{scheme}"
                visit.page.screenshot(path=folder / f"{name}-empty.png")
                for stroke in STROKES[DIGIT]:
                    visit.stroke(rounded(stroke))
                visit.answer.wait_for()
                visit.page.screenshot(path=folder / f"{name}-drawn.png")
                if scheme == "light":
                    open_everything(visit.page)
                    visit.page.screenshot(path=folder / f"{name}-open.png", full_page=True)
                    visit.page.get_by_role("tab", name="Use a picture").click()
                    visit.page.locator("#picture").wait_for()
                    visit.page.screenshot(path=folder / f"{name}-picture.png")
                visit.close()
                print(name)
    (folder / "server.log").unlink()


def open_everything(page):
    """Unfolds what is folded away."""
    for accordion in ("#all-ten", "#measurements"):
        page.locator(f"{accordion} button").click()
    page.locator("#details table").wait_for()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    take(out)


if __name__ == "__main__":
    main()
