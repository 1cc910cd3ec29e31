"""A server of the method Read with a log that grows, which behaves like real servers of a version, and drops calls.

Versions differ in the events after a position, in the reports that a subscription has caught up, in the positions of
checkpoints, and in the treatment of streams that do not exist (docs/protocol/grpc.md, sections 5.1, 5.6, 5.9).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from rxpump.grpc.http2 import ErrorCode, frames
from rxpump.grpc.messages import server_features, streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.clients import features
from tests.grpc.harness import Handler, ServerCall
from tests.grpc.reads.read_server import CAUGHT_UP, CONFIRMED, UNKNOWN_POSITION, checkpoint, last, not_found, recorded

PAGE: Final = 32
"""Events that a server reads from its log at a time."""

NOT_READY = CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready")
TOO_SLOW = CallStatus(StatusCode.ABORTED, "Operation timed out: Consumer too slow to handle event while live.")


class Dropped(Exception):
    """The server has ended a call."""


@dataclass(frozen=True)
class Stored:
    """An event in the log.

    Attributes:
        stream: Name of its stream.
        number: Number in its stream.
        position: Position in the log.
        target: Event to which it is a link, or None.
    """

    stream: str
    number: int
    position: int
    target: Stored | None = None

    def response(self, *, resolve_links: bool) -> Any:
        """Return the response with the event."""
        target = self.target if resolve_links else None
        if target is None:
            return streams.ReadResponse(event={"event": self._record()})
        return streams.ReadResponse(event={"event": target._record(), "link": self._record()})

    def _record(self) -> dict[str, Any]:
        return recorded(self.number, self.stream, self.position)


def _drop(call: ServerCall, chance: Random) -> None:
    """End a call, or its connection, in one of the ways of servers and proxies."""
    endpoint = call.endpoint
    match chance.randrange(6):
        case 0:
            endpoint.transport.abort()
        case 1:
            endpoint.connection.reset(call.stream_id, ErrorCode.INTERNAL_ERROR)
        case 2:
            endpoint.transport.write(frames.goaway(frames.MAX_STREAM_ID, ErrorCode.NO_ERROR))
        case 3:
            endpoint.connection.end_stream(call.stream_id)
        case 4:
            call.finish(NOT_READY)
        case _:
            call.finish(TOO_SLOW)
    endpoint.flush()
    raise Dropped


class SimulatedLog:
    """The log of a server of one version.

    Args:
        version: Version of the server.
        chance: Random generator.
        drop_rate: Probability that a call is dropped before a message.

    Attributes:
        events: Events in the order of the log.
        drops: Number of calls that were dropped.
        drop_rate: Probability that a call is dropped before a message.
    """

    def __init__(self, version: str, chance: Random, drop_rate: float) -> None:
        self.events: list[Stored] = []
        self.drops = 0
        self.drop_rate = drop_rate
        self._version = version
        self._numbers = tuple(map(int, version.split(".")))
        self._is_new = self._numbers >= (24, 2)
        self._chance = chance
        self._grown = asyncio.Event()

    @property
    def handlers(self) -> dict[str, Handler]:
        """Handlers of the server."""
        listed = features(version=self._version)
        return {server_features.GET_SUPPORTED_METHODS.path: listed, streams.READ.path: self._read}

    def of(self, stream: str) -> list[Stored]:
        """Return the events of a stream."""
        return [event for event in self.events if event.stream == stream]

    def append(self, stream: str, target: Stored | None = None) -> None:
        """Append an event, which is a link if there is a target."""
        position = (self.events[-1].position if self.events else 0) + self._chance.randrange(100, 150)
        self.events.append(Stored(stream, len(self.of(stream)), position, target))
        self._grown.set()
        self._grown = asyncio.Event()

    async def _read(self, call: ServerCall) -> None:
        options = streams.ReadRequest.FromString(await anext(call)).options
        call.start()
        try:
            await (self._subscribe if options.HasField("subscription") else self._answer)(call, options)
        except Dropped:
            self.drops += 1

    async def _send(self, call: ServerCall, response: Any) -> None:
        if call.endpoint.closed.is_set():
            raise Dropped
        if self._chance.random() < self.drop_rate:
            _drop(call, self._chance)
        await call.send(response.SerializeToString())

    async def _answer(self, call: ServerCall, options: Any) -> None:
        """Answer a read with a count, as the client makes it to find the end and positions before another."""
        name = options.stream.stream_identifier.stream_name.decode()
        found = self.of(name) if name else self.events
        if name and not found:
            await self._send(call, not_found(name))
            call.finish()
            return
        if options.all.HasField("position"):
            commit = options.all.position.commit_position
            if options.read_direction and commit > found[-1].position:
                call.finish(UNKNOWN_POSITION)
                return
            found = [each for each in found if (each.position < commit) is bool(options.read_direction)]
        if options.read_direction:
            found = found[::-1]
        for each in filter(_matcher(options), found[: options.count]):
            await self._send(call, each.response(resolve_links=options.resolve_links))
        if name:
            await self._send(call, last(len(self.of(name)) - 1))
        call.finish()

    async def _subscribe(self, call: ServerCall, options: Any) -> None:
        name = options.stream.stream_identifier.stream_name.decode()
        matches, step = _matcher(options), max(options.filter.max, PAGE)
        at, was_missing = self._start(options), bool(name) and not self.of(name)
        await self._send(call, CONFIRMED)
        examined, reports = 0, 0
        while True:
            grown, log = self._grown, self.of(name) if name else self.events
            page = log[at : at + PAGE]
            found = list(filter(matches, page))
            for each in found:
                await self._send(call, each.response(resolve_links=options.resolve_links))
            at, examined = at + len(page), examined + len(page)
            if options.HasField("filter") and examined >= step:
                examined = 0
                await self._send(call, self._checkpoint(page, found))
            if at < len(log):
                continue
            if self._reports(reports, was_missing=was_missing and not at):
                reports += 1
                await self._send(call, CAUGHT_UP)
            await grown.wait()

    def _start(self, options: Any) -> int:
        """Return the index of the first event of a subscription."""
        if not options.HasField("all"):
            return int(options.stream.revision) + 1 if options.stream.HasField("revision") else 0
        if not options.all.HasField("position"):
            return 0
        place = options.all.position
        before = [each for each in self.events if each.position < place.commit_position]
        if not self._is_new:
            return len(before) + 1  # The first event at the position or later is left out.
        at = [each for each in self.events if each.position == place.commit_position == place.prepare_position]
        return len(before) + len(at)

    def _checkpoint(self, page: Sequence[Stored], found: Sequence[Stored]) -> Any:
        """Return a checkpoint at the last event that matches, or at the start of a page without any."""
        if found or self._is_new:
            return checkpoint(page[-1].position)
        return checkpoint(page[0].position, 0)

    def _reports(self, reports: int, *, was_missing: bool) -> bool:
        """Return whether the server reports now that the subscription has caught up."""
        if self._is_new:
            return True
        return self._numbers >= (23, 10) and not reports and not was_missing


def _matcher(options: Any) -> Callable[[Stored], bool]:
    pattern = re.compile(options.filter.stream_identifier.regex)
    return lambda event: pattern.search(event.stream) is not None
