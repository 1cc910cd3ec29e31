"""The state of subscriptions for metrics. It is computed from the subscription when a snapshot is taken."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from rxpump.backpressure.upstream import Upstream
from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.positions import Position
from rxpump.model.system_names import ALL_STREAM
from rxpump.streams.acknowledger import BatchingAcknowledger
from rxpump.streams.cursor import Cursor, FollowedStream, Place
from rxpump.telemetry import Distance, SubscriptionProbe
from rxpump.transport import Capability, Transport


class CatchUpProbe(SubscriptionProbe):
    """The state of a catch-up subscription.

    No delivery is counted. The `Upstream` knows the event that was delivered last, and the number of delivered events
    of a batch follows from its place.

    Args:
        cursor: Place of the subscription.

    Attributes:
        upstream: Upstream of the subscription; None until it has begun.
        page: Batch that is being delivered; empty between batches.
    """

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(cursor.followed.name)
        self.upstream: Upstream | None = None
        self.page: Sequence[Event] = ()
        self._cursor = cursor
        self._delivered = 0

    def end_page(self) -> None:
        """Count the events of the batch as delivered."""
        self._delivered += len(self.page)
        self.page = ()

    @property
    def events(self) -> int:
        """Number of events that were delivered."""
        return self._delivered + self._delivered_of_page

    @property
    def buffered(self) -> int:
        """Number of events that have arrived and are not delivered."""
        running = self._cursor.running
        return len(self.page) - self._delivered_of_page + (0 if running is None else running.buffered)

    @property
    def is_paused(self) -> bool:
        """Whether a consumer pauses the subscription."""
        return self.upstream is not None and bool(self.upstream.paused_by)

    @property
    def is_live(self) -> bool:
        """Whether new events arrive as they are written."""
        return self._cursor.is_live

    @property
    def unacknowledged(self) -> None:
        """None, because there is no group."""
        return None

    async def measure_distance(self, timeout: float) -> Distance:
        """Compare the place of the last delivered event with that of the last event on the server."""
        followed = self._cursor.followed
        none = Distance(0, None, 0.0) if isinstance(followed, FollowedStream) else Distance(None, 0, 0.0)
        if self.is_live and not self.buffered and not self.is_paused:
            return none
        if not followed.transport.is_connected:
            return Distance()
        try:
            head = await followed.find_last(timeout)
        except RxPumpError:
            return Distance()
        if head is None:
            return none
        place, last = self._place, self._last_event
        if place is None:
            return Distance()
        end: Place = followed.place(head)
        if end <= place:
            return none
        seconds = None if last is None else max(0.0, (head.created - last.received.created).total_seconds())
        if isinstance(place, Position):
            return Distance(None, end.commit - place.commit, seconds)
        return Distance(end - place, None, seconds)

    @property
    def _last_event(self) -> Event | None:
        """The event that was delivered last; None if there is none, or if a signal was delivered last."""
        last = None if self.upstream is None else self.upstream.origin
        return last if isinstance(last, Event) else None

    @property
    def _delivered_of_page(self) -> int:
        """Number of events of the current batch that were delivered. Their places are ascending."""
        last = self._last_event
        if last is None or not self.page:
            return 0
        place_of = self._cursor.followed.place
        return bisect_right(self.page, place_of(last), key=place_of)

    @property
    def _place(self) -> Place | None:
        """Place up to which everything was delivered or does not match; None if it is not known."""
        last = self._last_event
        if self.page:
            return None if last is None else self._cursor.followed.place(last)
        return self._cursor.place


class Consumer(Protocol):
    """The session of a consumer of a group. `ConsumerSession` implements it."""

    upstream: Upstream
    delivered: int
    arrived: int
    acknowledger: BatchingAcknowledger | None


class ConsumerProbe(SubscriptionProbe):
    """The state of a consumer of a group.

    Args:
        transport: Connection, for the state of the group.
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
        consumer: Session of the consumer.
    """

    def __init__(self, transport: Transport, stream: str | None, group: str, consumer: Consumer) -> None:
        super().__init__(ALL_STREAM if stream is None else stream, group)
        self._transport = transport
        self._source = stream
        self._name = group
        self._consumer = consumer
        self._may_ask = Capability.GROUP_INFO in transport.capabilities

    @property
    def events(self) -> int:
        """Number of events that were delivered."""
        return self._consumer.delivered

    @property
    def buffered(self) -> int:
        """Number of events that have arrived and are not delivered."""
        acknowledger = self._acknowledger
        return 0 if acknowledger is None else self._consumer.arrived - self.events + acknowledger.buffered

    @property
    def is_paused(self) -> bool:
        """Whether a consumer pauses the subscription."""
        return bool(self._consumer.upstream.paused_by)

    @property
    def is_live(self) -> bool:
        """Whether it is connected to the group."""
        return self._acknowledger is not None

    @property
    def unacknowledged(self) -> int:
        """Number of deliveries that are neither acknowledged nor refused."""
        acknowledger = self._acknowledger
        return 0 if acknowledger is None else acknowledger.unsettled

    async def measure_distance(self, timeout: float) -> Distance:
        """Return the lag of the group, if the protocol has it and the user may read it."""
        if not self._may_ask or not self._transport.is_connected:
            return Distance()
        try:
            details = await self._transport.with_timeout(timeout).group_details(self._source, self._name)
        except RxPumpError as error:
            self._may_ask = error.retryable
            return Distance()
        seconds = None if details.lag is None or details.lag else 0.0
        return Distance(None, details.lag, seconds) if self._source is None else Distance(details.lag, None, seconds)

    @property
    def _acknowledger(self) -> BatchingAcknowledger | None:
        """Acknowledgements of the open connection; None if there is none."""
        acknowledger = self._consumer.acknowledger
        return None if acknowledger is None or acknowledger.closed is not None else acknowledger
