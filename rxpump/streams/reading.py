"""Observables of the events of a read, which complete at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.model.events import Event
from rxpump.model.positions import FIRST_POSITION, Edge, Position, StreamDirection
from rxpump.streams.source import IterableSource, PageSource
from rxpump.transport import Transport


class StreamReading(PageSource[Event]):
    """The events of one stream, in order, from the event `start` to the end (backward: to the first event)."""

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        stream: str,
        start: int | Edge,
        batch_size: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
    ) -> None:
        super().__init__(runtime, f"iter {stream}", self._pages)
        self.stream = stream
        self._transport = transport
        self._start = start
        self._batch_size = batch_size
        self._direction = direction
        self._resolve_links = resolve_links

    def _pages(self) -> AsyncGenerator[Sequence[Event], None]:
        return self._transport.read_stream(
            self.stream,
            self._start,
            self._direction,
            batch_size=self._batch_size,
            resolve_links=self._resolve_links,
        )

    @property
    def direction(self) -> StreamDirection:
        """Order of the events."""
        return self._direction

    def resume_after(self, event: Event) -> PageSource[Event]:
        """Return a read of the events that follow `event` in this one."""
        return self.resume_at(event.received_number)

    def resume_at(self, place: int) -> PageSource[Event]:
        """Return a read of the events that follow the one of this number in this one."""
        number = place + (1 if self._direction is StreamDirection.FORWARD else -1)
        if number < 0:
            return IterableSource(self._runtime, ())
        return StreamReading(
            self._runtime,
            self._transport,
            self.stream,
            number,
            self._batch_size,
            self._direction,
            resolve_links=self._resolve_links,
        )


class AllReading(PageSource[Event]):
    """Events with a position, in order, from a position to the end (backward: to the first event).

    A read that resumes after an event starts at the position of that event, which a forward read includes. So the
    event at position `after` is left out.

    Args:
        runtime: Background tasks of the client.
        name: Name of the Observable in errors and logs.
        read: Function that reads the events from a position on.
        start: Position at which to start.
        after: Position of an event that is left out if it is the first.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        name: str,
        read: Callable[[Position | Edge], AsyncGenerator[Sequence[Event], None]],
        start: Position | Edge,
        *,
        after: Position | None = None,
    ) -> None:
        super().__init__(runtime, name, self._pages)
        self._read = read
        self._start = start
        self._after = after

    async def _pages(self) -> AsyncGenerator[Iterable[Event], None]:
        async with aclosing(self._read(self._start)) as read:
            async for page in read:
                is_seen = self._after is not None and len(page) > 0 and page[0].position == self._after
                yield page[1:] if is_seen else page

    def resume_after(self, event: Event) -> AllReading:
        """Return a read of the events that follow `event` in this one."""
        position = event.position or FIRST_POSITION
        return AllReading(self._runtime, self.name, self._read, position, after=position)
