"""Nothing that a caller sends takes the app down: thousands of bad inputs against a real server.

    FUZZ_INPUTS=10000 python -m pytest -n 0 -s tests/serving/test_fuzz.py    # full length; 600 without the variable

No answer is a 5xx or tells of our insides, a digit is named correctly after each hundred, and memory comes back. `-s`
shows the slowest answer. At full length it may not take more than two seconds.
"""

import base64
import io
import json
import os
import re
import time
import zipfile
from collections import Counter

import httpx
import psutil
import pytest
import schemathesis
from conftest import EXAMPLES, ROOT, running
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pictures import files
from PIL import Image
from schemathesis.checks import CHECKS

from weights.serving.serve import TIDY_SECONDS

INPUTS = int(os.environ.get("FUZZ_INPUTS", 600))
FULL = INPUTS >= 10_000
KINDS = 9  # tests below that share them
SLOWEST_SECONDS = 2
TIMEOUT = 60
SEVEN = (EXAMPLES / "7.png").read_bytes()

fuzz = settings(
    max_examples=max(INPUTS // KINDS, 20),
    deadline=None,
    database=None,
    derandomize=not FULL,  # the same ones in each short run
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

# After this time without work anyio ends a thread of the server's pool, which until then keeps what its last work left.
IDLE_SECONDS = 10
LOOK_SECONDS = 0.2  # between two looks at the server's memory


class Siege:
    """Sends inputs to a server and looks at each answer."""

    def __init__(self, url, process, log):
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT)
        self.process = psutil.Process(process.pid)
        self.log = log
        self.sent = 0
        self.slowest = (0.0, "")
        self.statuses = Counter()
        config = self.http.get("/config").json()
        ids = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self.pad, self.inside, self.fool, self.train = (ids[name] for name in ("pad", "inside", "fool", "train"))
        self.run = ""  # a network of Train one, once there is one
        self.example = str(EXAMPLES / "7.png")  # named by its path, as the page does
        self.events = sorted({each["api_name"] for each in config["dependencies"] if each["api_name"]})

    def send(self, method, path, **request):
        start = time.monotonic()
        answer = self.http.request(method, path, **request)
        self.slowest = max(self.slowest, (time.monotonic() - start, f"{method} {path[:60]}"))
        self.sent += 1
        self.statuses[answer.status_code] += 1
        assert answer.status_code < 500, (method, path, answer.text[:500])
        if answer.status_code >= 400:
            assert "Traceback" not in answer.text
            assert str(ROOT) not in answer.text
        if self.sent % 100 == 0:
            self.check()
        return answer

    def check(self):
        named = self.http.post("/predict/image", content=SEVEN).json()
        assert named["digit"] == 7

    def wave(self):
        """Sends the largest of everything many times: memory that this needs is no leak."""
        picture = base64.b64encode(SEVEN).decode()
        for _ in range(20 if FULL else 8):
            self.send("POST", "/predict/batch", json={"inputs": [picture] * 64})
            self.send("POST", "/gradio_api/run/predict", content=b'{"data": [[' + b"0," * 200_000 + b"0]]}")
            self.send("POST", "/gradio_api/call/predict", json={"data": [{"url": data_url(SEVEN)}]})
            self.send("POST", "/gradio_api/upload", files={"files": ("a.png", os.urandom(1_000_000))})
            # The largest networks of visitors, until there is no room for more.
            call = {"component_id": self.train, "session_hash": "wave", "fn_name": "start"}
            settings = {"preset": "adam256", "pixels": [0] * 784}
            self.send("POST", "/gradio_api/component_server", json=call | {"data": settings})
        for image in ("1", "RGB", "RGBA"):
            file = io.BytesIO()
            Image.new(image, (4000, 4000)).save(file, "PNG")
            self.send("POST", "/predict/image", content=file.getvalue())

    def tidied(self, enough=0, idle=IDLE_SECONDS):
        """The least memory, in bytes, within a time in which the app has certainly given back what it does not need. It
        ends early at `enough` or less.
        """
        end = time.monotonic() + idle + 1.5 * TIDY_SECONDS
        least = self.process.memory_info().rss
        while time.monotonic() < end and least > enough:
            time.sleep(LOOK_SECONDS)
            self.check()
            least = min(least, self.process.memory_info().rss)
        return least


@pytest.fixture(scope="module")
def siege(tmp_path_factory):
    folder = tmp_path_factory.mktemp("siege")
    with running(folder / "log", GRADIO_TEMP_DIR=str(folder / "uploads")) as (url, process):
        siege = Siege(url, process, folder / "log")
        siege.wave()
        siege.before = siege.tidied(idle=IDLE_SECONDS if FULL else 0)
        yield siege


# --- What is sent -----------------------------------------------------------------------------------------------------

numbers = st.one_of(st.integers(-3, 300), st.sampled_from([10**30, -1, 1e308, 0.5]), st.booleans())
words = st.one_of(st.text(max_size=12), st.sampled_from(["", "data:", "data:,", "http://127.0.0.1/", "\x00", "null"]))
values = st.recursive(
    st.one_of(st.none(), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)
paths = st.sampled_from(
    ["/etc/passwd", "app.py", "../app.py", "/proc/self/environ", "preprocessing/examples/7.png", "", "x" * 5000, "\x00"]
)
metas = st.sampled_from([{"_type": "gradio.FileData"}, {}, None, "x", [], {"_type": 7}])


def data_url(content, kind="image/png"):
    return f"data:{kind};base64," + base64.b64encode(content).decode()


def file_like():
    """A file as a caller may describe it: a path, a URL, a data: URL, or anything."""
    return st.fixed_dictionaries(
        {},
        optional={
            "path": st.one_of(paths, values),
            "url": st.one_of(words, files().map(data_url), values),
            "meta": metas,
            "orig_name": st.one_of(words, st.sampled_from(["a.svg", "a.gif", "../../a.png", "a" * 300])),
            "size": values,
            "is_stream": st.one_of(st.booleans(), values),
        },
    )


def drawings():
    """A drawing as a caller may describe it."""
    return st.fixed_dictionaries(
        {},
        optional={
            "background": st.one_of(st.none(), file_like(), values),
            "layers": st.one_of(st.lists(file_like(), max_size=3), values),
            "composite": st.one_of(st.none(), file_like(), values),
            "id": st.one_of(st.none(), words, values),
        },
    )


def broken(body):
    """JSON that is cut or changed, or as it is."""
    text = json.dumps(body).encode()
    return st.one_of(
        st.just(text),
        st.integers(0, len(text)).map(lambda end: text[:end]),
        st.sampled_from([b"NaN", b"Infinity", b"-", b"[[", b"\xff", b"1e999", b'"\\ud800"']).map(
            lambda what: text.replace(b"0", what, 1)
        ),
    )


@given(data=st.data())
@fuzz
def test_json_bodies_of_our_routes(siege, data):
    path = data.draw(st.sampled_from(["/predict", "/predict/batch", "/read", "/live"]))
    pixels = st.one_of(st.lists(numbers, min_size=780, max_size=790), st.lists(values, max_size=5), values)
    inputs = st.one_of(st.lists(st.one_of(pixels, files().map(data_url), words), max_size=4), values)
    body = data.draw(
        st.one_of(st.fixed_dictionaries({"pixels": pixels}), st.fixed_dictionaries({"inputs": inputs}), values)
    )
    siege.send("POST", path, content=data.draw(broken(body)), headers={"Content-Type": "application/json"})


@given(data=st.data())
@fuzz
def test_picture_files(siege, data):
    path = data.draw(st.sampled_from(["/predict/image", "/read", "/predict/batch", "/gradio_api/run/predict", "/live"]))
    content = data.draw(files())
    kind = data.draw(st.sampled_from(["image/png", "image/svg+xml", "text/html", "application/json", ""]))
    if path == "/predict/batch":
        siege.send("POST", path, json={"inputs": [base64.b64encode(content).decode()]})
    elif path.startswith("/gradio_api"):
        file = {"url": data_url(content, kind), "meta": {"_type": "gradio.FileData"}}
        siege.send("POST", path, json={"data": [file]})
    elif data.draw(st.booleans()):
        name = data.draw(st.sampled_from(["file", "image", "", "a" * 100]))
        siege.send("POST", path, files={name: ("a.png", content, kind or None)})
    else:
        siege.send("POST", path, content=content, headers={"Content-Type": kind} if kind else {})


@given(data=st.data())
@fuzz
def test_uploaded_files(siege, data):
    content = data.draw(files())
    name = data.draw(st.sampled_from(["7.png", "7.svg", "7.gif", "../../7.png", "\u202e.png", "a" * 250, "7"]))
    answer = siege.send("POST", "/gradio_api/upload", files={"files": (name, content)})
    if answer.status_code == 200:
        file = {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}
        other = file | {"path": siege.example}
        sheets = st.lists(st.sampled_from([file, other]), max_size=3)
        below = st.fixed_dictionaries(
            {"background": st.sampled_from([None, file]), "layers": sheets, "composite": st.none()}
        )
        pad = data.draw(st.just({"background": None, "layers": [], "composite": file}) | below)
        ways = [("predict", [file]), ("show_given", [pad, None, None]), ("show_given", [None, file, None])]
        event, values = data.draw(st.sampled_from(ways))
        siege.send("POST", f"/gradio_api/run/{event}", json={"data": values})
        siege.send("GET", f"/gradio_api/file={file['path']}", headers={"Range": data.draw(ranges)})


ranges = st.sampled_from(["bytes=0-5", "bytes=5-2", "bytes=-", "bytes=99999999999999999999-", "lines=1", "bytes=a-b,"])


@given(data=st.data())
@fuzz
def test_calls_of_any_event_with_any_data(siege, data):
    value = st.one_of(file_like(), drawings(), values)
    body = data.draw(
        st.fixed_dictionaries(
            {"data": st.one_of(st.lists(value, min_size=1, max_size=1), st.lists(value, max_size=3), values)},
            optional={
                "session_hash": st.one_of(st.text(max_size=8), st.just("s"), values),
                "fn_index": st.one_of(st.integers(-2, 40), values),
                "trigger_id": st.one_of(st.integers(-2, 80), values),
                "event_data": values,
                "event_id": st.one_of(words, values),
                "batched": st.one_of(st.booleans(), values),
                "simple_format": values,
            },
        )
    )
    kind = data.draw(st.sampled_from(["run", "run", "api", "call", "call/v2", "join"]))
    name = data.draw(st.sampled_from([*siege.events, "nothing", "..%2f", "%00"]))
    if kind == "join":
        body.setdefault("session_hash", "s")
        body.setdefault("fn_index", 0)
        path = "/gradio_api/queue/join"
    else:
        path = f"/gradio_api/{kind}/{name}"
    answer = siege.send("POST", path, content=data.draw(broken(body)), headers={"Content-Type": "application/json"})
    if kind == "call" and answer.status_code == 200:
        events = siege.send("GET", f"{path}/{answer.json()['event_id']}").text
        assert "Traceback" not in events
        errors = re.findall(r"event: error\ndata: (.*)", events)  # of this session: other calls may have given pictures
        assert not any(str(ROOT) in error for error in errors)


@given(data=st.data())
@fuzz
def test_drawings_that_the_pad_may_send(siege, data):
    known = {
        "type": st.sampled_from(["layer", "background", "composite", "", "x"]),
        "index": st.sampled_from(["", "null", "0", "7", "8", "-1", "1000000000", "x", "0x1"]),
        "id": words,
        "component_id": st.sampled_from([str(siege.pad), str(siege.pad), "0", "-1", "x", "1e9"]),
        "session_hash": words,
        "fn_name": st.sampled_from(["accept_blobs", "accept_blobs", "preprocess", "__init__", "__class__", ""]),
    }
    form = data.draw(st.fixed_dictionaries({}, optional=known) | st.fixed_dictionaries(known))
    id_ = form.get("id", "x")
    if data.draw(st.booleans()):
        upload = {"file": ("a.png", data.draw(files()))} if data.draw(st.booleans()) else {"a": (None, b"")}
        siege.send("POST", "/gradio_api/component_server", data=form, files=upload)
        drawing = {"background": None, "layers": [], "composite": None, "id": id_}
        siege.send("POST", "/gradio_api/run/show_given", json={"data": [drawing, None, None]})
    else:
        siege.send("POST", "/gradio_api/component_server", json=form | {"data": data.draw(values)})


@given(data=st.data())
@fuzz
def test_questions_of_see_inside_and_fool_it(siege, data):
    known = {
        "pixels": st.just([0, 255] * 392) | st.just([7] * 783) | st.lists(numbers, min_size=784, max_size=784) | values,
        "target": st.integers(-1, 10) | values,
        "steps": st.integers(0, 60) | values,
        "strength": st.floats(-0.5, 1.5) | values,
        "degrees": st.floats(-200, 200) | values,
        "thicker": st.integers(-1, 5) | values,
        "noise": st.floats(-0.5, 1.5) | values,
        "invert": st.booleans() | values,
        "run": words,
        "off": st.lists(st.lists(st.integers(-1, 20), max_size=3), max_size=3) | values,
    }
    question = data.draw(st.fixed_dictionaries({}, optional=known) | values)
    component, functions = data.draw(
        st.sampled_from(
            [(siege.inside, ["content", "numbers", "learn"]), (siege.fool, ["content", "change", "silence"])]
        )
    )
    call = {"component_id": component, "session_hash": "fuzz", "fn_name": data.draw(st.sampled_from(functions))}
    answer = siege.send("POST", "/gradio_api/component_server", json=call | {"data": question})
    assert answer.status_code in (200, 422)


def archives():
    """A zip as a visitor may bring it, whole or damaged, or anything."""

    def zipped(content, kind):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", kind) as archive:
            for name, each in content.items():
                archive.writestr(name, each)
        return file.getvalue()

    names = st.sampled_from(
        ["7/a.png", "0/b.png", "config.json", "model.safetensors", "../../7/c.png", "x" * 300, "7\\d.png"]
    )
    contents = st.one_of(files(), st.binary(max_size=300), values.map(lambda value: json.dumps(value).encode()))
    kinds = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
    whole = st.builds(zipped, st.dictionaries(names, contents, max_size=4), kinds)
    cut = st.tuples(whole, st.floats(0, 1)).map(lambda pair: pair[0][: round(len(pair[0]) * pair[1])])
    return whole | cut | contents


@given(data=st.data())
@fuzz
def test_questions_of_train_one(siege, data):
    function = data.draw(
        st.sampled_from(["start", "load", "go", "look", "unit", "teach", "take", "save_set", "load_set", "content"])
    )
    runs = st.sampled_from([siege.run, siege.run, "nobody's"]) | values
    file = st.fixed_dictionaries(
        {"name": words, "content": archives().map(lambda content: base64.b64encode(content).decode()) | words}
    )
    given = {
        "run": runs,
        "instead_of": st.sampled_from(["nobody's", None]) | values,
        "pixels": st.just([0, 255] * 392) | values,
        "hidden": st.sampled_from([[], [16], [256, 256], [10**6], [16, 16, 16], [-1]]) | values,
        "rate": st.sampled_from(["careful", "good", "wild"]) | values,
        "digits": st.sampled_from([100, 1000, 4500, 60_000]) | values,
        "optimizer": st.sampled_from(["sgd", "momentum", "adam"]) | values,
        "batch_size": st.integers(0, 1000) | values,
        "dropout": st.floats(-0.5, 1.5) | values,
        "decay": st.floats(-0.5, 0.5) | values,
        "seed": st.integers(-1, 2**40) | values,
        "preset": st.sampled_from(["tiny", "adam256", "best", None]) | values,
        "files": st.lists(file, min_size=1, max_size=3) | values,
        "unit": st.integers(-1, 20) | values,
        "labels": st.just([7]) | st.lists(st.integers(-1, 10), max_size=3) | values,
        "drawings": st.sampled_from([base64.b64encode(bytes(784)).decode(), "", "A"]) | values,
        "mixed": st.booleans() | values,
    }
    asks = {
        "go": ["run", "pixels"],
        "look": ["run", "pixels"],
        "take": ["run"],
        "unit": ["run", "unit"],
        "teach": ["run", "pixels", "labels", "drawings", "mixed"],
        "save_set": ["labels", "drawings"],
        "load_set": ["files"],
        "load": ["files", "rate", "digits", "instead_of", "preset"],
        "content": [],
    }
    known = {name: given[name] for name in asks.get(function, given.keys() - {"run", "files", "unit"})}
    question = data.draw(st.fixed_dictionaries({}, optional=known) | st.fixed_dictionaries(known) | values)
    call = {"component_id": siege.train, "session_hash": "fuzz", "fn_name": function, "data": question}
    answer = siege.send("POST", "/gradio_api/component_server", json=call)
    assert answer.status_code in (200, 422)
    assert "/tmp" not in answer.text
    if function == "start" and answer.json().get("run"):
        siege.run = answer.json()["run"]


@given(data=st.data())
@fuzz
def test_messages_of_agents(siege, data):
    arguments = st.dictionaries(
        st.sampled_from(["image", "pixels", "inputs", "x"]), st.one_of(file_like(), values), max_size=3
    )
    params = st.fixed_dictionaries(
        {"name": st.sampled_from(["predict", "predict_pixels", "predict_batch", "read", "x"])},
        optional={"arguments": st.one_of(arguments, values), "_meta": values},
    )
    methods = st.sampled_from(["tools/call", "tools/call", "tools/list", "initialize", "ping", "x"])
    message = st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0"), "method": methods},
        optional={"id": st.one_of(st.integers(0, 9), values), "params": st.one_of(params, values)},
    )
    body = data.draw(broken(data.draw(st.one_of(message, st.lists(message, max_size=2), values))))
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    answer = siege.send("POST", "/gradio_api/mcp/", content=body, headers=headers)
    assert "Traceback" not in answer.text
    assert str(ROOT) not in answer.text


@given(data=st.data())
@fuzz
def test_addresses(siege, data):
    path = data.draw(
        st.sampled_from(
            [
                "/gradio_api/file=%s",
                "/gradio_api/mcp/%s",
                "/gradio_api/mcp/",
                "/gradio_api/cancel",
                "/gradio_api/reset",
                "/gradio_api/call/predict/%s",
                "/gradio_api/queue/data?session_hash=%s",
                "/gradio_api/stream/a/b/%s/playlist.m3u8",
                "/gradio_api/custom_component/%s/client/component/index.js",
                "/gradio_api/info?serialize=%s",
                "/gradio_api/%s",
                "/assets/%s",
                "/static/%s",
                "/svelte/%s",
                "/theme.css?v=%s",
                "/manifest.json",
                "/pwa_icon/%s",
                "/%s",
                "/login",
            ]
        )
    )
    what = data.draw(
        st.one_of(st.sampled_from(["..%2f..%2fapp.py", "%00", "a" * 2000, "http:%2f%2fx", "1", "-1"]), words)
    )
    method = data.draw(st.sampled_from(["GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]))
    address = path.replace("%s", "".join(c if c.isalnum() or c == "%" else f"%{ord(c) % 256:02x}" for c in what))
    siege.send(method, address, content=json.dumps(data.draw(values)) if method == "POST" else None)


# --- What our own documentation promises ------------------------------------------------------------------------------


def test_documented_routes_keep_their_word(siege):
    schema = schemathesis.openapi.from_url(str(siege.http.base_url.join("/openapi.json")))
    checks = CHECKS.get_by_names(["not_a_server_error", "response_schema_conformance"])
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {"/predict", "/predict/image", "/predict/batch", "/health"}
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(fuzz, max_examples=max(INPUTS // 100, 10))
        def keeps_its_word(case):
            case.call_and_validate(checks=checks)

        keeps_its_word()


# --- Afterwards -------------------------------------------------------------------------------------------------------


def test_afterwards_memory_has_come_back(siege):
    siege.wave()
    enough = 1.1 * siege.before
    after = siege.tidied(0 if FULL else enough)
    print(
        f"\n{siege.sent} inputs, answers {dict(sorted(siege.statuses.items()))}, slowest {siege.slowest[0]:.2f} s "
        f"({siege.slowest[1]}), {siege.before / 2**20:.0f} MiB before, {after / 2**20:.0f} MiB after"
    )
    assert after <= enough
    assert "Traceback" not in siege.log.read_text()
    if FULL:
        assert siege.slowest[0] <= SLOWEST_SECONDS
