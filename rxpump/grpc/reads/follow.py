"""One attempt to follow a stream or `$all` over gRPC, by a subscription of the server.

    find the end ──▶ subscribe ──confirmation──▶ HISTORY ──caught up──▶ LIVE
                                                    ▲                     │
                                                    └─────fell behind─────┘

The server delivers existing events, then new events. The end is found first: it shows whether the server has lost
events, and everything up to it has been delivered when the server has caught up. A subscription without a start
begins after the end that was found, so that the next attempt can be resumed from there. A server that sends nothing
for `Settings.watchdog` seconds before it has caught up no longer serves the subscription, because it also sends
positions that a filter has examined. So the attempt ends.

If the consumer of a live subscription is slow, a server before version 21.10 sends events twice, or leaves some out.
Numbers show this: a repeated event is dropped, and the attempt ends at a gap, so that the next one reads the missing
events. Positions in `$all` show repeated events only.

Servers from version 24.2 read on by themselves if the consumer is slow, and report that they have caught up again and
again; only the first report of each stretch is a signal. Older servers end the subscription, and before version 23.10
they do not report that they have caught up (docs/protocol/grpc.md, section 5.9).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import (
    AccessDenied,
    ConnectionClosed,
    InvalidPosition,
    LogTruncated,
    MalformedReply,
    ServerFailed,
    StreamNotFound,
    SubscriptionDropped,
)
from rxpump.grpc.attempts import Attempts
from rxpump.grpc.call import Call
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls import read
from rxpump.grpc.calls.server_filter import server_filter
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.reads.delivery_order import ordered_by_number, ordered_by_position
from rxpump.grpc.reads.ends import find_stream_end, last_place
from rxpump.grpc.reads.log_places import place_of, start_of_subscription
from rxpump.grpc.reads.pages import find_last_matching, find_last_number, find_last_position
from rxpump.grpc.reads.server_versions import is_exact, reports_catching_up, sends_in_order
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import FIRST_POSITION, Edge, Position
from rxpump.model.signals import CaughtUp, Examined, FellBehind
from rxpump.transport import Confirmed, Subscription

News = Sequence[Event] | Confirmed | CaughtUp | FellBehind | Examined


class _Following(Subscription, ABC):
    """One attempt to follow events. The subclasses follow one stream or `$all`.

    Args:
        caller: Makes the calls.
        context: Description of the subscription.
        batch_size: Most events in a batch.
    """

    def __init__(self, caller: Caller, context: CallContext, batch_size: int) -> None:
        self._caller = caller
        self._context = context
        self._batch_size = batch_size
        self._call: Call | None = None
        self._news: deque[News] = deque()
        self._is_live = False
        self._is_served = False
        self._reports_catching_up = True
        self._is_in_order = True

    async def next(self) -> News:
        """Wait for the next batch or signal."""
        if self._call is None:
            await self._subscribe()
        while not self._news:
            assert self._call is not None
            try:
                messages = await self._messages(self._call)
            except TimeoutError:
                self._end_silence()
            else:
                if not messages:
                    raise SubscriptionDropped(self._context.stream_or_all, "the server ended the subscription")
                self._receive(messages)
        return self._news.popleft()

    async def _messages(self, call: Call) -> list[bytes]:
        """Wait for the next messages; an empty list is the end.

        Raises:
            TimeoutError: The subscription has not caught up, and nothing has arrived for `Settings.watchdog` seconds.
            SubscriptionDropped: The server or a proxy failed while it served the subscription.
        """
        try:
            while not (self._is_live or call.buffered):
                arrived = call.incomplete_bytes
                try:
                    async with asyncio.timeout(self._caller.settings.watchdog):
                        return await call.next(self._batch_size)
                except TimeoutError:
                    if call.incomplete_bytes == arrived and not call.buffered:
                        raise
            return await call.next(self._batch_size)
        except ServerFailed as failure:
            if not self._is_served:  # A server may refuse what it cannot serve after the confirmation.
                raise
            raise SubscriptionDropped(self._context.stream_or_all, failure.reason) from failure

    def _end_silence(self) -> None:
        """Catch up if the end was reached. A server that does not report that may have no further event.

        Raises:
            SubscriptionDropped: The end was not reached.
        """
        if not self._has_reached_end():
            raise SubscriptionDropped(self._context.stream_or_all, "existing events did not arrive")
        self._caught_up()

    @property
    def buffered(self) -> int:
        """Number of events that have arrived and were not returned. A message is counted as one event."""
        queued = sum(len(news) for news in self._news if isinstance(news, Sequence))
        return queued + (0 if self._call is None else self._call.buffered)

    async def aclose(self) -> None:
        """Unsubscribe."""
        if self._call is not None:
            self._call.cancel()

    async def _subscribe(self) -> None:
        """Find the end, subscribe, and wait for the confirmation.

        Raises:
            ConnectionClosed: The client has connected to another node meanwhile. That node can end earlier, so the
                end that was found must not be regarded as received when the node has caught up.
        """
        attempts = self._caller.attempts(self._context)
        async with attempts:
            connection = await self._caller.channel.connection()
            self._is_in_order = sends_in_order(connection.features)
            try:
                confirmed = await self._find_end(connection.features)
            except AccessDenied as denied:
                raise AccessDenied(self._context.action, denied.stream, denied.login) from denied
            call = await self._confirmation(attempts)
            if call.context.address != connection.address:
                raise ConnectionClosed(connection.address, "another node is used since the end was found")
        self._news.append(confirmed)
        if not self._reports_catching_up and self._has_reached_end():
            self._caught_up()

    async def _confirmation(self, attempts: Attempts) -> Call:
        """Open the call, wait for the confirmation, and return the call.

        Only a failure of a handler of the server is followed by another call here. After other errors, the next
        attempt to follow finds the end again, because it can be on another node.
        """
        while True:
            self._call = call = await self._caller.open(
                self._context, self._request(), attempts=attempts, ends_on_goaway=True
            )
            call.end()
            try:
                kind = ""
                while kind == "" and (messages := await attempts.next(call, 1)):
                    kind = read.kind_of(messages[0], self._context)
            except ServerFailed as error:
                call.cancel()
                await attempts.wait_after(error)
            else:
                if not kind:
                    raise SubscriptionDropped(self._context.stream_or_all, "the server ended the subscription")
                if kind != "confirmation":
                    raise MalformedReply(self._context.operation, "no confirmation before other messages")
                return call

    def _receive(self, messages: list[bytes]) -> None:
        """Queue the events and signals in messages."""
        self._is_served = True
        for part in read.parts(messages, self._context):
            if isinstance(part, list):
                self._on_events(read.events(part, self._context))
                if not self._is_live and not self._reports_catching_up and self._has_reached_end():
                    self._caught_up()
                continue
            match part.WhichOneof("content"):
                case "checkpoint":
                    self._on_checkpoint(part.checkpoint)
                case "caught_up":
                    self._caught_up()
                case "fell_behind":
                    self._fell_behind()

    def _caught_up(self) -> None:
        if not self._is_live:
            self._is_live = True
            self._on_caught_up()
            self._news.append(CaughtUp())

    def _fell_behind(self) -> None:
        if self._is_live:
            self._is_live = False
            reason = "the consumer is slower than the writers, so the server now reads the events from its log"
            self._news.append(FellBehind(SubscriptionDropped(self._context.stream_or_all, reason)))

    @abstractmethod
    async def _find_end(self, features: ServerFeatures) -> Confirmed:
        """Find the last event on the server, and prepare the request. Return the signal for the confirmation."""

    @abstractmethod
    def _request(self) -> bytes:
        """Return the request to subscribe."""

    @abstractmethod
    def _on_events(self, events: Sequence[Event]) -> None:
        """Queue events, and let the next attempt start after them."""

    def _on_checkpoint(self, checkpoint: Any) -> None:
        """Queue the position up to which the server has examined the log for events that match the filter."""

    def _on_caught_up(self) -> None:
        """Queue signals that precede the signal that the subscription has caught up; by default none."""

    @abstractmethod
    def _has_reached_end(self) -> bool:
        """Return whether all events up to the end that was found have been received."""

    def __repr__(self) -> str:
        state = "live" if self._is_live else "not live"
        return f"<{type(self).__name__} {self._context.stream_or_all} {state}, {self._call!r}>"


class StreamFollowing(_Following):
    """An attempt to follow one stream; arguments as in `Transport.follow_stream`."""

    def __init__(
        self, caller: Caller, stream: str, after: int | None, *, batch_size: int, resolve_links: bool
    ) -> None:
        super().__init__(caller, read.subscribe_context(stream), batch_size)
        self._stream = stream
        self._after = after
        self._resolve_links = resolve_links
        self._received = -1
        self._readable: int | None = None

    async def _find_end(self, features: ServerFeatures) -> Confirmed:
        self._reports_catching_up = reports_catching_up(features)
        try:
            last, self._readable = await find_last_number(self._caller, self._stream)
        except StreamNotFound:
            # A server of version 23.10 reports a stream that does not exist only after the first event of the stream.
            self._reports_catching_up = False
            self._after = -1 if self._after is None else self._after
            self._received = self._after
            if self._after < 0:
                return Confirmed(-1)
            return Confirmed((await find_stream_end(self._caller, self._stream)).last)
        if self._after is None:
            self._after = -1 if last is None else last
        self._received = self._after
        return Confirmed(last)

    def _request(self) -> bytes:
        assert self._after is not None, "`_find_end` runs before the first message"
        return read.follow_stream(self._stream, self._after, resolve_links=self._resolve_links)

    def _on_events(self, events: Sequence[Event]) -> None:
        """Queue events except for a tombstone, after which the server ends the subscription."""
        if not self._is_in_order:
            events = ordered_by_number(events, self._received, self._stream, allows_gaps=not self._is_live)
            if not events:
                return
        self._received = events[-1].received_number
        if self._received == MAX_EVENT_NUMBER:
            events = events[:-1]
        self._news.append(events)

    def _has_reached_end(self) -> bool:
        return self._readable is None or self._received >= self._readable


class AllFollowing(_Following):
    """An attempt to follow `$all`; arguments as in `Transport.follow_all`.

    Args:
        caller: Makes the calls.
        after: Position after which to start; None for the end.
        batch_size: Most events in a batch.
        resolve_links: Whether to deliver the targets of links.
        where: Filter that the events must match.
        index: Name of a secondary index whose events to follow instead of those that match a filter.
    """

    def __init__(
        self,
        caller: Caller,
        after: Position | None,
        *,
        batch_size: int,
        resolve_links: bool,
        where: EventFilter | None = None,
        index: str | None = None,
    ) -> None:
        super().__init__(caller, read.subscribe_context(None), batch_size)
        self._after = after
        self._resolve_links = resolve_links
        self._where = where
        window = max(batch_size, _SMALLEST_WINDOW)
        self._filter = (
            server_filter(where, resolve_links=resolve_links, window=window) if index is None else read.index(index)
        )
        self._has_index = index is not None
        self._start: Position | Edge = FIRST_POSITION
        self._received = FIRST_POSITION
        self._end: Position | None = None
        self._target: Position | None = None

    async def next(self) -> News:
        """Wait for the next batch or signal; fail if the log has no record at the position after which to start."""
        try:
            return await super().next()
        except InvalidPosition:
            place = self._after or FIRST_POSITION
            raise LogTruncated(self._context.stream_or_all, place, self._end or FIRST_POSITION) from None

    async def _find_end(self, features: ServerFeatures) -> Confirmed:
        if self._has_index:
            features.require_indexes()
        self._reports_catching_up = reports_catching_up(features)
        self._end = self._target = await find_last_position(self._caller)
        if not self._reports_catching_up and self._where is not None:
            self._target = await find_last_matching(self._caller, self._where, resolve_links=self._resolve_links)
        if self._after is None:
            self._start = self._after = self._end or FIRST_POSITION
        elif is_exact(features):
            self._start = self._after
        else:
            self._start = await start_of_subscription(self._caller, self._after, self._end or FIRST_POSITION)
        self._received = self._after
        return Confirmed(await last_place(self._caller, self._after, self._end))

    def _request(self) -> bytes:
        return read.follow_all(self._start, resolve_links=self._resolve_links, filter=self._filter)

    def _on_events(self, events: Sequence[Event]) -> None:
        assert self._after is not None, "`_find_end` runs before the first message"
        if place_of(events[0]) <= self._after:
            events = [event for event in events if place_of(event) > self._after]
        if not self._is_in_order:
            events = ordered_by_position(events, max(self._after, self._received))
        if not events:
            return
        self._received = events[-1].position or self._received
        where = self._where
        if where is None:
            self._news.append(events)
            return
        self._news.append([event for event in events if where.matches(event)])
        if self._filter is None:
            self._news.append(Examined(self._received))

    def _on_checkpoint(self, checkpoint: Any) -> None:
        # A server without a position sends -1, which is larger as an unsigned integer.
        if max(checkpoint.commit_position, checkpoint.prepare_position) <= MAX_EVENT_NUMBER:
            self._examined(Position(checkpoint.commit_position, checkpoint.prepare_position))

    def _on_caught_up(self) -> None:
        """Queue the end that was found as the position up to which the server has examined the log."""
        if self._where is not None and self._end is not None and self._reports_catching_up:
            self._examined(self._end)

    def _examined(self, position: Position) -> None:
        if position > self._received:
            self._received = position
            self._news.append(Examined(position))

    def _has_reached_end(self) -> bool:
        return self._target is None or self._received >= self._target


_SMALLEST_WINDOW: Final = 32
"""Smallest number of events between two checkpoints, because a server examines so many events at a time."""
