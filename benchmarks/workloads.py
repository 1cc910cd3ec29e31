"""The workloads as data: the entries of each, the metrics that are shown, and the targets.

The entries of a workload take turns in the order of this file. Entries that are compared with each other stand side
by side, so that they run one directly after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

EVENTS = 50_000
HISTORY = 1_000_000
"""Events of the long stream, which shows how costs grow."""


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
    """A limit for the ratio of the entry `of` to the entry `to`; for the value of `of` itself if `to` is None."""

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
    """A contestant that takes turns at a workload.

    Attributes:
        share: Part of the workload's events that it processes. Used for slow contestants, where the rate counts.
        history: Length of the stream, as a multiple of the long stream. None: the events of the workload.
        first: Where it starts to read in that stream, from 0 to 1.
        options: Additional fields of its `Job`.
    """

    label: str
    contestant: str
    operation: str
    share: float = 1.0
    history: float | None = None
    first: float = 0.0
    options: Mapping[str, Any] = field(default_factory=dict)


class Stream(Enum):
    """The kind of stream that a turn uses."""

    HISTORY = "a stream that exists"
    GROWING = "a stream that exists, to which each turn appends one event"
    NEW = "a stream that does not exist"


@dataclass(frozen=True)
class Workload:
    """Work for contestants.

    Attributes:
        key: Short name, for example R1.
        title: Name in tables.
        entries: The contestants, in the order of their turns.
        figures: The metrics to show. The first one is the main metric.
        stream: The kind of stream.
        events: Events of one turn. `--events` changes it in proportion to its default.
        seen_share: Part of the events that a contestant must report as seen.
        warm_up: Events that are processed before the measurement begins.
        stores: Stores of the server to run on.
        only_ours: Whether it measures the embedded server, so that `--uri` leaves it out.
        rounds: Largest number of rounds. None: no limit.
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


RXPUMP = "rxpump"
SPEED = "rxpump + speed"
PHOTONPUMP = "photon-pump"
NODE = "node"
FLOOR = "floor"
ASYNCIO = "asyncio"
SINK = "sink"
BOTH = ("sqlite", "memory")
SLOW_DISK = "slow-disk"
STORES = (*BOTH, SLOW_DISK)
OTHERS = (PHOTONPUMP, NODE)


def all_do(operation: str, *names: str, **options: Any) -> tuple[Entry, ...]:
    """Return entries of several contestants for the same operation."""
    return tuple(Entry(name, name, operation, options=options) for name in names)


def share_of(operation: str, share: float, *names: str) -> tuple[Entry, ...]:
    """Return entries of slow contestants, which process a part of the events."""
    return tuple(Entry(name, name, operation, share=share) for name in names)


def rate(at_least: float, of: str = RXPUMP, to: str = FLOOR) -> Figure:
    """Return a figure whose target is a part of another entry's rate."""
    return Figure(Metric.RATE, (Target(of, to, at_least, at_least=True),))


def typical(at_most: float, of: str = RXPUMP, to: str = FLOOR) -> tuple[Figure, Figure]:
    """Return figures for latencies. The target limits the median, as a multiple of another entry's."""
    return Figure(Metric.P50, (Target(of, to, at_most),)), Figure(Metric.P99)


READS = (
    Workload(
        "R1",
        "iter, pages of 500",
        all_do("iter", RXPUMP, FLOOR, SPEED, SINK, *OTHERS),
        (rate(0.85), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 1.8),))),
        stores=BOTH,
    ),
    Workload(
        "R1b",
        "iter, pages of 4096",
        all_do("iter", RXPUMP, FLOOR, SPEED, SINK, *OTHERS, page=4096),
        (rate(0.85), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 1.8),))),
    ),
    Workload(
        "R2",
        "iter, json, filter",
        all_do("iter_json", RXPUMP, FLOOR, *OTHERS),
        (rate(0.85),),
        seen_share=0.1,
    ),
    Workload(
        "R2b",
        "the same with orjson",
        (Entry(SPEED, SPEED, "iter_json"), Entry(FLOOR, "floor + speed", "iter_json")),
        (rate(0.85, of=SPEED),),
        seen_share=0.1,
    ),
    Workload("R3", "iter_all", all_do("iter_all", RXPUMP, FLOOR, SPEED, *OTHERS), (rate(0.85),), warm_up=0),
    Workload("R4", "async for", all_do("async_for", RXPUMP, FLOOR, SPEED, *OTHERS), (rate(0.7),), stores=BOTH),
)

WRITES = (
    Workload(
        "W1",
        "batches of 500, awaited",
        all_do("write_batches", RXPUMP, FLOOR, SPEED, *OTHERS),
        (rate(0.9),),
        stream=Stream.NEW,
        events=EVENTS // 2,
        stores=BOTH,
    ),
    Workload(
        "W2",
        "single events into a publisher",
        all_do("publish", RXPUMP, FLOOR, SPEED) + share_of("publish", 0.06, *OTHERS),
        (
            Figure(
                Metric.RATE,
                (Target(RXPUMP, FLOOR, 0.8, at_least=True), Target(RXPUMP, PHOTONPUMP, 15, at_least=True)),
            ),
        ),
        stream=Stream.NEW,
        stores=BOTH,
    ),
    Workload(
        "W3",
        "single events, one after the other",
        all_do("write_singles", RXPUMP, ASYNCIO, FLOOR, SPEED, *OTHERS),
        typical(1.1, to=ASYNCIO),
        stream=Stream.NEW,
        events=EVENTS // 50,
        warm_up=50,
        stores=BOTH,
    ),
    Workload(
        "W4",
        "a write an event, 128 in flight",
        (
            Entry("a publisher", RXPUMP, "publish_each", options={"in_flight": 128}),
            Entry("coroutines", RXPUMP, "publish_side_by_side", options={"in_flight": 128}),
        ),
        (Figure(Metric.CPU, (Target("a publisher", "coroutines", 1.3),)), Figure(Metric.RATE)),
        stream=Stream.NEW,
        events=EVENTS // 10,
        stores=("memory",),
    ),
    Workload(
        "W5",
        "single events, 128 in flight",
        (
            *all_do("publish_events", RXPUMP, in_flight=128),
            *all_do("write_singles", ASYNCIO, FLOOR, in_flight=128),
            *all_do("publish_events", SPEED, in_flight=128),
            *all_do("publish", *OTHERS),
        ),
        (Figure(Metric.CPU_COST, (Target(RXPUMP, None, 40),)), Figure(Metric.RATE)),
        stream=Stream.NEW,
        events=EVENTS // 10,
        stores=BOTH,
    ),
)

SUBSCRIPTIONS = (
    Workload(
        "S1",
        "history, then live",
        (
            Entry(RXPUMP, RXPUMP, "catch_up"),
            Entry("rxpump's iter", RXPUMP, "iter"),
            Entry(SPEED, SPEED, "catch_up"),
            Entry(PHOTONPUMP, PHOTONPUMP, "catch_up"),
        ),
        (rate(0.85, to="rxpump's iter"),),
        stream=Stream.GROWING,
        warm_up=0,
    ),
    Workload(
        "S2",
        "published until delivered, live, 200/s",
        all_do("live_latency", RXPUMP, FLOOR, SPEED, *OTHERS),
        typical(1.2),
        stream=Stream.NEW,
        events=EVENTS // 125,
        warm_up=50,
        stores=BOTH,
    ),
    Workload(
        "S3",
        "live, each stream in turn",
        (
            Entry("1,000 subscriptions", RXPUMP, "many_subscriptions", options={"streams": 1000}),
            Entry("1 subscription", RXPUMP, "many_subscriptions", options={"streams": 1}),
        ),
        (Figure(Metric.COST, (Target("1,000 subscriptions", "1 subscription", 1.3),)),),
        stream=Stream.NEW,
        stores=("memory",),
    ),
    Workload(
        "M1",
        "a consumer of 1 ms an event",
        (Entry(RXPUMP, RXPUMP, "slow_consumer", history=1.0),),
        (Figure(Metric.GROWTH, (Target(RXPUMP, None, 40),)),),
        warm_up=0,
        rounds=1,
    ),
)

SERVER = (
    Workload(
        "E1",
        "pages of 500 from the server",
        (Entry("server, to sink", SINK, "iter"), Entry("SQLite alone", "sqlite", "iter")),
        (rate(0.5, of="server, to sink", to="SQLite alone"),),
        only_ours=True,
    ),
    Workload(
        "E2",
        "durable single writes in flight",
        (
            Entry("256", SINK, "write_singles", options={"in_flight": 256}),
            Entry("1", SINK, "write_singles", share=0.1, options={"in_flight": 1}),
            Entry("32", SINK, "write_singles", options={"in_flight": 32}),
        ),
        (Figure(Metric.RATE, (Target("256", "1", 20, at_least=True),)), Figure(Metric.P50), Figure(Metric.P99)),
        stream=Stream.NEW,
        events=EVENTS // 10,
        warm_up=50,
        stores=("sqlite", SLOW_DISK),
        only_ours=True,
    ),
)

IMPORTS = (
    Workload(
        "I1",
        "start",
        (
            Entry("import rxpump", "imports", "import"),
            Entry("its dependencies alone", "imports", "dependencies"),
            Entry("import, connect, ping, close", "imports", "import_and_ping"),
        ),
        (
            Figure(
                Metric.SECONDS,
                (
                    Target("import rxpump", "its dependencies alone", 1.3),
                    Target("import, connect, ping, close", "its dependencies alone", 1.3),
                ),
            ),
        ),
        events=1,
        warm_up=0,
    ),
)

GROWTH = (
    Workload(
        "C1",
        "iter of a whole stream, by its length",
        tuple(
            Entry(size, RXPUMP, "iter", history=part) for size, part in (("10⁴", 0.01), ("10⁵", 0.1), ("10⁶", 1.0))
        ),
        (Figure(Metric.COST, (Target("10⁶", "10⁴", 1.2),)),),
    ),
    Workload(
        "C2",
        "a page of 500 from the server, by its revision",
        tuple(
            Entry(size, SINK, "one_page", history=1.0, first=first)
            for size, first in (("10", 0.00001), ("10⁵", 0.1), ("10⁶", 1.0))
        ),
        (Figure(Metric.P50, (Target("10⁶", "10", 1.2),)),),
    ),
)

WORKLOADS = (*READS, *WRITES, *SUBSCRIPTIONS, *SERVER, *IMPORTS, *GROWTH)
