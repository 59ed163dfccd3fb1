"""More than one process behind nginx, with the very configuration that weights/serving/README.md shows."""

import contextlib
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import EXAMPLES, ROOT, START_SECONDS, free_port, missing, running
from gradio_client import Client, handle_file

CONFIGURATION = Path(__file__).parent / "nginx.conf"
SEVEN = (EXAMPLES / "7.png").read_bytes()


def test_readme_shows_the_configuration_that_is_tested():
    assert CONFIGURATION.read_text("utf-8").strip() in (ROOT / "weights" / "serving" / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two processes of the app and nginx before them: (address, the processes, nginx's log)."""
    tmp_path = tmp_path_factory.mktemp("machines")
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        missing("nginx", "nginx is not installed: apt install nginx-light")
    port = free_port()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(tmp_path / f"log{n}")) for n in range(2)]
        text = CONFIGURATION.read_text("utf-8")
        ports = {"7860": str(port)} | {str(7861 + n): url.rpartition(":")[2] for n, (url, _) in enumerate(servers)}
        text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda match: ports[match[0]], text)
        own = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
        own = f"client_body_temp_path {tmp_path}/body; access_log {tmp_path}/access.log upstream; {own}"
        log = 'log_format upstream "$uri $status $upstream_addr";'
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; worker_processes 1;"
            f"events {{}} http {{ {log} {own} {text} }}"
        )
        process = subprocess.Popen([nginx, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])
        stack.callback(lambda: (process.terminate(), process.wait()))
        address = f"http://127.0.0.1:{port}"
        end = time.monotonic() + START_SECONDS
        while True:  # until it listens
            assert time.monotonic() < end, (tmp_path / "error.log").read_text()
            assert process.poll() is None, (tmp_path / "error.log").read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{address}/health").status_code == 200:
                    break
        yield address, [process for _, process in servers], tmp_path / "access.log"


def test_page_and_client_work_through_it(machines):
    address, _, _ = machines
    assert httpx.get(address).status_code == 200
    client = Client(address, verbose=False)
    for _ in range(4):
        answer = client.predict(handle_file(EXAMPLES / "7.png"), api_name="/predict")
        assert max(answer, key=answer.get) == "7"


def test_one_of_two_processes_is_killed_and_http_callers_notice_nothing_but_one_retry(machines):
    address, processes, log = machines

    def ask(number):
        if number == 100:
            processes[0].kill()
            processes[0].wait()
        answer = httpx.post(f"{address}/predict/image", content=SEVEN, timeout=60)
        return answer.status_code, answer.json()["digit"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(300)))
    assert answers == [(200, 7)] * 300
    tries = [line.count(":") for line in log.read_text().splitlines()]
    assert max(tries) == 2, "nobody met the process that was killed"
