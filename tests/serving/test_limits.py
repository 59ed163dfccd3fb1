"""What callers may send: limits are kept whatever they say, and no file or host is reached that should not be."""

import asyncio
import base64
import io
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from conftest import EXAMPLES, ROOT, awaited
from gradio_client import Client, handle_file
from PIL import Image

from nn.mlp import PIXELS
from preprocessing import decoding
from weights.serving import http as http_routes
from weights.serving import schemas, serve
from weights.serving.limits import calls, connections, contents, pictures, sizes, streams, uploads
from weights.serving.limits.contents import MAX_JSON_VALUES
from weights.serving.limits.sizes import MAX_JSON_BYTES, MAX_OTHER_BYTES, MAX_PIXELS_BYTES, MAX_UPLOAD_BYTES
from weights.serving.limits.turns import Turns
from weights.serving.page.lab import archives, kept, runs, settings

SEVEN = (EXAMPLES / "7.png").read_bytes()
META = {"_type": "gradio.FileData"}
RUN = "/gradio_api/run/predict"


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


def data_url(content=SEVEN):
    return "data:image/png;base64," + base64.b64encode(content).decode()


def call(http, value, path=RUN):
    return http.post(path, json={"data": [value]})


# How a file reaches the endpoint, the picture's tab and the pad: (event, what it is sent).
WAYS_OF_A_FILE = {
    "predict": lambda file: ("predict", [file]),
    "picture": lambda file: ("show_given", [None, file, None]),
    "layer": lambda file: ("show_given", [{"background": None, "layers": [file], "composite": None}, None, None]),
    "composite": lambda file: ("show_given", [{"background": None, "layers": [], "composite": file}, None, None]),
}


# --- Size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/predict", MAX_PIXELS_BYTES),
        ("/predict/batch", MAX_JSON_BYTES),
        ("/predict/image", MAX_UPLOAD_BYTES),
        ("/read", MAX_UPLOAD_BYTES),
        ("/live", MAX_OTHER_BYTES),
        (RUN, MAX_JSON_BYTES),
        ("/gradio_api/call/predict", MAX_JSON_BYTES),
        ("/gradio_api/queue/join", MAX_JSON_BYTES),
        ("/gradio_api/mcp/", MAX_JSON_BYTES),
        ("/gradio_api/upload", MAX_UPLOAD_BYTES),
        ("/gradio_api/cancel", MAX_OTHER_BYTES),
    ],
)
def test_too_large_a_body_is_refused_with_the_limit(http, path, limit):
    def endless():  # without Content-Length
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        for _ in range(limit // 100_000 + 2):
            yield bytes(100_000)

    answer = http.post(path, content=endless(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 413
    assert f"{limit:,}"[:4] in answer.json()["detail"]


def test_length_that_lies_is_refused_before_the_body_comes(server):
    with socket.create_connection((urlsplit(server).hostname, urlsplit(server).port), timeout=30) as s:
        s.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert s.recv(64).startswith(b"HTTP/1.1 413")


def test_millions_of_short_values_are_refused_before_they_are_parsed(http):
    answer = http.post(RUN, content=b'{"data": [[' + b"0," * (MAX_JSON_VALUES + 1) + b"0]]}")
    assert answer.status_code == 413
    assert f"{MAX_JSON_VALUES:,}" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/predict/image", RUN])
def test_picture_of_too_many_pixels_is_refused_in_words(http, path, tmp_path):
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    bomb = (tmp_path / "bomb.png").read_bytes()
    answer = call(http, {"url": data_url(bomb), "meta": META}) if path == RUN else http.post(path, content=bomb)
    assert answer.status_code == 422
    assert "50" in answer.json()["detail"]


def test_full_queue_is_answered_with_429(http):
    body = {"data": [{"url": data_url(), "meta": META}]}

    def ask(_):
        return http.post("/gradio_api/call/predict", json=body)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(ask, range(600)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all("64" in answer.json()["detail"] and answer.headers["Retry-After"] for answer in refused)


# --- Pictures ---------------------------------------------------------------------------------------------------------


def sheet(width, height):
    """A large picture in a small file."""
    file = io.BytesIO()
    Image.new("1", (width, height), 1).save(file, "PNG")
    return file.getvalue()


def uploaded(http, content, name="a.png"):
    (path,) = http.post("/gradio_api/upload", files={"files": (name, content)}).json()
    return {"path": path, "meta": META}


@pytest.mark.parametrize(
    ("background", "layers", "said"),
    [
        (None, [(9, 9)] * 200, "at most 8 layers, got 200"),
        ((9, 9), [(9, 9)] * 8, "at most 8 layers, got 9"),
        (None, [(3000, 3000)] * 2, "pixels in all layers together"),
        ((40, 40), [(50, 50)], "of the same size"),
    ],
)
def test_drawing_of_too_many_or_too_large_sheets_is_not_decoded(http, background, layers, said):
    files = {size: uploaded(http, sheet(*size)) for size in {background, *layers} - {None}} | {None: None}
    drawing = {"background": files[background], "layers": [files[size] for size in layers], "composite": None}
    answer = http.post("/gradio_api/run/show_given", json={"data": [drawing, None, None]})
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_an_example_opens_no_way_around_a_limit(http):
    """Gradio makes the pad anew, for the rest of a session, after an event that leaves it as it was."""
    drawing = {"background": None, "layers": [uploaded(http, sheet(9, 9))] * 200, "composite": None}
    for example in range(14):
        taken = {"data": [], "event_data": {"index": example}, "session_hash": "visitor"}
        assert http.post("/gradio_api/run/take", json=taken).status_code == 200
    for data, said in (
        ([drawing, None, None], "at most 8 layers"),
        ([None, uploaded(http, b"no picture"), None], "cannot be read as a picture"),
    ):
        answer = http.post("/gradio_api/run/show_given", json={"data": data, "session_hash": "visitor"})
        assert answer.status_code == 422
        assert said in answer.json()["error"]


@pytest.mark.parametrize("kind", ["EPS", "TGA", "PCX", "ICNS"])
@pytest.mark.parametrize("way", ["predict", "picture", "layer"])
def test_picture_of_a_rare_kind_is_not_opened_under_another_name(http, kind, way):
    """Of Pillow's many readers some are old, and one starts a program."""
    file = io.BytesIO()
    Image.open(io.BytesIO(SEVEN)).convert("RGB").save(file, kind)
    event, data = WAYS_OF_A_FILE[way](uploaded(http, file.getvalue(), "7.png"))
    answer = http.post(f"/gradio_api/run/{event}", json={"data": data})
    assert answer.status_code == 422
    assert "expected a picture such as PNG, JPEG or WebP" in answer.json()["error"]


# --- No file, no host -------------------------------------------------------------------------------------------------

OUTSIDE = [
    "/etc/passwd",
    "app.py",
    "requirements.txt",
    str(ROOT / "README.md"),
    "../../etc/passwd",
    "/tmp",
    "\x00",
    "~",
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("meta", [{"meta": META}, {}], ids=["with meta", "without"])
@pytest.mark.parametrize("way", WAYS_OF_A_FILE)
def test_file_outside_the_upload_folder_is_not_opened(http, path, meta, way):
    event, data = WAYS_OF_A_FILE[way]({"path": path, **meta})
    for kind in ("run", "call"):
        answer = http.post(f"/gradio_api/{kind}/{event}", json={"data": data})
        assert answer.status_code == 422
        assert "no such upload" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "../app.py", "weights/model.safetensors", ".git/config"])
def test_file_outside_the_upload_folder_is_not_served(http, path):
    assert http.get(f"/gradio_api/file={path}").status_code == 403


@pytest.fixture
def elsewhere():
    """A host that notes whether it is asked for anything."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{host.server_port}/7.png", asked
        host.shutdown()


def test_no_url_is_fetched(http, elsewhere):
    url, asked = elsewhere
    for file in ({"path": url, "meta": META}, {"url": url, "meta": META}, {"path": "", "url": url}, url):
        assert call(http, file).status_code == 422
    assert call(http, {"path": "HTTPS://example.org/7.png", "meta": META}).status_code == 422
    assert http.get(f"/gradio_api/file={url}").status_code == 404
    assert http.get(f"/gradio_api/proxy={url}").status_code == 404
    assert asked == []


def test_agent_reaches_no_file_and_no_host(http, elsewhere):
    url, asked = elsewhere
    for value in (
        {"path": "/etc/passwd", "meta": META},
        {"path": url, "meta": META},
        {"path": "", "url": url, "meta": META},
        [[[{"url": url}]]],
    ):
        answer = http.post("/gradio_api/mcp/", json=tool_call("predict", {"image": value}), headers=AGENT)
        assert answer.status_code == 422
    answer = http.post("/gradio_api/mcp/", json=tool_call("predict", {"image": url}), headers=AGENT)
    assert "got an address" in answer.text
    assert asked == []


AGENT = {"Accept": "application/json, text/event-stream"}


def tool_call(tool, arguments):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"{", b"\xff"])
def test_message_of_an_agent_that_is_none_is_refused(http, body):
    answer = http.post("/gradio_api/mcp/", content=body, headers=AGENT | {"Content-Type": "application/json"})
    assert answer.status_code in (413, 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": ""},
        {"size": "x"},
        {"url": 5},
        {"url": ["http://127.0.0.1"]},
        {"orig_name": []},
        {"mime_type": {}},
        {"is_stream": "x"},
    ],
    ids=str,
)
@pytest.mark.parametrize("way", WAYS_OF_A_FILE)
def test_file_with_a_wrong_field_is_refused_in_words(http, wrong, way):
    event, data = WAYS_OF_A_FILE[way]({"path": uploaded_path(http).partition("=")[2], "meta": META} | wrong)
    answer = http.post(f"/gradio_api/run/{event}", json={"data": data})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Expected ")


def test_event_names_no_file_outside_the_upload_folder(http):
    """Gradio looks too, but leaves a traceback in the log."""
    answer = http.post("/gradio_api/run/take", json={"data": [], "event_data": {"value": {"path": "/etc/passwd"}}})
    assert answer.status_code == 422
    assert "there is no such upload" in answer.json()["detail"]


def test_agent_that_lost_its_stream_gets_a_new_one(http):
    with http.stream("GET", "/gradio_api/mcp/", headers=AGENT | {"Last-Event-ID": "7"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["upload_progress?upload_id=", "queue/data?session_hash="])
def test_a_name_of_kilobytes_is_not_remembered(http, path):
    answer = http.get(f"/gradio_api/{path}{'x' * 1000}")
    assert answer.status_code == 414
    assert f"{contents.MAX_ID_LENGTH} characters" in answer.json()["detail"]


def test_what_the_pages_own_address_says_may_be_long(http):
    """Gradio's page sends the query of its address along with each call."""
    events = {each["api_name"]: each["id"] for each in http.get("/config").json()["dependencies"]}
    body = {"data": [{"url": data_url(), "meta": META}], "fn_index": events["predict"], "session_hash": "a" * 11}
    assert http.post(f"/gradio_api/queue/join?utm_source={'x' * 2000}", json=body).status_code == 200


def test_data_url_is_read(http):
    (answer,) = call(http, {"url": data_url(), "meta": META}).json()["data"]
    assert max(answer, key=answer.get) == "7"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/deep_link?session_hash=x"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/custom_component/x/client/component/index.js"),
        ("GET", "/gradio_api/FILE=HTTP://127.0.0.1/"),
        ("GET", "/monitoring/summary"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit"),
        ("POST", "/gradio_api/run-history/connect"),
        ("POST", "/gradio_api/stream/x"),
        ("PUT", "/gradio_api/upload/x"),
    ],
)
def test_what_the_page_does_not_use_is_closed(http, method, path):
    assert http.request(method, path).status_code == 404


# --- What is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RUN, {"data": [None]}),
        (RUN, {"data": ["x"]}),
        (RUN, {"data": []}),
        (RUN, {"data": [1, 2, 3]}),
        (RUN, {"data": [None], "batched": True}),
        (RUN, {"data": [None], "fn_index": "0"}),
        (RUN, {}),
        ("/gradio_api/queue/join", {"data": [None], "session_hash": "x"}),
        ("/gradio_api/queue/join", {"data": [None], "fn_index": 0}),
        ("/gradio_api/call/predict", {"data": 7}),
    ],
)
def test_wrong_call_is_told_what_was_expected(http, path, body):
    answer = http.post(path, json=body)
    assert answer.status_code == 422
    said = answer.json()["error"]
    assert said == answer.json()["detail"]
    assert "Traceback" not in answer.text
    assert str(ROOT) not in answer.text


def test_gradios_python_client_says_what_was_expected(server):
    client = Client(server, verbose=False)
    with pytest.raises(Exception, match="upload"):
        client.predict(handle_file("https://example.org/7.png"), api_name="/predict")
    with pytest.raises(Exception, match=f"at most {MAX_JSON_VALUES:,} values"):
        client.predict([[0] * PIXELS] * 500, api_name="/predict_batch")
    with pytest.raises(Exception, match=f"at most {MAX_JSON_BYTES:,} bytes"):
        client.predict(["x" * MAX_JSON_BYTES], api_name="/predict_batch")
    question = {"json": {"data": [None], "fn_index": 0}, "headers": {"x-gradio-user": "api"}}
    [detail] = httpx.post(f"{server}/gradio_api/queue/join", **question).json()["detail"]
    assert (detail["__type__"], detail["is_valid"]) == ("validate", False)
    assert "session_hash" in detail["message"]


@pytest.mark.parametrize("path", ["/gradio_api/run/nothing", "/gradio_api/call/nothing", "/gradio_api/call/v2/nothing"])
def test_unknown_endpoint_is_404(http, path):
    assert http.post(path, json={"data": []}).status_code == 404


@pytest.mark.parametrize("name", ["a" * 256, "%C3%A9" * 128, "a" * 5000])
@pytest.mark.parametrize("folder", ["/assets/", "/static/fonts/", "/gradio_api/file=/tmp/", "/"])
def test_name_longer_than_any_file_has_is_404(http, folder, name):
    answer = http.get(folder + name)
    assert answer.status_code == 404
    assert http.get(folder + "a" * 255).status_code in (403, 404)


@pytest.mark.parametrize("index", ["null", "1", "1000000000", "-1", "x"])
def test_form_of_a_component_is_answered_and_not_kept(http, index):
    """The pad sends each drawing in such a form; the page sends it again, with its question."""
    form = {"type": "layer", "index": index, "id": "x", "component_id": "1", "session_hash": "s"}
    form["fn_name"] = "accept_blobs"
    answer = http.post("/gradio_api/component_server", data=form, files={"file": ("a.png", SEVEN)})
    assert (answer.status_code, answer.json()) == (200, None)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"fn_name": "__init__"}, 404),
        ({"fn_name": "preprocess"}, 404),
        ({"component_id": 10**6}, 422),
        ({"component_id": "1"}, 422),
        ({"data": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}, 422),
        ({"data": {"path": "/etc/passwd"}}, 422),
        ({"session_hash": "x" * 65}, 422),
    ],
)
def test_function_of_a_component_is_called_within_limits(http, change, status):
    config = http.get("/config").json()
    title = next(each["id"] for each in config["components"] if each["props"].get("elem_id") == "title")
    asked = {"data": [], "component_id": title, "session_hash": "s", "fn_name": "demo"}
    answer = http.post("/gradio_api/component_server", json=asked | change)
    assert answer.status_code == status, answer.text


def test_refused_body_is_not_sent_back(http):
    secret = "s3cret" * 100
    for path in (RUN, "/gradio_api/cancel", "/gradio_api/reset", "/predict"):
        answer = http.post(path, json={"data": secret, "pixels": secret, "event_id": 7})
        assert answer.status_code == 422
        assert secret not in answer.text


def test_other_origin_gets_no_rights_by_cookie(http):
    """Gradio lets any origin read answers on a public host; that is harmless because nothing here knows a cookie."""
    headers = {"Host": "digits.example.org", "Origin": "https://evil.example", "Cookie": "access-token=x"}
    for path in ("/", "/health", "/config", "/gradio_api/token", "/gradio_api/info"):
        answer = http.get(path, headers=headers)
        assert "set-cookie" not in answer.headers
    assert http.get("/gradio_api/token", headers=headers).json()["token"] is None
    local = http.get("/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in local.headers


def test_host_that_one_caller_names_is_not_shown_to_others(http, server):
    paths = ("/gradio_api/info", "/gradio_api/openapi.json", "/config", "/")

    def ask(number):
        path, host = paths[number % 4], ("one.example", "two.example")[number % 3 % 2]
        return host, httpx.get(server + path, headers={"Host": host}, timeout=60).text

    with ThreadPoolExecutor(8) as pool:
        for host, answer in pool.map(ask, range(96)):
            assert {"one.example": "two.example", "two.example": "one.example"}[host] not in answer
    assert not any(".example" in http.get(path).text for path in paths)


@pytest.mark.parametrize("host", ["x:port", "[::1", "[::1]]", "[v1.x]"])
@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_host_that_is_none_is_refused_in_words(http, path, host):
    answer = http.get(path, headers={"X-Forwarded-Host": host})
    assert answer.status_code == 400
    assert "name of a host" in answer.json()["detail"]


def test_page_is_shown_whatever_its_address_says_besides(http):
    assert all(http.get(f"/?{query}").text == http.get("/").text for query in ("page=2", "page=%00", "utm_source=x"))


@pytest.mark.parametrize("query", ["", "?upload_id=x"])
@pytest.mark.parametrize("header", ["", '; filename=""'], ids=["no filename", "empty filename"])
def test_upload_without_a_name_is_taken_or_refused_in_words(http, header, query):
    body = b'--x\r\nContent-Disposition: form-data; name="files"' + header.encode() + b"\r\n\r\nabc\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = http.post(f"/gradio_api/upload{query}", content=body, headers=kind)
    assert answer.status_code == (200 if header else 422)
    assert header or "each with a file name" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/predict/image", "/read"])
def test_form_in_a_charset_that_nothing_can_be_read_in_is_refused_in_words(http, path):
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="7.png"\r\n\r\nabc\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x; charset=undefined"}
    answer = http.post(path, content=body, headers=kind)
    assert answer.status_code == 422
    assert "in UTF-8" in answer.json()["detail"]


def test_form_without_files_is_refused_in_words(http):
    answer = http.post("/gradio_api/upload", files={"file": ("7.png", SEVEN)})
    assert answer.status_code == 422
    assert 'in the field "files"' in answer.json()["detail"]
    edge = "x" * 5000
    body = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\na\r\n--{edge}--\r\n'
    answer = http.post(
        "/gradio_api/upload", content=body, headers={"Content-Type": f"multipart/form-data; boundary={edge}"}
    )
    assert answer.status_code == 422
    assert "Expected a form" in answer.json()["detail"]


def test_a_request_that_a_server_cannot_wait_for_is_asked_to_come_again():
    sent = []

    async def never_ends(scope, receive, send):
        while True:
            await receive()

    async def receive():
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    async def stopped():
        scope = {"type": "http", "path": "/read", "headers": []}
        request = asyncio.create_task(sizes.Limits(never_ends)(scope, receive, send))
        await asyncio.sleep(0)
        request.cancel()
        await request

    awaited(stopped())
    assert sent[0]["status"] == 503


@pytest.mark.parametrize("ranges", ["bytes=0-0,1-1", "bytes=0-0, 3-4, 5-6", "bytes=a-b", "bytes=", "lines=1-2"])
def test_several_ranges_of_a_file_are_answered_with_all_of_it(http, ranges):
    for path in (f"/gradio_api/file={EXAMPLES / '7.png'}", uploaded_path(http)):
        answer = http.get(path, headers={"Range": ranges})
        assert (answer.status_code, answer.content) == (200, SEVEN)
        answer = http.get(path, headers={"Range": "bytes=1-3"})
        assert (answer.status_code, answer.content) == (206, b"PNG")


def uploaded_path(http):
    return "/gradio_api/file=" + http.post("/gradio_api/upload", files={"files": ("7.png", SEVEN)}).json()[0]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_brackets_without_end_are_refused(http, opening):
    for body in (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"predict","arguments":{opening * 100_000}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"predict","arguments":{"image":'
        + opening * 100_000
        + ("" if opening == "[" else "1")
        + ("]" if opening == "[" else "}") * 100_003,
    ):
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        for path in ("/gradio_api/mcp/", RUN):
            assert http.post(path, content=body, headers=headers).status_code in (413, 422)


def test_turns_are_counted_and_more_than_may_wait_are_refused():
    async def crowd():
        turns, held = Turns(1, 1, "calls"), asyncio.Event()

        async def hold():
            async with turns.one():
                await held.wait()

        holders = [asyncio.create_task(hold()) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(sizes.Refused, match="1 calls are waiting"):
            async with turns.one():
                pass
        held.set()
        await asyncio.gather(*holders)
        async with turns.one():  # what was taken is given back
            return turns.taken

    assert awaited(crowd()) == 1


def test_tasks_in_threads_have_turns_and_more_than_may_wait_are_refused():
    async def crowd():
        turns, release = Turns(1, 1, "pictures"), threading.Event()
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(turns.run, release.wait)
            await anyio.sleep(0.05)
            with pytest.raises(sizes.Refused, match="1 pictures are waiting") as refused:
                await turns.run(print)
            release.set()
        assert refused.value.status == 429
        assert await turns.run(lambda: 7) == 7

    awaited(crowd())


# --- What is written about them ---------------------------------------------------------------------------------------

WRITTEN = {
    "an upload": (sizes.MAX_UPLOAD_BYTES, "20 MB"),
    "JSON": (sizes.MAX_JSON_BYTES, "4 MB"),
    "the body of": (sizes.MAX_PIXELS_BYTES, "64 KB"),
    "connections": (connections.MAX_CONNECTIONS, "960"),
    "seconds, and bytes, of a request's head": (connections.MAX_HEAD_BYTES, "64 KB"),
    "bytes of all requests": (sizes.MAX_BYTES_AT_ONCE, "128 MB"),
    "seconds that a request": (sizes.BODY_SECONDS, "60"),
    "values in one call": (contents.MAX_JSON_VALUES, "262,144"),
    "lists inside lists": (contents.MAX_DEPTH, "16"),
    "direct calls": (calls.MAX_WAITING, "256"),
    "questions of the page": (calls.QUESTIONS_WAITING, "128"),
    "calls that wait": (serve.QUEUE_SIZE, "64"),
    "streams": (streams.MAX_STREAMS, "800"),
    "files in one upload": (uploads.MAX_FORM_FILES, "16"),
    "uploads on disk": (uploads.MAX_FOLDER_BYTES, "500 MB"),
    "pixels of a picture": (decoding.MAX_PIXELS, "50 million"),
    "memory that decoding": (decoding.MAX_DECODING_BYTES, "250 MB"),
    "memory of all pictures": (pictures.MAX_BYTES, "275 MB"),
    "pictures that wait": (http_routes.PICTURES_WAITING, "128"),
    "unfinished drawings": (http_routes.LIVE_WAITING, "32"),
    "inputs of a batch": (schemas.MAX_BATCH, "256"),
    "networks of visitors that are worked": (kept.TRAINERS, "2"),
    "networks of visitors that are kept": (kept.MOST_RUNS, "64"),
    "memory of all networks": (kept.MOST_BYTES, "32 MB"),
    "seconds of training": (runs.MOST_SECONDS, "60"),
    "drawings of a visitor": (settings.MOST_DRAWINGS, "100"),
    "a zip of a visitor": (archives.MOST_UNPACKED, "6 MB"),
}
UNITS = {"": 1, "KB": 1024, "MB": 1_000_000, "million": 1_000_000}


@pytest.mark.parametrize(("what", "limit"), WRITTEN.items(), ids=WRITTEN)
def test_readme_names_the_limit_that_is_kept(what, limit):
    value, written = limit
    number, _, unit = written.partition(" ")
    assert value == int(number.replace(",", "")) * UNITS[unit]
    table = (ROOT / "weights" / "serving" / "README.md").read_text("utf-8")
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {what}")]
    assert written in row.split("|")[2]
    file = row.split("`")[-2]
    assert (ROOT / "weights" / "serving" / file).exists() or (ROOT / file).exists()
