"""Snapshots of a client: requests, connections, and subscriptions with their distance to the head."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import pytest
from reactivex import operators as rx
from reactivex.scheduler import VirtualTimeScheduler

import rxpump
from rxpump import operators as ops
from rxpump.errors import ClientClosed, InvalidArgument, WrongExpectedVersion
from rxpump.model.group_settings import NackAction
from rxpump.model.metrics import Metrics, RequestKind, SubscriptionMetrics
from rxpump.model.status import Closed, Connected
from rxpump.testing import MockTransport, mock_client, wait_for
from tests.contract.stores import NO_STREAM, Store
from tests.operators.sources import Seen


async def snapshot(store: Store) -> Metrics:
    now: Metrics = await store.client.metrics().pipe(rx.first())
    return now


async def only(store: Store) -> SubscriptionMetrics:
    """Return the state of the only subscription."""
    [subscription] = (await snapshot(store)).subscriptions
    return subscription


class Consumer:
    """A consumer that pauses its subscription after each event until the test lets it go on."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self._room = asyncio.Semaphore(0)

    async def __call__(self, event: object) -> object:
        self.events.append(event)
        await self._room.acquire()
        return event

    def handle(self, count: int) -> None:
        for _ in range(count):
            self._room.release()


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


async def test_requests_are_counted_by_kind(store: Store) -> None:
    before = await snapshot(store)
    await store.client.publish_event("s", "Counted", 0)
    await store.client.publish_event("s", "Counted", 1)
    await store.client.get("s")
    await store.client.ping()
    after = await snapshot(store)
    counted = {kind: after.requests[kind].latency.count - before.requests[kind].latency.count for kind in RequestKind}
    assert counted == {"append": 2, "read": 1, "subscribe": 0, "other": 1}
    assert after.in_flight == 0
    assert isinstance(after.status, Connected)


async def test_a_latency_is_the_time_to_the_reply(store: Store) -> None:
    began = perf_counter()
    await store.client.publish_event("s", "Counted", 0)
    elapsed = perf_counter() - began
    latency = (await snapshot(store)).requests[RequestKind.APPEND].latency
    assert 0 < latency.total <= elapsed
    assert latency.mean == latency.total


async def test_a_request_that_fails_is_counted(store: Store) -> None:
    await store.write("s", 0)
    with pytest.raises(WrongExpectedVersion):
        await store.client.publish_event("s", "Counted", 1, expected_version=NO_STREAM)
    appends = (await snapshot(store)).requests[RequestKind.APPEND]
    assert (appends.latency.count, appends.failed) == (2, 1)


async def test_a_connection_that_replaces_a_lost_one_is_counted(store: Store) -> None:
    assert (await snapshot(store)).reconnects == 0
    store.lose_connection()
    await store.client.publish_event("s", "Counted", 0)
    assert (await snapshot(store)).reconnects == 1


async def test_bytes_of_a_socket_are_counted(store: Store) -> None:
    before = await snapshot(store)
    await store.client.publish_event("s", "Counted", b"x" * 10_000)
    await store.client.get("s")
    after = await snapshot(store)
    least = 0 if isinstance(store.transport, MockTransport) else 10_000
    assert least <= after.bytes_sent - before.bytes_sent < 20_000
    assert least <= after.bytes_received - before.bytes_received < 20_000


async def test_a_view_for_another_user_has_the_same_counters(store: Store) -> None:
    await store.client.as_user("ops", "changeit").publish_event("s", "Counted", 0)
    of_view: Metrics = await store.client.as_user("ops", "changeit").metrics().pipe(rx.first())
    assert of_view.requests == (await snapshot(store)).requests
    assert of_view.requests[RequestKind.APPEND].latency.count == 1


async def test_a_live_subscription_is_at_the_head(store: Store) -> None:
    await store.write("s", 0, 1, 2)
    seen = Seen()
    subscription = seen.of(store.client.stream("s").pipe(ops.with_signals()))
    await wait_for(lambda: len(seen.items) == 4)  # three events, and the signal that it has caught up
    state = await only(store)
    assert (state.stream, state.group, state.events, state.buffered) == ("s", None, 3, 0)
    assert (state.is_live, state.is_paused, state.unacknowledged) == (True, False, None)
    assert (state.events_behind, state.bytes_behind, state.seconds_behind) == (0, None, 0.0)
    subscription.dispose()
    await wait_for(lambda: not store.transport.telemetry.subscriptions)
    assert (await snapshot(store)).subscriptions == ()


async def test_a_paused_subscription_shows_its_distance(store: Store, consumer: Consumer) -> None:
    await store.write("s", *range(10))
    source = store.client.stream("s", batch_size=4)
    subscription = source.pipe(ops.map_async(consumer, high=2, low=1)).subscribe()
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_paused)
    state = await only(store)
    assert (state.events, state.events_behind, state.is_paused) == (2, 8, True)
    assert state.buffered >= 2
    assert state.seconds_behind is not None
    assert state.seconds_behind >= 0
    consumer.handle(10)
    await wait_for(lambda: len(consumer.events) == 10)
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_live)
    state = await only(store)
    assert (state.events, state.buffered, state.events_behind, state.is_paused) == (10, 0, 0, False)
    subscription.dispose()


async def test_the_distance_in_the_log_is_in_bytes(store: Store, consumer: Consumer) -> None:
    await store.write("s", *range(10))
    source = store.client.stream_all(batch_size=4)
    subscription = source.pipe(ops.in_stream("s"), ops.map_async(consumer, high=2, low=1)).subscribe()
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_paused)
    state = await only(store)
    assert (state.stream, state.events_behind) == ("$all", None)
    assert state.bytes_behind is not None
    assert state.bytes_behind > 0
    consumer.handle(10)
    await wait_for(lambda: len(consumer.events) == 10)
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_live)
    state = await only(store)
    assert (state.bytes_behind, state.seconds_behind) == (0, 0.0)
    subscription.dispose()


async def test_a_stream_that_does_not_exist_is_not_behind(store: Store) -> None:
    subscription = store.client.stream("none").subscribe()
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_live)
    state = await only(store)
    assert (state.events, state.events_behind, state.seconds_behind) == (0, 0, 0.0)
    subscription.dispose()


async def test_deliveries_are_counted_until_they_are_settled(store: Store) -> None:
    await store.write("s", *range(3))
    await store.client.create_subscription("g", "s", start_from=0)
    seen = Seen()
    subscription = seen.of(store.client.connect_subscription("g", "s"))
    await wait_for(lambda: len(seen.items) == 3)
    state = await only(store)
    assert (state.stream, state.group, state.events, state.unacknowledged) == ("s", "g", 3, 3)
    assert (state.is_live, state.is_paused, state.buffered) == (True, False, 0)
    seen.items[0].ack()
    seen.items[1].nack(NackAction.SKIP)
    assert (await only(store)).unacknowledged == 1
    subscription.dispose()


async def test_the_lag_of_a_group_is_that_from_its_checkpoint(store: Store) -> None:
    """Over TCP, the lag is computed from the streams of the group, which only admins may read."""
    if isinstance(store.transport, MockTransport):
        pytest.skip("its groups have no checkpoints")
    await store.write("s", *range(5))
    admin = store.client.as_user("admin", "changeit")
    await admin.create_subscription("g", "s", start_from=0, checkpoint_min_count=1, checkpoint_max_count=1)
    seen = Seen()
    subscription = seen.of(admin.connect_subscription("g", "s"))
    await wait_for(lambda: len(seen.items) == 5)
    for delivery in seen.items[:3]:
        delivery.ack()
    await store.client.metrics(0.01).pipe(rx.first(lambda now: now.subscriptions[0].events_behind == 2))
    subscription.dispose()


async def test_the_rate_is_that_of_virtual_time(store: Store) -> None:
    scheduler, seen, events = VirtualTimeScheduler(), Seen(), Seen()
    subscription = events.of(store.client.stream("s"))
    await wait_for(lambda: store.transport.telemetry.subscriptions[1].is_live)
    watching = seen.of(store.client.metrics(10, scheduler=scheduler))
    await wait_for(lambda: len(seen.items) == 1)
    await store.write("s", *range(5))
    await wait_for(lambda: len(events.items) == 5)
    scheduler.advance_to(10)
    await wait_for(lambda: len(seen.items) == 2)
    scheduler.advance_to(15)
    await store.client.ping()
    scheduler.advance_to(20)
    await wait_for(lambda: len(seen.items) == 3)
    assert [each.subscriptions[0].rate for each in seen.items] == [0.0, 0.5, 0.0]
    assert [each.subscriptions[0].events for each in seen.items] == [0, 5, 5]
    watching.dispose()
    subscription.dispose()


async def test_the_scheduler_of_subscribe_is_used(store: Store) -> None:
    scheduler, seen = VirtualTimeScheduler(), Seen()
    watching = store.client.metrics(60).subscribe(seen.items.append, scheduler=scheduler)
    await wait_for(lambda: len(seen.items) == 1)
    scheduler.advance_to(60)
    await wait_for(lambda: len(seen.items) == 2)
    watching.dispose()


async def test_snapshots_complete_when_the_client_drains(store: Store) -> None:
    seen = Seen()
    seen.of(store.client.metrics())
    await wait_for(lambda: len(seen.items) == 1)
    assert await store.client.drain()
    assert (seen.completed, seen.errors) == (1, [])


async def test_snapshots_fail_when_the_client_is_closed() -> None:
    client, seen = mock_client(), Seen()
    await client.connect()
    seen.of(client.metrics())
    await wait_for(lambda: len(seen.items) == 1)
    await client.close()
    assert [type(error) for error in seen.errors] == [ClientClosed]


async def test_snapshots_begin_before_the_connection() -> None:
    client, seen = mock_client(), Seen()
    seen.of(client.metrics(0.001))
    await wait_for(lambda: len(seen.items) == 1)
    await client.connect()
    await wait_for(lambda: isinstance(seen.items[-1].status, Connected))
    await client.close()
    await seen.until_ended()
    assert isinstance(seen.items[-1].status, Closed)


async def test_without_a_connection_the_distance_is_not_known() -> None:
    transport, seen = MockTransport(), Seen()
    async with mock_client(transport) as client:
        subscription = seen.of(client.stream("s"))
        await wait_for(lambda: transport.telemetry.subscriptions[1].is_live)
        transport.lose_connection()
        await wait_for(lambda: not transport.telemetry.subscriptions[1].is_live)
        now: Metrics = await client.metrics().pipe(rx.first())
        assert now.subscriptions[0].events_behind is None
        subscription.dispose()


@pytest.mark.parametrize("scheme", ["memory://", "sqlite:///{}/events.db"])
async def test_a_store_of_the_process_has_metrics(scheme: str, tmp_path: Path) -> None:
    async with rxpump.connect(scheme.format(tmp_path)) as client:
        await client.publish_event("s", "Counted", 0)
        now: Metrics = await client.metrics().pipe(rx.first())
    assert now.requests[RequestKind.APPEND].latency.count == 1
    assert now.bytes_sent > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda client: client.metrics(0), "interval is 0"),
        (lambda client: client.metrics(scheduler=7), "scheduler is 7; allowed is a scheduler of reactivex, or None"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[object], object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        call(mock_client())
