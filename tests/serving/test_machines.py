"""More than one process behind nginx, with the very configuration that weights/serving/README.md shows."""

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import EXAMPLES, ROOT, behind_nginx, free_port, running
from gradio_client import Client, handle_file

CONFIGURATION = Path(__file__).parent / "nginx.conf"
SEVEN = (EXAMPLES / "7.png").read_bytes()


def test_readme_shows_the_configuration_that_is_tested():
    assert CONFIGURATION.read_text("utf-8").strip() in (ROOT / "weights" / "serving" / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two processes of the app and nginx before them: (address, the processes, nginx's log)."""
    tmp_path = tmp_path_factory.mktemp("machines")
    port = free_port()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(running(tmp_path / f"log{n}")) for n in range(2)]
        text = CONFIGURATION.read_text("utf-8")
        ports = {"7860": str(port)} | {str(7861 + n): url.rpartition(":")[2] for n, (url, _) in enumerate(servers)}
        text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda match: ports[match[0]], text)
        log = f'log_format upstream "$uri $status $upstream_addr"; access_log {tmp_path}/access.log upstream;'
        address = stack.enter_context(behind_nginx(tmp_path, log + text, port))
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
        answer = http.post("/predict/image", content=SEVEN)
        return answer.status_code, answer.json()["digit"]

    with httpx.Client(base_url=address, timeout=60) as http, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(300)))
    assert answers == [(200, 7)] * 300
    tries = [line.count(":") for line in log.read_text().splitlines()]
    assert max(tries) == 2, "nobody met the process that was killed"
