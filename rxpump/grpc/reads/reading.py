"""Read to the end of a stream or `$all`, by a new call after each lost connection.

One call returns all events. The server sends events before the consumer pulls them, as many as the window of the
call allows. If the call is interrupted, the next one starts after the last event that was received.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence

from rxpump.errors import RxPumpError
from rxpump.grpc.call import Call
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import read
from rxpump.grpc.calls.server_filter import server_filter
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.reads.log_places import beyond, start_of_read
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Edge, Position, StreamDirection


class Reading(ABC):
    """A read to the end. The subclasses read one stream or `$all`.

    Args:
        caller: Makes the calls.
        context: Description of the read.
        batch_size: Most events in a batch.
    """

    def __init__(self, caller: Caller, context: CallContext, batch_size: int) -> None:
        self._caller = caller
        self._context = context
        self._batch_size = batch_size
        self._call: Call | None = None

    async def batches(self) -> AsyncGenerator[Sequence[Event], None]:
        """Yield the events in batches of at most `batch_size`."""
        try:
            while not self._is_complete and (messages := await self._next()):
                found, _ = read.counted(messages, self._context)
                if found and (fresh := self._advance(found)):
                    yield fresh
        finally:
            if self._call is not None:
                self._call.cancel()

    async def _next(self) -> list[bytes]:
        """Return the next messages; none at the end. Open the call at the start, and again after an interruption."""
        call = self._call
        if call is not None and (messages := call.take(self._batch_size)):
            return messages
        attempts = self._caller.attempts(self._context)
        async with attempts:
            while True:
                if self._call is None:
                    request = await self._request()
                    self._call = await self._caller.open(self._context, request, attempts=attempts)
                    self._call.end()
                else:
                    attempts.begin()
                try:
                    return await attempts.next(self._call, self._batch_size, is_search=self._is_search)
                except RxPumpError as error:
                    self._call.cancel()
                    self._call = None
                    await attempts.wait_after(error)

    @property
    def _is_search(self) -> bool:
        """Whether the server searches for events, and can send nothing for a long time."""
        return False

    @property
    def _is_complete(self) -> bool:
        """Whether there can be no more events."""
        return False

    @abstractmethod
    async def _request(self) -> bytes:
        """Return the request for the events after those that were received."""

    @abstractmethod
    def _advance(self, events: Sequence[Event]) -> Sequence[Event]:
        """Let the next request start after events that were received. Return the events for the consumer."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._context.stream_or_all} by {self._call!r}>"


class StreamReading(Reading):
    """A read of one stream; arguments as in `Transport.read_stream`."""

    def __init__(
        self,
        caller: Caller,
        stream: str,
        start: int | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
    ) -> None:
        super().__init__(caller, read.read_context(stream), batch_size)
        self._stream = stream
        self._start = start
        self._direction = direction
        self._resolve_links = resolve_links

    @property
    def _is_complete(self) -> bool:
        """Whether a backward read has received event 0."""
        return not isinstance(self._start, Edge) and self._start < 0

    async def _request(self) -> bytes:
        return read.read_stream(self._stream, self._start, self._direction, resolve_links=self._resolve_links)

    def _advance(self, events: Sequence[Event]) -> Sequence[Event]:
        step = 1 if self._direction is StreamDirection.FORWARD else -1
        self._start = events[-1].received_number + step
        return events


class AllReading(Reading):
    """A read of `$all`; arguments as in `Transport.read_all`.

    Args:
        caller: Makes the calls.
        start: Position of the first event; backward, the first is the event before this position.
        direction: Order of the events.
        batch_size: Most events in a batch.
        resolve_links: Whether to return the targets of links.
        where: Filter that the events must match.
        index: Name of a secondary index whose events to read instead of those that match a filter.
    """

    def __init__(
        self,
        caller: Caller,
        start: Position | Edge,
        direction: StreamDirection,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
        index: str | None = None,
    ) -> None:
        super().__init__(caller, read.read_context(None), batch_size)
        self._start = start
        self._direction = direction
        self._resolve_links = resolve_links
        self._where = where
        self._filter = server_filter(where, resolve_links=resolve_links) if index is None else read.index(index)
        self._has_index = index is not None
        self._bound: Position | Edge = start  # Events before it (backward: after it) are dropped.

    @property
    def _is_search(self) -> bool:
        """Whether the server has a filter. A server finds the events of an index without a search."""
        return self._filter is not None and not self._has_index

    async def _request(self) -> bytes:
        place = await start_of_read(self._caller, self._start, self._direction)
        return read.read_all(place, self._direction, resolve_links=self._resolve_links, filter=self._filter)

    def _advance(self, events: Sequence[Event]) -> Sequence[Event]:
        """Drop events that were received before, because a forward read starts with the event at its position."""
        events = beyond(events, self._bound, self._direction)
        if not events:
            return events
        last = events[-1].position
        if last is not None:
            self._start = last
            is_forward = self._direction is StreamDirection.FORWARD
            self._bound = Position(last.commit, last.prepare + 1) if is_forward else last
        where = self._where
        return events if where is None else [event for event in events if where.matches(event)]
