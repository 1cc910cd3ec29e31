"""The workloads over TCP as data, and the list of all workloads.

The entries of a workload run in the order of this file. Entries that are compared with each other stand side
by side, so that they run one directly after the other.
"""

from __future__ import annotations

from benchmarks.definitions import (
    ASYNCIO,
    BOTH,
    EVENTS,
    FLOOR,
    PHOTONPUMP,
    RXPUMP,
    SINK,
    SLOW_DISK,
    SPEED,
    TCP_CLIENTS,
    Entry,
    Figure,
    Metric,
    Stream,
    Target,
    Workload,
    all_do,
    rate,
    share_of,
    typical,
)
from benchmarks.grpc_workloads import OVER_GRPC

READS = (
    Workload(
        "R1",
        "iter, pages of 500",
        all_do("iter", RXPUMP, FLOOR, SPEED, SINK, *TCP_CLIENTS),
        (rate(0.85), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 1.8),))),
        stores=BOTH,
    ),
    Workload(
        "R1b",
        "iter, pages of 4096",
        all_do("iter", RXPUMP, FLOOR, SPEED, SINK, *TCP_CLIENTS, page=4096),
        (rate(0.85), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 1.8),))),
    ),
    Workload(
        "R2",
        "iter, json, filter",
        all_do("iter_json", RXPUMP, FLOOR, *TCP_CLIENTS),
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
    Workload("R3", "iter_all", all_do("iter_all", RXPUMP, FLOOR, SPEED, *TCP_CLIENTS), (rate(0.85),), warm_up=0),
    Workload("R4", "async for", all_do("async_for", RXPUMP, FLOOR, SPEED, *TCP_CLIENTS), (rate(0.7),), stores=BOTH),
)

WRITES = (
    Workload(
        "W1",
        "batches of 500, awaited",
        all_do("write_batches", RXPUMP, FLOOR, SPEED, *TCP_CLIENTS),
        (rate(0.9),),
        stream=Stream.NEW,
        events=EVENTS // 2,
        stores=BOTH,
    ),
    Workload(
        "W2",
        "single events into a publisher",
        all_do("publish", RXPUMP, FLOOR, SPEED) + share_of("publish", 0.06, *TCP_CLIENTS),
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
        all_do("write_singles", RXPUMP, ASYNCIO, FLOOR, SPEED, *TCP_CLIENTS),
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
            *all_do("publish", *TCP_CLIENTS),
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
        all_do("live_latency", RXPUMP, FLOOR, SPEED, *TCP_CLIENTS),
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

WORKLOADS = (*READS, *WRITES, *SUBSCRIPTIONS, *SERVER, *IMPORTS, *GROWTH, *OVER_GRPC)
