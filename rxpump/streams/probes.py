"""The state of subscriptions for metrics. It is computed from the subscription when a snapshot is taken."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rxpump.backpressure.upstream import Upstream
from rxpump.errors import EventNotFound, RxPumpError, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.positions import END, Position
from rxpump.model.system_names import ALL_STREAM, checkpoint_stream, group_id
from rxpump.streams.acknowledger import BatchingAcknowledger
from rxpump.streams.cursor import Cursor, FollowedStream, Place
from rxpump.telemetry import Distance, SubscriptionProbe
from rxpump.transport import Capability, Transport


class Head(NamedTuple):
    """The end of a stream on the server.

    Attributes:
        event: The last event; None if the stream has none.
    """

    event: Event | None


class CatchUpProbe(SubscriptionProbe):
    """The state of a catch-up subscription.

    No delivery is counted. The `Upstream` has the event that was delivered last, and the number of delivered events
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

    async def find_head(self, timeout: float) -> Head | None:
        """Read the last event on the server, unless the subscription has delivered all that has arrived."""
        followed = self._cursor.followed
        if self._is_at_head or not followed.transport.is_connected:
            return None
        try:
            return Head(await followed.find_last(timeout))
        except RxPumpError:
            return None

    def distance_to(self, head: Head | None) -> Distance:
        """Compare the place of the event that was delivered last with that of the last event on the server."""
        followed, place, last = self._cursor.followed, self._place, self._last_event
        none = Distance(0, None, 0.0) if isinstance(followed, FollowedStream) else Distance(None, 0, 0.0)
        if self._is_at_head:
            return none
        if head is None or place is None:
            return Distance()
        end: Place | None = None if head.event is None else followed.place(head.event)
        if head.event is None or end is None or end <= place:
            return none
        seconds = None if last is None else max(0.0, (head.event.created - last.received.created).total_seconds())
        if isinstance(place, Position):
            return Distance(None, end.commit - place.commit, seconds)
        return Distance(end - place, None, seconds)

    @property
    def _is_at_head(self) -> bool:
        """Whether all events have arrived and were delivered."""
        return self.is_live and not self.buffered and not self.is_paused

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
        self._has_details = Capability.GROUP_INFO in transport.capabilities
        self._may_ask = True

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

    async def find_head(self, timeout: float) -> int | None:
        """Find the lag of the group, if the user may read it."""
        if not self._may_ask or not self._transport.is_connected:
            return None
        requests = self._transport.with_timeout(timeout)
        try:
            if self._has_details:
                return (await requests.group_details(self._source, self._name)).lag
            return await _lag_in_streams(requests, self.stream, self._name)
        except RxPumpError as error:
            self._may_ask = error.retryable
            return None

    def distance_to(self, head: int | None) -> Distance:
        """Return the lag of the group as a distance."""
        seconds = 0.0 if head == 0 else None
        return Distance(None, head, seconds) if self._source is None else Distance(head, None, seconds)

    @property
    def _acknowledger(self) -> BatchingAcknowledger | None:
        """Acknowledgements of the open connection; None if there is none."""
        acknowledger = self._consumer.acknowledger
        return None if acknowledger is None or acknowledger.closed is not None else acknowledger


async def _lag_in_streams(requests: Transport, stream: str, group: str) -> int | None:
    """Compute the lag of a group from the last event of the stream and the stream with the group's checkpoints.

    The TCP protocol has no request for the state of a group (docs/protocol/tcp.md, section 4.18).

    Returns:
        Events between the last checkpoint and the end of the stream; None if the group has no checkpoint yet.
    """
    checkpoints = checkpoint_stream(group_id(stream, group))
    try:
        checkpoint = (await requests.read_event(checkpoints, END, resolve_links=False)).json()
        last = await requests.read_event(stream, END, resolve_links=False)
    except (StreamNotFound, EventNotFound):
        return None
    return max(0, last.received_number - checkpoint) if isinstance(checkpoint, int) else None
