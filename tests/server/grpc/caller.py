"""A gRPC client for tests of the server, made of the HTTP/2 state machine and the messages of rxpump."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rxpump.grpc.http2.error_codes import CannotSend
from rxpump.grpc.messages import streams
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.server import EmbeddedServer, SqliteStore
from tests.grpc.harness import ClientCall, ClientEndpoint, connected

JSON = "application/json"
BINARY = "application/octet-stream"
ADMIN = (("authorization", "Basic YWRtaW46Y2hhbmdlaXQ="),)
"""Metadata with the credentials admin:changeit."""


@dataclass
class Answer:
    """The messages and the status of a call that has ended."""

    messages: list[Any]
    status: CallStatus

    @property
    def code(self) -> StatusCode:
        return self.status.code

    @property
    def only(self) -> Any:
        """The only message of a call that succeeded."""
        assert self.status.code is StatusCode.OK, self.status
        [message] = self.messages
        return message

    @property
    def error(self) -> str | None:
        """Name of the error."""
        return dict(self.status.metadata).get("exception")  # type: ignore[return-value]


class OpenCall:
    """A call that has not ended."""

    def __init__(self, endpoint: ClientEndpoint, call: ClientCall, method: Method) -> None:
        self.endpoint = endpoint
        self.call = call
        self.method = method
        self._taken = 0

    async def next(self) -> Any:
        """Wait for the next message."""
        await self.call.until(lambda: len(self.call.messages) > self._taken or self.call.response.status is not None)
        assert len(self.call.messages) > self._taken, self.call.response.status
        message = self.method.response.FromString(self.call.messages[self._taken])
        self._taken += 1
        return message

    async def take(self, count: int) -> list[Any]:
        return [await self.next() for _ in range(count)]

    async def send(self, request: Any) -> None:
        """Send a message, unless the server has ended the call."""
        with suppress(CannotSend):
            await self.call.send(request if isinstance(request, bytes) else request.SerializeToString())

    def half_close(self) -> None:
        with suppress(CannotSend):
            self.call.end()

    def pause(self) -> None:
        """Stop acknowledging received bytes, so that the server has to wait."""
        self.call.is_paused = True

    def resume(self) -> None:
        self.call.resume()
        self.endpoint.flush()

    def cancel(self) -> None:
        self.call.cancel()

    async def end(self) -> Answer:
        """Wait for the end of the call, and return the messages that were not taken."""
        status = await self.call.status()
        rest = [self.method.response.FromString(each) for each in self.call.messages[self._taken :]]
        return Answer(rest, status)


class Caller:
    """A gRPC client."""

    def __init__(self, endpoint: ClientEndpoint, metadata: Metadata = ()) -> None:
        self.endpoint = endpoint
        self.metadata = metadata

    async def open(
        self, method: Method, *requests: Any, metadata: Metadata = (), timeout: float | None = None
    ) -> OpenCall:
        """Begin a call, and send messages without half-closing."""
        begun = self.endpoint.call(method.path, (*self.metadata, *metadata), timeout)
        call = OpenCall(self.endpoint, begun, method)
        for request in requests:
            await call.send(request)
        return call

    async def begin(self, method: Method, *requests: Any, metadata: Metadata = ()) -> OpenCall:
        """Begin a call, send messages, and half-close."""
        call = await self.open(method, *requests, metadata=metadata)
        call.half_close()
        return call

    async def ask(self, method: Method, *requests: Any, metadata: Metadata = ()) -> Answer:
        """Make a whole call."""
        return await (await self.begin(method, *requests, metadata=metadata)).end()

    async def append(self, stream: str, *events: Any, metadata: Metadata = (), **expected: Any) -> Answer:
        options = {"stream_identifier": {"stream_name": stream.encode()}, **(expected or {"any": {}})}
        messages = [streams.AppendRequest(proposed_message=event) for event in events]
        return await self.ask(streams.APPEND, streams.AppendRequest(options=options), *messages, metadata=metadata)

    async def read(self, stream: str, *, metadata: Metadata = (), **options: Any) -> Answer:
        return await self.ask(streams.READ, read_request(stream, **options), metadata=metadata)

    async def events(self, stream: str, **options: Any) -> list[Any]:
        """Read a stream, and return its events."""
        answer = await self.read(stream, **options)
        assert answer.code is StatusCode.OK, answer.status
        return [message.event.event for message in answer.messages if message.HasField("event")]


def event(event_type: str = "t", data: bytes = b"{}", *, content_type: str = JSON, **fields: Any) -> dict[str, Any]:
    """Return the fields of a ProposedEvent."""
    metadata = {"type": event_type, "content-type": content_type}
    return {"id": {"string": str(uuid4())}, "metadata": metadata, "data": data, **fields}


def read_request(stream: str | None = None, **options: Any) -> Any:
    """Return a request that reads a whole stream, or the log, unless options say otherwise."""
    start = options.pop("start", {"start": {}})
    if not options.keys() & {"count", "subscription"}:
        options["count"] = 1000
    if "filter" not in options:
        options["no_filter"] = {}
    options.setdefault("uuid_option", {"string": {}})
    if stream is None:
        return streams.ReadRequest(options={"all": start, **options})
    source = {"stream_identifier": {"stream_name": stream.encode()}, **start}
    return streams.ReadRequest(options={"stream": source, **options})


def kinds(messages: list[Any]) -> list[str]:
    """Return the name of the field that is set in each message of a read."""
    return [message.WhichOneof("content") for message in messages]


@asynccontextmanager
async def calling(server: EmbeddedServer, metadata: Metadata = ()) -> AsyncIterator[Caller]:
    """Connect a client to a server."""
    assert server.grpc_port is not None
    async with connected(server.grpc_port) as endpoint:
        yield Caller(endpoint, metadata)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[EmbeddedServer]:
    """Run a server with a store in memory that serves gRPC."""
    async with EmbeddedServer(SqliteStore.in_memory(), grpc_port=0, **options) as server:
        yield server
