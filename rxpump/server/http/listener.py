"""Takes HTTP connections and answers what comes on them, one request after the other.

A client has HEAD_TIMEOUT for each request and as long to take the answer in, and there are no more than
MAX_CONNECTIONS of them: that bounds what anybody can make of a port that wants no login.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

from rxpump.server.http.request import MAX_HEAD, CannotAnswer, HttpRequest, read_request

HEAD_TIMEOUT: Final = 10.0  # seconds
MAX_CONNECTIONS: Final = 128

_log = logging.getLogger("rxpump.server")


class Answer(NamedTuple):
    """What a request is answered with; `headers` beside those that every answer has."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Ends(NamedTuple):
    """The addresses of both ends of a connection: of the server, and of the client."""

    local: str
    peer: str


Respond = Callable[[HttpRequest, Ends], Answer]
"""Answers a request that arrived on a connection between these addresses."""


class HttpListener:
    """Listens on `host` and `port` (0: a free one, which `port` tells once started), and lets `respond` answer."""

    def __init__(self, host: str, port: int, respond: Respond, *, head_timeout: float = HEAD_TIMEOUT) -> None:
        self.host = host
        self.port: int = port
        self._respond = respond
        self._head_timeout = head_timeout
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen from now on. Raises OSError."""
        self._listener = await asyncio.start_server(self._take, self.host, self.port, limit=MAX_HEAD)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and close every connection."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        connection = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                async with asyncio.timeout(self._head_timeout):
                    is_last = self._answer(await reader.readuntil(b"\r\n\r\n"), writer)
                    await writer.drain()
                if is_last:
                    break
        except asyncio.LimitOverrunError:
            why = f"a request has at most {MAX_HEAD} bytes"
            _write(writer, refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, why), is_last=True)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # it is gone, or as good as gone
        finally:
            writer.close()

    def _answer(self, head: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer a request; tell whether the connection is over."""
        is_last = True
        try:
            request = read_request(head)
            ends = Ends(writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")[0])
            answer = self._respond(request, ends)
            is_last = request.is_last
        except CannotAnswer as error:
            answer = refusal(error.status, str(error))
        except Exception:
            _log.exception("an HTTP request could not be answered")
            answer = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server made a mistake")
        _write(writer, answer, is_last=is_last)
        return is_last

    def __repr__(self) -> str:
        return f"<HttpListener {self.host}:{self.port}, {len(self._connections)} connections>"


def refusal(status: HTTPStatus, why: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return an answer that tells why there is no other."""
    return Answer(status, f"{status.phrase}: {why}.\n".encode(), headers=headers)


def _write(writer: asyncio.StreamWriter, answer: Answer, *, is_last: bool) -> None:
    status, body, content_type, headers = answer
    fields = (
        ("Date", formatdate(usegmt=True)),
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Connection", "close" if is_last else "keep-alive"),
        ("Access-Control-Allow-Origin", "*"),
        *headers,
    )
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields), "", "")
    writer.write("\r\n".join(lines).encode("latin-1") + body)
