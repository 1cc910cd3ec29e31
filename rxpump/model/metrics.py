"""Values that `client.metrics()` emits: bytes and requests of a client, and the state of its subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.model.status import Status

LATENCY_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of all buckets of a `LatencyHistogram` but the last."""


class RequestKind(StrEnum):
    """Kinds of requests whose latencies are measured together. A kind is equal to its name as text."""

    APPEND = "append"
    """Writes of events, to one stream or to several."""
    READ = "read"
    """Reads of one event, of a page, and of the end of a stream. Over gRPC, waits for the next batch of a read."""
    SUBSCRIBE = "subscribe"
    """Requests that start a subscription or connect to a consumer group."""
    OTHER = "other"
    """All other requests: pings, deletions, transactions, management of groups, users and projections."""


@dataclass(frozen=True, slots=True)
class LatencyHistogram:
    """Numbers of requests, grouped by their latency.

    The latency of a request is the time in seconds from the call to its reply. It contains repetitions and waits for
    a connection.

    Attributes:
        bounds: Upper bound of each bucket in seconds, ascending. The last bucket has no bound.
        counts: Number of requests in each bucket, one more than there are bounds.
        total: Sum of all latencies in seconds.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def count(self) -> int:
        """Number of all requests."""
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        """Mean latency in seconds; None if there was no request."""
        count = self.count
        return self.total / count if count else None

    def quantile(self, share: float) -> float | None:
        """Return the upper bound of the bucket in which a share of the requests ends.

        Args:
            share: Share of the requests, from 0 to 1; 0.99 for the latency that 99 of 100 requests do not exceed.

        Returns:
            Seconds; infinity if the bucket is the last one. None if there was no request.

        Raises:
            InvalidArgument: `share` is not from 0 to 1.

        Example:
            `slowest = snapshot.requests["append"].latency.quantile(0.99)`
        """
        if not 0 <= share <= 1:
            raise InvalidArgument("share", share, "a number from 0 to 1")
        total, covered = self.count, 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            covered += count
            if covered and covered >= share * total:
                return bound
        return None


@dataclass(frozen=True, slots=True)
class RequestMetrics:
    """The requests of one kind, since the client was created.

    A request that the program cancels is not counted.

    Attributes:
        latency: Latencies of the requests that were answered or failed.
        failed: Number of those that failed.
    """

    latency: LatencyHistogram
    failed: int


@dataclass(frozen=True, slots=True)
class SubscriptionMetrics:
    """The state of one subscription to a stream, to `$all` or to a consumer group.

    The head is the last event of the stream. The distances to it are None if they are not known. They are 0 for a
    subscription that is live and has delivered all that has arrived. For the others, the client reads the head. A
    subscription with a filter is compared with the last event of `$all`, whether or not it matches.

    Attributes:
        id: Number of the subscription, from 1, in the order in which the subscriptions of the client began.
        stream: Name of the stream, or `$all`.
        group: Name of the consumer group; None for a subscription without one.
        events: Number of events delivered since the subscription began.
        rate: Events delivered per second since the previous snapshot; 0 in the first one.
        buffered: Number of events that have arrived and are not delivered. Over TCP, the page that is read ahead is
            not included.
        is_paused: Whether a consumer pauses the subscription, because its buffer is full.
        is_live: Whether all existing events have arrived and new ones arrive as they are written. For a consumer
            group: whether it is connected.
        events_behind: Number of events from the last delivered event to the head. For a consumer group: from the
            checkpoint of the group, if the user may read it; over TCP, None before the first checkpoint. None for
            `$all`.
        bytes_behind: Bytes of the log from the last delivered event to the head, for `$all` and secondary indexes;
            None for a stream.
        seconds_behind: Seconds between the times at which the server stored the last delivered event and the head.
        unacknowledged: Number of events that were delivered and neither acknowledged nor refused; None without a
            group.
    """

    id: int
    stream: str
    group: str | None
    events: int
    rate: float
    buffered: int
    is_paused: bool
    is_live: bool
    events_behind: int | None
    bytes_behind: int | None
    seconds_behind: float | None
    unacknowledged: int | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """A snapshot of a client. Its counters start at 0 when the client is created, and never decrease.

    Attributes:
        status: Status of the connection, as `client.status` emits it.
        in_flight: Number of requests that are not answered, including those that wait for a connection.
        requests: Latencies and failures for each `RequestKind`.
        reconnects: Number of connections that replaced a lost one.
        bytes_received: Bytes received on all connections.
        bytes_sent: Bytes sent on all connections.
        subscriptions: Running subscriptions, in the order in which they began.
    """

    status: Status
    in_flight: int
    requests: Mapping[RequestKind, RequestMetrics] = field(hash=False)
    reconnects: int
    bytes_received: int
    bytes_sent: int
    subscriptions: tuple[SubscriptionMetrics, ...]
