"""The client: each verb is one short method that returns an Observable."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Sized
from time import perf_counter
from types import TracebackType
from typing import Any, overload
from uuid import UUID

import reactivex
from reactivex import operators as rx
from reactivex.subject import BehaviorSubject

from rxpump import checks
from rxpump.direction import StreamDirection
from rxpump.errors import InvalidArgument
from rxpump.events import Event
from rxpump.expected_version import ExpectedVersion
from rxpump.new_event import UNSET, NewEvent, as_new_event
from rxpump.pages import AllPage, StreamPage
from rxpump.position import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position
from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.status import Closed, Idle, Status
from rxpump.streams.answer import Answer
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import AllCursor, StreamCursor
from rxpump.streams.inbox import Batching
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.publisher import Publisher
from rxpump.streams.reading import AllReading, StreamReading
from rxpump.streams.relay import Pipeline, Relay
from rxpump.streams.source import from_iterable
from rxpump.streams.writes import Writes
from rxpump.transport.base import Transport
from rxpump.write_result import WriteResult

READ_BATCH = 500

MakeTransport = Callable[[Runtime, Callable[[Status], None]], Transport]


class Client:
    """One shared connection to one event store; make it with `rxpump.connect`.

    `async with` connects and, when the block ends well, drains before it closes.

    Every verb gives a cold Observable: nothing is sent before it is awaited, iterated or subscribed to, and
    each subscription asks anew. Arguments that the server could only refuse are refused at the call, with
    InvalidArgument. What the server refuses arrives as an error of `rxpump.errors`.
    """

    def __init__(self, settings: Settings, make_transport: MakeTransport) -> None:
        self.name = settings.name
        self._settings = settings
        self._runtime = Runtime(settings.name)
        self._status: BehaviorSubject[Status] = BehaviorSubject(Idle())
        self._transport = make_transport(self._runtime, self._status.on_next)

    # Life ---------------------------------------------------------------------------------------------

    @property
    def status(self) -> Observable[Status]:
        """What the connection is doing: the latest at once, then each change, until it is closed."""
        return Piped(self._status).pipe(rx.take_while(lambda status: not isinstance(status, Closed), inclusive=True))

    async def connect(self) -> Client:
        """Connect. Raises ConnectionFailed when that takes longer than `connect_within`, NotAuthenticated."""
        await self._transport.open()
        return self

    async def close(self) -> None:
        """Disconnect. What is under way ends: requests with ConnectionClosed, iterations are disposed."""
        await self._transport.close()
        await self._runtime.stop()

    async def drain(self, timeout: float = 5.0) -> bool:
        """Take nothing more in and finish what is under way; tell whether that was done within `timeout` seconds.

        Subscriptions and reads complete; what operators and publishers still keep is worked off and written,
        checkpoints are committed. `close()` comes after.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._runtime.drain()
                await self._transport.settled()
        except TimeoutError:
            return False
        return True

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.drain()
        await self.close()

    # Writing ------------------------------------------------------------------------------------------

    def publish_event(
        self,
        stream: str,
        type: str,
        data: Any = UNSET,
        *,
        metadata: Any = None,
        id: UUID | None = None,
        expected_version: int = ExpectedVersion.ANY,
        body: Any = UNSET,
    ) -> Answer[WriteResult]:
        """Write one event. `data`, `metadata`, `id` and `body` are those of NewEvent."""
        event = NewEvent(type, data, metadata=metadata, id=id, body=body)
        return self._append(stream, [event], expected_version)

    @overload
    def publish(
        self, stream: str, events: list[NewEvent] | tuple[NewEvent, ...], *, expected_version: int = ...
    ) -> Answer[WriteResult]: ...
    @overload
    def publish(self, stream: str, events: Any, *, expected_version: int = ..., batch_size: int = ...) -> Writes: ...

    def publish(
        self,
        stream: str,
        events: Any,
        *,
        expected_version: int = ExpectedVersion.ANY,
        batch_size: int = 500,
    ) -> Answer[WriteResult] | Writes:
        """Write many events, in order.

        What has a length (a list, a page) is one atomic write with one WriteResult. An iterator, an async
        iterable (also an endless one) or an Observable is written in batches of up to `batch_size` events,
        with a WriteResult each; awaiting it gives the last. The source is read no faster than it is written.
        A version >= 0 or NO_STREAM is expected by the first batch, each later one expects what the one
        before it left.
        """
        source: Observable[Any]
        if isinstance(events, reactivex.Observable):
            source = events if isinstance(events, Observable) else Piped(events)
        elif isinstance(events, Sized) and isinstance(events, Iterable):
            return self._append(stream, [as_new_event(event) for event in events], expected_version)
        elif isinstance(events, (Iterable, AsyncIterable)):
            source = from_iterable(self._runtime, events)
        else:
            raise InvalidArgument("events", events, "NewEvents in a list, an (async) iterable or an Observable")
        stream = checks.stream_name(stream)
        return Writes(
            self._runtime,
            source,
            lambda batch, version: self._transport.append(stream, batch, version),
            expected_version=checks.expected_version(expected_version),
            batching=Batching(max_batch=batch_size),
        )

    def publisher(
        self,
        stream: str,
        *,
        expected_version: int = ExpectedVersion.ANY,
        max_batch: int = 500,
        max_bytes: int = 4 * 1024 * 1024,
        linger: float = 0.0,
        max_in_flight: int = 4,
    ) -> Publisher:
        """Make a sink for `source.subscribe(...)`: it writes what it is given, in order; see Publisher, Batching."""
        stream = checks.stream_name(stream)
        return Publisher(
            self._runtime,
            stream,
            lambda batch, version: self._transport.append(stream, batch, version),
            expected_version=checks.expected_version(expected_version),
            batching=Batching(max_batch, max_bytes, linger, max_in_flight),
        )

    # Reading ------------------------------------------------------------------------------------------

    def ping(self) -> Answer[float]:
        """Ask for a sign of life; gives the round trip in seconds."""

        async def ask() -> float:
            asked = perf_counter()
            await self._transport.ping()
            return perf_counter() - asked

        return Answer(self._runtime, "ping", ask)

    def get_event(self, stream: str, event_number: int = -1, *, resolve_links: bool = True) -> Answer[Event]:
        """Read one event; number -1 is the last.

        Errors: EventNotFound, StreamNotFound, StreamDeleted, AccessDenied.
        """
        stream, number = checks.stream_name(stream), checks.event_number(event_number)
        return Answer(
            self._runtime,
            "get_event",
            lambda: self._transport.read_event(stream, number, resolve_links=resolve_links),
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
    ) -> Answer[StreamPage]:
        """Read one page of at most `max_count` (1 to 4096) events.

        Starts at `from_event` (also called `from_event_number`): by default at the start of the stream going
        forward, at its end going backward. Errors: StreamNotFound, StreamDeleted, AccessDenied.
        """
        stream, count = checks.stream_name(stream), checks.page_size(max_count)
        start = _first_event(from_event if from_event_number is None else from_event_number, direction)
        return Answer(
            self._runtime,
            "get",
            lambda: self._transport.read_stream(stream, start, count, direction, resolve_links=resolve_links),
        )

    def iter(
        self,
        stream: str,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_event: int | Edge | None = None,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> StreamReading:
        """Read every event to the end of the stream, then complete; pages of `batch_size`, one read ahead."""
        stream, count = checks.stream_name(stream), checks.page_size(batch_size, argument="batch_size")
        start = _first_event(from_event, direction)
        return StreamReading(
            self._runtime, self._transport, stream, start, count, direction, resolve_links=resolve_links
        )

    def get_all(
        self,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_position: Position | Edge | None = None,
        max_count: int = 100,
        resolve_links: bool = True,
    ) -> Answer[AllPage]:
        """Read one page of the whole database; by default only admins may. Errors: AccessDenied, ReadFailed."""
        start, count = _first_position(from_position, direction), checks.page_size(max_count)
        return Answer(
            self._runtime,
            "get_all",
            lambda: self._transport.read_all(start, count, direction, resolve_links=resolve_links),
        )

    def iter_all(
        self,
        *,
        direction: StreamDirection = StreamDirection.FORWARD,
        from_position: Position | Edge | None = None,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> AllReading:
        """Read every event of the whole database, then complete."""
        start = _first_position(from_position, direction)
        count = checks.page_size(batch_size, argument="batch_size")
        return AllReading(self._runtime, self._transport, start, count, direction, resolve_links=resolve_links)

    # Following ----------------------------------------------------------------------------------------

    def stream(
        self,
        stream: str,
        from_event: int | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> CatchUp:
        """Follow a stream for ever: everything from `from_event` on, then what is written, exactly once, in order.

        END starts with what is written from now on. The stream need not exist yet. It ends with an error only
        where asking again cannot help: AccessDenied, StreamDeleted (for good), ClientClosed.
        """
        stream, count = checks.stream_name(stream), checks.page_size(batch_size, argument="batch_size")

        def cursor(after: int | None) -> StreamCursor:
            return StreamCursor(self._transport, stream, after, count, resolve_links=resolve_links)

        return CatchUp(
            self._runtime,
            f"stream {stream}",
            self._settings,
            cursor,
            _before_first(from_event),
            lambda event: event.received_number,
        )

    def stream_all(
        self,
        from_position: Position | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> CatchUp:
        """Follow the whole database for ever, from the event after `from_position` on; by default only admins may."""
        count = checks.page_size(batch_size, argument="batch_size")
        after = None if from_position is END else _first_position(from_position, StreamDirection.FORWARD)

        def cursor(after: Position | None) -> AllCursor:
            return AllCursor(self._transport, after, count, resolve_links=resolve_links)

        return CatchUp(self._runtime, "stream_all", self._settings, cursor, after, lambda event: event.position)

    def live(self, stream: str, *, resolve_links: bool = True) -> CatchUp:
        """Follow a stream with no history: what is written from the moment of subscribing on, and all of that."""
        return self.stream(stream, END, resolve_links=resolve_links)

    def subscribe_to(
        self, stream: str, start_from: int = -1, *, batch_size: int = READ_BATCH, resolve_links: bool = True
    ) -> CatchUp:
        """Follow a stream under photon-pump's name; -1 starts with what is written from now on."""
        start = END if start_from == -1 else start_from
        return self.stream(stream, start, batch_size=batch_size, resolve_links=resolve_links)

    def relay(self, source: str, pipeline: Pipeline, target: str, *, batch_size: int = READ_BATCH) -> Relay:
        """Write what `pipeline` makes of each event of `source` to `target`, exactly once, for ever.

        `pipeline` takes the Observable of events and gives one of NewEvents (any number per event, in order).
        Stopped, killed or cut off, it goes on where the target says it was. Emits a WriteResult per batch.
        """
        source, target = checks.stream_name(source), checks.stream_name(target)
        return Relay(
            self._runtime,
            self._transport,
            source,
            target,
            follow=lambda done: self.stream(source, done + 1, batch_size=batch_size, resolve_links=True),
            pipeline=pipeline,
            retry=self._settings.retry,
        )

    # ---------------------------------------------------------------------------------------------------

    def _append(self, stream: str, events: list[NewEvent], expected_version: int) -> Answer[WriteResult]:
        stream, version = checks.stream_name(stream), checks.expected_version(expected_version)
        return Answer(self._runtime, "publish", lambda: self._transport.append(stream, events, version))

    def __repr__(self) -> str:
        return f"<Client {self.name}: {self._status.value}>"


def _first_event(start: int | Edge | None, direction: StreamDirection) -> int:
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        if start is END and direction is StreamDirection.FORWARD:
            raise InvalidArgument("from_event", start, "END only when reading backward: there is nothing after it")
        return 0 if start is START else -1
    number = checks.event_number(start, argument="from_event")
    if number == -1 and direction is StreamDirection.FORWARD:
        raise InvalidArgument("from_event", start, "a number from 0 when reading forward")
    return number


def _first_position(start: Position | Edge | None, direction: StreamDirection) -> Position:
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else LAST_POSITION
    if not isinstance(start, tuple) or len(start) != 2:
        raise InvalidArgument("from_position", start, "a Position, START or END")
    return Position(*start)


def _before_first(start: int | Edge) -> int | None:
    """Tell the number before the first wanted; None where only the future is."""
    if start is END:
        return None
    number = 0 if start is START else checks.event_number(start, argument="from_event")
    if number < 0:
        raise InvalidArgument("from_event", start, "a number from 0, START or END")
    return number - 1
