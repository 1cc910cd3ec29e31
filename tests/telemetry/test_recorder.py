from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rxpump.errors import NotReady
from rxpump.model.metrics import RequestKind
from rxpump.model.status import Closed, Connected, Reconnecting, Status
from rxpump.streams.cursor import Cursor, FollowedStream
from rxpump.streams.probes import CatchUpProbe
from rxpump.telemetry import Telemetry

LOST = NotReady("Ping")


def probe() -> CatchUpProbe:
    transport: Any = None
    return CatchUpProbe(Cursor(FollowedStream(transport, "s", 10, resolve_links=False), -1))


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_subscription_is_shown_until_its_task_ends() -> None:
    telemetry, first, second = Telemetry(), probe(), probe()
    tasks = [asyncio.create_task(forever()) for _ in range(2)]
    for each, task in zip((first, second), tasks, strict=True):
        telemetry.add(each, task)
    assert telemetry.subscriptions == {1: first, 2: second}
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    assert telemetry.subscriptions == {2: second}
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert repr(telemetry) == "<Telemetry 0 in flight, 0 subscriptions>"


def test_a_subscription_ends_with_its_event_loop() -> None:
    telemetry, loop = Telemetry(), asyncio.new_event_loop()
    task: Any = loop.create_future()
    telemetry.add(probe(), task)
    assert len(telemetry.subscriptions) == 1
    loop.close()
    assert telemetry.subscriptions == {}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Connected("a")], 0),
        ([Connected("a"), Reconnecting(1, 0.0, LOST), Connected("b")], 1),
        ([Connected("a"), Connected("b"), Connected("c")], 2),
        ([Connected("a"), Closed(), Connected("a")], 0),
    ],
)
def test_a_connection_after_the_first_replaces_one(statuses: list[Status], expected: int) -> None:
    telemetry = Telemetry()
    seen: list[Status] = []
    note = telemetry.counting(seen.append)
    for status in statuses:
        note(status)
    assert (telemetry.reconnects, seen) == (expected, statuses)
    assert telemetry.address == next(each.address for each in reversed(statuses) if isinstance(each, Connected))


@pytest.mark.parametrize(
    ("error", "counted", "failed"), [(None, 1, 0), (LOST, 1, 1), (asyncio.CancelledError(), 0, 0)]
)
def test_a_cancelled_request_is_not_counted(error: BaseException | None, counted: int, failed: int) -> None:
    telemetry = Telemetry()
    begun = telemetry.begin_request()
    assert telemetry.in_flight == 1
    telemetry.end_request(RequestKind.APPEND, begun, error)
    appends = telemetry.requests[RequestKind.APPEND]
    assert (appends.latency.count, appends.failed, telemetry.in_flight) == (counted, failed, 0)
