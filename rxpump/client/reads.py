"""Reading what is there: one event, a page, or all to the end."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from rxpump.client.base import READ_BATCH, ClientBase, checked_filter
from rxpump.client.starts import first_event, first_position
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import UNSET
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import END, Edge, Position, StreamDirection
from rxpump.streams.reading import AllReading, StreamReading
from rxpump.streams.single import Single

_GET_ALL: Final = "to read from the whole database, use get_all()"
_ITER_ALL: Final = "to read the whole database, use iter_all()"


class ReadClient(ClientBase):
    """A client that reads. A read completes at the end of the stream."""

    def ping(self, *, timeout: float | None = UNSET) -> Single[float]:
        """Ask for a sign of life; gives the round trip in seconds."""

        transport = self._within(timeout)

        async def ask() -> float:
            asked = perf_counter()
            await transport.ping()
            return perf_counter() - asked

        return Single(self._runtime, "ping", ask)

    def get_event(
        self,
        stream: str,
        event_number: int = -1,
        *,
        resolve_links: bool = True,
        timeout: float | None = UNSET,
    ) -> Single[Event]:
        """Read one event; number -1 is the last.

        Errors: EventNotFound, StreamNotFound, StreamDeleted, AccessDenied.
        """
        stream, number = checks.one_stream(stream, _GET_ALL), checks.event_number(event_number)
        links = checks.flag("resolve_links", resolve_links)
        transport = self._within(timeout)
        return Single(
            self._runtime,
            "get_event",
            lambda: transport.read_event(stream, END if number == -1 else number, resolve_links=links),
        )

    def get(
        self,
        stream: str,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_event: int | Edge | None = None,
        max_count: int = 100,
        resolve_links: bool = True,
        from_event_number: int | Edge | None = None,
        timeout: float | None = UNSET,
    ) -> Single[StreamPage]:
        """Read one page of at most `max_count` (1 to 4096) events.

        Starts at `from_event` (also called `from_event_number`), which is included in both directions: by default at
        the start of the stream going forward, at its end going backward. Errors: StreamNotFound, StreamDeleted,
        AccessDenied.
        """
        stream, count = checks.one_stream(stream, _GET_ALL), checks.page_size(max_count)
        links = checks.flag("resolve_links", resolve_links)
        start = first_event(from_event if from_event_number is None else from_event_number, direction)
        transport = self._within(timeout)
        return Single(
            self._runtime,
            "get",
            lambda: transport.read_stream_page(stream, start, count, direction, resolve_links=links),
        )

    def iter(
        self,
        stream: str,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_event: int | Edge | None = None,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
        timeout: float | None = UNSET,
    ) -> StreamReading:
        """Read every event to the end of the stream, then complete; pages of `batch_size`, one read ahead.

        `from_event` is the number of the first event that is delivered, in both directions. By default a read starts
        at the start of the stream going forward, and at its end going backward.

        `timeout` bounds each page, from the moment at which it is asked for, and not the reading as a whole.
        """
        stream, links = checks.one_stream(stream, _ITER_ALL), checks.flag("resolve_links", resolve_links)
        count = checks.page_size(batch_size, argument="batch_size")
        start = first_event(from_event, direction)
        return StreamReading(
            self._runtime, self._within(timeout), stream, start, count, direction, resolve_links=links
        )

    def get_all(
        self,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_position: Position | Edge | None = None,
        max_count: int = 100,
        resolve_links: bool = True,
        where: EventFilter | None = None,
        timeout: float | None = UNSET,
    ) -> Single[AllPage]:
        """Read one page of the whole database; by default only admins may. Errors: AccessDenied, ReadFailed.

        Going forward, the event at `from_position` is the first one; going backward, the event before it is.

        With `where`, of those events that match: there may be fewer than `max_count`, or none, before the end; the
        page's `is_last` tells. Who filters, see `iter_all`.
        """
        start, count = first_position(from_position, direction), checks.page_size(max_count)
        links = checks.flag("resolve_links", resolve_links)
        wanted, transport = checked_filter(where), self._within(timeout)
        return Single(
            self._runtime,
            "get_all",
            lambda: transport.read_all_page(start, count, direction, resolve_links=links, where=wanted),
        )

    def iter_all(
        self,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_position: Position | Edge | None = None,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
        where: EventFilter | None = None,
        timeout: float | None = UNSET,
    ) -> AllReading:
        """Read every event of the whole database, then complete.

        Going forward, the event at `from_position` is the first one (`stream_all` starts after it); going backward,
        the event before it is.

        `where` (what `ops.where(...)` gives) lets through what that operator would, in the same order; the difference
        is who does it. Servers from version 20 on are asked to leave out what they can, so that it does not
        travel; the rest, and everything where a server knows no filters, is done here. A server can be asked for one
        criterion: a prefix of printable characters, or a regex whose syntax means the same to it; and for one on
        streams only with `resolve_links=False`, as it looks at a link and not at what that leads to.

        `timeout` bounds each page, from the moment at which it is asked for, and not the reading as a whole.
        """
        start, links = first_position(from_position, direction), checks.flag("resolve_links", resolve_links)
        count = checks.page_size(batch_size, argument="batch_size")
        return AllReading(
            self._runtime,
            self._within(timeout),
            start,
            count,
            direction,
            resolve_links=links,
            where=checked_filter(where),
        )
