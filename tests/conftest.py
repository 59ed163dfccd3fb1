"""What the tests share: the data, a running server, a browser, and hands to draw with.

Where something is missing a test skips and says why; with REQUIRE=browser,data in the environment it fails instead.

    MNIST_DIR     folder with MNIST's IDX files
    SKETCHES_DIR  folder with sketches.py and its drawings
    CHROMIUM      the browser, when it is not on the PATH
    NODE_MODULES  folder with @gradio/client for JavaScript (`npm install @gradio/client`); default: ./node_modules
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections import defaultdict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# As the app itself has it. OpenBLAS reads it when NumPy is loaded; two threads for small products mostly wait for each
# other, and cost a third of the processor's time of some tests.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest

try:
    from playwright.sync_api import TimeoutError as NotInTime
    from playwright.sync_api import expect as expectation
    from playwright.sync_api import sync_playwright
except ImportError:  # then the browser's tests say so
    expectation = sync_playwright = NotInTime = None

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "preprocessing" / "examples"
REQUIRED = {name.strip() for name in os.environ.get("REQUIRE", "").split(",") if name.strip()}

# Generous: a machine that trains a network on the side is slow, and waiting ends as soon as the condition holds.
START_SECONDS = PROGRAM_SECONDS = 120
WAIT_MS = 60_000
# What is waited for longer than this is told after the tests, though it came: no page takes so long.
SLOW_MS = 20_000
# Where a limit is long Playwright looks twice a second, and puts the whole page into words whenever an element is
# missing. Where it is as short as this it looks ten times a second. Most of the browser's tests were such waits.
LOOK_MS = 1000

STREAM = "/queue/data"  # in which gradio's answers come; it may stay open
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Smooth edges of strokes, which no test looks at, would be a fifth of the processor's work for a page: it does what
# elsewhere the graphics card does.
JAGGED = "--webgl-antialiasing-mode=none"
# Gradio's pad draws with a shader that has a branch for each texture that the graphics card can read at once: 32 here,
# and two are enough. The processor, which does the card's work, needs half of its time for a page for that.
FEW_TEXTURES = """for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    const { getParameter, MAX_TEXTURE_IMAGE_UNITS } = prototype;
    prototype.getParameter = function (name) {
        return name === MAX_TEXTURE_IMAGE_UNITS ? 2 : getParameter.call(this, name);
    };
}"""
# The page is drawn about ten times a second instead of 60: each time costs the processor some milliseconds, also while
# nothing moves. A page that waits for a timer in between sleeps in that time.
BETWEEN_FRAMES_MS = 80
FEWER_FRAMES = f"""(() => {{
    const [ask, cancel] = [requestAnimationFrame, cancelAnimationFrame].map((each) => each.bind(window));
    const takeBack = new Map();
    let last = 0;
    window.requestAnimationFrame = (draw) => {{
        const id = ++last;
        const timer = setTimeout(() => {{
            const frame = ask((time) => {{
                takeBack.delete(id);
                draw(time);
            }});
            takeBack.set(id, () => cancel(frame));
        }}, {BETWEEN_FRAMES_MS});
        takeBack.set(id, () => clearTimeout(timer));
        return id;
    }};
    window.cancelAnimationFrame = (id) => {{
        takeBack.get(id)?.();
        takeBack.delete(id);
    }};
}})()"""


def missing(kind, reason):
    """Skips the test, or fails it where REQUIRE names the kind."""
    if kind in REQUIRED:
        pytest.fail(f"{reason} (REQUIRE={os.environ['REQUIRE']})", pytrace=False)
    pytest.skip(reason)


def expect(actual):
    """Playwright's `expect`, which looks more often and waits up to WAIT_MS."""
    return Expectation(actual)


class Expectation:
    """What `expect` gives: has Playwright's assertions."""

    ABSENT = ("to_have_count", "not_to_have_count", "to_be_hidden", "not_to_be_visible")  # hold without an element

    def __init__(self, actual):
        self.actual, self.assertions = actual, expectation(actual)

    def __getattr__(self, name):
        check = getattr(self.assertions, name)

        def until(*given, **named):
            start = time.monotonic()
            while (waited := time.monotonic() - start) < WAIT_MS / 1000:
                with contextlib.suppress(AssertionError, NotInTime):
                    if name not in self.ABSENT and hasattr(self.actual, "wait_for"):
                        self.actual.first.wait_for(state="attached", timeout=LOOK_MS)
                    found = check(*given, timeout=LOOK_MS, **named)
                    if waited > SLOW_MS / 1000:
                        warnings.warn(f"waited {waited:.0f} s until {self.actual} {name} {given}", stacklevel=2)
                    return found
            return check(*given, timeout=LOOK_MS, **named)  # it says what it found

        return until


def awaited(coroutine: Coroutine):
    """What a coroutine returns. It runs in a thread of its own: in this one a browser keeps an event loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


# --- Data -------------------------------------------------------------------------------------------------------------


def folder_from(variable):
    folder = os.environ.get(variable)
    if not folder:
        missing("data", f"{variable} is not set")
    if not Path(folder).is_dir():
        missing("data", f"{variable}={folder} is not a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def mnist_dir():
    """The folder with MNIST's IDX files."""
    return folder_from("MNIST_DIR")


def module_beside_sketches(name):
    path = folder_from("SKETCHES_DIR") / f"{name}.py"
    if not path.is_file():
        missing("data", f"{path} does not exist")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sketches():
    """The module sketches.py: load, draw and score what real people drew."""
    return module_beside_sketches("sketches")


@pytest.fixture(scope="session")
def paper(sketches):
    """The module paper.py: the same drawings put on paper."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "sketches", sketches)  # which paper.py imports
        return module_beside_sketches("paper")


# --- Server -----------------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def serving(log, *command):
    """Runs the command, `python app.py` unless another is given, on a free port and gives its address once it answers;
    its output goes to the file `log`.
    """
    with running(log, *command) as (url, _):
        yield url


@contextlib.contextmanager
def running(log, *command, port=None, cwd=ROOT, user=None, **variables):
    """As `serving`, with further environment variables, without those that are None; gives (address, process), which a
    test may end itself. user: number of the one to run as, without any group but the one of this number.
    """
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    with open(log, "wb") as output:
        server = subprocess.Popen(
            command or [sys.executable, "app.py"],
            cwd=cwd,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            **({} if user is None else {"user": user, "group": user, "extra_groups": []}),
        )
        try:
            end = time.monotonic() + START_SECONDS
            while not answers(url):
                if server.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the server did not start:\n{Path(log).read_text()}")
                time.sleep(0.05)
            yield url, server
        finally:
            server.terminate()
            server.wait()


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def behind_nginx(folder, http, port):
    """Runs nginx with this text in its `http` block until it answers on this port; gives its address."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        missing("nginx", "nginx is not installed: apt install nginx-light")
    own = "".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "" if os.getuid() else "user root;"  # another may not enter pytest's own folders
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; events {{}}"
        f"http {{ {own} {http} }}"
    )
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        end = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{port}/health"):
            assert time.monotonic() < end, (folder / "error.log").read_text()
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def log_file(tmp_path_factory):
    """Where the server of this test run writes."""
    return tmp_path_factory.mktemp("server") / "log.txt"


def raised_in(log):
    """The last line of each traceback in the text of a log: what was raised."""
    return re.findall(r"^Traceback .*\n(?:(?: .*)?\n)*(\S.*)", log, re.MULTILINE)


@pytest.fixture(scope="session")
def server_process(log_file):
    """(address, process) of the app, started once for all tests; with SERVE_AS=space in the environment as a Space runs
    it.
    """
    if os.environ.get("SERVE_AS") != "space":
        with running(log_file) as started:
            yield started
        return
    from space import MEMORY_MB, on_a_space, peak_mb

    with on_a_space(log_file) as started:
        yield started
        assert peak_mb(started[1]) < MEMORY_MB


@pytest.fixture(scope="session")
def server(server_process):
    """The address of the app that all tests share."""
    return server_process[0]


# --- Programs ---------------------------------------------------------------------------------------------------------


def output_of(command, **options):
    """What a program prints; it must end well."""
    run = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, **options)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="session")
def node_project(tmp_path_factory):
    """A folder in which Node finds @gradio/client."""
    modules = Path(os.environ.get("NODE_MODULES", "node_modules")).absolute()
    if shutil.which("node") is None:
        pytest.skip("no node on this machine")
    if not (modules / "@gradio" / "client").is_dir():
        pytest.skip(f"no @gradio/client in {modules}: npm install @gradio/client, or set NODE_MODULES")
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(modules)
    return folder


# --- Browser ----------------------------------------------------------------------------------------------------------


def find_browser():
    """Path of Chromium, or None."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, BROWSER_NAMES)), None)


@contextlib.contextmanager
def launched(*more_args):
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*BROWSER_ARGS, *more_args])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser():
    if find_browser() is None:
        missing("browser", f"no browser: set CHROMIUM or put one of {', '.join(BROWSER_NAMES)} on the PATH")
    if sync_playwright is None:
        missing("browser", "playwright is not installed: pip install -r tests/requirements.txt")
    with launched(JAGGED) as started:
        yield started


# A laptop's window, but a low one: its pad is smaller, and costs the processor less.
LOW_LAPTOP = {"width": 1280, "height": 540}

# Strokes on a square of side 1, y downwards, as a hand would draw the digit. Few points: without a graphics card the
# browser takes a tenth of a second or more for each of them.
STROKES = {
    1: [[(0.52, 0.15), (0.48, 0.85)]],
    3: [[(0.3, 0.2), (0.5, 0.13), (0.68, 0.28), (0.45, 0.47), (0.7, 0.64), (0.5, 0.86), (0.28, 0.78)]],
    5: [[(0.68, 0.16), (0.37, 0.16), (0.34, 0.45), (0.6, 0.45), (0.66, 0.68), (0.46, 0.84), (0.28, 0.77)]],
    7: [[(0.28, 0.2), (0.72, 0.18), (0.45, 0.86)]],
}


# Profiles of a browser that no visit uses now, by their kind. One that has compiled the page's scripts opens it sooner.
IDLE = defaultdict(list)


class Visit:
    """A visitor at the page: draws, presses and reads."""

    def __init__(
        self,
        browser,
        url,
        width=LOW_LAPTOP["width"],
        height=LOW_LAPTOP["height"],
        phone=False,
        scheme="light",
        locale="en-US",
        motion="no-preference",
        hash="",
        beside=None,
    ):
        """beside: a visit whose browser this one is another tab of."""
        kind = {"has_touch": phone, "is_mobile": phone, "locale": locale}
        self.url, self.idle = url, IDLE[browser, str(kind)]
        if beside:
            self.context, self.idle = beside.context, []  # which the other visit gives back
        else:
            self.context = self.idle.pop() if self.idle else self.new_context(browser, kind)
        self.context.set_default_timeout(WAIT_MS)
        self.page = self.context.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme, reduced_motion=motion)
        self.intercepts = False
        self.requests = []
        self.unanswered = set()
        self.errors = []
        self.page.on("request", self.asked)
        for end in ("requestfinished", "requestfailed"):
            self.page.on(end, lambda request: self.unanswered.discard(request))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.open(f"{url}#{hash}" if hash else url)

    @staticmethod
    def new_context(browser, kind):
        context = browser.new_context(**kind)
        context.add_init_script(FEWER_FRAMES)
        context.add_init_script(FEW_TEXTURES)
        return context

    def open(self, url):
        """Goes to the page and waits until the pad can be drawn on."""
        self.look_at()
        self.page.goto(url)
        self.wait_until_armed()

    def wait_until_armed(self):
        expect(self.page.locator("#pad .toolbar-wrap button.highlight")).to_be_visible()

    def close(self):
        """Closes the page and leaves nothing of this visit to the next one."""
        stored = {"origin": self.url, "storageTypes": "cookies,indexeddb,local_storage"}
        self.context.new_cdp_session(self.page).send("Storage.clearDataForOrigin", stored)
        self.context.clear_permissions()
        self.context.set_offline(False)
        self.page.close()
        self.context.unroute_all()
        self.idle.append(self.context)

    def points(self, stroke):
        """The stroke in pixels of the page, on the pad's square of paper."""
        box = self.page.locator("#pad").bounding_box()
        return [(box["x"] + x * box["width"], box["y"] + y * box["width"]) for x, y in stroke]

    def look_at(self):
        """Brings this tab to the front: those behind it are drawn once a second, and each move of the mouse waits."""
        self.page.bring_to_front()

    def draw(self, digit):
        """Draws with the mouse."""
        self.wait_until_armed()
        for stroke in STROKES[digit]:
            self.stroke(stroke)

    def stroke(self, stroke):
        self.begin(stroke)
        self.page.mouse.up()

    def begin(self, stroke):
        """Draws a stroke and keeps the button down. The pad is painted first: one that was just opened or cleared, or
        has another tool, meets no mouse before.
        """
        self.look_at()
        self.page.evaluate("new Promise(requestAnimationFrame)")
        first, *rest = self.points(stroke)
        self.page.mouse.move(*first, steps=2)  # a hand moves on the pad before it draws
        self.page.mouse.down()
        assert self.page.evaluate("pad.isDrawing()"), "the pad takes no stroke"
        for x, y in rest:
            self.page.mouse.move(x, y)

    def touch(self, digit):
        """Draws with a finger."""
        self.look_at()
        send = self.context.new_cdp_session(self.page).send
        for stroke in STROKES[digit]:
            events = ["touchStart", *["touchMove"] * (len(stroke) - 1)]
            for event, (x, y) in zip(events, self.points(stroke), strict=True):
                send("Input.dispatchTouchEvent", {"type": event, "touchPoints": [{"x": x, "y": y}]})
            send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    @contextlib.contextmanager
    def slowed(self, **conditions):
        """Makes the network slow until the end of the block; see Network.emulateNetworkConditions."""
        fast = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", fast | conditions)
        try:
            yield
        finally:
            session.send("Network.emulateNetworkConditions", fast)
            session.detach()

    @contextlib.contextmanager
    def held(self, address):
        """Keeps requests to this address until the end of the block."""
        routes, over = [], False

        def hold(route):
            if over:
                route.continue_()
            else:
                routes.append(route)

        self.route(address, hold)
        try:
            yield
        finally:
            over = True
            for route in routes:
                route.continue_()
            self.page.unroute(address)

    def route(self, address, handle, **options):
        """As the page's own. A browser that stops to intercept requests never sends those that it holds at that moment.
        So it goes on until the visit ends: with a route that nothing takes.
        """
        if not self.intercepts:
            self.context.route("**/no-such-address", lambda route: route.continue_())
            self.intercepts = True
        self.page.route(address, handle, **options)

    def asked(self, request):
        self.requests.append(request.url)
        if STREAM not in request.url:
            self.unanswered.add(request)

    def wait_until_silent(self):
        """Until all requests are answered and the page has sent none for a second."""
        before, end = -1, time.monotonic() + WAIT_MS / 1000
        while len(self.requests) > before or self.unanswered:
            assert time.monotonic() < end, f"not answered: {[request.url for request in self.unanswered]}"
            before = len(self.requests)
            self.page.wait_for_timeout(1000)

    def take_example(self, name):
        """Clicks the example with this name."""
        self.look_at()
        self.page.get_by_role("button", name=f"Example: {name}", exact=True).click()

    def press(self, tool):
        """Presses one of the pad's own buttons: Brush, Erase, Undo or Clear canvas."""
        self.look_at()
        self.page.locator(f'#pad button[aria-label="{tool}"]').click()

    @property
    def answer(self):
        """A locator of the digit that is named in the final answer; there is none on a blank pad."""
        return self.page.locator("#answer:not(.live, .old) #label [data-testid=label-output-value]")

    def preview(self):
        """The 28x28 picture that is shown, as its data URL."""
        return self.page.locator("#why .seen img").get_attribute("src")

    def wait_for_answer_to(self, act):
        """Does something to the drawing and waits until another preview is shown; gives the new one."""
        before = self.preview()
        act()
        self.page.wait_for_function(
            "before => document.querySelector('#why .seen img').getAttribute('src') !== before", arg=before
        )
        return self.preview()


@pytest.fixture
def visit(browser, server):
    """Opens the page: visit() on a laptop, visit(phone=True, width=390, height=844) on a phone."""
    visits = []

    def open_page(**options):
        visits.append(Visit(browser, server, **options))
        return visits[-1]

    yield open_page
    for each in visits:
        each.close()


@pytest.fixture(scope="module")
def laptop(browser, server):
    """A laptop that many tests use one after the other."""
    v = Visit(browser, server)
    yield v
    v.close()
    assert v.errors == []


@pytest.fixture
def pad(laptop):
    """The shared laptop with a blank pad and no picture, whatever the test before left."""
    laptop.look_at()
    laptop.page.unroute_all()
    laptop.context.set_offline(False)
    laptop.page.set_viewport_size(LOW_LAPTOP)
    if laptop.page.locator("#picture .image-frame img").count():
        laptop.page.get_by_role("tab", name="Use a picture").click()
        laptop.page.get_by_role("button", name="Remove Image").click()
        expect(laptop.page.locator("#picture .image-frame img")).to_have_count(0)
    laptop.page.get_by_role("tab", name="On the pad").click()
    laptop.press("Clear canvas")
    expect(laptop.page.locator("#words")).to_contain_text("Nothing here yet")
    laptop.wait_until_armed()
    yield laptop
    errors, laptop.errors[:] = laptop.errors[:], []
    assert errors == []
