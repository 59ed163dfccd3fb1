"""Connections are bounded in number, heads in time and size, and bodies in the number of their pieces."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from conftest import EXAMPLES

from weights.serving.limits import connections
from weights.serving.limits.connections import Connection

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


async def hello(scope, receive, send):
    """Reads the body and says hello."""
    while scope["type"] == "http" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def small(monkeypatch):
    """The address of a server that takes five connections and waits half a second for a head."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 5)
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    server = uvicorn.Server(uvicorn.Config(hello, port=0, http=Connection, lifespan="off", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()
    server.should_exit = True
    thread.join()


def connected(address):
    return socket.create_connection(address, timeout=10)


def answer(connection):
    """All that comes until the connection is closed."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(65_536):
            found += data
    return found


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nX-Slow: "], ids=["nothing", "half a head"])
def test_a_head_that_does_not_come_ends_its_connection(small, sent):
    with connected(small) as connection:
        connection.sendall(sent)
        start = time.perf_counter()
        assert answer(connection).startswith(b"HTTP/1.1 408")
        assert time.perf_counter() - start < 5


def test_too_many_connections_are_told_to_come_back(small):
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(connected(small))
        time.sleep(0.1)
        with connected(small) as one_more:
            assert answer(one_more).startswith(b"HTTP/1.1 429")
    time.sleep(0.1)
    assert httpx.get(f"http://{small[0]}:{small[1]}/").text == "hello"


def test_a_head_that_is_too_large_is_refused(small):
    with connected(small) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 10 * connections.MAX_HEAD_BYTES)
        assert answer(connection)[:12] in (b"HTTP/1.1 431", b"")  # a system may throw away what is not read


@pytest.mark.parametrize(
    ("pieces", "status"), [(b"1\r\nx\r\n" * 20_000, b"400"), (b"3e8\r\n" + b"x" * 1000 + b"\r\n", b"200")]
)
def test_a_body_in_tiny_pieces_is_refused_and_a_usual_one_is_not(small, pieces, status):
    with connected(small) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(HEAD + pieces + b"0\r\n\r\n")
        found = connection.recv(65_536) if status == b"200" else answer(connection)
        assert found.split(b" ")[1:2] in ([status], [] if status == b"400" else [status])


def test_several_requests_on_one_connection(small):
    with httpx.Client(base_url=f"http://{small[0]}:{small[1]}") as client:
        for body in (b"", b"x" * 200_000, b"y"):
            assert client.post("/", content=body).text == "hello"
            time.sleep(0.3)  # longer in all than a head may take


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_a_client_that_would_rather_speak_another_protocol_is_answered_in_this_one(server, protocol):
    headers = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": protocol,
        "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA",
    }
    picture = (EXAMPLES / "7.png").read_bytes()
    with httpx.Client(base_url=server) as client:
        for _ in range(2):
            assert client.post("/predict/image", content=picture, headers=headers).json()["digit"] == 7


def test_bodies_of_one_byte_a_chunk_do_not_keep_others_waiting(server):
    address, stop = (urlsplit(server).hostname, urlsplit(server).port), threading.Event()

    def flood():
        while not stop.is_set():
            with contextlib.suppress(OSError), connected(address) as connection:
                connection.sendall(HEAD)
                while not stop.is_set():
                    connection.sendall(b"1\r\nx\r\n" * 10_000)

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        waits = []
        for _ in range(5):
            start = time.perf_counter()
            assert httpx.get(f"{server}/health", timeout=60).status_code == 200
            waits.append(time.perf_counter() - start)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert sorted(waits)[2] < 1
