"""Methods that read: one event, a page, or all events up to the end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from time import perf_counter
from typing import Final

from rxpump.client.base import READ_BATCH, ClientBase, checked_filter
from rxpump.client.starting_points import first_number, first_position
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import UNSET
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import END, Edge, Position, StreamDirection
from rxpump.streams.reading import AllReading, StreamReading
from rxpump.streams.single import Single
from rxpump.transport import Capability

_GET_ALL: Final = "to read events of all streams, use get_all()"
_ITER_ALL: Final = "to read the events of all streams, use iter_all()"


class ReadClient(ClientBase):
    """A client that reads. Its methods return Observables, which send nothing until they are used; see `Client`."""

    def ping(self, *, timeout: float | None = UNSET) -> Single[float]:
        """Measure how long the server takes to reply to a ping.

        Args:
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the round-trip time in seconds.

        Raises:
            NotAuthenticated: The server refused the credentials of `as_user`.
        """
        transport = self._within(timeout)
        transport.require(Capability.PING)

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
        """Read one event.

        Args:
            stream: Name of the stream.
            event_number: Number of the event, from 0; -1 for the last event.
            resolve_links: Whether to return the target if the event is a link.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the event.

        Raises:
            EventNotFound: The stream has no such event, or it can no longer be read.
            StreamNotFound: The stream has no events.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not read the stream.

        Example:
            `last = await client.get_event("orders")`
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
        """Read one page of a stream.

        Args:
            stream: Name of the stream.
            direction: Order of the events.
            from_event: Number of the first event that is read, in both directions, or START or END. Default: START
                forward, END backward.
            max_count: Largest number of events of the page, 1 to 4096.
            resolve_links: Whether to return the targets of links.
            from_event_number: Another name of `from_event`.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the page.

        Raises:
            StreamNotFound: The stream has no events.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not read the stream.

        Example:
            `page = await client.get("orders", direction=StreamDirection.BACKWARD, max_count=10)`
        """
        stream, count = checks.one_stream(stream, _GET_ALL), self._page_size(max_count)
        links = checks.flag("resolve_links", resolve_links)
        start = first_number(from_event if from_event_number is None else from_event_number, direction)
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
        """Read the events of a stream up to its end (backward: up to its first event).

        Args:
            stream: Name of the stream.
            direction: Order of the events.
            from_event: Number of the first event that is read, in both directions, or START or END. Default: START
                forward, END backward.
            batch_size: Largest number of events of a page, 1 to 4096. One page is read ahead.
            resolve_links: Whether to return the targets of links.
            timeout: Seconds until the request of a page fails; there is no deadline for the whole read. None: no
                deadline. Default: that of the settings.

        Returns:
            An Observable of the events, which completes at the end.

        Raises:
            StreamNotFound: The stream has no events.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not read the stream.

        Example:
            async for event in client.iter("orders"):
                print(event.type)
        """
        stream, links = checks.one_stream(stream, _ITER_ALL), checks.flag("resolve_links", resolve_links)
        count = self._page_size(batch_size, argument="batch_size")
        start = first_number(from_event, direction)
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
        """Read one page of `$all`, the events of all streams. By default only admins may read it.

        Args:
            direction: Order of the events.
            from_position: Position at which the page starts, or START or END. A forward page begins with the event at
                this position, a backward page with the event before it. Default: START forward, END backward.
            max_count: Largest number of events of the page, 1 to 4096.
            resolve_links: Whether to return the targets of links.
            where: Filter; see `iter_all`. With a filter, a page before the end can have fewer than `max_count`
                events, or none. `is_last` of the page is True at the end.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the page.

        Raises:
            AccessDenied: The user may not read `$all`.
            ReadFailed: The server could not read the events.

        Example:
            `page = await client.as_user("admin", "changeit").get_all(max_count=10)`
        """
        start, count = first_position(from_position, direction), self._page_size(max_count)
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
        """Read `$all`, the events of all streams, up to its end (backward: up to its first event).

        By default only admins may read it.

        With a filter, the result is the same as with the operator `ops.where`, but the server leaves out events where
        it can. Servers from version 20 on filter by one criterion: a prefix of printable characters, or a regular
        expression that means the same to the server. They filter by the name of a stream only with
        `resolve_links=False`, because they compare links and not their targets. The client does the rest.

        Args:
            direction: Order of the events.
            from_position: Position at which the read starts, or START or END. A forward read begins with the event at
                this position (`stream_all` with the event after it), a backward read with the event before it.
                Default: START forward, END backward.
            batch_size: Largest number of events of a page, 1 to 4096. One page is read ahead.
            resolve_links: Whether to return the targets of links.
            where: Filter that the events must match: the result of `ops.where(...)`.
            timeout: Seconds until the request of a page fails; there is no deadline for the whole read. None: no
                deadline. Default: that of the settings. Over gRPC with a filter, the seconds begin again whenever the
                server sends anything, because it can search its log for longer.

        Returns:
            An Observable of the events, which completes at the end.

        Raises:
            AccessDenied: The user may not read `$all`.
            ReadFailed: The server could not read the events.

        Example:
            async for event in client.iter_all(where=ops.where(type_prefix="Order")):
                print(event.stream, event.number)
        """
        start, links = first_position(from_position, direction), checks.flag("resolve_links", resolve_links)
        count = self._page_size(batch_size, argument="batch_size")
        wanted, transport = checked_filter(where), self._within(timeout)

        def read(start: Position | Edge) -> AsyncGenerator[Sequence[Event], None]:
            return transport.read_all(start, direction, batch_size=count, resolve_links=links, where=wanted)

        return AllReading(self._runtime, "iter_all", read, start)
