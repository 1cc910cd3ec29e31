"""The classes that describe workloads, their entries, metrics and targets, and the names of the contestants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

EVENTS = 50_000
HISTORY = 1_000_000
"""Number of events in the long stream, which shows how costs grow with the length."""


class Metric(Enum):
    """A measured quantity: its heading, and whether a higher value is better."""

    RATE = ("events/s", True)
    CPU = ("CPU seconds", False)
    CPU_COST = ("CPU µs an event", False)
    P50 = ("p50", False)
    P99 = ("p99", False)
    SECONDS = ("seconds", False)
    COST = ("µs an event", False)
    GROWTH = ("MB more than idle", False)

    @property
    def heading(self) -> str:
        """Heading in tables and pictures."""
        return self.value[0]

    @property
    def more_is_better(self) -> bool:
        """Whether a higher value is better."""
        return self.value[1]


@dataclass(frozen=True)
class Target:
    """A limit for the ratio of the entries `of` and `to`, or for the value of `of` if `to` is None."""

    of: str
    to: str | None
    limit: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Return whether a median meets the target."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.limit:g}" + (f" × {self.to}" if self.to else "")


@dataclass(frozen=True)
class Figure:
    """A metric that is shown in a row of the table, and its targets."""

    metric: Metric
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A contestant of a workload.

    Attributes:
        share: Fraction of the workload's events that it processes, for slow contestants whose rate is compared.
        history: Length of the stream, as a multiple of the long stream. None: the events of the workload.
        first: Place in that stream at which it starts to read, from 0 (start) to 1 (end).
        options: Additional fields of its `Job`.
    """

    label: str
    contestant: str
    operation: str
    share: float = 1.0
    history: float | None = None
    first: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


class Protocol(Enum):
    """The protocol over which contestants use the server."""

    TCP = "TCP"
    GRPC = "gRPC"


class Stream(Enum):
    """The kind of stream that a run uses."""

    HISTORY = "a stream that exists"
    GROWING = "a stream that exists, to which each turn appends one event"
    NEW = "a stream that does not exist"


@dataclass(frozen=True)
class Workload:
    """Work for contestants.

    Attributes:
        key: Short name, for example R1.
        title: Name in tables.
        entries: The contestants, in the order of their runs.
        figures: The metrics to show. The first one is the main metric.
        stream: The kind of stream.
        events: Number of events of one run. `--events` changes it in proportion to its default.
        seen_share: Fraction of the events that a contestant must report as seen.
        warm_up: Events that are processed before the measurement begins.
        stores: Stores of the server to run on.
        only_ours: Whether it measures the embedded server. It is then left out with `--uri`.
        rounds: Largest number of rounds. None: no limit.
        protocol: Protocol over which the server is used.
    """

    key: str
    title: str
    entries: tuple[Entry, ...]
    figures: tuple[Figure, ...]
    stream: Stream = Stream.HISTORY
    events: int = EVENTS
    seen_share: float = 1.0
    warm_up: int = 1_000
    stores: tuple[str, ...] = ("sqlite",)
    only_ours: bool = False
    rounds: int | None = None
    protocol: Protocol = Protocol.TCP


RXPUMP = "rxpump"
SPEED = "rxpump + speed"
PHOTONPUMP = "photon-pump"
NODE = "node"
FLOOR = "floor"
ASYNCIO = "asyncio"
SINK = "sink"
GRPC_FLOOR = "floor over gRPC"
KURRENT = "kurrentdbclient"
KURRENT_ASYNCIO = "kurrentdbclient, asyncio"
KURRENT_NODE = "kurrentdb-client, node"
BOTH = ("sqlite", "memory")
SLOW_DISK = "slow-disk"
STORES = (*BOTH, SLOW_DISK)
TCP_CLIENTS = (PHOTONPUMP, NODE)
KURRENT_CLIENTS = (KURRENT, KURRENT_ASYNCIO, KURRENT_NODE)
OTHERS = (*TCP_CLIENTS, *KURRENT_CLIENTS)


def all_do(operation: str, *names: str, **options: Any) -> tuple[Entry, ...]:
    """Return entries of several contestants for the same operation."""
    return tuple(Entry(name, name, operation, options=options) for name in names)


def share_of(operation: str, share: float, *names: str) -> tuple[Entry, ...]:
    """Return entries of slow contestants, which are measured with only the fraction `share` of the events."""
    return tuple(Entry(name, name, operation, share=share) for name in names)


def rate(at_least: float, of: str = RXPUMP, to: str = FLOOR) -> Figure:
    """Return a figure whose target is that entry `of` has at least `at_least` times the rate of entry `to`."""
    return Figure(Metric.RATE, (Target(of, to, at_least, at_least=True),))


def typical(at_most: float, of: str = RXPUMP, to: str = FLOOR) -> tuple[Figure, Figure]:
    """Return figures for latencies. The target is that entry `of` has at most `at_most` times the median of `to`."""
    return Figure(Metric.P50, (Target(of, to, at_most),)), Figure(Metric.P99)
