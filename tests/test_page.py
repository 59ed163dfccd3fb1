"""The page in a real browser: what a visitor does, and what must come of it."""

from urllib.parse import urlsplit

import pytest
from conftest import EXAMPLES, Visit, expect

PHONE = {"width": 390, "height": 844, "phone": True}
PARTS = ("#title", "#pad", "#answer", "#seen", "#examples")


@pytest.fixture(scope="module")
def seven(browser, server):
    """A laptop on which a 7 has been drawn with the mouse; tests that only look share it."""
    v = Visit(browser, server)
    v.places_before = places(v)
    v.draw(7)
    v.answer.wait_for()
    yield v
    v.close()


@pytest.fixture(scope="module")
def five(browser, server):
    """A phone on which a 5 has been drawn with a finger; tests that only look share it."""
    v = Visit(browser, server, **PHONE)
    v.places_before = places(v)
    v.touch(5)
    v.answer.wait_for()
    yield v
    v.close()


def places(v):
    """Where the parts of the page are."""
    return {part: v.page.locator(part).bounding_box() for part in PARTS}


def test_seven_drawn_with_the_mouse_is_a_seven(seven):
    expect(seven.answer).to_have_text("7")


def test_five_drawn_with_a_finger_is_a_five_and_the_page_does_not_scroll(five):
    expect(five.answer).to_have_text("5")
    assert five.page.evaluate("[scrollX, scrollY]") == [0, 0]


def test_three_drawn_with_the_mouse_is_a_three_in_another_language(visit):
    v = visit(locale="de-DE")
    v.draw(3)
    expect(v.answer).to_have_text("3")


def test_drawing_and_clearing_five_times_loses_no_stroke(visit):
    v = visit()
    for digit in (7, 1, 7, 1, 7):
        v.draw(digit)
        expect(v.answer).to_have_text(str(digit))
        v.press("Clear canvas")
        expect(v.answer).to_have_count(0)


def test_blank_pad_has_a_friendly_line_and_no_answer(visit):
    v = visit()
    expect(v.page.locator("#words")).to_contain_text("Draw a digit")
    expect(v.answer).to_have_count(0)


def test_eraser_takes_ink_away_and_stays_in_hand_until_the_brush_is_taken_again(visit):
    v = visit()
    blank = v.preview()
    v.wait_for_answer_to(lambda: v.stroke([(0.4, 0.5), (0.6, 0.5)]))
    v.press("Erase")
    v.stroke([(0.3, 0.5), (0.7, 0.5)])
    expect(v.page.locator("#seen img")).to_have_attribute("src", blank)
    expect(v.answer).to_have_count(0)
    v.press("Brush")
    v.wait_for_answer_to(lambda: v.stroke([(0.4, 0.5), (0.6, 0.5)]))


def test_undo_takes_the_last_stroke_back(visit):
    v = visit()
    one_stroke = v.wait_for_answer_to(lambda: v.stroke([(0.5, 0.2), (0.5, 0.8)]))
    v.wait_for_answer_to(lambda: v.stroke([(0.3, 0.5), (0.7, 0.5)]))
    v.press("Undo")
    expect(v.page.locator("#seen img")).to_have_attribute("src", one_stroke)
    v.press("Undo")
    expect(v.answer).to_have_count(0)


def test_after_an_example_the_next_stroke_counts(visit):
    v = visit()
    v.page.locator("#examples button").nth(1).click()
    expect(v.answer).to_have_text("1")
    v.wait_for_answer_to(lambda: v.stroke([(0.2, 0.25), (0.8, 0.8)]))


def test_example_can_be_taken_from_the_other_tab_and_is_cleared(visit):
    v = visit()
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.locator("#examples button").nth(7).click()
    expect(v.answer).to_have_text("7")
    v.press("Clear canvas")
    expect(v.answer).to_have_count(0)


def test_uploaded_picture_is_answered_and_the_drawing_is_not_lost(visit):
    v = visit()
    v.draw(3)
    expect(v.answer).to_have_text("3")
    v.page.get_by_role("tab", name="Use a picture").click()
    expect(v.answer).to_have_count(0)
    v.page.locator("#picture input[type=file]").set_input_files(EXAMPLES / "7.png")
    expect(v.answer).to_have_text("7")
    v.page.get_by_role("tab", name="Draw").click()
    expect(v.answer).to_have_text("3")


def test_file_that_is_no_picture_gets_a_clear_message(visit):
    v = visit()
    v.page.get_by_role("tab", name="Use a picture").click()
    v.page.locator("#picture input[type=file]").set_input_files(
        {"name": "letter.png", "mimeType": "image/png", "buffer": b"Dear network, which digit am I?"}
    )
    expect(v.page.get_by_text("cannot be read as a picture")).to_be_visible()


def test_three_likeliest_digits_are_shown_and_all_ten_on_demand(seven):
    expect(seven.page.locator("#label .confidence-set")).to_have_count(3)
    seven.page.get_by_role("button", name="All ten digits").click()
    expect(seven.page.locator("#chart li span")).to_have_text([*"0123456789", "none"])
    expect(seven.page.locator("#chart li").nth(7).locator("b")).not_to_have_text("0%")
    seven.page.get_by_role("button", name="All ten digits").click()


@pytest.mark.parametrize("device", ["seven", "five"], ids=["laptop", "phone"])
def test_nothing_moves_when_the_answer_comes(device, request):
    v = request.getfixturevalue(device)
    assert places(v) == v.places_before


@pytest.mark.parametrize(
    ("device", "parts"),
    [("seven", ("#pad", "#answer", "#seen")), ("five", ("#pad", "#answer"))],
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


def test_preview_is_enlarged_with_crisp_pixels(seven):
    image = seven.page.locator("#seen img")
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight]") == [28, 28]
    assert image.evaluate("i => getComputedStyle(i).imageRendering") == "pixelated"
    assert image.bounding_box()["width"] >= 112


def test_page_asks_no_other_host_and_raises_no_error(seven, server):
    hosts = {urlsplit(url).netloc for url in seven.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(server).netloc}
    assert seven.errors == []
