"""The definitions of the workloads over gRPC."""

from __future__ import annotations

from benchmarks.definitions import (
    BOTH,
    EVENTS,
    FLOOR,
    GRPC_FLOOR,
    KURRENT,
    KURRENT_ASYNCIO,
    KURRENT_CLIENTS,
    RXPUMP,
    Entry,
    Figure,
    Metric,
    Protocol,
    Stream,
    Target,
    Workload,
    all_do,
    rate,
    share_of,
    typical,
)

OVER_GRPC = (
    Workload(
        "G1",
        "iter over gRPC",
        (*all_do("iter", RXPUMP), Entry(FLOOR, GRPC_FLOOR, "iter"), *all_do("iter", *KURRENT_CLIENTS)),
        (rate(0.75), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 2.0),))),
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G2",
        "a subscription from the start, over gRPC",
        (*all_do("follow", RXPUMP), Entry(FLOOR, GRPC_FLOOR, "follow"), *all_do("follow", *KURRENT_CLIENTS)),
        (rate(0.75), Figure(Metric.CPU, (Target(RXPUMP, FLOOR, 2.0),))),
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G3",
        "single events, 128 in flight, over gRPC",
        (
            *all_do("publish_events", RXPUMP, in_flight=128),
            Entry(FLOOR, GRPC_FLOOR, "write_singles", options={"in_flight": 128}),
            *share_of("publish", 0.2, *KURRENT_CLIENTS),
        ),
        (
            Figure(
                Metric.RATE,
                (
                    Target(RXPUMP, FLOOR, 0.6, at_least=True),
                    Target(RXPUMP, KURRENT_ASYNCIO, 6, at_least=True),
                ),
            ),
            Figure(Metric.CPU_COST),
        ),
        stream=Stream.NEW,
        events=EVENTS // 10,
        warm_up=50,
        stores=BOTH,
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G4",
        "single events, one after the other, over gRPC",
        (
            *all_do("write_singles", RXPUMP),
            Entry(FLOOR, GRPC_FLOOR, "write_singles"),
            *all_do("write_singles", *KURRENT_CLIENTS),
        ),
        typical(0.33, to=KURRENT),
        stream=Stream.NEW,
        events=EVENTS // 100,
        warm_up=50,
        stores=BOTH,
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G5",
        "single events into a publisher, over gRPC",
        (
            *all_do("publish", RXPUMP),
            Entry(FLOOR, GRPC_FLOOR, "publish"),
            *share_of("publish", 0.02, *KURRENT_CLIENTS),
        ),
        (rate(30, to=KURRENT),),
        stream=Stream.NEW,
        stores=BOTH,
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G6",
        "live, each stream in turn, over gRPC",
        (
            Entry("1,000 subscriptions", RXPUMP, "many_subscriptions", options={"streams": 1000}),
            Entry("1 subscription", RXPUMP, "many_subscriptions", options={"streams": 1}),
        ),
        (Figure(Metric.COST),),
        stream=Stream.NEW,
        events=EVENTS // 5,
        stores=("memory",),
        protocol=Protocol.GRPC,
    ),
    Workload(
        "G7",
        "a consumer of 1 ms an event, over gRPC",
        (Entry(RXPUMP, RXPUMP, "slow_consumer", history=1.0),),
        (Figure(Metric.GROWTH, (Target(RXPUMP, None, 40),)),),
        warm_up=0,
        rounds=1,
        protocol=Protocol.GRPC,
    ),
)
