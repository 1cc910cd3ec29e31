"""Reading to the end: every event that is there, then complete."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.model.direction import StreamDirection
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Position
from rxpump.streams.paging import all_pages, stream_pages
from rxpump.streams.source import Source, from_iterable
from rxpump.transport import Transport


class StreamReading(Source[Event]):
    """The events of one stream, from a number on (-1: from the end, going backward)."""

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        stream: str,
        from_event: int,
        batch_size: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
    ) -> None:
        super().__init__(runtime, f"iter {stream}", self._pages)
        self.stream = stream
        self._transport = transport
        self._from_event = from_event
        self._batch_size = batch_size
        self._direction = direction
        self._resolve_links = resolve_links

    def _pages(self) -> AsyncGenerator[Iterable[Event], None]:
        return stream_pages(
            self._transport,
            self.stream,
            self._from_event,
            self._batch_size,
            self._direction,
            resolve_links=self._resolve_links,
        )

    def resume_after(self, event: Event) -> Source[Event]:
        """Give the rest of the same reading, from the event after this one on."""
        number = event.received_number + (1 if self._direction is StreamDirection.FORWARD else -1)
        if number < 0:
            return from_iterable(self._runtime, ())
        return StreamReading(
            self._runtime,
            self._transport,
            self.stream,
            number,
            self._batch_size,
            self._direction,
            resolve_links=self._resolve_links,
        )


class AllReading(Source[Event]):
    """The events of the whole database (with `where`, those that match), from a position on.

    The event at `after` is passed over.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        from_position: Position,
        batch_size: int,
        direction: StreamDirection,
        *,
        resolve_links: bool,
        where: EventFilter | None = None,
        after: Position | None = None,
    ) -> None:
        super().__init__(runtime, "iter_all", self._pages)
        self._transport = transport
        self._from_position = from_position
        self._batch_size = batch_size
        self._direction = direction
        self._resolve_links = resolve_links
        self._where = where
        self._after = after

    async def _pages(self) -> AsyncGenerator[Iterable[Event], None]:
        read = all_pages(
            self._transport,
            self._from_position,
            self._batch_size,
            self._direction,
            resolve_links=self._resolve_links,
            where=self._where,
        )
        async with aclosing(read):
            async for page in read:
                # Going forward a position is inclusive (docs/protocol/tcp.md, section 4.7).
                is_seen = self._after is not None and len(page) > 0 and page[0].position == self._after
                yield page[1:] if is_seen else page

    def resume_after(self, event: Event) -> AllReading:
        """Give the rest of the same reading, from the event after this one on."""
        position = event.position or self._from_position
        return AllReading(
            self._runtime,
            self._transport,
            position,
            self._batch_size,
            self._direction,
            resolve_links=self._resolve_links,
            where=self._where,
            after=position,
        )
