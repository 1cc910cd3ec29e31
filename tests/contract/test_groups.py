"""Consumer groups: deliveries, acknowledgements, refusals, capacity, and lost connections."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reactivex import operators as rx

from rxpump import operators as ops
from rxpump.errors import (
    ConnectionClosed,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionExists,
    PersistentSubscriptionNotFound,
    SubscriberLimitReached,
    SubscriptionDropped,
)
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.transport import GroupSession
from tests.contract.stores import Store, deliveries

SETTINGS = PersistentSubscriptionSettings(start_from=0)


async def consume(store: Store, buffer_size: int = 10, **settings: Any) -> GroupSession:
    """Create a group, and connect to it."""
    await store.transport.create_group("s", "g", SETTINGS.but(settings))  # type: ignore[arg-type]
    return await store.transport.connect_group("s", "g", buffer_size)


def counted(received: list[tuple[Event, int]]) -> list[tuple[Any, int]]:
    return [(event.json(), count) for event, count in received]


async def test_events_are_delivered_from_the_start_of_the_group_on(store: Store) -> None:
    await store.write("s", 0, 1, 2)
    session = await consume(store, start_from=1)
    assert counted(await deliveries(session, 2)) == [(1, 0), (2, 0)]
    await store.write("s", 3)
    assert counted(await deliveries(session, 1)) == [(3, 0)]
    session.close()


async def test_a_loop_that_was_left_does_not_delay_drain(store: Store) -> None:
    """The deliveries that `async for` has buffered are dropped, so nothing can acknowledge them."""
    await store.write("s", *range(20))
    await store.transport.create_group("s", "g", SETTINGS)
    async for delivery in store.client.connect_subscription("g", "s"):
        delivery.ack()
        break
    assert await store.client.drain(timeout=30)


async def test_drain_waits_for_a_delivery_that_the_loop_has_taken(store: Store) -> None:
    await store.write("s", *range(20))
    await store.transport.create_group("s", "g", SETTINGS)
    events = aiter(store.client.connect_subscription("g", "s"))
    taken = await anext(events)
    draining = asyncio.ensure_future(store.client.drain(timeout=30))
    await store.transport.ping()
    await events.aclose()
    await store.transport.ping()
    assert not draining.done()
    taken.ack()
    assert await draining


async def test_an_event_that_is_retried_is_no_duplicate(store: Store) -> None:
    await store.write("s", 0, 1, 2)
    await store.transport.create_group("s", "g", SETTINGS)
    failed: set[int] = set()

    async def work(delivery: Event) -> int:
        if delivery.number not in failed:
            failed.add(delivery.number)
            raise OSError("not now")
        return delivery.number

    consumer = store.client.connect_subscription("g", "s").pipe(
        ops.distinct_by_id(), ops.nack_on_error(NackAction.RETRY, ops.map_async(work)), ops.ack_each()
    )
    worked: list[int] = [number async for number in consumer.pipe(rx.take(3))]
    assert sorted(worked) == [0, 1, 2]


async def test_a_group_can_start_with_new_events(store: Store) -> None:
    await store.write("s", "old")
    session = await consume(store, start_from=-1)
    await store.write("s", "new")
    assert counted(await deliveries(session, 1)) == [("new", 0)]
    session.close()


async def test_the_buffer_size_limits_unsettled_deliveries(store: Store) -> None:
    await store.write("s", *range(6))
    session = await consume(store, buffer_size=2)
    first = await deliveries(session, 2)
    waiting = asyncio.ensure_future(session.next())
    await store.transport.ping()
    assert not waiting.done()
    session.ack([event for event, _ in first])
    second = await waiting
    second = [*second, *(await deliveries(session, 2 - len(second)))]
    assert counted([*first, *second]) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    session.close()


async def test_acknowledged_events_are_not_delivered_again(store: Store) -> None:
    await store.write("s", 0, 1, 2)
    session = await consume(store)
    received = await deliveries(session, 3)
    session.ack([event for event, _ in received[:2]])
    session.close()
    again = await store.transport.connect_group("s", "g", 10)
    assert counted(await deliveries(again, 1)) == [(2, 1)]
    again.close()


async def test_an_event_to_be_retried_comes_again_until_it_is_parked(store: Store) -> None:
    await store.write("s", 0, 1)
    session = await consume(store, buffer_size=1, max_retry_count=2)
    counts = []
    for _ in range(3):
        [(event, count)] = await deliveries(session, 1)
        assert event.json() == 0
        counts.append(count)
        session.nack([event], NackAction.RETRY, "not yet")
    assert counts == [0, 1, 2]
    assert counted(await deliveries(session, 1)) == [(1, 0)]
    session.close()


@pytest.mark.parametrize("action", [NackAction.PARK, NackAction.SKIP, NackAction.STOP])
async def test_a_refused_event_is_not_delivered_again(store: Store, action: NackAction) -> None:
    await store.write("s", 0, 1)
    session = await consume(store, buffer_size=1)
    [(event, _)] = await deliveries(session, 1)
    session.nack([event], action, "no use")
    assert counted(await deliveries(session, 1)) == [(1, 0)]
    session.close()


async def test_events_of_a_lost_session_are_delivered_again(store: Store) -> None:
    await store.write("s", 0, 1)
    session = await consume(store)
    await deliveries(session, 2)
    assert session.ending is None
    store.lose_connection()
    with pytest.raises(ConnectionClosed):
        await session.next()
    assert isinstance(session.ending, ConnectionClosed)
    again = await store.transport.connect_group("s", "g", 10)
    assert counted(await deliveries(again, 2)) == [(0, 1), (1, 1)]
    again.close()


async def test_a_client_consumes_a_group_through_a_lost_connection(store: Store) -> None:
    await store.write("s", *range(4))
    await store.client.create_subscription("g", "s", start_from=0)
    received: list[int] = []
    changed = asyncio.Event()

    def on_next(delivery: Any) -> None:
        received.append(delivery.event.json())
        if len(received) > 2:
            delivery.ack()
        changed.set()

    with store.client.connect_subscription("g", "s").subscribe(on_next):
        while len(received) < 2:
            changed.clear()
            await changed.wait()
        store.lose_connection()
        while received.count(0) < 2 or not {0, 1, 2, 3} <= set(received):
            changed.clear()
            await changed.wait()
    assert received.count(0) == 2


async def test_a_group_is_created_once(store: Store) -> None:
    await store.transport.create_group("s", "g", SETTINGS)
    with pytest.raises(PersistentSubscriptionExists) as raised:
        await store.transport.create_group("s", "g", SETTINGS)
    assert (raised.value.stream, raised.value.group) == ("s", "g")


async def test_a_missing_group_is_not_found(store: Store) -> None:
    with pytest.raises(PersistentSubscriptionNotFound):
        await store.transport.update_group("s", "g", SETTINGS)
    with pytest.raises(PersistentSubscriptionNotFound):
        await store.transport.delete_group("s", "g")
    with pytest.raises(PersistentSubscriptionNotFound):
        await store.transport.connect_group("s", "g", 10)


async def test_the_deletion_of_a_group_ends_its_sessions(store: Store) -> None:
    """A server that does not name the reason over its protocol drops the session; the group is not found then."""
    session = await consume(store)
    await store.transport.delete_group("s", "g")
    with pytest.raises((PersistentSubscriptionDeleted, SubscriptionDropped)) as ended:
        await session.next()
    assert session.ending == ended.value
    with pytest.raises(PersistentSubscriptionNotFound):
        await store.transport.connect_group("s", "g", 10)


async def test_a_consumer_fails_when_its_group_is_deleted(store: Store) -> None:
    await store.transport.create_group("s", "g", SETTINGS)
    await store.write("s", 0)
    received: asyncio.Queue[object] = asyncio.Queue()
    with store.client.connect_subscription("g", "s").subscribe(received.put_nowait, received.put_nowait):
        await received.get()
        await store.transport.delete_group("s", "g")
        ended = await received.get()
    assert isinstance(ended, PersistentSubscriptionDeleted)
    assert (ended.stream, ended.group) == ("s", "g")


async def test_an_update_of_a_group_drops_its_consumers(store: Store) -> None:
    session = await consume(store)
    await store.transport.update_group("s", "g", SETTINGS)
    with pytest.raises(SubscriptionDropped):
        await session.next()


async def test_a_group_has_no_more_consumers_than_its_settings_allow(store: Store) -> None:
    session = await consume(store, subscriber_max_count=1)
    with pytest.raises(SubscriberLimitReached):
        await store.transport.connect_group("s", "g", 10)
    session.close()
