"""What a visitor waits for: the page beside a bare gr.Sketchpad and gr.Label of the same canvas size, in one Chromium.

    python tests/bench/page.py [--quick] [--json FILE]

The bare app answers with the same network and shows nothing else. Both get the same strokes in turn, so that whatever
else the machine does meets both. Measured in the page itself: from pointer-up to the new Label (must: 1.1 of the bare
app), from pointer-down to the first answer in sight, which the page shows while the stroke is being drawn, and from the
start of the load to a pad that can be drawn on. Requests and bytes are those of one stroke, up and down, without the
ones for answers while drawing, which stand apart; page weight is what a first visit loads.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "page")]

from conftest import START_SECONDS, STROKES, launched, serving  # noqa: E402
from screenshots import rounded  # noqa: E402

BARE = """
import gradio as gr
import app
from weights.serving.page import inputs
with gr.Blocks() as demo:
    pad = gr.Sketchpad(
        elem_id="pad", type="pil", canvas_size=inputs.CANVAS, height=inputs.PAD_HEIGHT, fixed_canvas=True,
        brush=gr.Brush(default_size=inputs.BRUSH_RADIUS, colors=["#000000"], color_mode="fixed"),
    )
    label = gr.Label(num_top_classes=3, elem_id="label")
    def answer(drawing):
        return None if drawing is None or drawing["composite"] is None else app.recognize(drawing["composite"])
    pad.change(answer, pad, label)
demo.launch(ssr_mode=False)
"""

# Notes when the pointer went down and up, when the Label came, and when any answer was first in sight.
CLOCK = """
const clock = (window.clock = {});
for (const type of ["pointerdown", "pointerup"])
    addEventListener(type, () => { clock[type] ??= performance.now(); }, { capture: true });
new MutationObserver(() => {
    if (!document.querySelector("#label [data-testid=label-output-value]")) return;
    clock.seen ??= performance.now();
    if (clock.pointerup && !document.querySelector("#answer.live")) clock.label ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""
START = "for (const key of Object.keys(clock)) delete clock[key]"

OURS, PEER = "page", "bare"
PAGES, STROKES_EACH = 3, 10
DIGITS = (7, 1)  # drawn in turn
QUIET_MS = 700  # without any request, after an answer: then the stroke's requests are over
LIVE = "/live"
MUST = 1.1


class Tab:
    """A first visit to one of the apps, and its strokes."""

    def __init__(self, browser, url, ours):
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.context.set_default_timeout(START_SECONDS * 1000)
        self.page = self.context.new_page()
        self.page.add_init_script(CLOCK)
        self.finished = []
        self.page.on("requestfinished", lambda request: self.finished.append(request))
        self.ours = ours
        self.page.goto(url)
        self.arm()
        self.armed_ms = self.page.evaluate("performance.now()")
        self.page.wait_for_load_state("networkidle")
        self.weight = self.spent()

    def arm(self):
        """The bare pad puts its brush away on load and after each clear; the page's does not."""
        if not self.ours:
            self.page.locator('#pad button[aria-label="Brush"]').first.click()
        self.page.locator("#pad button.highlight").first.wait_for()

    def spent(self):
        """(requests, KB) since the last call, and the same for answers while drawing."""
        counts = {False: [0, 0.0], True: [0, 0.0]}
        for request in self.finished:
            sizes = request.sizes()
            count = counts[request.url.endswith(LIVE)]
            count[0] += 1
            count[1] += sum(sizes.values()) / 1000
        self.finished.clear()
        return counts

    def stroke(self, digit):
        """Draws, waits for the Label, clears; milliseconds and requests of this stroke."""
        self.page.evaluate(START)
        canvas = self.page.locator("#pad canvas").first.bounding_box()
        side = min(canvas["width"], canvas["height"])
        left, top = canvas["x"] + (canvas["width"] - side) / 2, canvas["y"] + (canvas["height"] - side) / 2
        first, *rest = [(left + side * x, top + side * y) for x, y in rounded(STROKES[digit][0], times=2)]
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in rest:
            self.page.mouse.move(*point)
        self.page.mouse.up()
        self.page.wait_for_function("clock.label")
        self.page.wait_for_timeout(QUIET_MS)
        clock, spent = self.page.evaluate("clock"), self.spent()
        self.page.locator('#pad button[aria-label="Clear canvas"]').click()
        self.page.locator("#label [data-testid=label-output-value]").wait_for(state="detached")
        self.page.wait_for_timeout(QUIET_MS)
        self.arm()
        self.spent()
        return {
            "label": clock["label"] - clock["pointerup"],
            "seen": clock["seen"] - clock["pointerdown"],
            "requests": spent[False][0],
            "kb": spent[False][1],
            "live_requests": spent[True][0],
            "live_kb": spent[True][1],
        }


def measure(browser, urls, pages, strokes):
    """{app: list of pages, each (weight, armed_ms, list of strokes)}"""
    found = {name: [] for name in urls}
    for _ in range(pages):
        for name, url in urls.items():
            tab = Tab(browser, url, name == OURS)
            drawn = [tab.stroke(DIGITS[i % len(DIGITS)]) for i in range(strokes)]
            found[name].append((tab.weight, tab.armed_ms, drawn))
            tab.context.close()
    return found


def summarized(pages):
    """Medians over all strokes, first strokes, last strokes and loads of an app."""
    strokes = [stroke for _, _, drawn in pages for stroke in drawn]
    loads = [weight[False] for weight, _, _ in pages]
    return {
        "up_to_label_ms": statistics.median(stroke["label"] for stroke in strokes),
        "down_to_first_answer_ms": statistics.median(stroke["seen"] for stroke in strokes),
        "first_answer_ms": statistics.median(drawn[0]["label"] for _, _, drawn in pages),
        "last_answer_ms": statistics.median(drawn[-1]["label"] for _, _, drawn in pages),
        "requests_per_stroke": statistics.median(stroke["requests"] for stroke in strokes),
        "kb_per_stroke": statistics.median(stroke["kb"] for stroke in strokes),
        "live_requests_per_stroke": statistics.median(stroke["live_requests"] for stroke in strokes),
        "live_kb_per_stroke": statistics.median(stroke["live_kb"] for stroke in strokes),
        "armed_ms": statistics.median(armed for _, armed, _ in pages),
        "page_requests": statistics.median(count for count, _ in loads),
        "page_kb": statistics.median(kb for _, kb in loads),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write {measure: value} to this file")
    parser.add_argument("--quick", action="store_true", help="one page and two strokes of each, to see that it works")
    arguments = parser.parse_args()
    pages, strokes = (1, 2) if arguments.quick else (PAGES, STROKES_EACH)

    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        with (
            serving(logs / "page.log") as ours,
            serving(logs / "bare.log", sys.executable, "-c", BARE) as theirs,
            launched() as browser,
        ):
            found = measure(browser, {OURS: ours, PEER: theirs}, pages, strokes)

    ours, theirs = (summarized(found[name]) for name in (OURS, PEER))
    print(f"{pages} pages of each, {strokes} strokes on each; medians")
    print(f"{'':28}{OURS:>10}{PEER:>10}{'ratio':>8}")
    for measure_name, value in ours.items():
        peer = theirs[measure_name]
        ratio = f"{value / peer:8.2f}" if peer else ""
        note = f"   (must {MUST:g})" if measure_name == "up_to_label_ms" else ""
        print(f"{measure_name:28}{value:10.1f}{peer:10.1f}{ratio}{note}")
    if arguments.json:
        measures = {f"page_{name}": value for name, value in ours.items()}
        measures |= {f"page_{PEER}_{name}": value for name, value in theirs.items()}
        ratios = {f"page_{name}_ratio": value / theirs[name] for name, value in ours.items() if theirs[name]}
        arguments.json.write_text(json.dumps(measures | ratios, indent=2) + "\n")


if __name__ == "__main__":
    main()
