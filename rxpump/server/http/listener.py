"""Accept HTTP connections, answer requests of HTTP/1.1, and pass connections of HTTP/2 to their protocol.

A client can connect without a login, so its use of memory is bounded: by the size of a request, by the time that it
has to send the request and to receive the response, and by the number of connections.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

import h11

from rxpump.server.http.first_bytes import ALPN, FirstBytes, ProtocolFactory
from rxpump.server.http.request import MAX_HEAD_BYTES, HttpRequest, RequestRefused, read_request
from rxpump.server.http.response import HttpResponse, refusal
from rxpump.server.listening import stop_listening
from rxpump.server.tls import CLOSING_TIMEOUT, HANDSHAKE_TIMEOUT

REQUEST_TIMEOUT: Final = 10.0
"""Seconds that a client has for sending one request and receiving the response."""

MAX_CONNECTIONS: Final = 128
"""Largest number of open connections. Another one is closed as soon as it is accepted."""

_log = logging.getLogger("rxpump.server")


class Addresses(NamedTuple):
    """IP addresses of the two ends of a connection: the server's and the client's."""

    local: str
    peer: str


Respond = Callable[[HttpRequest, Addresses], HttpResponse]
"""Function that answers a request, given the addresses of its connection."""


class HttpListener:
    """A listening socket for HTTP.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 chooses a free one. `port` is the chosen one once the listener has started.
        respond: Function that answers each request.
        request_timeout: Seconds that a client has for one request.
        tls: Certificate for TLS; None for no encryption.
        http2: Function that returns the protocol of a connection with HTTP/2; None if only HTTP/1.1 is served.
    """

    def __init__(
        self,
        host: str,
        port: int,
        respond: Respond,
        *,
        request_timeout: float = REQUEST_TIMEOUT,
        tls: ssl.SSLContext | None = None,
        http2: ProtocolFactory | None = None,
    ) -> None:
        self.host = host
        self.port: int = port
        self._respond = respond
        self._request_timeout = request_timeout
        self._tls = tls
        self._http2 = http2
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._undecided: set[FirstBytes] = set()

    async def start(self) -> None:
        """Listen from now on.

        Raises:
            OSError: The address cannot be listened on.
        """
        if self._tls is not None:
            self._tls.set_alpn_protocols(ALPN if self._http2 is not None else ALPN[1:])
        self._listener = await asyncio.get_running_loop().create_server(
            self._new_connection,
            self.host,
            self.port,
            ssl=self._tls,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT if self._tls else None,
            ssl_shutdown_timeout=CLOSING_TIMEOUT if self._tls else None,
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and close every connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await stop_listening(listener)
        for undecided in self._undecided:
            undecided.abort()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _new_connection(self) -> asyncio.Protocol:
        if self._http2 is None:
            return self._new_http1()
        return FirstBytes(self._new_http1, self._http2, self._begin, self._undecided.discard)

    def _begin(self, connection: FirstBytes) -> bool:
        if self._listener is None or len(self._undecided) >= MAX_CONNECTIONS:
            return False
        self._undecided.add(connection)
        return True

    def _new_http1(self) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._accept)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        connection = _Connection(reader, writer, self._respond, self._request_timeout)
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(lambda _: writer.close())  # The task can be cancelled before its first step.

    def __repr__(self) -> str:
        return f"<HttpListener {self.host}:{self.port}, {len(self._connections)} connections>"


class _Connection:
    """One connection and its requests."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, respond: Respond, timeout: float
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._respond = respond
        self._timeout = timeout
        self._machine = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._addresses = Addresses(writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")[0])

    async def serve(self) -> None:
        """Answer requests until one side ends the connection. The caller closes it."""
        is_open = True
        with suppress(ConnectionError, TimeoutError):  # The client has left, or is too slow.
            while is_open:
                async with asyncio.timeout(self._timeout):
                    is_open = await self._serve_one()

    async def _serve_one(self) -> bool:
        """Answer one request; return whether another one may follow."""
        try:
            request = await self._next_request()
            if request is None:
                return False
            response = self._answer(request)
        except h11.RemoteProtocolError as error:
            response = refusal(HTTPStatus(error.error_status_hint), str(error))
        except RequestRefused as error:
            response = refusal(error.status, str(error), error.headers)
        await self._send(response)
        if self._machine.our_state is not h11.DONE or self._machine.their_state is not h11.DONE:
            return False
        self._machine.start_next_cycle()
        return True

    async def _next_request(self) -> HttpRequest | None:
        """Read to the end of the next request; return None if the client has closed the connection."""
        request: HttpRequest | None = None
        while True:
            match self._machine.next_event():
                case h11.NEED_DATA:
                    self._machine.receive_data(await self._reader.read(MAX_HEAD_BYTES))
                case h11.Request() as parsed:
                    request = read_request(parsed)
                case h11.EndOfMessage():
                    return request
                case h11.ConnectionClosed():
                    return None

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            return self._respond(request, self._addresses)
        except Exception:
            _log.exception("an HTTP request could not be answered: %s %s", request.method, request.path)
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; see its log for the reason")

    async def _send(self, response: HttpResponse) -> None:
        headers = [("Date", formatdate(usegmt=True)), ("Access-Control-Allow-Origin", "*"), *response.headers]
        if response.status is not HTTPStatus.NO_CONTENT:
            headers.append(("Content-Type", response.content_type))
            headers.append(("Content-Length", str(len(response.body))))
        if self._machine.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=response.status.value, headers=headers, reason=response.status.phrase)
        for event in (head, h11.Data(data=response.body), h11.EndOfMessage()):
            self._writer.write(self._machine.send(event) or b"")
        await self._writer.drain()
