"""The page in a real browser: what a visitor does, and what must come of it."""

import base64
import re
from urllib.parse import urlsplit

import pytest
from conftest import EXAMPLES, STROKES, Visit, expect, free_port, running
from PIL import Image

LAPTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844, "phone": True}
PARTS = ("#title", "#pad", "#answer", "#why", "#examples")


@pytest.fixture(scope="module")
def seven(browser, server):
    """A laptop on which a 7 has been drawn with the mouse; the last test that shares it opens what was closed."""
    v = Visit(browser, server, **LAPTOP)
    v.places_before, v.serious_before = places(v), serious(v.page)
    v.draw(7)
    expect(v.answer).to_be_visible()
    yield v
    v.close()
    assert v.errors == []


@pytest.fixture(scope="module")
def five(browser, server):
    """A phone, dark, on which a 5 has been drawn with a finger; the last tests that share it change the drawing."""
    v = Visit(browser, server, **PHONE, scheme="dark")
    v.places_before, v.serious_before = places(v), serious(v.page)
    v.touch(5)
    expect(v.answer).to_be_visible()
    yield v
    v.close()
    assert v.errors == []


def places(v):
    """Where the parts of the page are."""
    return {part: v.page.locator(part).bounding_box() for part in PARTS}


def test_all_of_gradio_that_the_scripts_touch_exists_and_what_is_gone_is_named(pad):
    pad.page.get_by_role("tab", name="Use a picture").click()
    pad.page.locator("#picture input[type=file]").wait_for(state="attached")
    assert pad.page.evaluate("pad.missing()") == []
    without_two = """() => {
        const { extract } = window.editor.app.renderer, { pixels } = extract;
        const file = pad.part("file"), instead = document.createElement("i");
        extract.pixels = null;
        file.replaceWith(instead);
        const missing = pad.missing();
        extract.pixels = pixels;
        instead.replaceWith(file);
        return missing;
    }"""
    assert pad.page.evaluate(without_two) == ["file", "app.renderer.extract.pixels"]


def test_seven_drawn_with_the_mouse_is_a_seven(seven):
    expect(seven.answer).to_have_text("7")


def test_five_drawn_with_a_finger_is_a_five_and_the_page_does_not_scroll(five):
    expect(five.answer).to_have_text("5")
    assert five.page.evaluate("[scrollX, scrollY]") == [0, 0]


def test_drawing_and_clearing_again_and_again_loses_no_stroke(pad):
    for _ in range(2):
        pad.draw(1)
        expect(pad.answer).to_have_text("1")
        pad.press("Clear canvas")
        expect(pad.answer).to_have_count(0)


def test_answer_comes_while_the_stroke_is_being_drawn_and_gives_way_to_the_final_one(pad):
    pad.begin(*STROKES[7])
    expect(pad.page.locator("#words p")).to_have_text("So far: 7")
    expect(pad.page.locator("#label h2")).to_have_text("7")
    expect(pad.answer).to_have_count(0)
    expect(pad.page.locator("#words")).to_have_attribute("aria-busy", "true")  # a screen reader says none of these
    pad.page.mouse.up()
    expect(pad.page.locator("#words")).to_have_attribute("aria-busy", "false")
    expect(pad.answer).to_have_text("7")
    expect(pad.page.locator("#words p")).to_have_text("That is a 7.")


# What the server says in a stream comes at once. That it ends the stream comes a second later, as if it had crossed the
# next question on its way.
LATE_END = """(() => {
    const fetched = window.fetch;
    window.fetch = async (input, init) => {
        const response = await fetched(input, init);
        if (!/queue\\/data/.test(input?.url ?? input)) return response;
        if (window.refused) return new Response("{}", { status: 429 });
        const decoder = new TextDecoder(), encoder = new TextEncoder();
        const transform = async (chunk, stream) => {
            const text = decoder.decode(chunk), at = text.lastIndexOf("data:", text.indexOf("close_stream"));
            if (!text.includes("close_stream")) return stream.enqueue(chunk);
            stream.enqueue(encoder.encode(text.slice(0, at)));
            await new Promise((done) => setTimeout(done, 1000));
            window.ended = (window.ended ?? 0) + 1;
            stream.enqueue(encoder.encode(text.slice(at)));
        };
        return new Response(response.body.pipeThrough(new TransformStream({ transform })), response);
    };
})()"""


def test_an_answer_is_not_lost_that_comes_while_gradio_ends_its_stream(visit):
    v = visit()
    v.page.add_init_script(LATE_END)
    v.page.reload()
    v.wait_until_armed()
    v.wait_until_silent()
    for digit in (1, 7, 3):
        v.draw(digit)
        expect(v.answer).to_have_text(str(digit))
        v.press("Clear canvas")
        expect(v.answer).to_have_count(0)
    v.page.wait_for_function("window.ended > 0")


def test_an_answer_is_not_lost_if_no_stream_can_be_opened_for_a_while(visit):
    v = visit()
    v.page.add_init_script(LATE_END)
    v.page.reload()
    v.wait_until_armed()
    v.wait_until_silent()
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.evaluate("window.refused = true")
    v.press("Clear canvas")
    v.draw(7)
    v.page.wait_for_timeout(2500)
    v.page.evaluate("window.refused = false")
    expect(v.answer).to_have_text("7")


# A proxy keeps a stream alive with comments.
COMMENTS = """(() => {
    const fetched = window.fetch;
    window.fetch = async (input, init) => {
        const response = await fetched(input, init);
        if (!/queue\\/data/.test(input?.url ?? input)) return response;
        const transform = (chunk, stream) => {
            window.comments = (window.comments ?? 0) + 1;
            stream.enqueue(new TextEncoder().encode(": alive\\n\\n"));
            stream.enqueue(chunk);
        };
        return new Response(response.body.pipeThrough(new TransformStream({ transform })), response);
    };
})()"""


def test_a_comment_in_the_stream_costs_no_answer(visit):
    v = visit()
    v.page.add_init_script(COMMENTS)
    v.page.reload()
    v.wait_until_armed()
    for digit in (1, 7):
        v.draw(digit)
        expect(v.answer).to_have_text(str(digit))
        v.press("Clear canvas")
        expect(v.answer).to_have_count(0)
    assert v.page.evaluate("window.comments") > 0


def test_a_pen_that_rests_on_the_paper_has_lost_no_server(pad):
    v = pad
    v.page.evaluate("window.usual = setTimeout; window.setTimeout = (act, ms) => usual(act, ms === 10000 ? 200 : ms)")
    v.begin(*STROKES[7])
    expect(v.page.locator("#words p")).to_have_text("So far: 7")
    v.page.wait_for_timeout(1500)
    expect(v.page.locator("#words p")).to_have_text("So far: 7")
    v.page.evaluate("window.setTimeout = usual")
    v.page.mouse.up()
    expect(v.page.locator("#words p")).to_have_text("That is a 7.")


def test_live_answer_knows_the_strokes_before_and_the_eraser(pad):
    bar, stem = [(0.25, 0.25), (0.7, 0.25)], [(0.7, 0.25), (0.45, 0.85)]
    pad.wait_for_answer_to(lambda: pad.stroke(bar))
    pad.begin(stem)
    expect(pad.page.locator("#words p")).to_have_text("So far: 7")
    pad.page.mouse.up()
    expect(pad.answer).to_have_text("7")
    pad.press("Erase")
    pad.begin([(0.2, 0.25), (0.8, 0.22), (0.75, 0.28)])
    expect(pad.page.locator("#words p")).to_contain_text("So far")
    expect(pad.page.locator("#words p")).not_to_contain_text("7")
    pad.page.mouse.up()


def test_a_live_answer_that_does_not_come_leaves_the_next_stroke_its_own(pad):
    v, lost = pad, []
    v.page.evaluate("window.usual = AbortSignal.timeout; AbortSignal.timeout = () => usual.call(AbortSignal, 200)")
    v.route("**/live", lambda route: route.continue_() if lost else lost.append(route))
    v.draw(7)
    expect(v.answer).to_have_text("7")
    assert lost
    v.page.evaluate("AbortSignal.timeout = usual")
    v.press("Clear canvas")
    expect(v.page.locator("#words")).to_contain_text("Nothing here yet")
    v.begin(*STROKES[7])
    expect(v.page.locator("#words p")).to_have_text("So far: 7")
    v.page.mouse.up()


def test_page_is_worked_by_keyboard_alone(pad):
    """All but the drawing itself: an example is chosen, its answer read, the pad cleared, a link taken."""
    pad.page.locator("#examples button").first.focus()
    pad.page.keyboard.press("Tab")
    assert pad.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    pad.page.keyboard.press("Enter")
    expect(pad.answer).to_have_text("4")
    pad.page.keyboard.press("Escape")
    expect(pad.answer).to_have_count(0)


def test_slow_network_loses_no_stroke(pad):
    with pad.slowed(latency=400, downloadThroughput=50_000, uploadThroughput=25_000):
        for stroke in ([(0.25, 0.2), (0.7, 0.2)], [(0.7, 0.2), (0.45, 0.85)]):
            pad.stroke(stroke)
        expect(pad.answer).to_have_text("7")


def test_clear_just_after_an_answer_stays_clear(pad):
    """The pad asks more than once while an example is drawn: what is cleared meanwhile must not be answered last."""
    v = pad
    clear_at_once = """delay => window.cleared = new Promise(done => {
        const label = document.getElementById("label");
        new MutationObserver((_, observer) => {
            if (!label.querySelector("[data-testid=label-output-value]")) return;
            observer.disconnect();
            const clear = document.querySelector('#pad button[aria-label="Clear canvas"]');
            setTimeout(() => done(clear.click()), delay);
        }).observe(label, { subtree: true, childList: true });
    })"""
    for delay in (0, 200):
        v.page.evaluate(f"delay => {{ ({clear_at_once})(delay); }}", delay)
        v.take_example("7")
        v.page.evaluate("window.cleared")
        # The answer to the blank pad comes last. Only then can the next round be sure whose answer it sees.
        expect(v.page.locator("#words")).to_contain_text("Nothing here yet")
        v.wait_until_silent()
        expect(v.answer).to_have_count(0)


@pytest.mark.parametrize("clear", ["Escape", "the button by keyboard"])
def test_first_stroke_after_a_clear_counts_though_the_pointer_has_not_moved(pad, clear):
    pad.draw(7)
    expect(pad.answer).to_have_text("7")
    first, *rest = pad.points(STROKES[1][0])
    pad.page.mouse.move(*first)
    if clear != "Escape":
        pad.page.locator('#pad button[aria-label="Clear canvas"]').focus()
    pad.page.keyboard.press("Escape" if clear == "Escape" else "Enter")
    expect(pad.answer).to_have_count(0)
    pad.wait_until_armed()
    pad.page.mouse.down()
    for place in rest:
        pad.page.mouse.move(*place)
    pad.page.mouse.up()
    expect(pad.answer).to_have_text("1")


def test_clear_can_be_undone(pad):
    pad.draw(1)
    expect(pad.answer).to_have_text("1")
    for clear in (lambda: pad.page.keyboard.press("Escape"), lambda: pad.press("Clear canvas")):
        clear()
        expect(pad.answer).to_have_count(0)
        pad.page.keyboard.press("Control+z")
        expect(pad.answer).to_have_text("1")
    pad.press("Clear canvas")
    expect(pad.answer).to_have_count(0)
    pad.press("Undo")
    expect(pad.answer).to_have_text("1")


def test_old_answer_fades_as_soon_as_something_new_is_chosen_or_drawn(pad):
    pad.draw(1)
    expect(pad.answer).to_have_text("1")
    answer, old = pad.page.locator("#answer"), re.compile(r"\bold\b")
    with pad.slowed(latency=500):
        pad.take_example("letter A")
        expect(answer).to_have_class(old)
        expect(pad.page.locator("#words")).to_contain_text("not look like a digit")
        expect(answer).not_to_have_class(old)
        pad.begin([(0.3, 0.5), (0.31, 0.5)])
        expect(answer).to_have_class(old)
        pad.page.mouse.up()
        expect(answer).not_to_have_class(old)
        pad.press("Undo")
        expect(answer).to_have_class(old)


def test_invitation_fades_beside_a_drawing_that_waits_for_its_answer(visit):
    v = visit()
    answer, old = v.page.locator("#answer"), re.compile(r"\bold\b")
    v.draw(1)
    expect(v.answer).to_have_text("1")
    with v.held("**/queue/join**"):
        v.page.reload()
        expect(v.page.locator("#words")).to_contain_text("Nothing here yet")
        expect(answer).to_have_class(old)
    expect(v.answer).to_have_text("1")
    expect(answer).not_to_have_class(old)


def test_each_stroke_sends_its_ink_once(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.requests.clear()
    v.wait_for_answer_to(lambda: v.stroke([(0.2, 0.2), (0.5, 0.2)]))
    v.wait_until_silent()
    sent = [url for url in v.requests if "/upload" in url or "component_server" in url]
    assert len(sent) == 1


def test_escape_leaves_a_drawing_behind_the_page_about_the_api(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.get_by_role("button", name="Use via API").click()
    v.page.locator(".api-docs").first.wait_for()
    v.page.keyboard.press("Escape")
    v.wait_until_silent()
    expect(v.answer).to_have_text("1")
    v.page.locator(".api-docs .backdrop").click(position={"x": 5, "y": 5})
    expect(v.page.locator(".api-docs")).to_have_count(0)


def test_no_upload_of_an_example_is_repeated(pad):
    pad.requests.clear()
    pad.take_example("7")
    expect(pad.answer).to_have_text("7")
    pad.wait_until_silent()
    assert sum(url.endswith("/upload") for url in pad.requests) <= 2  # the example, and it with an empty layer of ink


def test_ink_whose_upload_the_server_lost_is_uploaded_again(pad):
    pad.draw(1)
    expect(pad.answer).to_have_text("1")
    pad.wait_until_silent()
    pad.requests.clear()
    lost = {"detail": "There is no such upload."}
    pad.route("**/queue/join**", lambda route: route.fulfill(status=422, json=lost), times=1)
    pad.page.get_by_role("tab", name="Use a picture").click()
    expect(pad.answer).to_have_count(0)
    pad.page.get_by_role("tab", name="On the pad").click()
    expect(pad.answer).to_have_text("1")
    assert any("/upload" in url for url in pad.requests)


def test_a_message_on_a_phone_covers_neither_the_rooms_nor_the_pad(visit):
    v = visit(phone=True, width=390, height=844)
    v.route("**/queue/join**", lambda route: route.fulfill(status=429, json={"detail": "Too many wait."}))
    v.touch(7)
    message = v.page.get_by_text("Too many wait.").first
    expect(message).to_be_in_viewport()
    assert message.bounding_box()["y"] > v.page.locator("#pad").bounding_box()["y"] + v.page.viewport_size["width"]


def test_what_does_not_reach_the_server_has_no_old_answer_and_is_asked_about_again(visit):
    v = visit()
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.context.set_offline(True)
    v.stroke([(0.2, 0.2), (0.5, 0.2)])
    expect(v.page.locator("#words p")).to_have_text("The server does not answer. Keep drawing: I will ask again.")
    expect(v.page.locator("#label")).to_be_hidden()
    v.context.set_offline(False)
    expect(v.answer).to_be_visible()
    v.errors[:] = [error for error in v.errors if not error.startswith("Connection errored out")]  # gradio's own


def test_drawing_survives_a_server_that_goes_and_comes_back(browser, tmp_path):
    port = free_port()
    with running(tmp_path / "first.log", port=port) as (url, _):
        v = Visit(browser, url)
        v.draw(1)
        expect(v.answer).to_have_text("1")
    v.press("Clear canvas")
    v.draw(7)
    expect(v.page.locator("#words p")).to_have_text("The server does not answer. Keep drawing: I will ask again.")
    expect(v.page.locator("#label h2")).to_have_count(0)
    with running(tmp_path / "second.log", port=port):
        expect(v.answer).to_have_text("7")
    v.close()


def test_tools_of_a_low_window_lie_side_by_side(pad):
    v = pad
    for width, height in ((640, 400), (844, 390), (320, 568)):
        v.page.set_viewport_size({"width": width, "height": height})
        erase, undo, clear = (
            v.page.locator(f'#pad button[aria-label="{name}"]').bounding_box()
            for name in ("Erase", "Undo", "Clear canvas")
        )
        assert erase["x"] + erase["width"] <= undo["x"]
        assert undo["x"] + undo["width"] <= clear["x"]


def test_nothing_is_shared_before_something_is_drawn(pad):
    both = {"Copy link": "Draw first", "Save picture": "No answer yet"}
    for name, said in both.items():
        pad.page.get_by_role("button", name=name).click()
        expect(pad.page.get_by_role("button", name=said)).to_be_visible()
        expect(pad.page.locator("#said")).to_have_text(said)
    for name in both:
        expect(pad.page.get_by_role("button", name=name)).to_be_visible()


def test_two_tabs_do_not_mix_their_drawings_and_a_reload_keeps_its_own(visit):
    first = visit()
    second = visit(beside=first)
    first.draw(1)
    second.draw(7)
    expect(first.answer).to_have_text("1")
    expect(second.answer).to_have_text("7")
    first.page.reload()
    first.wait_until_armed()
    expect(first.answer).to_have_text("1")
    first.press("Clear canvas")
    expect(first.answer).to_have_count(0)
    first.draw(1)
    expect(first.answer).to_have_text("1")
    expect(second.answer).to_have_text("7")


def test_link_draws_the_same_again_for_whoever_opens_it_in_another_language_too(pad, visit):
    v = pad
    v.context.grant_permissions(["clipboard-read", "clipboard-write"])
    v.take_example("1 serif")
    expect(v.answer).to_have_text("1")
    v.wait_for_answer_to(lambda: v.stroke([(0.2, 0.2), (0.5, 0.2)]))
    v.press("Erase")
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.8), (0.7, 0.8)]))
    v.page.get_by_role("button", name="Copy link").click()
    expect(v.page.get_by_role("button", name="Copied")).to_be_visible()
    link = v.page.evaluate("navigator.clipboard.readText()")
    assert len(link) < 2000
    other = visit(hash=link.partition("#")[2], locale="de-DE")
    expect(other.page.locator("#label h2")).to_have_text(v.answer.text_content())
    likeness = """async (others) => {
        const levels = async (src) => {
            const [image, c] = [new Image(), document.createElement("canvas").getContext("2d")];
            image.src = src;
            await image.decode();
            c.drawImage(image, 0, 0);
            return [...c.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
        };
        const [a, b] = await Promise.all([document.querySelector("#why .seen img").src, others].map(levels));
        return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.reduce((sum, value) => sum + value, 0);
    }"""
    other.page.wait_for_function(f"async (others) => (await ({likeness})(others)) < 0.05", arg=v.preview())
    drawing = other.preview()
    # The link's strokes are not drawn without the example that they lie on, and what is drawn instead a reload shows.
    other.route("**/queue/join**", lambda route: route.fulfill(status=429, json={"detail": "Too many wait."}))
    other.page.goto("about:blank")
    other.page.goto(link)
    other.wait_until_armed()
    other.wait_until_silent()
    other.page.unroute("**/queue/join**")
    other.draw(7)
    expect(other.answer).to_have_text("7")
    assert other.page.evaluate("pad.strokes().length") == 1
    other.page.reload()
    expect(other.answer).to_have_text("7")
    # Whoever opens the link again sees its drawing.
    other.page.goto("about:blank")
    other.page.goto(link)
    expect(other.page.locator("#why .seen img")).to_have_attribute("src", drawing)


def test_link_whose_example_is_late_still_draws_what_lies_on_it(pad, visit):
    """After five seconds a linked room would open. The strokes wait on."""
    v = pad
    v.take_example("7")
    expect(v.answer).to_have_text("7")
    v.wait_for_answer_to(lambda: v.stroke([(0.2, 0.5), (0.6, 0.5)]))
    link = v.page.evaluate("drawing.text(2000)")
    other = visit()
    other.page.add_init_script("document.addEventListener('drawing:opened', () => (window.waitedEnough = true))")
    with other.held("**/queue/join**"):
        with other.page.expect_navigation():
            other.page.evaluate("text => (location.hash = text)", link)
        other.page.wait_for_function("window.waitedEnough")
        assert other.page.evaluate("pad.strokes().length") == 0
        other.page.keyboard.press("Escape")
        other.page.keyboard.press("Control+z")
    other.page.wait_for_function("pad.strokes().length === 1")
    expect(other.answer).to_have_text(v.answer.text_content())
    other.wait_for_answer_to(lambda: other.stroke([(0.3, 0.8), (0.7, 0.8)]))
    other.wait_until_silent()
    assert other.page.evaluate("pad.strokes().length") == 2
    assert "example=7" in other.page.evaluate("drawing.text(2000)")


def test_example_that_comes_late_is_not_laid_over_what_was_drawn_since(pad):
    v = pad
    strokes = "pad.strokes().length"
    with v.held("**/queue/join**"):
        v.take_example("5 thin")
        v.draw(1)
        v.page.wait_for_function(f"{strokes} === 1")
    expect(v.answer).to_have_text("1")
    v.wait_until_silent()
    expect(v.answer).to_have_text("1")
    assert v.page.evaluate(strokes) == 1
    assert "example" not in v.page.evaluate("drawing.text(2000)")
    # Cleared, it does not come back either.
    with v.held("**/queue/join**"):
        v.take_example("5 thin")
        v.page.keyboard.press("Escape")
    v.wait_until_silent()
    assert v.page.evaluate("drawing.text(2000)") == ""
    # Of two that are late the one that was chosen last counts, whichever comes first.
    with v.held("**/queue/join**"):
        v.take_example("5 thin")
        v.take_example("6")
        v.take_example("6")
    expect(v.answer).to_have_text("6")
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.3), (0.7, 0.3)]))
    v.wait_until_silent()
    assert v.page.evaluate(strokes) == 1
    assert "example=6" in v.page.evaluate("drawing.text(2000)")


def test_the_same_example_that_comes_twice_is_laid_once(pad):
    v, waiting = pad, []
    v.route("**/queue/join**", lambda route: waiting.append(route) if len(waiting) < 2 else route.continue_())
    v.take_example("6")
    v.take_example("6")
    for _ in range(500):
        if len(waiting) == 2:
            break
        v.page.wait_for_timeout(20)
    first, second = waiting
    first.continue_()
    expect(v.answer).to_have_text("6")
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.3), (0.7, 0.3)]))
    second.continue_()
    v.page.unroute("**/queue/join**")
    v.wait_until_silent()
    assert v.page.evaluate("pad.strokes().length") == 1


def test_drawing_of_strokes_stops_when_it_is_told_to(pad):
    v = pad
    v.page.evaluate(
        """() => {
            const dot = { kind: "draw", points: [[200, 200], [210, 210]] };
            let left = 5;
            return pad.draw(Array(200).fill(dot), () => left-- > 0);
        }"""
    )
    assert v.page.evaluate("pad.strokes().length") == 5


def test_link_to_a_drawing_has_nothing_of_a_photo_seen_before(pad, visit):
    v = pad
    v.context.grant_permissions(["clipboard-read", "clipboard-write"])
    v.take_example("paper 2")
    expect(v.answer).to_have_text("2")
    expect(v.page.get_by_role("button", name="Copy link")).to_be_hidden()  # a link cannot hold a photograph
    v.page.get_by_role("tab", name="On the pad").click()
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.get_by_role("button", name="Copy link").click()
    expect(v.page.get_by_role("button", name="Copied")).to_be_visible()
    link = v.page.evaluate("navigator.clipboard.readText()")
    assert "example" not in link
    other = visit(hash=f"example=paper-2&{link.partition('#')[2]}")  # as such links were once
    expect(other.answer).to_have_text("1")
    expect(other.page.locator("#pad")).to_be_visible()


def test_link_is_shown_where_the_clipboard_is_blocked(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_be_visible()
    v.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('blocked')); }")
    height = "document.documentElement.scrollHeight"
    before = v.page.evaluate(height)
    v.page.get_by_role("button", name="Copy link").click()
    field = v.page.get_by_role("textbox", name="Link to this drawing")
    expect(field).to_be_focused()
    assert field.input_value().startswith(v.page.url + "#strokes=")
    assert field.evaluate("f => f.selectionEnd - f.selectionStart === f.value.length")
    assert v.page.evaluate(height) == before
    v.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.resolve(); }")
    v.page.get_by_role("button", name="Copy link").click()
    expect(v.page.get_by_role("button", name="Copied")).to_be_visible()
    expect(field).to_be_hidden()
    v.page.evaluate("delete navigator.clipboard.writeText")  # what is left is the browser's own


def test_link_with_miles_of_ink_draws_a_bounded_part_of_it(visit):
    zigzag = []  # 299 points, from one corner of what a link may name to the other
    for step in [-400] * 2 + [1200, 1200, -1200, -1200] * 149:
        z = -2 * step - 1 if step < 0 else 2 * step
        while z > 127:
            zigzag.append((z & 127) | 128)
            z >>= 7
        zigzag.append(z)
    to_draw_and_points = [0, 0xD6, 0x04]
    packed = base64.urlsafe_b64encode(bytes([*to_draw_and_points, *zigzag])).decode().rstrip("=")
    v = visit(hash=f"strokes={packed}")
    v.page.wait_for_function("pad.strokes().length > 1")
    v.wait_until_silent()
    ink = v.page.evaluate(
        "pad.strokes().reduce((all, {points}) => all + points.slice(1).reduce((sum, [x, y], i) => "
        "sum + Math.hypot(x - points[i][0], y - points[i][1]), 0), 0)"
    )
    assert 1_000 < ink <= 12_000


def test_link_that_was_cut_draws_what_is_left_of_it(visit):
    v = visit(hash="strokes=ABLIAcgBKKwCCgoK")  # three of nine points
    v.page.wait_for_function("pad.strokes().length")


@pytest.mark.parametrize("hash", ["example=none&strokes=%%%", "strokes=AA______8H"], ids=["no strokes", "wild ones"])
def test_torn_link_leaves_a_pad_that_works(visit, server, hash):
    v = visit(hash=hash)
    v.draw(1)
    expect(v.answer).to_have_text("1")
    assert v.errors == []


def test_picture_of_drawing_and_answer_can_be_saved(seven):
    with seven.page.expect_download() as download:
        seven.page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "7.png"
    with Image.open(download.value.path()) as picture:
        assert picture.size == (1000, 500)
        assert picture.convert("L").crop((50, 50, 450, 450)).getextrema() == (0, 255)  # ink on paper


def test_a_drawing_is_not_saved_beside_the_answer_to_the_one_before(pad):
    pad.draw(7)
    expect(pad.answer).to_have_text("7")
    with pad.held("**/live"), pad.held("**/queue/join*"):
        pad.stroke([(0.2, 0.5), (0.8, 0.9)])
        pad.page.get_by_role("button", name="Save picture").click()
        expect(pad.page.get_by_role("button", name="No answer yet")).to_be_visible()


def test_saved_picture_of_several_digits_names_them(pad):
    pad.take_example("several 2026")
    expect(pad.page.locator("#words strong")).to_have_text("2 0 2 6")
    with pad.page.expect_download() as download:
        pad.page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "2026.png"
    with Image.open(download.value.path()) as picture:
        place = picture.convert("L").crop((500, 50, 1000, 250))  # of the answer
        low, high = place.getextrema()
    assert high - low > 100
    pad.page.locator("#words strong").evaluate("strong => (strong.innerHTML = '1 2<br>3 4')")
    with pad.page.expect_download() as download:
        pad.page.get_by_role("button", name="Save picture").click()
    assert download.value.suggested_filename == "12-34.png"


def test_examples_go_where_they_belong_and_have_names(pad):
    pad.take_example("paper 2")
    expect(pad.answer).to_have_text("2")
    expect(pad.page.locator("#picture img")).to_be_visible()
    pad.take_example("letter A")
    expect(pad.page.locator("#words")).to_contain_text("not look like a digit")
    expect(pad.page.locator("#pad")).to_be_visible()
    names = pad.page.locator("#examples button").evaluate_all("all => all.map(b => b.ariaLabel || b.innerText.trim())")
    assert len(names) > len(list(EXAMPLES.glob("*.[pj][np]g")))
    assert all(names)
    pad.page.get_by_role("button", name=f"All {len(names) - 1}", expanded=False).click()
    pad.page.get_by_role("button", name="Fewer", expanded=True).click()
    expect(pad.page.get_by_role("button", name=f"All {len(names) - 1}", expanded=False)).to_be_visible()


def test_blank_pad_has_a_friendly_line_and_no_answer(pad):
    expect(pad.page.locator("#words")).to_contain_text("Draw a digit")
    expect(pad.answer).to_have_count(0)
    invitation = pad.page.locator("#words p").evaluate_handle("getComputedStyle")
    assert invitation.evaluate("style => style.fontSize") == "20px"
    pad.page.evaluate("document.documentElement.classList.remove('armed')")
    assert invitation.evaluate("style => style.fontSize") == "0px"  # while the pad loads


def test_eraser_takes_ink_away_and_stays_in_hand_until_the_brush_is_taken_again(pad):
    blank = pad.preview()
    pad.wait_for_answer_to(lambda: pad.stroke([(0.4, 0.5), (0.6, 0.5)]))
    pad.press("Erase")
    pad.stroke([(0.3, 0.5), (0.7, 0.5)])
    expect(pad.page.locator("#why .seen img")).to_have_attribute("src", blank)
    expect(pad.answer).to_have_count(0)
    pad.press("Brush")
    pad.wait_for_answer_to(lambda: pad.stroke([(0.4, 0.5), (0.6, 0.5)]))


def test_drawing_that_an_example_replaced_comes_back_with_undo(pad):
    v = pad
    v.take_example("7")
    expect(v.answer).to_have_text("7")
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.6), (0.7, 0.6)]))
    text = v.page.evaluate("drawing.text(2000)")
    v.take_example("6")
    expect(v.answer).to_have_text("6")
    v.press("Undo")
    expect(v.answer).to_have_text("7")
    v.wait_until_silent()
    assert v.page.evaluate("drawing.text(2000)") == text
    # One that is cleared comes back as well, although an example was chosen meanwhile and did not come.
    v.page.keyboard.press("Escape")
    with v.held("**/queue/join**"):
        v.take_example("6")
        v.page.keyboard.press("Control+z")
        v.page.wait_for_function("drawing.text(2000).includes('example=7')")
    expect(v.answer).to_have_text("7")
    v.wait_until_silent()
    assert v.page.evaluate("drawing.text(2000)") == text


def test_example_that_does_not_arrive_takes_nothing_away(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.route("**/6.png", lambda route: route.abort())
    v.take_example("6")
    v.wait_until_silent()
    v.page.unroute("**/6.png")
    assert v.page.evaluate("pad.strokes().length") == 1
    expect(v.answer).to_have_text("1")


def test_undo_takes_the_last_stroke_back(pad):
    one_stroke = pad.wait_for_answer_to(lambda: pad.stroke([(0.5, 0.2), (0.5, 0.8)]))
    pad.wait_for_answer_to(lambda: pad.stroke([(0.3, 0.5), (0.7, 0.5)]))
    pad.page.keyboard.press("Control+z")
    expect(pad.page.locator("#why .seen img")).to_have_attribute("src", one_stroke)
    pad.press("Undo")
    expect(pad.answer).to_have_count(0)


def test_a_stroke_that_was_undone_does_not_come_back_with_the_end_of_another(pad):
    """Gradio keeps a copy of the ink from before the stroke that is being drawn."""
    one_stroke = pad.wait_for_answer_to(lambda: pad.stroke([(0.5, 0.2), (0.5, 0.8)]))
    pad.begin([(0.3, 0.5), (0.7, 0.5)])
    pad.page.keyboard.press("Control+z")  # too early: the stroke goes on
    pad.page.mouse.up()
    assert pad.page.evaluate("pad.strokes().length") == 2
    pad.page.keyboard.press("Control+z")
    expect(pad.page.locator("#why .seen img")).to_have_attribute("src", one_stroke)


def test_without_webgl_the_page_says_why_there_is_no_pad_and_links_to_rooms_work(browser, server):
    context = browser.new_context()
    context.add_init_script("""
        const { getContext } = HTMLCanvasElement.prototype;
        HTMLCanvasElement.prototype.getContext = function (kind, ...given) {
            return kind.startsWith("webgl") ? null : getContext.call(this, kind, ...given);
        };
    """)
    page = context.new_page()
    page.goto(f"{server}#inside")
    expect(page.locator(".lab.inside[data-ready]")).to_be_visible()
    expect(page.locator(".lab.inside .which-picture")).to_contain_text("Add a picture on Draw")
    page.get_by_role("tab", name="Draw").click()
    expect(page.locator("#words p")).to_contain_text("Add a picture")
    page.get_by_role("tab", name="On the pad").click()
    expect(page.locator("#pad")).to_contain_text("needs WebGL")
    expect(page.get_by_text("Nothing here yet")).to_be_hidden()
    expect(page.get_by_role("button", name="Example: letter A")).to_be_hidden()
    page.get_by_role("button", name="Example: sum 27").click()
    expect(page.locator("#words strong")).to_contain_text("2 7")
    page.get_by_role("button", name="The network").click()  # a misread digit becomes a picture
    page.locator("#network [data-cell='5-3']").click()
    page.locator("#network .wrong:visible button").first.click()
    expect(page.locator("#label [data-testid=label-output-value]")).to_have_text("3")
    expect(page.locator("#picture .image-frame img")).to_be_in_viewport()
    context.close()


@pytest.mark.parametrize("button", ["right", "middle"])
def test_only_the_main_button_of_a_mouse_draws(pad, button):
    start, end = pad.points([(0.3, 0.3), (0.6, 0.6)])
    pad.page.mouse.move(*start)
    pad.page.mouse.down(button=button)
    pad.page.mouse.move(*end)
    assert pad.page.evaluate("pad.segments()") == []
    pad.page.mouse.up(button=button)
    pad.draw(1)
    expect(pad.answer).to_have_text("1")
    assert pad.page.evaluate("pad.strokes().length") == 1


def test_a_button_that_was_let_go_elsewhere_ends_the_stroke(pad):
    """As on a message of the system: the page hears of the next move alone."""
    pad.begin([(0.5, 0.2), (0.5, 0.8)])
    place = pad.points([(0.9, 0.9)])[0]
    moved = """([clientX, clientY]) => {
        const move = { bubbles: true, pointerId: 1, pointerType: "mouse", isPrimary: true, clientX, clientY };
        document.querySelector("#pad .pixi-target canvas").dispatchEvent(new PointerEvent("pointermove", move));
    }"""
    for _ in range(2):
        pad.page.evaluate(moved, place)
    expect(pad.answer).to_have_text("1")
    assert pad.page.evaluate("pad.strokes().map(({ points }) => points.length)") == [2]
    pad.page.mouse.up()


def test_example_can_be_taken_from_the_other_tab_and_is_cleared(pad):
    pad.page.get_by_role("tab", name="Use a picture").click()
    pad.take_example("7")
    expect(pad.answer).to_have_text("7")
    pad.press("Clear canvas")
    expect(pad.answer).to_have_count(0)


def test_uploaded_picture_is_answered_and_the_drawing_is_not_lost(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.answer).to_have_count(0)
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "7.png")
    expect(v.answer).to_have_text("7")
    v.page.get_by_role("tab", name="On the pad").click()
    expect(v.answer).to_have_text("1")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.answer).to_have_text("7")
    v.route(re.compile(r"/upload\?"), lambda route: route.abort(), times=1)  # not /upload_progress
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "0-slashed.png")
    expect(v.page.locator("#words p")).to_have_text("The server does not answer. Add the picture again in a moment.")
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "0-slashed.png")
    expect(v.answer).to_have_text("0")


def test_file_that_is_no_picture_gets_a_clear_message(pad):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.locator("#picture input[type=file]").set_input_files(
        {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear network, which digit am I?"}
    )
    expect(v.page.get_by_text("cannot be read as a picture")).to_be_visible()
    expect(v.page.locator("#words")).to_contain_text("This picture was not read")
    expect(v.page.locator("#answer.old")).to_have_count(0)
    assert v.page.locator("#words p").evaluate("p => getComputedStyle(p).fontSize") != "0px"
    expect(v.answer).to_have_count(0)
    expect(v.page.locator("#picture img")).to_be_hidden()


def test_one_chart_has_all_eleven_classes_and_labels_where_they_are_worth_one(seven):
    expect(seven.page.locator(".chart:visible")).to_have_count(1)
    columns = seven.page.locator("#words .chart i")
    expect(columns).to_have_count(11)
    assert [column[-4:] if column.endswith("none") else column[-1] for column in columns.all_inner_texts()] == [
        *"0123456789",
        "none",
    ]
    expect(seven.page.locator("#words .chart .best")).to_contain_text("7")
    labelled = [text for text in seven.page.locator("#words .chart b").all_inner_texts() if text]
    assert all(int(text.rstrip("%")) >= 1 for text in labelled)


def test_hidden_unit_that_is_chosen_tells_what_it_added(seven):
    told = seven.page.locator("#why .units p:visible")
    expect(told).to_have_count(1)
    first = told.inner_text()
    assert seven.page.locator("#why .units img").first.bounding_box()["width"] >= 64
    seven.page.locator("#why .units label").nth(1).click()
    expect(told).to_have_count(1)
    expect(told).not_to_have_text(first)
    expect(told).to_contain_text("to the score of 7")


def test_network_view_begins_with_its_results_and_a_misread_digit_goes_on_the_pad(pad):
    v = pad
    v.page.get_by_role("button", name="The network").click()
    cell = v.page.locator("#network [data-cell='5-3']")
    cell.click()
    assert v.page.locator("#network").inner_text().index("misreads") < v.page.locator("#network").inner_text().index(
        "SHA"
    )
    digits = v.page.locator("#network .wrong:visible button")
    expect(digits).to_have_count(int(cell.inner_text()))
    digits.first.click()
    expect(v.answer).to_have_text("3")
    expect(v.page.locator("#pad")).to_be_in_viewport()
    v.page.get_by_role("button", name="Copy link").click()
    expect(v.page.get_by_role("button", name="This digit has no link")).to_be_visible()


# What a finger may miss: less than 40 pixels high.
SMALL = """() => matchMedia("(pointer: coarse)").matches
    ? [...document.querySelectorAll("[role=tab], #pad button, #ways button, #share button, .lab :is(summary, select,"
        + "input[type=range], .controls button, .stepper button, [data-curve], .settings label > span)")]
        .filter((each) => each.checkVisibility({ visibilityProperty: true }))
        .filter((each) => Math.round(each.getBoundingClientRect().height) < 40).map((each) => each.outerHTML)
    : []"""


def serious(page):
    """Serious and critical findings of axe-core and, on phones alone, what is small for a finger, as (rule, selector or
    HTML).
    """
    from axe_playwright_python.sync_playwright import Axe  # there when playwright is

    findings = Axe().run(page).response["violations"]
    return [
        (finding["id"], node["target"])
        for finding in findings
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ] + [("small", html) for html in page.evaluate(SMALL)]


def test_labels_of_columns_can_be_read_on_a_small_phone_and_do_not_overlap(visit):
    v = visit(width=360, height=640, phone=True)
    v.touch(7)
    expect(v.answer).to_have_text("7")
    labels = v.page.locator("#words .chart b")
    assert labels.evaluate_all("all => Math.min(...all.map((b) => parseFloat(getComputedStyle(b).fontSize)))") >= 12
    gaps = labels.evaluate_all(
        """all => {
            for (const label of all) label.innerHTML = "<i>49<span>%</span></i>"; // as if every class were likely
            const boxes = all.map((label) => label.firstChild.getBoundingClientRect());
            return boxes.slice(1).map(({ left }, i) => left - boxes[i].right);
        }"""
    )
    assert min(gaps) > 0


def test_bars_are_seen_in_the_colours_of_a_system_with_high_contrast(seven):
    seven.page.emulate_media(forced_colors="active")
    bar, card = (
        seven.page.locator(place).evaluate("each => getComputedStyle(each).backgroundColor")
        for place in ("#words .chart .best u", "#answer")
    )
    seven.page.emulate_media(forced_colors="none")
    assert bar != card


def test_the_browsers_own_parts_are_dark_at_night(five):
    assert five.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_nothing_moves_for_those_who_want_no_motion(seven):
    v = seven
    v.page.emulate_media(reduced_motion="reduce")
    moving = v.page.evaluate(
        """[...document.querySelectorAll("#answer *, #why *")].filter((e) => {
            const style = getComputedStyle(e);
            return style.transitionDuration.split(",").some((t) => parseFloat(t) > 0) || style.animationName !== "none";
        }).map((e) => e.outerHTML.slice(0, 80))"""
    )
    v.page.emulate_media(reduced_motion="no-preference")
    assert moving == []


@pytest.mark.parametrize("device", ["seven", "five"], ids=["laptop", "phone"])
def test_nothing_moves_when_the_answer_comes(device, request):
    v = request.getfixturevalue(device)
    before, now = v.places_before, places(v)
    assert now.keys() == before.keys()
    for part in now:  # on a phone the way to the answer unfolds below everything else
        assert (now[part]["x"], now[part]["y"], now[part]["width"]) == (
            before[part]["x"],
            before[part]["y"],
            before[part]["width"],
        )


@pytest.mark.parametrize(
    ("device", "parts"),
    [("seven", ("#pad", "#answer", "#why")), ("five", ("#pad", "#answer"))],
    ids=["laptop", "phone"],
)
def test_pad_and_answer_share_one_screen(device, parts, request):
    v = request.getfixturevalue(device)
    screen = v.page.viewport_size
    for part in parts:
        box = v.page.locator(part).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= screen["height"]
        assert box["x"] + box["width"] <= screen["width"]
    assert v.page.evaluate("document.documentElement.scrollWidth") <= screen["width"]


def test_nothing_is_cut_off_on_the_narrowest_phone(five):
    """320 pixels are also what a laptop's window has at a zoom of 400%: WCAG 1.4.10."""
    five.page.set_viewport_size({"width": 320, "height": 568})
    card, unit, title = (
        five.page.locator(place).first.bounding_box()
        for place in ("#why", "#why .units li:nth-child(3) img", "#why .units .about")
    )
    five.page.set_viewport_size({name: PHONE[name] for name in ("width", "height")})
    assert unit["x"] + unit["width"] < card["x"] + card["width"] <= 320
    assert title["y"] < unit["y"]  # what they are is said before them


def test_preview_is_enlarged_with_crisp_pixels(seven):
    image = seven.page.locator("#why .seen img")
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight]") == [28, 28]
    assert image.evaluate("i => getComputedStyle(i).imageRendering") == "pixelated"
    assert image.bounding_box()["width"] >= 112


def test_page_asks_no_other_host_and_raises_no_error(seven, server):
    hosts = {urlsplit(url).netloc for url in seven.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(server).netloc}
    assert seven.errors == []


# --- Tests that change what those above only look at ------------------------------------------------------------------


@pytest.mark.parametrize("device", ["seven", "five"], ids=["laptop", "phone, dark"])
def test_accessibility_check_finds_nothing_serious(device, request):
    v = request.getfixturevalue(device)
    v.look_at()
    assert v.serious_before == []
    for section in ("Measurements", "The network"):
        v.page.get_by_role("button", name=section).click()
    v.page.locator("#network .matrix").wait_for()
    assert serious(v.page) == []
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.answer).to_have_count(0)
    assert serious(v.page) == []
    v.page.get_by_role("tab", name="On the pad").click()


@pytest.fixture
def fingers(five):
    """(a phone with a blank pad, what puts fingers on it): each event names the places of all fingers at that
    moment.
    """
    v = five
    v.look_at()
    v.press("Clear canvas")
    expect(v.answer).to_have_count(0)
    v.wait_until_armed()
    session = v.context.new_cdp_session(v.page)

    def put(event, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(v.points(places))]
        session.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": points})

    return v, put


def test_a_palm_on_the_pad_does_not_draw(fingers):
    v, put = fingers
    put("touchStart", (0.5, 0.15))
    put("touchMove", (0.5, 0.4))
    put("touchStart", (0.5, 0.4), (0.9, 0.9))
    for y in (0.5, 0.6, 0.7, 0.85):
        put("touchMove", (0.5, y), (0.9, 0.9))
    put("touchEnd")
    expect(v.answer).to_have_text("1")


def test_a_stroke_that_the_system_breaks_off_stays(fingers):
    v, put = fingers
    first, *rest = STROKES[7][0]
    put("touchStart", first)
    for place in rest:
        put("touchMove", place)
    put("touchCancel")
    expect(v.answer).to_have_text("7")
    v.press("Clear canvas")
    v.touch(1)  # and the next finger draws
    expect(v.answer).to_have_text("1")
