"""A minimal HTTP/2 client and server for tests, made of the state machines of rxpump and asyncio sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Self

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    GoAwayReceived,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.headers import request_headers, response_headers, trailers, trailers_only
from rxpump.grpc.protocol.message_reader import frame_message
from rxpump.grpc.protocol.request_reader import RequestReader
from rxpump.grpc.protocol.response_reader import ResponseReader
from rxpump.server.listening import stop_listening

LARGEST = 20_000_000
MUCH = 200_000
"""Pending bytes of a stream above which `send` waits."""


class Endpoint(asyncio.Protocol):
    """One connection of either role. It passes bytes between the socket and the state machine."""

    def __init__(self, role: Role, limits: Http2Limits) -> None:
        loop = asyncio.get_running_loop()
        self.connection = Http2Connection(role, limits, loop.time())
        self.progress = asyncio.Event()
        """Set and replaced whenever bytes have left or streams have changed."""
        self.transport: asyncio.Transport
        self.closed = asyncio.Event()
        self.goaways: list[GoAwayReceived] = []
        self.end: ConnectionEnded | None = None
        self._loop = loop
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.flush()

    def data_received(self, data: bytes) -> None:
        for event in self.connection.receive(data, self._loop.time()):
            if isinstance(event, GoAwayReceived):
                self.goaways.append(event)
            elif isinstance(event, ConnectionEnded):
                self.end = event
            self.on_event(event)
        self.flush()
        if self.end:
            self.transport.close()

    def on_event(self, event: Http2Event) -> None:
        raise NotImplementedError

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        if self.end is None:
            self.end = ConnectionEnded(ErrorCode.NO_ERROR, "the socket closed")
            self.on_event(self.end)
        self.closed.set()
        self.progress.set()

    def flush(self) -> None:
        while not self._is_paused and (data := self.connection.bytes_to_send()):
            self.transport.write(data)
        self.progress.set()
        self.progress = asyncio.Event()

    async def send(self, stream_id: int, message: bytes) -> None:
        """Send a message, and wait while too many bytes of the stream are pending."""
        self.connection.send_data(stream_id, frame_message(message))
        self.flush()
        while self.connection.pending_bytes(stream_id) > MUCH and self.end is None:
            await self.progress.wait()


class ServerCall:
    """A call on the server, which is passed to its handler."""

    def __init__(self, endpoint: ServerEndpoint, event: HeadersReceived) -> None:
        self.endpoint = endpoint
        self.stream_id = event.stream_id
        self.request = RequestReader(event, LARGEST)
        self.messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.reset: StreamReset | None = None
        self.task: asyncio.Task[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        message = await self.messages.get()
        if message is None:
            raise StopAsyncIteration
        return message

    def start(self, metadata: Iterable[tuple[str, str | bytes]] = ()) -> None:
        self.endpoint.connection.send_headers(self.stream_id, response_headers(metadata))

    async def send(self, message: bytes) -> None:
        await self.endpoint.send(self.stream_id, message)

    def finish(self, status: CallStatus = CallStatus(StatusCode.OK)) -> None:  # noqa: B008
        self.endpoint.connection.send_trailers(self.stream_id, trailers(status))
        self.endpoint.flush()

    def refuse(self, status: CallStatus) -> None:
        self.endpoint.connection.send_trailers(self.stream_id, trailers_only(status))
        self.endpoint.flush()


Handler = Callable[[ServerCall], Awaitable[None]]


class ServerEndpoint(Endpoint):
    """A connection of a server: runs the handler of each call in a task."""

    def __init__(self, limits: Http2Limits, server: Server) -> None:
        super().__init__(Role.SERVER, limits)
        self.calls: dict[int, ServerCall] = {}
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._server.is_closed:  # The socket was accepted before the server closed.
            self.transport.abort()
        else:
            self._server.endpoints.append(self)

    def on_event(self, event: Http2Event) -> None:
        match event:
            case HeadersReceived():
                self._begin(ServerCall(self, event), event.is_end)
            case DataReceived():
                call = self.calls[event.stream_id]
                for message in call.request.receive(event):
                    call.messages.put_nowait(message)
                self.connection.acknowledge(event.stream_id, event.flow_bytes)
                if call.request.failure is not None:
                    call.refuse(call.request.failure)
                elif event.is_end:
                    call.messages.put_nowait(None)
            case StreamReset():
                call = self.calls[event.stream_id]
                call.reset = event
                if call.task:
                    call.task.cancel()

    def _begin(self, call: ServerCall, is_end: bool) -> None:
        self.calls[call.stream_id] = call
        if call.request.refusal is not None:
            self.connection.send_trailers(call.stream_id, call.request.refusal)
            return
        handler = self._server.handlers.get(call.request.path)
        if handler is None:
            call.refuse(CallStatus(StatusCode.UNIMPLEMENTED, "Method is unimplemented."))
            return
        if is_end:
            call.messages.put_nowait(None)
        call.task = asyncio.ensure_future(handler(call))


class Server:
    """A server on a free port."""

    def __init__(self, handlers: dict[str, Handler], limits: Http2Limits) -> None:
        self.endpoints: list[ServerEndpoint] = []
        self.handlers = handlers
        self.port = 0
        self.is_closed = False
        self._limits = limits

    @property
    def calls(self) -> list[ServerCall]:
        return [call for endpoint in self.endpoints for call in endpoint.calls.values()]

    def accept(self) -> ServerEndpoint:
        return ServerEndpoint(self._limits, self)


@asynccontextmanager
async def serving(handlers: dict[str, Handler], limits: Http2Limits = Http2Limits()) -> AsyncIterator[Server]:  # noqa: B008
    server = Server(handlers, limits)
    listening = await asyncio.get_running_loop().create_server(server.accept, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.is_closed = True
        await stop_listening(listening)
        tasks = [call.task for call in server.calls if call.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for endpoint in server.endpoints:
            endpoint.transport.abort()


class ClientCall:
    """A call on the client."""

    def __init__(self, endpoint: ClientEndpoint, stream_id: int) -> None:
        self.stream_id = stream_id
        self.response = ResponseReader(LARGEST)
        self.messages: list[bytes] = []
        self.is_paused = False
        self.unacknowledged = 0
        self._endpoint = endpoint

    def receive(self, event: Http2Event) -> None:
        self.messages += self.response.receive(event)
        if isinstance(event, DataReceived):
            self.unacknowledged += event.flow_bytes
        if not self.is_paused:
            self.resume()

    def resume(self) -> None:
        """Acknowledge the messages that have arrived."""
        self.is_paused = False
        self._endpoint.connection.acknowledge(self.stream_id, self.unacknowledged)
        self.unacknowledged = 0

    async def send(self, message: bytes) -> None:
        await self._endpoint.send(self.stream_id, message)

    def end(self) -> None:
        self._endpoint.connection.end_stream(self.stream_id)
        self._endpoint.flush()

    def cancel(self) -> None:
        self._endpoint.connection.reset(self.stream_id, ErrorCode.CANCEL)
        self._endpoint.flush()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._endpoint.progress.wait()

    async def status(self) -> CallStatus:
        await self.until(lambda: self.response.status is not None)
        assert self.response.status is not None
        return self.response.status


class ClientEndpoint(Endpoint):
    """A connection of a client."""

    def __init__(self, limits: Http2Limits) -> None:
        super().__init__(Role.CLIENT, limits)
        self.calls: dict[int, ClientCall] = {}

    def on_event(self, event: Http2Event) -> None:
        match event:
            case HeadersReceived() | DataReceived() | TrailersReceived() | StreamReset():
                self.calls[event.stream_id].receive(event)
            case ConnectionEnded():
                for call in self.calls.values():
                    call.receive(event)

    def call(self, path: str, metadata: Metadata = (), timeout: float | None = None) -> ClientCall:
        headers = request_headers("http", "127.0.0.1", path, timeout, metadata)
        call = ClientCall(self, self.connection.open_stream(headers))
        self.calls[call.stream_id] = call
        self.flush()
        return call

    async def unary(self, path: str, message: bytes, metadata: Metadata = ()) -> ClientCall:
        """Make a call with one message, and wait for its status."""
        call = self.call(path, metadata)
        await call.send(message)
        call.end()
        await call.status()
        return call


@asynccontextmanager
async def connected(port: int, limits: Http2Limits = Http2Limits()) -> AsyncIterator[ClientEndpoint]:  # noqa: B008
    loop = asyncio.get_running_loop()
    transport, endpoint = await loop.create_connection(lambda: ClientEndpoint(limits), "127.0.0.1", port)
    try:
        yield endpoint
    finally:
        transport.abort()
