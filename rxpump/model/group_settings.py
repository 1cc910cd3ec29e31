"""Settings of consumer groups, which Event Store calls persistent subscriptions.

The server delivers each event of a stream to one consumer of the group, and stores which events were handled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TypedDict

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_COUNT, MAX_EVENT_NUMBER
from rxpump.model.positions import END, LAST_POSITION, Edge, Position


class ConsumerStrategy(StrEnum):
    """Rule by which the server chooses the consumer for an event (docs/protocol/tcp.md, section 4.18).

    A server can have other strategies, which are given by name.
    """

    ROUND_ROBIN = "RoundRobin"
    DISPATCH_TO_SINGLE = "DispatchToSingle"
    PINNED = "Pinned"
    PINNED_BY_CORRELATION = "PinnedByCorrelation"


class NackAction(Enum):
    """Action of the server for an event that a consumer could not handle.

    Attributes:
        PARK: Move it to the parked events, which can be replayed later.
        RETRY: Deliver it again at once, and park it after `max_retry_count` times.
        SKIP: Treat it as handled.
        STOP: The protocol calls it "stop the subscription", but servers treat it as SKIP (docs/protocol/tcp.md,
            section 4.18).
    """

    PARK = "parked"
    RETRY = "to be retried"
    SKIP = "skipped"
    STOP = "stopped at"


class NamedSettings(TypedDict, total=False):
    """Settings as keyword arguments. The last four are names of photon-pump."""

    resolve_links: bool
    start_from: int | Position | Edge
    message_timeout_seconds: float
    record_statistics: bool
    live_buffer_size: int
    read_batch_size: int
    buffer_size: int
    max_retry_count: int
    checkpoint_after_seconds: float
    checkpoint_max_count: int
    checkpoint_min_count: int
    subscriber_max_count: int
    strategy: ConsumerStrategy | str
    where: EventFilter | None
    timeout_ms: int
    checkpoint_after_ms: int
    consumer_strategy: str
    prefer_round_robin: bool


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """The settings of a consumer group, with the defaults of the server and without checks.

    A client uses PersistentSubscriptionSettings, which checks and describes them. A server uses this class, because
    it accepts every value.
    """

    resolve_links: bool = False
    start_from: int | Position | Edge = END
    message_timeout_seconds: float = 30.0
    record_statistics: bool = False
    live_buffer_size: int = 500
    read_batch_size: int = 20
    buffer_size: int = 500
    max_retry_count: int = 10
    checkpoint_after_seconds: float = 2.0
    checkpoint_max_count: int = 1000
    checkpoint_min_count: int = 10
    subscriber_max_count: int = 0
    strategy: ConsumerStrategy | str = ConsumerStrategy.ROUND_ROBIN

    @property
    def start(self) -> int | Position | Edge:
        """First event of the group: a number from 0, a Position, START or END."""
        is_negative = isinstance(self.start_from, int) and self.start_from < 0
        return END if is_negative or self.start_from == LAST_POSITION else self.start_from


@dataclass(frozen=True, slots=True)
class PersistentSubscriptionSettings(GroupOptions):
    """Settings of a consumer group, with the defaults of the server.

    Attributes:
        resolve_links: Whether the target of a link is delivered instead of the link.
        start_from: First event of the group: its number in the stream, or its Position for a group on `$all`. START
            is the first event that exists. END (also -1) starts with the events that are written after the group was
            created. The server ignores it once the group has a checkpoint.
        message_timeout_seconds: Seconds after which an event that was not acknowledged is delivered again; 0 for
            never. The server checks once a second.
        record_statistics: Whether the server measures latencies.
        live_buffer_size: Newest events that the server buffers for the change from catching up to live.
        read_batch_size: Events of a page while the group catches up; fewer than `buffer_size`.
        buffer_size: Events that the server buffers, including those to be retried.
        max_retry_count: Times that an event is retried before it is parked.
        checkpoint_after_seconds: Shortest time between two checkpoints; 0 lets only counts decide.
        checkpoint_max_count: Handled events after which a checkpoint is always written.
        checkpoint_min_count: Handled events before which no checkpoint is written.
        subscriber_max_count: Consumers that can be connected; 0 for any number.
        strategy: How the server chooses the consumer for an event.
        where: Filter of the events, for a group on `$all` only. The server does not change the filter of a group that
            exists.

    Raises:
        InvalidArgument: A value is out of its range.
    """

    where: EventFilter | None = None

    def __post_init__(self) -> None:
        for name in ("resolve_links", "record_statistics"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidArgument(name, getattr(self, name), "True or False")
        if isinstance(self.start_from, Position):
            checks.position("start_from", self.start_from)
        elif not isinstance(self.start_from, Edge):
            _number("start_from", self.start_from, -1, MAX_EVENT_NUMBER)
        if self.where is not None and not isinstance(self.where, EventFilter):
            raise InvalidArgument("where", self.where, "the result of ops.where(...), or an EventFilter")
        for name in ("message_timeout_seconds", "checkpoint_after_seconds"):
            _seconds(name, getattr(self, name))
        for name in ("live_buffer_size", "read_batch_size", "buffer_size", "checkpoint_max_count"):
            _number(name, getattr(self, name), 1, MAX_COUNT)
        for name in ("max_retry_count", "checkpoint_min_count", "subscriber_max_count"):
            _number(name, getattr(self, name), 0, MAX_COUNT)
        if self.read_batch_size >= self.buffer_size:
            raise InvalidArgument("read_batch_size", self.read_batch_size, f"under buffer_size ({self.buffer_size})")
        if self.checkpoint_min_count > self.checkpoint_max_count:
            most = f"checkpoint_max_count ({self.checkpoint_max_count}) or less"
            raise InvalidArgument("checkpoint_min_count", self.checkpoint_min_count, most)
        checks.text(
            "strategy", self.strategy, allowed="a ConsumerStrategy, or the name of another strategy of the server"
        )

    def but(self, named: NamedSettings) -> PersistentSubscriptionSettings:
        """Return these settings with some of them changed.

        Raises:
            InvalidArgument: There is no setting of a name, or a value is not allowed.
        """
        unknown = sorted(named.keys() - NamedSettings.__annotations__.keys())
        if unknown:
            raise InvalidArgument("setting", ", ".join(unknown), ", ".join(NamedSettings.__annotations__))
        changes = dict(named)
        for name, milliseconds in (
            ("message_timeout_seconds", "timeout_ms"),
            ("checkpoint_after_seconds", "checkpoint_after_ms"),
        ):
            if milliseconds in changes:
                changes[name] = _number(milliseconds, changes.pop(milliseconds), 0, MAX_COUNT) / 1000
        if "prefer_round_robin" in changes:  # Like on the server, it is used only if no strategy is given.
            preferred = checks.flag("prefer_round_robin", changes.pop("prefer_round_robin"))
            by_preference = ConsumerStrategy.ROUND_ROBIN if preferred else ConsumerStrategy.DISPATCH_TO_SINGLE
            changes.setdefault("consumer_strategy", by_preference)
        if "consumer_strategy" in changes:
            changes.setdefault("strategy", changes.pop("consumer_strategy"))
        return replace(self, **changes)  # type: ignore[arg-type]  # the names are those of the fields


def _number(name: str, value: object, least: int, most: int) -> int:
    return checks.count(name, value, least=least, most=most)


def _seconds(name: str, value: object) -> None:
    if value != 0 and not 0.001 <= checks.seconds(name, value) <= MAX_COUNT / 1000:
        raise InvalidArgument(name, value, f"0, or seconds from 0.001 to {MAX_COUNT // 1000}")
