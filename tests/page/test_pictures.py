"""Pictures on the page: taken, chosen, pasted, cut, and what is shown of several digits. In a real browser."""

import base64
import functools
import io
import re
import urllib.parse
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from conftest import BROWSER_ARGS, EXAMPLES, JAGGED, Visit, expect, find_browser
from PIL import Image
from test_page import serious

from weights.serving.limits.sizes import MAX_UPLOAD_BYTES

PASTE = """([name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


NO_CLIPBOARD = "() => { navigator.clipboard.read = () => Promise.reject(new Error('not allowed')); }"


def picture_of(page):
    """Where the picture is on the page: left, top, width, height."""
    page.locator("#picture .image-frame img").wait_for()
    page.wait_for_function("document.querySelector('#picture .image-frame img').naturalWidth > 0")
    box = page.locator("#picture .image-frame img").bounding_box()
    return box["x"], box["y"], box["width"], box["height"]


def corners(page, part):
    """(left, top, right, bottom) as shares of the picture -> two points of the page."""
    x, y, width, height = picture_of(page)
    left, top, right, bottom = part
    return [(x + left * width, y + top * height), (x + right * width, y + bottom * height)]


def frame(v, part):
    """Frames a part of the picture, (left, top, right, bottom) as shares of it."""
    start, end = corners(v.page, part)
    v.page.mouse.move(*start)
    v.page.mouse.down()
    v.page.mouse.move(*end, steps=3)
    v.page.mouse.up()


def test_part_of_a_picture_is_read_alone_and_a_click_takes_that_back(pad):
    v = pad
    v.take_example("sum 27")
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    frame(v, (0.43, 0.18, 0.65, 0.4))
    expect(v.answer).to_have_text("2")
    hint = "frame => getComputedStyle(frame, '::after').content"
    assert v.page.locator("#picture .image-frame").evaluate(hint) == '"Tap or click to read all of it"'
    v.page.mouse.click(*corners(v.page, (0.43, 0.18, 0.65, 0.4))[0])
    expect(v.page.locator("#words strong")).to_contain_text("2 7")


def test_part_is_framed_moved_resized_and_removed_with_keys(pad):
    v = pad
    words, frame, said = v.page.locator("#words strong"), v.page.locator("#picture .frame"), v.page.locator("#said")
    v.take_example("sum 27")
    expect(words).to_contain_text("2 7")
    v.page.get_by_role("button", name="Remove Image").focus()
    v.page.keyboard.press("Tab")
    expect(frame).to_be_focused()
    expect(frame).to_have_attribute("aria-label", re.compile("Arrow keys move it"))
    assert frame.evaluate("frame => getComputedStyle(frame).outlineStyle") == "solid"
    for keys in ("ArrowUp", *["Shift+ArrowLeft"] * 14, *["Shift+ArrowUp"] * 14, *["ArrowRight"] * 9, *["ArrowUp"] * 4):
        v.page.keyboard.press(keys)
    expect(v.answer).to_have_text("2")
    expect(said).to_have_text("Framed: 43% to 65% across, 17% to 39% down.")
    box, (x, y, width, height) = frame.bounding_box(), picture_of(v.page)
    assert ((box["x"] - x) / width, (box["y"] - y) / height) == pytest.approx((0.43, 0.17), abs=0.01)
    assert (box["width"] / width, box["height"] / height) == pytest.approx((0.22, 0.22), abs=0.01)
    assert serious(v.page) == []
    v.page.keyboard.press("Escape")
    expect(words).to_contain_text("2 7")
    expect(said).to_have_text("All of the picture is read.")
    expect(v.page.locator("#picture .part")).to_have_count(0)


def test_a_reload_keeps_a_picture_and_its_part_as_long_as_the_server_does(pad):
    v = pad
    give_by_event(v.page, "drop", "#output", EXAMPLES / "sum-27.jpg")
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    frame(v, (0.43, 0.18, 0.65, 0.4))
    expect(v.answer).to_have_text("2")
    v.page.get_by_role("tab", name="Fool it").click()
    v.page.reload()
    v.wait_until_silent()
    v.page.get_by_role("tab", name="Draw", exact=True).click()
    expect(v.answer).to_have_text("2")
    expect(v.page.locator("#picture .part")).to_be_visible()
    v.route(re.compile("/file=.*sum-27"), lambda route: route.fulfill(status=404))
    v.page.reload()
    expect(v.page.locator("#said")).to_have_text("Deleted by now: choose again")
    expect(v.page.locator("#picture")).to_be_visible()
    v.page.unroute_all()
    v.page.reload()  # what is gone is not waited for again
    v.wait_until_armed()


def test_a_picture_that_the_server_has_deleted_is_sent_again_or_said_to_be_gone(pad):
    v = pad
    picture = v.page.locator("#picture .image-frame img")
    hours = "() => { const { now } = Date, began = now(); Date.now = () => now() + 3_600_000 * (1 + now() - began); }"

    def delete():
        Path(urllib.parse.unquote(picture.get_attribute("src").partition("/file=")[2])).unlink()
        v.page.evaluate(hours)

    give_by_event(v.page, "drop", "#output", EXAMPLES / "sum-27.jpg")
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    delete()
    frame(v, (0.43, 0.18, 0.65, 0.4))
    expect(v.answer).to_have_text("2")
    v.take_example("squared 350")  # of which this page has no file
    expect(v.page.locator("#words strong")).to_have_text("3 5 0")
    delete()
    frame(v, (0.1, 0.1, 0.9, 0.9))
    expect(v.page.locator("#words p")).to_have_text("The server has deleted this picture by now. Add it again.")
    expect(v.page.locator(".toast-body")).to_have_count(0)
    v.take_example("paper 2")
    expect(v.answer).to_have_text("2")
    v.page.get_by_role("tab", name="On the pad").click()
    v.page.reload()  # with the clock of this machine
    v.wait_until_armed()


def test_each_digit_of_a_part_opens_its_own_way_and_another_picture_is_read_whole(pad):
    v = pad
    words = v.page.locator("#words strong")
    v.take_example("sum 27")
    expect(words).to_contain_text("2 7")
    frame(v, (0.38, 0.62, 0.9, 0.86))
    expect(words).to_have_text("6 2")
    v.page.locator("#why .digits button").last.click()
    expect(v.page.locator("#why .chosen .for")).to_contain_text("For 2")  # the picture's second digit is a 7
    v.take_example("squared 350")
    expect(words).to_have_text("3 5 0")
    expect(v.page.locator("#picture .part")).to_have_count(0)
    v.take_example("sum 27")
    expect(words).to_contain_text("2 7")


def test_part_stays_framed_while_another_tab_is_open(pad):
    v = pad
    words = v.page.locator("#words strong")
    v.take_example("sum 27")
    expect(words).to_contain_text("2 7")
    frame(v, (0.38, 0.62, 0.9, 0.86))
    expect(words).to_have_text("6 2")
    v.page.get_by_role("tab", name="On the pad").click()
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(words).to_have_text("6 2")
    expect(v.page.locator("#picture .part")).to_be_visible()


def test_part_stays_framed_where_it_is_when_the_window_changes(pad):
    v = pad
    part = (0.3, 0.4, 0.7, 0.7)
    framed = """() => {
        const [image, frame] = ["img", ".part"].map((each) => document.querySelector(`#picture .image-frame ${each}`));
        const { left, top, width, height } = image.getBoundingClientRect(), box = frame.getBoundingClientRect();
        return [[box.left, left, width], [box.top, top, height], [box.right, left, width], [box.bottom, top, height]]
            .map(([edge, start, side]) => (edge - start) / side);
    }"""
    v.take_example("squared 350")  # a square, which fills its element
    expect(v.page.locator("#words strong")).to_have_text("3 5 0")
    frame(v, part)
    assert v.page.evaluate(framed) == pytest.approx(part, abs=0.01)
    v.page.set_viewport_size({"width": 1280, "height": 800})
    v.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert v.page.evaluate(framed) == pytest.approx(part, abs=0.01)


def test_picture_pasted_anywhere_on_the_page_is_read(pad):
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.page.evaluate(PASTE, ["9.png", base64.b64encode((EXAMPLES / "9.png").read_bytes()).decode()])
    expect(v.answer).to_have_text("9")
    expect(v.page.locator("#picture img")).to_be_visible()
    unit = "#why input[type=radio]"
    v.page.locator(unit).last.check(force=True)  # the focus is there now, and nothing can be typed
    assert give_by_event(v.page, "paste", unit, EXAMPLES / "7.png")
    expect(v.answer).to_have_text("7")
    v.page.get_by_role("tab", name="See inside").click()
    assert give_by_event(v.page, "paste", "body", EXAMPLES / "9.png")  # as a file that is dropped here: not taken
    v.page.get_by_role("tab", name="Draw").click()
    v.wait_until_silent()
    expect(v.answer).to_have_text("7")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_the_first_screens_own_example_gives_way_to_a_picture(visit, way):
    v = visit()
    v.page.locator(".demo").wait_for()
    v.page.keyboard.press("Tab")  # who only looks around still sees it
    expect(v.page.locator(".demo")).to_have_count(1)
    assert give_by_event(v.page, way, "#output", EXAMPLES / "7.png")
    expect(v.page.locator(".demo")).to_have_count(0)
    expect(v.answer).to_have_text("7")


# A frame is drawn once a second, and at the moment when a picture appears.
FRAME_WITH_A_PICTURE = """() => {
    const waiting = [];
    const frame = () => waiting.splice(0).forEach((draw) => draw(performance.now()));
    window.requestAnimationFrame = (draw) => waiting.push(draw);
    setInterval(frame, 1000);
    const look = () => document.querySelector("#picture .image-frame img") && frame();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_picture_that_opens_its_tab_stays_on_a_page_that_is_drawn_slowly(visit, way):
    v = visit()
    v.page.evaluate(FRAME_WITH_A_PICTURE)
    assert give_by_event(v.page, way, "body", EXAMPLES / "7.png")
    expect(v.answer).to_have_text("7")
    v.wait_until_silent()
    expect(v.answer).to_have_text("7")
    expect(v.page.locator("#picture .image-frame img")).to_be_visible()


def test_many_rows_of_digits_stay_in_their_card(pad):
    v = pad
    seven = Image.open(EXAMPLES / "7.png").convert("L").resize((60, 60))
    sheet = Image.new("L", (200, 9 * 80), 255)
    for row in range(9):
        for x in (20, 110):
            sheet.paste(seven, (x, 80 * row + 10))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    v.page.set_viewport_size({"width": 390, "height": 844})
    v.page.get_by_role("tab", name="Use a picture").click()
    file = {"name": "rows.png", "mimeType": "image/png", "buffer": content.getvalue()}
    v.page.locator("#picture input[type=file]").set_input_files(file)
    expect(v.page.locator("#words")).to_contain_text("18 digits")
    bottom = "element => element.getBoundingClientRect().bottom"
    card = v.page.locator("#answer").evaluate(bottom)
    assert v.page.locator("#words p").evaluate(bottom) <= card
    assert card <= v.page.locator("#leads-on").evaluate("element => element.getBoundingClientRect().top")


def test_answer_is_about_what_is_in_sight_however_quickly_that_changes(pad):
    v = pad
    for _ in range(2):
        v.take_example("4 tiny")
        v.take_example("paper 2")
        expect(v.answer).to_have_text("2")
        v.wait_until_silent()  # what was asked before may still be answered
        expect(v.answer).to_have_text("2")
    v.take_example("4 tiny")
    expect(v.answer).to_have_text("4")


def test_question_that_was_overtaken_is_not_sent(pad):
    """Gradio sends the questions of several events in the order in which their input is ready."""
    v = pad
    v.take_example("paper 2")
    expect(v.answer).to_have_text("2")
    v.page.get_by_role("tab", name="On the pad").click()
    drawing = {"background": None, "layers": [{"path": "", "url": "/gradio_api/file=ink"}], "composite": None}
    with v.held("**/upload*"):
        v.draw(1)
        with v.page.expect_request("**/upload*"):
            v.page.evaluate("(drawing) => void (window.first = live.given(drawing, null))", drawing)
        v.page.get_by_role("tab", name="Use a picture").click()
        drawing, file, part = v.page.evaluate("(void live.given(null, null), live.again(null, null))")
        v.page.evaluate("live.final()")  # nobody sent what was given
    assert (drawing, part) == (None, None)
    assert file["path"].endswith("image.webp")
    v.wait_until_silent()
    assert v.page.evaluate("Promise.race([window.first, Promise.resolve('not sent')])") == "not sent"


def test_a_stroke_waits_for_the_answer_to_the_one_before(pad):
    """A busy server may answer the older of two questions last."""
    v = pad
    v.wait_until_silent()
    v.requests.clear()
    v.page.evaluate("""() => {
        const given = (window.given = live.given);
        let asked = 0;
        live.given = async (...input) => {
            if (++asked === 2) await new Promise((done) => setTimeout(done, 500));  // its input takes longer to gather
            setTimeout(() => (window.questions = asked), 1500);  // a wrong question would be sent by then
            return given(...input);
        };
    }""")
    with v.held("**/queue/join*"):
        with v.held("**/upload*"):
            for x in (0.4, 0.6):
                with v.page.expect_request("**/upload*"):
                    v.stroke([(x, 0.2), (x, 0.8)])
        v.page.wait_for_function("window.questions >= 2")
        assert sum("queue/join" in url for url in v.requests) == 1
    v.page.evaluate("live.given = given")
    expect(v.page.locator("#words strong")).to_have_text("1 1")


def test_a_picture_that_takes_the_place_of_another_is_asked_about_once(pad):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    broken = {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear network, which digit am I?"}
    for file, questions in ((EXAMPLES / "7.png", 1), (broken, 2), (EXAMPLES / "9.png", 1)):
        v.wait_until_silent()
        v.requests.clear()
        v.page.locator("#picture input[type=file]").set_input_files(file)
        said = "This picture was not read" if file is broken else f"That is a {file.stem}."
        expect(v.page.locator("#answer:not(.old) #words")).to_contain_text(said)
        if file is broken:
            expect(v.page.get_by_text("cannot be read as a picture")).to_have_count(1)
        v.wait_until_silent()
        assert sum("queue/join" in url for url in v.requests) == questions


def test_a_picture_that_a_busy_server_does_not_read_is_said_to_have_no_answer(pad):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    v.wait_until_silent()
    v.route("**/queue/join*", functools.partial(refuse, status=429))
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "7.png")
    expect(v.page.locator("#answer:not(.old) #words p")).to_contain_text("Add the picture again in a moment")
    v.page.unroute("**/queue/join*")
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "9.png")
    expect(v.answer).to_have_text("9")


@pytest.mark.parametrize("why", ["size", 413, 429, None])
def test_a_picture_that_does_not_reach_the_server_leaves_the_page_to_the_drawing(visit, why):
    """None: the connection breaks."""
    v = visit()
    v.draw(7)
    expect(v.answer).to_have_text("7")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.page.locator("#answer:not(.old) #words")).to_contain_text("Add a picture")
    picture, said = v.page.locator("#picture input[type=file]"), v.page.locator("#said")
    picture.wait_for(state="attached")
    file = {"name": "9.png", "mimeType": "image/png", "buffer": (EXAMPLES / "9.png").read_bytes()}
    if why == "size":
        picture.set_input_files(file | {"buffer": bytes(MAX_UPLOAD_BYTES + 1)})
        expect(v.page.locator("#ways [data-way=choose]")).to_have_text("Larger than 20 MB")
        expect(said).to_have_text("Larger than 20 MB")
    else:
        v.route("**/upload?*", lambda route: route.fulfill(status=why) if why else route.abort(), times=1)
        picture.set_input_files(file)
        if why is None:
            expect(v.page.locator("#words")).to_contain_text("Add the picture again")
        expect(said).to_have_text("")
    expect(v.page.locator("#answer.old")).to_have_count(0)
    v.page.get_by_role("tab", name="Fool it").click()
    expect(v.page.locator(".lab.fool .which-picture")).to_have_text("Your drawing")
    v.page.get_by_role("tab", name="Draw", exact=True).click()
    expect(v.page.locator("#pad")).to_be_visible()
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "9.png")
    expect(v.answer).to_have_text("9")
    expect(said).to_have_text("")


def test_a_visitor_stays_with_pictures_who_has_no_drawing_or_does_not_leave(pad):
    v = pad
    draw, chosen = v.page.get_by_role("tab", name="Draw", exact=True), v.page.get_by_role("tab", name="Use a picture")
    v.draw(7)
    expect(v.answer).to_have_text("7")
    chosen.click()
    draw.click()
    expect(chosen).to_have_attribute("aria-selected", "true")
    v.page.get_by_role("tab", name="On the pad").click()
    v.press("Undo")
    expect(v.page.locator("#answer:not(.old) #words")).to_contain_text("Nothing here yet")
    chosen.click()
    v.page.get_by_role("tab", name="See inside").click()
    draw.click()
    expect(chosen).to_have_attribute("aria-selected", "true")


def test_a_question_is_about_the_picture_in_sight_and_not_the_one_before(pad):
    """On a slow machine the question of a tab that opens carries the value from before the example."""
    v = pad
    v.take_example("sum 27")
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    [before] = v.page.evaluate("live.again(null, null).then(([_, file]) => [file])")
    v.take_example("paper 2")
    expect(v.answer).to_have_text("2")
    frame(v, (0.05, 0.05, 0.95, 0.95))
    _, file, part = v.page.evaluate("(before) => live.again(null, before)", before)
    assert file["url"] == v.page.locator("#picture .image-frame img").get_attribute("src") != before["url"]
    assert part == pytest.approx([0.05, 0.05, 0.95, 0.95], abs=0.02)
    assert v.page.request.get(file["url"]).ok
    assert file["path"] == file["url"].partition("/file=")[2]
    expect(v.answer).to_have_text("2")


def test_part_of_a_picture_whose_name_has_blanks_and_letters_of_other_languages(pad):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    sheet = {
        "name": "my Übung, page 2 ü.jpg",
        "mimeType": "image/jpeg",
        "buffer": (EXAMPLES / "sum-27.jpg").read_bytes(),
    }
    v.page.locator("#picture input[type=file]").set_input_files([sheet])
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    assert "bung" in v.page.locator("#picture .image-frame img").get_attribute("src")
    frame(v, (0.43, 0.18, 0.65, 0.4))
    expect(v.answer).to_have_text("2")


def test_drawing_that_is_still_uploading_does_not_answer_for_the_picture_after_it(pad):
    v = pad
    with v.held("**/upload*"):
        with v.page.expect_request("**/upload*"):
            v.take_example("1 serif")  # which this laptop has not uploaded yet
        v.take_example("paper 2")
        expect(v.page.locator("#picture .image-frame img")).to_be_visible()
    v.wait_until_silent()
    expect(v.answer).to_have_text("2")


def test_a_pad_that_is_cleared_out_of_sight_leaves_the_answer_to_a_picture(pad):
    """An example clears the pad and opens the other tab; on a slow machine the pad is cleared last."""
    v = pad
    v.draw(1)
    expect(v.answer).to_have_text("1")
    v.take_example("paper 2")
    expect(v.answer).to_have_text("2")
    v.wait_until_silent()
    v.page.evaluate("""() => {
        window.emptied = 0;
        const label = document.getElementById("label");
        const empty = () => (window.emptied += !label.querySelector("[data-testid=label-output-value]"));
        new MutationObserver(empty).observe(label, { subtree: true, childList: true });
        window.editor.reset_canvas();
    }""")
    v.wait_until_silent()
    expect(v.answer).to_have_text("2")
    assert v.page.evaluate("emptied") == 0


def test_picture_is_chosen_with_a_button_of_words_and_fills_its_square(pad):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.page.locator("#words")).to_contain_text("Add a picture")
    with v.page.expect_file_chooser() as chooser:
        v.page.get_by_role("button", name="Choose a file").click()
    with v.held("**/queue/join**"):
        chooser.value.set_files(EXAMPLES / "7.png")
        expect(v.page.locator("#said")).to_have_text("Reading the picture …")
        expect(v.page.locator("#picture .image-frame img")).to_be_visible()
        said = v.page.locator("#words p").evaluate("p => getComputedStyle(p, '::before').content")
        assert said == '"Reading it …"'  # nobody is invited to add one any more
    expect(v.answer).to_have_text("7")
    expect(v.page.locator("#said")).to_have_text("")  # a screen reader would still find it there
    (_, y, _, height), square = picture_of(v.page), v.page.locator("#picture").bounding_box()
    assert (y, height) == pytest.approx((square["y"] + 1, square["height"] - 2), abs=1)
    v.page.evaluate(NO_CLIPBOARD)
    v.page.get_by_role("button", name="Paste").click()
    expect(v.page.locator("#ways button").last).to_have_text("Press Ctrl+V")
    v.page.evaluate("delete navigator.clipboard.read")  # what is left is the browser's own


def test_a_camera_that_there_is_not_is_said(pad):
    pad.page.get_by_role("tab", name="Use a picture").click()
    pad.page.get_by_role("button", name="Take a photo").click()
    expect(pad.page.locator("#ways button").first).to_have_text("No camera found")


def test_digits_of_a_picture_have_boxes_on_it_and_each_opens_its_own_way_which_stays_open(pad):
    v = pad
    v.take_example("sum 27")
    expect(v.page.locator("#why .sheet rect")).to_have_count(7)
    image, box = (v.page.locator(f"#why .sheet {each}").first.bounding_box() for each in ("img", "rect"))
    assert box["x"] == pytest.approx(image["x"] + 0.46 * image["width"], abs=0.03 * image["width"])
    assert v.page.locator("#why .sheet text").all_text_contents()[:2] == ["2", "7"]
    v.page.get_by_role("button", name="Read as 7").click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 7")
    expect(v.page.get_by_role("button", name="Read as 7")).to_have_attribute("aria-pressed", "true")
    expect(v.page.get_by_role("button", name="Read as 7")).to_be_focused()
    v.page.get_by_role("button", name="Read as 6").click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 6")
    expect(v.page.locator("#why .sheet rect.chosen")).to_have_count(1)
    v.page.locator("#why .sheet rect").nth(1).click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 7")
    v.page.get_by_role("button", name="Read as 6").click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 6")

    # The picture stays where the visitor scrolls it, until another digit is chosen.
    small = v.page.add_style_tag(content="#why .sheet { width: 40px; height: 40px }")
    sheet = v.page.locator("#why .sheet")
    place = "sheet => [sheet.scrollLeft, sheet.scrollTop]"
    sheet.evaluate("sheet => { sheet.scrollTo(5, 5); sheet.append(document.createElement('i')); }")
    assert sheet.evaluate(place) == [5, 5]
    v.page.get_by_role("button", name="Read as 7").click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 7")
    assert sheet.evaluate(place) != [5, 5]
    small.evaluate("style => style.remove()")
    v.page.get_by_role("button", name="Read as 6").click()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 6")

    # The digit stays chosen when the same picture is answered again.
    v.page.evaluate("document.dispatchEvent(new Event('picture:part'))")  # asks about the whole picture
    v.wait_until_silent()
    expect(v.page.locator("#why ol.chosen .for")).to_contain_text("For 6")
    v.take_example("squared 350")
    expect(v.page.locator("#why button[data-tile]")).to_have_count(3)
    v.wait_until_silent()
    expect(v.page.locator("#why ol.chosen")).to_have_count(0)


@pytest.fixture
def two_before_the_camera(tmp_path):
    """A video of a 2 on white, for Chromium's fake camera."""
    sheet = Image.new("L", (640, 480), "white")
    sheet.paste(Image.open(EXAMPLES / "2-slanted.png").convert("L"), (120, 40))
    grey, colour = np.asarray(sheet).tobytes(), bytes([128]) * (320 * 240 * 2)
    path = tmp_path / "two.y4m"
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + grey + colour) * 10)
    return path


def test_camera_does_not_mirror(two_before_the_camera, browser, server):
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    file = f"--use-file-for-fake-video-capture={two_before_the_camera}"
    other = browser.browser_type.launch(executable_path=find_browser(), args=[*BROWSER_ARGS, JAGGED, *fake, file])
    v = Visit(other, server)
    v.context.grant_permissions(["camera"])
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.get_by_role("button", name="Take a photo").click()
    # Before the first frame has come a photo is blank.
    filming = "document.querySelector('#picture video')?.currentTime > 0.5"
    v.page.wait_for_function(filming)
    v.page.evaluate("window.track = document.querySelector('#picture video').srcObject.getTracks()[0]")
    v.page.get_by_role("tab", name="On the pad").click()
    v.page.wait_for_function("track.readyState === 'ended'")  # nobody is filmed who has left
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.get_by_role("button", name="Take a photo").click()
    v.page.wait_for_function(filming)
    v.page.get_by_role("button", name="capture photo").click()
    expect(v.answer).to_have_text("2")
    other.close()


# --- HEIC -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heic(tmp_path_factory):
    """A 7 as an iPhone stores it; Chromium does not know what kind of file that is."""
    path = tmp_path_factory.mktemp("heic") / "IMG_0007.HEIC"
    pillow_heif.from_pillow(Image.open(EXAMPLES / "7.png").convert("RGB")).save(path, format="HEIF")
    return path


def test_heic_that_is_chosen_is_shown_and_read_if_it_is_still_wanted(pad, heic):
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    with v.page.expect_file_chooser() as chooser:
        v.page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(heic)
    expect(v.answer).to_have_text("7")
    shown = v.page.locator("#picture img")
    assert (
        shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == Image.open(EXAMPLES / "7.png").width
    )

    # One that takes long does not replace what was added meanwhile, nor bring the visitor back from the pad.
    choose = v.page.locator("#ways [data-way=choose]")
    with v.held("**/heic"):
        with v.page.expect_request("**/heic"):
            give_by_event(v.page, "drop", "#output", heic)
        expect(choose).to_have_text("Reading it …")
        v.page.wait_for_timeout(3000)  # longer than a button says other things
        expect(choose).to_have_text("Reading it …")
        give_by_event(v.page, "drop", "#output", EXAMPLES / "9.png")
        expect(v.answer).to_have_text("9")
    v.wait_until_silent()
    expect(v.answer).to_have_text("9")
    expect(choose).to_have_text("Choose a file")
    with v.held("**/heic"):
        with v.page.expect_request("**/heic"):
            give_by_event(v.page, "drop", "#output", heic)
        v.page.get_by_role("tab", name="On the pad").click()
    v.wait_until_silent()
    expect(v.page.locator("#pad")).to_be_visible()
    for status, said in ((413, "Larger than 20 MB"), (429, "Busy: try again")):
        v.route("**/heic", functools.partial(refuse, status=status), times=1)
        give_by_event(v.page, "drop", "#output", heic)
        expect(v.page.locator("#said")).to_have_text(said)


# A file as the browser gives it with these events: HEIC has no type on most systems.
GIVE_BY_EVENT = """([kind, place, name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const data = new DataTransfer();
    const type = { png: "image/png", jpg: "image/jpeg" }[name.split(".").at(-1)] ?? "";
    data.items.add(new File([bytes], name, { type }));
    const options = { dataTransfer: data, clipboardData: data, bubbles: true, cancelable: true };
    const event = kind === "paste" ? new ClipboardEvent(kind, options) : new DragEvent(kind, options);
    document.querySelector(place).dispatchEvent(event);
    return event.defaultPrevented;
}"""


# Counts how often it is said.
COUNT_REFUSALS = """() => {
    window.refusals = 0;
    const refuses = (node) => node.parentElement?.id === "said" && node.textContent === "I cannot read this HEIC";
    new MutationObserver((changes) => {
        window.refusals += changes.filter(({ addedNodes }) => [...addedNodes].some(refuses)).length;
    }).observe(document.body, { subtree: true, childList: true });
}"""


def refuse(route, status):
    route.fulfill(status=status)


def give_by_event(page, kind, place, path):
    """Whether the page took the file; else the browser would leave the page to show it."""
    content = base64.b64encode(path.read_bytes()).decode()
    return page.evaluate(GIVE_BY_EVENT, [kind, place, path.name, content])


def test_heic_that_is_dropped_or_pasted_is_read_or_named(pad, tmp_path):
    v = pad
    v.page.evaluate(COUNT_REFUSALS)
    ways = {"7": ("drop", "#pad"), "9": ("drop", "#output"), "6": ("drop", "#picture"), "8-thick": ("paste", "body")}
    for number, (name, way) in enumerate(ways.items(), 1):
        picture, half = tmp_path / f"{name}.heic", tmp_path / "half.heic"
        pillow_heif.from_pillow(Image.open(EXAMPLES / f"{name}.png").convert("RGB")).save(picture, format="HEIF")
        half.write_bytes(picture.read_bytes()[:300])
        assert give_by_event(v.page, *way, half), way
        v.page.wait_for_function("number => window.refusals === number", arg=number)
        assert give_by_event(v.page, *way, picture), way
        expect(v.answer).to_have_text(name[0])


def test_file_that_is_no_picture_is_refused_in_words_and_loses_nothing(pad, tmp_path):
    v = pad
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7")
    choose = v.page.locator("#ways [data-way=choose]")
    v.draw(1)
    expect(v.answer).to_have_text("1")
    for number, place in enumerate(["#pad", "#picture"]):
        assert give_by_event(v.page, "drop", place, letter)
        expect(choose).to_have_text("Not a picture: choose another")
        expect(choose).to_have_text("Choose a file")
        if not number:
            v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "7.png")
            expect(v.answer).to_have_text("7")
    v.wait_until_silent()
    expect(v.answer).to_have_text("7")
    expect(v.page.locator(".toast-body")).to_have_count(0)
    v.page.get_by_role("tab", name="On the pad").click()
    expect(v.answer).to_have_text("1")


def test_heic_of_a_phones_camera_is_read_and_a_part_of_a_picture_chosen_with_a_finger(visit, heic):
    v = visit(phone=True, width=390, height=844)
    v.page.get_by_role("tab", name="Use a picture").click()
    with v.page.expect_file_chooser() as chooser:
        v.page.get_by_role("button", name="Take a photo").click()
    chooser.value.set_files(heic)
    expect(v.answer).to_have_text("7")
    v.page.evaluate(NO_CLIPBOARD)
    v.page.get_by_role("button", name="Paste").click()
    expect(v.page.locator("#ways button").last).to_have_text("Not allowed here: choose a file")  # a phone has no Ctrl
    assert v.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    v.take_example("sum 27")
    expect(v.page.locator("#words strong")).to_contain_text("2 7")
    v.page.evaluate("scrollTo(0, 0)")
    send = v.context.new_cdp_session(v.page).send
    start, end = corners(v.page, (0.43, 0.18, 0.65, 0.4))
    for kind, points in (("touchStart", [start]), ("touchMove", [end]), ("touchEnd", [])):
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})
    expect(v.answer).to_have_text("2")
    assert v.page.evaluate("scrollY") == 0


def test_jpeg_with_the_longest_comment_is_shown_and_read(pad, tmp_path):
    """Such a file is read well, but Pillow cannot write it again."""
    file = io.BytesIO()
    Image.open(EXAMPLES / "7.png").convert("RGB").save(file, "JPEG")
    content = file.getvalue()
    (tmp_path / "7.jpg").write_bytes(content[:2] + b"\xff\xfe\xff\xff" + b"x" * 65_533 + content[2:])
    v = pad
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.locator("#picture input[type=file]").set_input_files(tmp_path / "7.jpg")
    expect(v.answer).to_have_text("7")
    assert min(picture_of(v.page)) > 0
