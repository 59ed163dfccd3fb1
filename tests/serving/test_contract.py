"""The contract with gradio, starlette, uvicorn and gradio's editor in the browser: all that we rely on beyond their
documentation. Broken by an upgrade, it fails here, within seconds.

weights/serving/gradio_internals.py    gradio's objects, each by its name below
weights/serving/limits/calls.py        gradio's routes: their paths, `page` of info
weights/serving/limits/contents.py     the fields of a call
weights/serving/limits/connections.py  uvicorn's protocol, each part by its name below; test_connections.py tries it
weights/serving/limits/streams.py      a stream whose caller has gone is ended
weights/serving/limits/uploads.py      the folder in which gradio receives uploads; how it reads a form's header
weights/serving/page/link_preview.py   the tags in the head of gradio's page
weights/serving/page/pad.js            window.editor and places in the page, which the script itself lists
weights/serving/serve.py               arguments of the mount, the router behind our routes, uvicorn's signals
"""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from functools import reduce

import gradio as gr
import gradio.context
import gradio.mcp
import gradio.processing_utils
import gradio.route_utils
import gradio.routes
import gradio.state_holder
import gradio.utils
import httpx
import pytest
import python_multipart.multipart
import uvicorn
from conftest import ROOT, awaited
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.testclient import TestClient
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from weights.serving import gradio_internals, serve
from weights.serving.limits.sizes import MAX_OTHER_BYTES, takes
from weights.serving.limits.uploads import OURS, own_folder

META = {"_type": "gradio.FileData"}
JSON = {"Content-Type": "application/json"}
UPLOAD = {"files": ("a.txt", b"text")}


def double(number: int) -> int:
    """Doubles a number."""
    return 2 * number


def build():
    with gr.Blocks(title="Contract") as blocks:
        text, image = gr.Textbox(), gr.Image()
        text.change(lambda *_: "answer", [text, image], text, api_name="both")
        text.submit(None, None, text, js="() => 'no function here'")
        gr.api(double, queue=False)
        gradio_internals.show_example(double, 21)
    gradio_internals.mend_snippets()
    return blocks


@pytest.fixture(scope="module")
def blocks():
    return build()


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """(our app with a page below it, its Blocks), made as the real one."""
    api, built = FastAPI(), build()

    @api.post("/ours")
    @takes(10)
    async def ours(request: Request) -> Response:
        return Response(await request.body())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        own_folder()
        static = tmp_path_factory.mktemp("static") / "static.txt"
        static.write_text("static")
        yield serve.mounted(api, lambda: built, [static], '<meta name="ours">', asyncio.Event()), built


@pytest.fixture
def http(app):
    return TestClient(app[0], raise_server_exceptions=False)


# --- Names ------------------------------------------------------------------------------------------------------------

BLOCKS = {
    "fns": dict,
    "fns.0.fn": Callable,
    "fns.0.api_name": str,
    "fns.0.inputs": list,
    "fns.0.inputs.0.skip_api": bool,
    "fns.0.inputs.0.get_block_name": Callable,
    "fns.0.inputs.1.data_model": type(BaseModel),
    "fns.1.fn": type(None),
    "fns.2.inputs.0.example_payload": Callable,
    "max_threads": int,
    "state_session_capacity": int,
    "has_launched": bool,
    "temp_file_sets": list,
    "temp_file_sets.0": set,
    "_queue.pending_event_ids_session": dict,
    "_queue.progress_update_sleep_when_free": float,
    "_queue.sleep_when_free": float,
    "_queue.pending_messages_per_session": MutableMapping,
}
MODULES = {
    "gradio.context.get_blocks_context": Callable,
    "gradio.events.EventData": type,
    "gradio.route_utils.CustomCORSMiddleware": type,
    "gradio.route_utils.get_request_origin": Callable,
    "gradio.routes.file_upload_statuses._statuses": dict,
    "gradio.routes.file_upload_statuses._signals": dict,
    "gradio.routes.generate_code_snippets": Callable,
    "gradio.processing_utils.save_pil_to_cache": Callable,
    "gradio.utils.get_upload_folder": Callable,
    "gradio_client.snippet.generate_code_snippets": Callable,
    "python_multipart.multipart.parse_options_header": Callable,
    "starlette.formparsers.MultiPartException": type,
}


PROTOCOL = ("connections", "cycle", "loop", "transport", "connection_made", "connection_lost", "data_received")
PROTOCOL += ("on_headers_complete", "on_body", "on_message_complete")


def reach(start, path):
    """What an attribute, key or index path leads to."""
    return reduce(lambda at, name: at[int(name)] if name.isdecimal() else getattr(at, name), path.split("."), start)


@pytest.mark.parametrize(("path", "kind"), BLOCKS.items(), ids=BLOCKS)
def test_blocks_have_it(blocks, path, kind):
    assert isinstance(reach(blocks, path), kind)


@pytest.mark.parametrize(("path", "kind"), MODULES.items(), ids=MODULES)
def test_modules_have_it(path, kind):
    module, _, rest = path.partition(".")
    assert isinstance(reach(sys.modules[module], rest), kind)


@pytest.mark.parametrize("name", PROTOCOL)
def test_uvicorns_protocol_has_it(name):
    config = uvicorn.Config(None)
    state = uvicorn.server.ServerState()
    assert hasattr(HttpToolsProtocol(config, state, {}, asyncio.new_event_loop()), name)


def test_one_file_alone_reaches_into_gradio():
    inside = re.compile(r"^\s*(from gradio[._]|import gradio[._])|\._(data|queue|id)\b", re.MULTILINE)
    files = [ROOT / "app.py", *(ROOT / "weights").rglob("*.py")]
    assert [file.name for file in files if inside.search(file.read_text("utf-8"))] == ["gradio_internals.py"]


# --- Gradio's objects -------------------------------------------------------------------------------------------------


def test_events_are_described(blocks):
    both, api = gradio_internals.events(blocks)
    assert (both.index, both.name, [each.name for each in both.inputs]) == (0, "both", ["textbox", "image"])
    assert [each.hidden for each in both.inputs] == [False, False]
    assert both.inputs[1].model.model_validate({"path": "a.png", "meta": META}).path == "a.png"
    assert (api.name, [each.model for each in api.inputs]) == ("double", [None])


def test_fields_of_an_event_are_found_whatever_a_caller_sends():
    assert gradio_internals.field(gr.EventData(None, {"index": 7}), "index") == 7
    for data in ({}, None, [], "index", 7):
        assert gradio_internals.field(gr.EventData(None, data), "index") is None


def test_tools_of_agents_have_the_names_of_our_functions(app):
    server = app[1].mcp_server_obj
    assert (server.tool_prefix, server.tool_to_endpoint) == ("", {"double": "/double", "_lambda_": "/both"})


def test_threads_and_sessions_are_bounded(app):
    page, blocks = app[0].router.default, app[1]
    assert page.state_holder.capacity == gradio_internals.MAX_SESSIONS
    blocks.create_limiter()  # as when the server starts
    assert blocks.limiter.total_tokens == gradio_internals.THREADS


def test_once_launched_gradio_itself_opens_no_file_that_was_not_uploaded():
    for launched, said in ((False, "UnidentifiedImageError"), (True, "was not uploaded by a user")):
        blocks = build()
        gradio_internals.bound(blocks)
        blocks.has_launched = launched
        http = TestClient(gr.mount_gradio_app(FastAPI(), blocks, "/"))
        answer = http.post("/gradio_api/run/both", json={"data": ["", {"path": "/etc/passwd", "meta": META}]})
        assert said in answer.text


@pytest.mark.parametrize("more", [{}, {"session_hash": None}])
def test_calls_without_a_session_share_one(http, monkeypatch, more):
    def ask(more):
        assert http.post("/gradio_api/run/double", json={"data": [21]} | more).json()["data"] == [42]

    ask({})
    made, state = [], gradio.route_utils.SessionState
    for module in (gradio.route_utils, gradio.state_holder):
        monkeypatch.setattr(module, "SessionState", lambda blocks: made.append(blocks) or state(blocks))
    ask(more)
    assert not made


def test_what_gradio_remembers_is_dropped(app, http, monkeypatch):
    queue, uploads = app[1]._queue, gradio.routes.file_upload_statuses
    (path,) = http.post("/gradio_api/upload?upload_id=mine", files=UPLOAD).json()
    assert "mine" in uploads._statuses
    assert any(path in files for files in app[1].temp_file_sets)
    call = {"data": ["", None], "session_hash": "mine", "fn_index": 0}
    assert "event_id" in http.post("/gradio_api/queue/join", json=call).json()
    assert "mine" in queue.pending_event_ids_session
    assert "mine" in queue.pending_messages_per_session
    http.post("/gradio_api/upload?upload_id=other", files=UPLOAD)
    monkeypatch.setattr(gradio_internals, "MAX_FORGOTTEN", 1)
    gradio_internals.tidy(app[1])
    assert "mine" not in uploads._statuses
    assert not any(app[1].temp_file_sets)
    assert "mine" in queue.pending_event_ids_session  # somebody may still come for the answer
    messages = queue.pending_messages_per_session["mine"]
    for _ in range(3):
        messages.put_nowait(None)
    monkeypatch.setattr(gradio_internals, "MAX_UNREAD", 2)
    gradio_internals.tidy(app[1])
    assert messages.empty()
    del queue.pending_messages_per_session["mine"]
    gradio_internals.tidy(app[1])
    assert "mine" not in queue.pending_event_ids_session


def test_search_for_files_passes_over_numbers(app):
    search, looked_at = gradio.processing_utils.client_utils.async_traverse, []

    def is_file(value):
        looked_at.append(value)
        return isinstance(value, dict) and "path" in value

    async def opened(file):
        return file["path"].upper()

    file = {"path": "a"}
    call = [[0] * 784, {"layers": [file, None], "sizes": [[1, 2.5], (3, file)]}, [[(file,)]], "text", True]
    found = awaited(search(call, opened, is_file))
    assert found == [[0] * 784, {"layers": ["A", None], "sizes": [[1, 2.5], [3, "A"]]}, [[["A"]]], "text", True]
    assert len(looked_at) < 20


def test_use_via_api_shows_our_example_and_a_snippet_for_every_shell(http):
    endpoint = http.get("/gradio_api/info").json()["named_endpoints"]["/double"]
    assert endpoint["parameters"][0]["example_input"] == 21
    assert "EVENT_ID=$(curl" in endpoint["code_snippets"]["bash"]
    assert "read EVENT_ID" not in endpoint["code_snippets"]["bash"]


# --- Gradio's routes --------------------------------------------------------------------------------------------------


def test_info_is_made_for_each_caller(http):
    for host in ("one.example", "two.example"):
        assert f"http://{host}" in http.get("/gradio_api/info", headers={"Host": host}).text
    assert "one.example" not in http.get("/gradio_api/info?page=other&serialize=False").text


def test_every_way_to_call_is_answered(http):
    assert http.post("/gradio_api/run/double", json={"data": [21]}).json()["data"] == [42]
    assert http.post("/gradio_api/api/double", json={"data": [21]}).json()["data"] == [42]
    assert "event_id" in http.post("/gradio_api/call/double", json={"data": [21]}).json()
    assert "event_id" in http.post("/gradio_api/call/v2/double", json={"number": 21}).json()
    call = {"data": [21], "session_hash": "s", "fn_index": 2}
    assert "event_id" in http.post("/gradio_api/queue/join", json=call).json()


def test_direct_calls_without_a_session_share_one(app, http):
    sessions = app[0].router.default.state_holder.session_data
    before = len(sessions)
    for _ in range(3):
        answer = http.post("/gradio_api/run/double", content=b' \n{"data":[21]}', headers=JSON)
        assert answer.json()["data"] == [42]
    assert len(sessions) <= before + 1


def test_uploads_lie_in_folders_of_their_own_and_static_files_where_they_were(http):
    (path,) = http.post("/gradio_api/upload", files=UPLOAD).json()
    folder, unique, name = path.rsplit("/", 2)
    assert folder == gradio.utils.get_upload_folder()
    assert OURS in folder
    assert len(unique) > 20
    assert name == "a.txt"
    file = http.get(f"/gradio_api/file={path}")
    assert file.text == "text"
    assert file.headers["cache-control"] == "private, max-age=60"
    assert "cache-control" not in http.get("/gradio_api/file=/etc/passwd").headers


def test_forms_are_split_where_gradio_splits_them():
    for header in ('multipart/form-data; boundary="a b"', "multipart/form-data; BOUNDARY=a; boundary=b"):
        ours = python_multipart.multipart.parse_options_header(header)[1][b"boundary"]
        assert gradio.route_utils.parse_options_header(header)[1][b"boundary"] == ours


def test_our_routes_stand_before_the_page(http):
    assert http.post("/ours", content=b"body").text == "body"
    assert http.post("/ours", content=bytes(11)).status_code == 413
    assert http.get("/ours").status_code == 405
    assert http.get("/nothing").status_code == 404
    assert "gradio_config" in http.get("/").text
    assert http.get("/config").json()["title"] == "Contract"
    assert http.post("/gradio_api/cancel", content=bytes(MAX_OTHER_BYTES + 1)).status_code == 413
    assert http.get("/gradio_api/startup-events").status_code == 404


def test_under_a_root_path_the_checks_see_what_the_router_sees(app, http, monkeypatch):
    monkeypatch.setattr(app[0].router.default, "root_path", "/digits")  # as GRADIO_ROOT_PATH does
    assert http.post("/digits/gradio_api/run/double", json={"data": [21]}).json()["data"] == [42]
    assert http.post("/digits/gradio_api/run/double", json={"data": []}).status_code == 422
    assert http.get("/digits/gradio_api/startup-events").status_code == 404
    assert http.get("/digits/").text.count('<meta name="ours">') == 1


def test_scripts_are_kept_by_browsers_for_their_names_change_with_what_is_in_them(http):
    page = http.get("/").text
    scripts = set(re.findall(r"/(assets/[^\"']+[.](?:js|css))", page))
    assert scripts
    for script in scripts:
        assert re.search(r"-[\w-]{8}[.](js|css)$", script)
        assert "immutable" in http.get(f"/{script}").headers["cache-control"]
    assert "immutable" not in http.get("/").headers.get("cache-control", "")


def test_preview_speaks_of_us(http):
    for encoding in ("identity", "br"):
        page = http.get("/", headers={"Accept-Encoding": encoding}).text
        assert page.count('<meta name="ours">') == 1
        assert "og:title" not in page
    plain = TestClient(gr.mount_gradio_app(FastAPI(), build(), "/")).get("/").text
    assert "og:title" in plain


def test_origins_are_let_in_as_gradio_does(http):
    for path in ("/ours", "/gradio_api/run/double"):
        for host, allowed in (("public.example", "https://other.example"), ("localhost", None)):
            answer = http.post(path, headers={"Host": host, "Origin": "https://other.example"})
            assert answer.headers.get("access-control-allow-origin") == allowed


# --- Agents, the server and the browser -------------------------------------------------------------------------------


def test_agents_are_answered_without_a_call_to_the_host_they_name(server):
    call = {"name": "predict_pixels", "arguments": {"pixels": [0] * 784}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"Accept": "application/json, text/event-stream", "Host": "nobody.invalid"}
    answer = httpx.post(f"{server}/gradio_api/mcp/", json=message, headers=headers, timeout=60)
    assert '"isError":false' in answer.text


SERVER = """
import contextlib, os, signal, sys
import uvicorn
from fastapi import FastAPI

@contextlib.asynccontextmanager
async def alive(app):
    print(type(getattr(signal.getsignal(signal.SIGTERM), "__self__", None)) is uvicorn.Server)
    os.kill(os.getpid(), signal.SIGTERM)
    yield
    print("ended")

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
uvicorn.run(FastAPI(lifespan=alive), port=0, ws="none", timeout_graceful_shutdown=3, log_level="error")
print("not here")
"""


def test_uvicorn_takes_the_signal_before_the_app_starts_and_passes_it_on_at_the_end():
    run = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout.split()) == (0, ["True", "ended"]), run.stderr


def test_editor_and_page_have_what_the_scripts_use(visit):
    assert visit().page.evaluate("window.pad.missing()") == []
