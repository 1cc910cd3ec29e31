"""What is to be said about a persistent subscription: its settings, and what becomes of an event.

A persistent subscription is a consumer group that the server keeps: who connects to it competes for the events of
one stream with whoever else is connected, and the server remembers which of them are done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TypedDict

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.limits import MAX_COUNT, MAX_EVENT_NUMBER


class ConsumerStrategy(StrEnum):
    """Which of the consumers gets an event. A server may know others, by name.

    See docs/protocol/tcp.md, section 4.18.
    """

    ROUND_ROBIN = "RoundRobin"
    DISPATCH_TO_SINGLE = "DispatchToSingle"
    PINNED = "Pinned"
    PINNED_BY_CORRELATION = "PinnedByCorrelation"


class NackAction(Enum):
    """What is to become of an event that could not be handled.

    PARK:   it is put aside, to be looked at or replayed by hand.
    RETRY:  it comes again, at once; after `max_retry_count` times it is parked.
    SKIP:   it counts as done.
    STOP:   "stop the subscription". Servers do not: they take it for SKIP (docs/protocol/tcp.md, section 4.18).
    """

    PARK = "parked"
    RETRY = "to be retried"
    SKIP = "skipped"
    STOP = "stopped at"


class NamedSettings(TypedDict, total=False):
    """The settings one by one, for verbs that take them so; the last four are photon-pump's names."""

    resolve_links: bool
    start_from: int
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
    timeout_ms: int
    checkpoint_after_ms: int
    consumer_strategy: str
    prefer_round_robin: bool


@dataclass(frozen=True, slots=True)
class PersistentSubscriptionSettings:
    """How the server runs one consumer group, with the server's defaults; sizes and counts are of events.

    resolve_links:             deliver what a link points at instead of the link.
    start_from:                the first event's number; -1: what is written after the group was made. Means
                               nothing once the group has a checkpoint.
    message_timeout_seconds:   what is not acknowledged after that comes again; 0: never. Looked at once a second.
    record_statistics:         measure latencies, for the server's own pages.
    live_buffer_size:          how many of the newest events are kept to go from catching up to live.
    read_batch_size:           the size of a page while catching up; under `buffer_size`.
    buffer_size:               how many events are kept ready, those to be retried included.
    max_retry_count:           how often an event is retried before it is parked.
    checkpoint_after_seconds:  how long the server waits at least between two checkpoints; 0: goes by count alone.
    checkpoint_max_count:      a checkpoint is written as soon as so many events are done,
    checkpoint_min_count:      and none by time before so many are.
    subscriber_max_count:      how many may connect; 0: any number.
    strategy:                  which of them gets an event.
    """

    resolve_links: bool = False
    start_from: int = -1
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

    def __post_init__(self) -> None:
        for name in ("resolve_links", "record_statistics"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidArgument(name, getattr(self, name), "True or False")
        _number("start_from", self.start_from, -1, MAX_EVENT_NUMBER)
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
        checks.text("strategy", self.strategy, allowed="a ConsumerStrategy, or the name of one the server knows")

    def but(self, named: NamedSettings) -> PersistentSubscriptionSettings:
        """Return these settings with some of them changed.

        Raises:
            InvalidArgument: A name is that of no setting, or a value is not allowed.
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
        if "prefer_round_robin" in changes:  # counts where no strategy is named, as on the server
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
