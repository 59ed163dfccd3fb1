"""How many connections may be open, and how long and large a request's head may be: uvicorn's protocol, with limits.

    uvicorn.run(app, http=Connection)

The parser is httptools, in C: with h11, in Python, four callers who send a body in chunks of one byte keep everybody
else waiting. Everything undocumented of uvicorn's that is used stands in this file.
"""

from __future__ import annotations

import asyncio
import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A process may usually have 1024 open files. The rest is for files and what the app itself has open.
MAX_CONNECTIONS = 960
# A head comes in one piece, or within seconds over a bad network.
HEAD_SECONDS = 20
# Browsers send 1 to 2 KB, with many cookies 8; other servers take 8 to 64.
MAX_HEAD_BYTES = 65_536
# Pieces in which a body comes are counted over this many of its bytes, so that a few small ones do not matter.
FEW_BYTES = 16_384
# Bytes that such pieces should have on average. Clients send 1 KB to 64 KB; slow networks bring 500 bytes at a time.
SMALL_PIECE = 16

# A client that asks for another protocol, as Java's own does for HTTP/2 with every first request, may be answered in
# this one. But the parser would stop at the end of the head, and the body would be lost.
UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:", re.IGNORECASE)

FULL = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SMALL = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Connection(HttpToolsProtocol):
    """One connection."""

    head_bytes = 0  # of a head that is not complete
    head_timer: asyncio.TimerHandle | None = None
    in_head = True
    pieces = 0  # of the body
    body_bytes = 0
    sent_bytes = 0  # of the body with what frames it: sizes of chunks, and headers that follow it

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self.end(FULL)
            return
        self.expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self.head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.in_head:
            self.head_bytes += len(data)
            if self.head_timer is None:  # the first bytes of another request on this connection
                self.expect_head()
            head, end, rest = data.partition(b"\r\n\r\n")
            data = UPGRADE.sub(b"\r\nx-upgrade:", head) + end + rest
        else:
            self.sent_bytes += len(data)
        super().data_received(data)
        # What came with the head's end may be of a body, so the head is measured when it is not complete.
        if self.in_head and self.head_bytes > MAX_HEAD_BYTES:
            self.end(TOO_LARGE)
        elif not self.in_head and self.sent_bytes > 2 * self.body_bytes + MAX_HEAD_BYTES:
            self.end(TOO_SMALL)

    def on_headers_complete(self) -> None:
        self.head_arrived()
        self.in_head = False
        self.pieces = self.body_bytes = self.sent_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.pieces += 1
        self.body_bytes += len(body)
        if self.pieces * SMALL_PIECE > self.body_bytes + FEW_BYTES:
            self.end(TOO_SMALL)
            return
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head = True
        self.head_bytes = 0
        super().on_message_complete()

    def expect_head(self) -> None:
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self.end, TOO_SLOW)

    def head_arrived(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def end(self, answer: bytes) -> None:
        """Answers, unless another answer is under way, and closes the connection."""
        self.head_arrived()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()
