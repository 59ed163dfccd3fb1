"""Files that a visitor brings to Train one: a network, or a set of drawings; what is taken, and what is refused."""

import base64
import io
import json
import re
import struct
import zipfile

import numpy as np
import pytest
from conftest import EXAMPLES, expect
from PIL import Image
from test_lab import opened
from test_train_one import answer_once, as_set, asks, begun, untrained

import preprocessing
from nn import MLP, files
from nn.convolution import positions
from nn.images import load_images
from weights.serving.page.lab import archives, drawings, kept, runs
from weights.serving.page.lab.shown import answers_of
from weights.serving.page.lab.splits import unseen


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(kept, "RUNS", kept.Runs())


def sent(**content):
    """Files as the page sends them; a dot in a name is written as two underscores."""
    encoded = {name.replace("__", "."): base64.b64encode(each).decode() for name, each in content.items()}
    return {"files": [{"name": name, "content": each} for name, each in encoded.items()]}


def zipped(packing=zipfile.ZIP_DEFLATED, **content):
    return sent(a__zip=zip_bytes({name.replace("__", "."): each for name, each in content.items()}, packing))


def zip_bytes(content, packing=zipfile.ZIP_DEFLATED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return file.getvalue()


def network_files(tmp_path, model=None, **changes):
    """model.safetensors and config.json of a network, with some of config.json changed."""
    files.save(model or MLP((16,), seed=3), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text()) | changes
    return {
        "model__safetensors": (tmp_path / "model.safetensors").read_bytes(),
        "config__json": json.dumps(config).encode(),
    }


# --- A network --------------------------------------------------------------------------------------------------------


def test_a_network_that_was_taken_along_learns_on_from_where_it_was():
    run = begun(hidden=[64], activation="sigmoid")
    for _ in range(2):
        shown = runs.go({"run": run})["frames"][-1]
    taken = runs.take({"run": run})["zip"]
    loaded = runs.load({"files": [{"name": "my-network.zip", "content": taken}], "instead_of": run})
    assert (loaded["widths"], loaded["activation"]) == ([784, 64, 10], "sigmoid")
    assert loaded["frames"][0]["unseen"] == pytest.approx(shown["unseen"], abs=0.002)  # its weights are rounded
    assert runs.go({"run": loaded["run"]})["frames"][-1]["unseen"] > shown["unseen"] - 0.02
    assert "began as a network from a file" in runs.take({"run": loaded["run"]})["said"]
    assert list(kept.RUNS.kept) == [run, loaded["run"]]  # the first is the next to go


def test_two_files_do_as_well_as_a_zip_in_whatever_folder(tmp_path):
    found = network_files(tmp_path)
    assert runs.load(sent(**found))["widths"] == [784, 16, 10]
    assert runs.load(zipped(**{f"mine/{name}": each for name, each in found.items()}))["widths"] == [784, 16, 10]


@pytest.mark.parametrize("shape", [{"hidden": (16,)}, {"hidden": (100,), "kernel_size": 8}], ids=["plain", "kernels"])
def test_a_network_that_normalises_its_input_answers_as_it_did(shape, tmp_path):
    model = MLP(**shape, seed=3, mean=0.13, std=0.31)
    loaded = runs.load(sent(**network_files(tmp_path, model)))
    mine = kept.RUNS.get(loaded["run"]).trainer.model
    X = unseen().pixels()[:50]
    np.testing.assert_allclose(mine.forward(X), model.forward(X), atol=2e-5)


def with_nan():
    model = MLP((16,), seed=3)
    model.theta[7] = np.nan
    return model


NO_NETWORKS = {
    "a million units": ({"widths": [784, 10**6, 10]}, None, "parameters"),
    "fifteen million parameters": ({"widths": [784, 20_000, 10], "members": 2}, None, "parameters"),
    "a thousand layers": ({"widths": [784, *[1] * 1_000, 10]}, None, "layers"),
    "a shape of megabytes": ({"widths": [784, *[1] * 100_000, 10]}, None, "50,000 bytes"),
    "a network with NaN": ({}, with_nan(), "NaN"),
    "too many units": ({}, MLP((300,), seed=0), "784-300-10"),
    "eleven classes": ({}, MLP((16,), seed=0, classes=11), "784-16-11"),
    "other inputs": ({}, MLP((16,), seed=0, inputs=100), "100-16-10"),
    "three layers": ({}, MLP((16, 16, 16), seed=0), "784-16-16-16-10"),
    "other widths than the file's": ({"widths": [784, 15, 10]}, None, "shape"),
    "another model": ({"model_type": "bert"}, None, "config.json"),
    "a mean that is no number": ({"mean": float("nan")}, None, "mean"),
}


@pytest.mark.parametrize("case", NO_NETWORKS)
def test_files_that_are_no_network_for_here_are_refused_and_nothing_is_lost(case, tmp_path):
    changes, model, said = NO_NETWORKS[case]
    run = begun()
    answer = runs.load(sent(**network_files(tmp_path, model, **changes)) | {"instead_of": run})
    assert said in answer["error"]
    assert str(tmp_path) not in answer["error"]
    assert "/tmp" not in answer["error"]
    assert kept.RUNS.get(run) is not None


def test_two_networks_in_one_zip_are_refused(tmp_path):
    found = network_files(tmp_path)
    twice = zipped(**{f"{folder}/{name}": each for folder in "ab" for name, each in found.items()})
    assert "more than one network" in runs.load(twice)["error"]


def test_a_preset_does_not_go_with_a_network_from_files(tmp_path):
    assert "preset" in runs.load(sent(**network_files(tmp_path)) | {"preset": "adam256"})["error"]


def test_a_network_of_several_is_refused(tmp_path):
    members = files.joined([MLP((8,), seed=seed) for seed in (0, 1)])
    assert "joins several networks" in runs.load(sent(**network_files(tmp_path, members)))["error"]


def test_a_network_with_a_linear_layer_is_refused(tmp_path):
    narrow = MLP((16, 4), linear=(1,))
    assert "one without" in runs.load(sent(**network_files(tmp_path, narrow)))["error"]


@pytest.mark.parametrize(("kernel_size", "hidden"), [(8, (400,)), (12, (32, 20))])
def test_a_network_with_kernels_learns_on(kernel_size, hidden, tmp_path):
    model = MLP(hidden, kernel_size=kernel_size, seed=1)
    # The page's own choice of a shape has no part in it.
    loaded = runs.load(sent(**network_files(tmp_path, model)) | {"kernels": 16, "hidden": [16, 16]})
    assert (loaded["widths"], loaded["side"]) == ([784, *hidden, 10], kernel_size)
    assert loaded["kernels"] == hidden[0] // positions(kernel_size)
    np.testing.assert_allclose(kept.RUNS.get(loaded["run"]).trainer.model.theta, model.theta, rtol=1e-3, atol=1e-6)
    before = loaded["frames"][0]["unseen"]
    assert runs.go({"run": loaded["run"]})["frames"][-1]["unseen"] > before + 0.3


def test_a_network_with_too_many_kernels_is_refused(tmp_path):
    model = MLP((17 * 25,), kernel_size=8)
    assert "this one has 17" in runs.load(sent(**network_files(tmp_path, model)))["error"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (sent(readme__txt=b"hello"), "Missing: model.safetensors and config.json."),
        (sent(model__safetensors=b"x" * 100), "Missing: config.json."),
        (sent(model__safetensors=b"x" * 100, config__json=b"{}"), "config.json"),
        (sent(config__json=b"[" * 5000, model__safetensors=b""), "config.json"),
        ({"files": []}, "files"),
        ({"files": [{"name": "a", "content": "A"}]}, "content"),
        (sent(a__zip=b"x" * (archives.MOST_BYTES + 1)), "1.4 MB"),
    ],
)
def test_other_files_are_refused_in_a_sentence(values, said):
    assert said in runs.load(values)["error"]


# --- Zips -------------------------------------------------------------------------------------------------------------


def test_a_zip_that_grows_beyond_measure_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("unpacked"))
    for bomb in (zipped(a=bytes(archives.MOST_UNPACKED + 1)), zipped(**{f"{i}": b"" for i in range(257)})):
        assert "unpacked is taken" in drawings.load_set(bomb)["error"]
    assert "packed in a way" in drawings.load_set(zipped(zipfile.ZIP_LZMA, a=b"x"))["error"]


def test_a_zip_that_lies_about_its_size_is_refused():
    content = bytearray(zip_bytes({"7/a.png": bytes(100_000)}))
    for at in (content.find(b"PK\1\2") + 24, 22):  # the size unpacked, in the directory and at the file
        content[at : at + 4] = (10).to_bytes(4, "little")
    assert "damaged zip" in drawings.load_set(sent(a__zip=bytes(content)))["error"]


def test_a_zip_that_names_impossible_places_is_refused():
    whole = zip_bytes({"7/a.png": b"x"})
    end = whole.find(b"PK\5\6")
    second_disk = struct.pack("<4sIQI", b"PK\6\7", 1, 0, 2)  # where the rest of a zip of two disks is
    content = whole[:end] + second_disk + whole[end:]
    assert "damaged zip" in drawings.load_set(sent(a__zip=content))["error"]
    directory = whole.find(b"PK\1\2")
    far = struct.pack("<HHQ", 1, 8, 2**63 + 5)  # an extra field: where the file begins
    entry = bytearray(whole[directory:end])
    entry[42:46], entry[30:32] = b"\xff" * 4, len(far).to_bytes(2, "little")
    name_end = 46 + len("7/a.png")
    entry = bytes(entry[:name_end]) + far + bytes(entry[name_end:])
    tail = bytearray(whole[end:])
    tail[12:16] = len(entry).to_bytes(4, "little")
    content = whole[:directory] + entry + bytes(tail)
    assert "damaged zip" in drawings.load_set(sent(a__zip=content))["error"]


def test_a_zip_that_is_damaged_anywhere_is_refused():
    whole = zip_bytes({"7/a.png": (EXAMPLES / "7.png").read_bytes()[:500], "8/b.png": b"x" * 300})
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytearray(whole)
        for at in rng.integers(len(content), size=4):
            content[at] = rng.integers(256)
        assert drawings.load_set(sent(a__zip=bytes(content[: rng.integers(1, len(content))])))["error"]
        assert drawings.load_set(sent(a__zip=bytes(content)))["error"]


# --- A set of drawings ------------------------------------------------------------------------------------------------


def test_a_saved_set_is_what_nn_train_reads_and_what_is_loaded_again(tmp_path):
    split = unseen()[:30]
    values = as_set(split.labels.tolist(), split.images)
    saved = drawings.save_set(values)["zip"]
    zipfile.ZipFile(io.BytesIO(base64.b64decode(saved))).extractall(tmp_path)
    dataset = load_images(tmp_path)
    rows = sorted(
        zip(
            *[
                np.concatenate([getattr(part, name) for part in dataset.splits().values()]).tolist()
                for name in ("labels", "images")
            ],
            strict=True,
        )
    )
    assert rows == sorted(zip(split.labels.tolist(), split.images.tolist(), strict=True))
    loaded = drawings.load_set({"files": [{"name": "my-digits.zip", "content": saved}]})
    order = np.argsort(split.labels, kind="stable")
    assert loaded == as_set(split.labels[order].tolist(), split.images[order]) | {"left_out": 0}


def test_pictures_of_other_sizes_are_framed_and_other_files_left_out():
    seven = (EXAMPLES / "7.png").read_bytes()
    content = {
        "set/7/a.png": seven,
        "7/.DS_Store": b"x",
        "__MACOSX/7/._a.png": b"x",
        "notes.txt": b"x",
        "8/b.png": b"x",
    }
    loaded = drawings.load_set(sent(a__zip=zip_bytes(content)))
    assert (loaded["labels"], loaded["left_out"]) == ([7], 2)
    expected = np.rint(preprocessing.to_mnist(Image.open(EXAMPLES / "7.png")) * 255)
    assert base64.b64decode(loaded["drawings"]) == expected.astype(np.uint8).tobytes()


def png(width, height):
    file = io.BytesIO()
    Image.new("L", (width, height)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "no drawings"),
        ({"letters/a.png": png(28, 28)}, "no drawings"),
        ({f"7/{i}.png": png(28, 28) for i in range(101)}, "at most 100 drawings"),
        ({f"7/{i}.png": png(3000, 3000) for i in range(3)}, "25 million pixels"),
        ({"7/a.png": png(60, 60)[:-30]}, "a.png: cannot be read as a picture"),
    ],
    ids=["empty", "no label", "too many", "too many pixels", "damaged"],
)
def test_a_set_that_is_none_or_too_large_is_refused_in_a_sentence(content, said):
    assert said in drawings.load_set(sent(a__zip=zip_bytes(content)))["error"]


def test_a_whole_set_is_taught():
    run = begun()
    for _ in range(5):
        shown = runs.go({"run": run})["frames"][-1]
    split = unseen()
    wrong = np.flatnonzero(answers_of(kept.RUNS.get(run).trainer.model, split.pixels()) != split.labels)[:12]
    values = as_set(split.labels[wrong].tolist(), split.images[wrong])
    for _ in range(8):
        answer = runs.teach({"run": run, **values})
    right = int(answer["said"].split()[2])
    assert f"It reads {right} of your 12 drawings right" in answer["said"]
    assert right >= 9
    assert answer["frames"][0]["unseen"] > shown["unseen"] - 0.04


@pytest.mark.parametrize(
    "values", [as_set([1], [[0] * 783]), as_set([1, 2], [[0] * 784]), as_set([], []), as_set([10], [[0] * 784])]
)
def test_drawings_that_are_none_are_refused_in_a_sentence(values):
    assert drawings.save_set(values)["error"]
    assert runs.teach({"run": begun(digits=100), **values})["error"]


# --- In a browser -----------------------------------------------------------------------------------------------------


def test_a_visitor_takes_a_network_and_a_set_along_and_looks_inside_it(laptop, tmp_path):
    v = laptop
    v.page.get_by_role("tab", name="Draw").click()
    v.draw(7)
    expect(v.answer).to_be_visible()
    room = opened(v, "Train one", "train")
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")

    # A weight picture, large.
    room.get_by_role("button", name="What unit 4 looks for").press("Enter")
    dialog = room.get_by_role("dialog")
    expect(dialog.locator("li")).to_have_count(10)
    v.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    usual = v.page.viewport_size
    v.page.set_viewport_size({"width": 640, "height": 400})
    for unit in (4, 5):
        room.get_by_role("button", name=f"What unit {unit} looks for").press("Enter")
        expect(dialog.get_by_role("heading")).to_be_in_viewport(ratio=1)
        dialog.get_by_role("button", name="Close").press("Enter")
    v.page.set_viewport_size(usual)

    # A test digit goes to See inside, which shows the visitor's network; the drawing comes back.
    room.locator(".digits .wrong").first.click()
    inside = v.page.locator(".lab.inside")
    expect(inside.locator(".lead").first).to_contain_text("This is your network")
    expect(inside.locator(".which-picture")).to_contain_text("one of the new digits")
    expect(inside.locator(".pretend")).to_contain_text(re.compile("that this is an? \\d, but it is an? \\d: there is"))
    inside.get_by_role("button", name="Back to your drawing").click()
    expect(inside.locator(".which-picture")).to_be_empty()
    inside.get_by_role("button", name="Show the page's network").click()
    expect(inside.locator(".lead").first).to_contain_text("comes with the page")
    fool = opened(v, "Fool it", "fool")
    expect(fool.locator(".silenced .network")).to_contain_text(re.compile("your network, .* Tap one"))
    fool.get_by_role("button", name="Switch unit 3 of layer 1 off").click()
    expect(fool.locator(".silenced .big")).to_contain_text("with all units")
    answer_once(v, "silence", {"error": kept.BUSY})
    fool.get_by_role("button", name="Switch unit 5 of layer 1 off").click()
    expect(fool.locator(".silenced .problem")).to_have_text(kept.BUSY)
    expect(fool.locator(".silenced [aria-pressed=true]")).to_have_count(2)
    answer_once(v, "silence", {"error": "This network has hidden layers of 16 units.", "gone": True})
    fool.get_by_role("button", name="Switch unit 6 of layer 1 off").click()
    expect(fool.locator(".silenced [aria-pressed=true]")).to_have_count(0)
    expect(fool.locator(".silenced .problem")).to_be_empty()

    # A set: taught, saved, loaded beside what is there.
    opened(v, "Train one", "train")
    room.locator(".label").select_option("2")
    room.get_by_role("button", name="Teach it with old digits").click()
    expect(room.locator(".told")).to_contain_text(
        "31 old digits were repeated beside your drawing, so that it forgets less."
    )
    expect(room.locator(".own li")).to_have_count(1)
    with v.page.expect_download() as saved:
        room.get_by_role("button", name="Save the set").click()
    saved.value.save_as(tmp_path / "digits.zip")
    assert zipfile.ZipFile(tmp_path / "digits.zip").namelist() == ["2/001.png"]
    room.locator(".set input").set_input_files(EXAMPLES / "7.png")
    expect(room.locator(".set .problem")).to_contain_text("no drawings in it")
    room.locator(".set input").set_input_files(tmp_path / "digits.zip")
    expect(room.locator(".own li")).to_have_count(2)
    expect(room.locator(".set .problem")).to_be_empty()
    room.get_by_role("button", name="Take this 2 out of the set").last.click()
    expect(room.get_by_role("button", name="Take this 2 out of the set")).to_be_focused()

    # A reload loses neither, not even when the server does not answer then.
    right = room.locator(".big b")
    known = right.inner_text()
    looks = re.compile('"fn_name": ?"look"')

    def answer(route):
        route.abort() if looks.search(route.request.post_data or "") else route.continue_()

    v.route("**/component_server/**", answer)
    v.page.reload()
    expect(room.locator(".problem").first).to_contain_text("does not answer")
    v.page.unroute("**/component_server/**")
    v.page.get_by_role("tab", name="Draw").click()
    v.page.get_by_role("tab", name="Train one").click()
    expect(room).to_have_attribute("data-ready", "true")
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    expect(right).to_have_text(known)
    expect(room.locator(".own li")).to_have_count(1)

    # A copy of the tab goes on with the network, and shows a round that the tab did not hear of. Its Reset takes the
    # network from nobody.
    def lose(route):
        if asks("go")(route.request):
            route.fetch()
            route.abort()
        else:
            route.continue_()

    points = "line => line.points.numberOfItems"
    seen = room.locator(".curves polyline").first.evaluate(points)
    v.route("**/component_server/**", lose)
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".problem").first).to_contain_text("does not answer")
    v.page.unroute("**/component_server/**")
    with v.context.expect_page() as opened_copy:
        v.page.evaluate("window.open(location.href)")
    copy = opened_copy.value.locator(".lab.train")
    expect(copy.locator(".round")).to_have_text("2 rounds through the digits")
    assert copy.locator(".curves polyline").first.evaluate(points) == seen + 1
    copy.get_by_role("button", name="Reset").click()
    expect(copy.locator(".round")).to_have_text("Not trained yet")
    opened_copy.value.close()
    v.look_at()
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".round")).to_have_text("3 rounds through the digits")
    expect(room.locator(".problem").first).to_be_empty()

    # The network: saved, lost, loaded; and what is none changes nothing.
    with v.page.expect_download() as saved:
        room.get_by_role("button", name="Save the network").click()
    saved.value.save_as(tmp_path / "network.zip")
    taught = right.inner_text()
    room.get_by_role("button", name="Reset").click()
    expect(right).not_to_have_text(taught)
    room.locator(".along input").set_input_files(tmp_path / "network.zip")
    expect(room.locator(".taken")).to_contain_text("Loaded: 784-16-10")
    assert abs(float(right.inner_text()[:-1]) - float(taught[:-1])) < 0.3  # weights are rounded in files
    loaded = right.inner_text()
    room.locator(".along input").set_input_files(EXAMPLES / "7.png")
    expect(room.locator(".along .problem")).to_contain_text("A network has two files")
    room.locator(".along input").set_input_files(sorted(EXAMPLES.glob("*.png"))[:5])
    expect(room.locator(".along .problem")).to_have_text("Choose at most 4 files.")
    assert right.inner_text() == loaded
    expect(room.locator(".own li")).to_have_count(1)

    # Other settings keep the loaded network; a file that is dropped beside everything does not lose the page.
    room.get_by_role("radio", name="careful").check()
    expect(room.locator(".taken")).to_contain_text("Loaded: 784-16-10")
    expect(right).to_have_text(loaded)
    room.get_by_role("radio", name="64", exact=True).check()
    expect(room.locator(".earlier")).to_contain_text("This is a new network")
    assert v.page.evaluate(
        """() => {
            const files = new DataTransfer();
            files.items.add(new File(["7"], "seven.txt"));
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: files });
            document.querySelector("#title").dispatchEvent(drop);
            return drop.defaultPrevented;
        }"""
    )
    # A set that is full loses its oldest drawings, and says so.
    (tmp_path / "many.zip").write_bytes(zip_bytes({f"3/{i}.png": png(28, 28) for i in range(100)}))
    room.locator(".set input").set_input_files(tmp_path / "many.zip")
    expect(room.locator(".counted")).to_have_text(
        "100 drawings were loaded, 100 now. The oldest one left the set: it holds at most 100."
    )
    expect(room.get_by_role("button", name="Take this 2 out of the set")).to_have_count(0)


def test_a_visitor_trains_a_network_with_kernels_and_drops_its_file(laptop, tmp_path):
    v = laptop
    room = untrained(v)
    room.get_by_role("radio", name="16 kernels").check()
    expect(room.locator(".convolved")).to_contain_text("8 × 8 pixels, all over the picture")
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    assert v.page.url.endswith("#lab=kernels,good,4500,relu")
    expect(room.locator(".weights canvas")).to_have_count(16)
    assert room.locator(".weights canvas").first.evaluate("canvas => [canvas.width, canvas.height]") == [8, 8]
    room.get_by_role("button", name="What kernel 4 looks for").click()
    expect(room.get_by_role("dialog").locator("li")).to_have_count(10)
    v.page.keyboard.press("Escape")
    with v.page.expect_download() as saved:
        room.get_by_role("button", name="Save the network").click()
    saved.value.save_as(tmp_path / "network.zip")

    room.get_by_role("radio", name="64", exact=True).check()
    expect(room.locator(".filters h2")).to_have_text("What its units look for")
    expect(room.locator(".convolved")).to_be_hidden()
    content = base64.b64encode((tmp_path / "network.zip").read_bytes()).decode()
    room.locator(".along").evaluate(
        """(element, content) => {
            const files = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            files.items.add(new File([bytes], "network.zip", { type: "application/zip" }));
            const given = { dataTransfer: files, bubbles: true, cancelable: true };
            for (const type of ["dragover", "drop"]) element.dispatchEvent(new DragEvent(type, given));
        }""",
        content,
    )
    expect(room.locator(".taken")).to_contain_text("Loaded: 784-400-10, 16 kernels of 8 × 8.")
    expect(room.get_by_role("radio", name="16 kernels")).to_be_checked()
    expect(room.locator(".filters h2")).to_have_text("What its kernels look for")
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    inside = opened(v, "See inside", "inside")
    expect(inside.locator(".lead").first).to_contain_text("kernels: they are shown below")
    expect(inside.locator(".lead").first).to_contain_text(
        "Shown here is the one that comes with the page: 16 hidden units"
    )
    v.page.evaluate("rooms.go('#inside=kernels')")
    kernels = inside.locator(".kernels")
    expect(kernels.locator(".lead")).to_contain_text("Your network, as you left it on Train one, has 16 kernels")
    expect(kernels.locator(".found button")).to_have_count(16)
    kernels.get_by_role("button", name="Show the network on Draw").click()
    expect(kernels.locator(".lead")).to_contain_text("192 kernels")
    kernels.get_by_role("button", name="Show your network").click()
    expect(kernels.locator(".found button")).to_have_count(16)
    kernels.get_by_role("button", name="Show the network on Draw").click()
    expect(kernels.locator(".lead")).to_contain_text("192 kernels")
    v.page.evaluate("rooms.go('#lab=256-128')")
    expect(room.locator(".round")).to_have_text("Not trained yet")
    v.page.evaluate("rooms.go('#inside=kernels')")
    expect(kernels.locator("[data-whose]")).to_be_hidden()  # there are none of the visitor's any more
    v.page.evaluate("rooms.go('#lab=kernels')")
    expect(room.locator(".weights canvas").first).to_have_js_property("width", 8)


def test_kernels_that_no_chip_stands_for_are_loaded_and_reset(laptop, tmp_path):
    v = laptop
    room = untrained(v)
    network_files(tmp_path, MLP((96, 20), kernel_size=12, seed=1))
    paths = [tmp_path / name for name in ("model.safetensors", "config.json")]
    room.locator(".along input").set_input_files(paths)
    expect(room.locator(".taken")).to_contain_text("Loaded: 784-96-20-10, 6 kernels of 12 × 12.")
    expect(room.locator("[name=hidden]:checked")).to_have_count(0)
    loaded = room.locator(".big b").inner_text()
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".big b")).not_to_have_text(loaded)
    room.get_by_role("button", name="Reset").click()
    expect(room.locator(".round")).to_have_text("Not trained yet")
    expect(room.locator(".weights canvas")).to_have_count(6)
    assert room.locator(".weights canvas").first.evaluate("canvas => canvas.width") == 12


def test_a_loaded_network_with_sigmoid_units_shows_that_it_has_them(laptop, tmp_path):
    room = untrained(laptop)
    room.locator(".settings .more").evaluate("more => (more.open = false)")
    network_files(tmp_path, MLP((16,), activation="sigmoid", seed=1))
    paths = [tmp_path / name for name in ("model.safetensors", "config.json")]
    room.locator(".along input").set_input_files(paths)
    expect(room.locator(".taken")).to_contain_text("Loaded: 784-16-10")
    expect(room.get_by_role("radio", name="sigmoid", exact=True)).to_be_visible()
    expect(room.get_by_role("radio", name="sigmoid", exact=True)).to_be_checked()
    room.locator(".settings .more").evaluate("more => (more.open = false)")


def test_what_is_refused_is_not_what_plays(laptop):
    v = laptop
    room = untrained(v)
    room.get_by_text("More", exact=True).click()
    room.locator("[name=batch_size]").select_option("512")
    room.get_by_role("radio", name="16 kernels").check()
    expect(room.locator(".problem").first).to_contain_text("at most 128 digits")
    room.get_by_role("button", name="One round").click()
    v.wait_until_silent()
    expect(room.locator(".problem").first).to_contain_text("at most 128 digits")
    expect(room.locator(".round")).to_have_text("Not trained yet")
    room.locator("[name=batch_size]").select_option("128")
    expect(room.locator(".problem").first).to_be_empty()
    room.get_by_role("button", name="One round").click()
    expect(room.locator(".round")).to_have_text("1 round through the digits")
    expect(room.locator(".weights canvas")).to_have_count(16)
