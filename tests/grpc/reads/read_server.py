"""A server of the method Read that answers from a script, and records the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from rxpump.grpc.caller import Caller
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.settings import Settings
from tests.grpc.clients import SETTINGS, calling, features
from tests.grpc.harness import Server, ServerCall, serving

Item = Any
"""A ReadResponse to send; a CallStatus, trailers or a function to end the call; or one of the constants below."""

CUT = "lose the connection"
WAIT = "send nothing more"
OK = CallStatus(StatusCode.OK)
DELETED = CallStatus(StatusCode.FAILED_PRECONDITION, "", (("exception", "stream-deleted"),))
UNKNOWN_POSITION = CallStatus(StatusCode.UNKNOWN, "Unexpected ReadAllResult: Error")


class Encoded:
    """A ReadResponse that is sent unchanged."""

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def SerializeToString(self) -> bytes:
        return self._encoded


def recorded(number: int, stream: str = "s", commit: int | None = None, **fields: Any) -> dict[str, Any]:
    """Return the fields of a RecordedEvent, whose position is 100 times its number."""
    position = 100 * number if commit is None else commit
    return {
        "id": {"string": str(UUID(int=number + 1))},
        "stream_identifier": {"stream_name": stream.encode()},
        "stream_revision": number,
        "prepare_position": position,
        "commit_position": position,
        "metadata": {"type": "T", "content-type": "application/json", "created": "16000000000000000"},
        "data": str(number).encode(),
        **fields,
    }


def event(number: int, stream: str = "s", **fields: Any) -> Any:
    return streams.ReadResponse(event={"event": recorded(number, stream, **fields)})


def link(number: int, target: Mapping[str, Any] | None) -> Any:
    """Return a response with a link and its target; `target` is None if the target is missing."""
    found = {} if target is None else {"event": target}
    return streams.ReadResponse(event={"link": recorded(number, "links"), **found})


def not_found(stream: str = "s") -> Any:
    return streams.ReadResponse(stream_not_found={"stream_identifier": {"stream_name": stream.encode()}})


def first(number: int) -> Any:
    return streams.ReadResponse(first_stream_position=number)


def last(number: int) -> Any:
    return streams.ReadResponse(last_stream_position=number)


def checkpoint(commit: int, prepare: int | None = None) -> Any:
    prepare = commit if prepare is None else prepare
    return streams.ReadResponse(checkpoint={"commit_position": commit, "prepare_position": prepare})


CONFIRMED = streams.ReadResponse(confirmation={"subscription_id": "x"})
CAUGHT_UP = streams.ReadResponse(caught_up={})
FELL_BEHIND = streams.ReadResponse(fell_behind={})

Script = Callable[[Any], Iterable[Item]]
"""Function that is called with the options of a request, and returns the items of the answer."""


class ReadServer:
    """A server that answers Read from a script.

    Attributes:
        requests: Options of the requests, in the order of arrival.
        port: Port of the server.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[Any] = []
        self.resume = asyncio.Event()
        """Set to end the calls that wait."""
        self.server: Server
        self._script = script

    async def answer(self, call: ServerCall) -> None:
        options = streams.ReadRequest.FromString(await anext(call)).options
        self.requests.append(options)
        has_started = False
        for item in self._script(options):
            if item is CUT:
                call.endpoint.transport.abort()
                return
            if callable(item):
                item(call)
                return
            if item is WAIT:
                await self.resume.wait()
                return
            if isinstance(item, tuple):  # The item is recorded trailers.
                call.endpoint.connection.send_trailers(call.stream_id, item)
                call.endpoint.flush()
                return
            if isinstance(item, CallStatus):
                call.finish(item) if has_started else call.refuse(item)
                return
            if not has_started:
                call.start()
                has_started = True
            await call.send(item.SerializeToString())
        if not has_started:
            call.start()
        call.finish()

    @property
    def subscriptions(self) -> list[Any]:
        """Options of the requests that are subscriptions."""
        return [each for each in self.requests if each.HasField("subscription")]


@asynccontextmanager
async def reading_from(
    script: Script, settings: Settings = SETTINGS, version: str = "24.10.4"
) -> AsyncIterator[tuple[ReadServer, Caller]]:
    """Run a server, and a caller that is connected to it."""
    read = ReadServer(script)
    handlers = {
        server_features.GET_SUPPORTED_METHODS.path: features(METHODS.values(), version),
        streams.READ.path: read.answer,
    }
    async with serving(handlers) as server, calling(server.port, settings) as caller:
        read.server = server
        yield read, caller


def in_turn(*answers: Iterable[Item]) -> Script:
    """Return a script with one answer for each request, in order."""
    remaining = iter(answers)
    return lambda options: next(remaining)
