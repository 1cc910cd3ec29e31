"""A persistent subscription to a fake group whose behavior the test controls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from reactivex import operators as rx

from rxpump.backpressure.watermarks import Watermarks
from rxpump.errors import (
    AccessDenied,
    ClientClosed,
    DeliveryExpired,
    InvalidArgument,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionNotFound,
    RxPumpError,
    SubscriberLimitReached,
    SubscriptionDropped,
)
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction
from tests.operators.sources import settle
from tests.streams.fake_group import LOST, Consumer, FakeConnection, FakeGroup, passed

NOT_FOUND = PersistentSubscriptionNotFound("s", "g")


@pytest.fixture
async def group() -> AsyncIterator[FakeGroup]:
    group = FakeGroup()
    yield group
    await group.runtime.stop()


async def consuming(group: FakeGroup, numbers: range = range(3), **how: Any) -> tuple[Consumer, FakeConnection, Any]:
    """Return a consumer that has received these deliveries and settled none, its connection, and its subscription."""
    consumer = Consumer()
    subscription = consumer.of(group.consume(**how))
    connection = await group.connected()
    connection.give(*numbers)
    await consumer.until(lambda: len(consumer.deliveries) == len(numbers))
    return consumer, connection, subscription


async def test_deliveries_have_their_event_and_retry_count(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    connection.give(7, retry_count=4)
    await consumer.until(lambda: len(consumer.deliveries) == 4)
    assert consumer.numbers == [0, 1, 2, 7]
    delivery = consumer.deliveries[-1]
    assert (delivery.retry_count, delivery.event.number, delivery.type, delivery.json()) == (4, 7, "Counted", 7)
    assert not isinstance(delivery.event, Delivery)
    assert [each.sequence for each in consumer.deliveries] == sorted(each.sequence for each in consumer.deliveries)
    assert connection.buffer_size == 10


async def test_acks_are_sent_together_in_their_order(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    for index in (1, 0, 2):
        consumer.deliveries[index].ack()
    assert connection.settlements == []
    await passed()
    assert connection.settlements == [1, 0, 2]
    assert connection.packages == [3]


async def test_acks_for_half_of_the_buffer_are_sent_at_once(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group, range(10))
    for delivery in consumer.deliveries[:7]:
        delivery.ack()
    assert connection.packages == [5]
    await passed()
    assert connection.packages == [5, 2]


async def test_a_package_has_at_most_2000_acks(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group, range(5000), buffer_size=10_000, ack_interval=60)
    for delivery in consumer.deliveries:
        delivery.ack()
    assert connection.packages == [2000, 2000]


async def test_a_nack_is_sent_at_once_after_earlier_acks(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    consumer.deliveries[0].ack()
    consumer.deliveries[1].nack(NackAction.PARK, "no oats")
    assert connection.settlements == [0, ("parked", 1, "no oats")]


async def test_only_the_first_settlement_counts(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    first, second, _ = consumer.deliveries
    first.ack()
    first.ack()
    first.nack(NackAction.RETRY)
    second.nack()
    second.ack()
    await passed()
    assert connection.settlements == [0, ("to be retried", 1, "")]
    assert first.is_settled
    assert second.is_settled


async def test_the_repr_shows_the_settlement(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    first, second, _ = consumer.deliveries
    assert repr(first) == "<Delivery of <Event 0@s Counted 1 bytes>, retry 0, open>"
    first.ack()
    second.nack(NackAction.SKIP)
    connection.end()
    states = [repr(each).rpartition(", ")[2] for each in consumer.deliveries]
    assert states == ["acknowledged>", "skipped>", "expired>"]


async def test_a_delivery_that_was_dropped_is_not_settled_later(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    first = consumer.deliveries[0]
    first._release()
    first._release()
    first.ack()
    await passed()
    assert connection.settlements == []
    assert repr(first).endswith(", released>")


async def test_an_invalid_action_is_refused(group: FakeGroup) -> None:
    consumer, _, _ = await consuming(group)
    with pytest.raises(InvalidArgument, match="action is 'park'; allowed is a NackAction"):
        consumer.deliveries[0].nack("park")  # type: ignore[arg-type]
    assert not consumer.deliveries[0].is_settled


async def test_the_ack_method_of_photon_pump_works(group: FakeGroup) -> None:
    group.gives = [0]
    subscription = await group.consume()
    async for delivery in subscription.events:
        await subscription.ack(delivery)
        break
    with pytest.raises(InvalidArgument, match="delivery is 7; allowed is a Delivery of this subscription"):
        await subscription.ack(7)  # type: ignore[arg-type]


# Reconnecting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [LOST, SubscriptionDropped("s", "unsubscribed by the server")])
async def test_after_a_loss_it_resumes_and_old_deliveries_expire(group: FakeGroup, ending: RxPumpError) -> None:
    consumer, connection, _ = await consuming(group)
    consumer.deliveries[0].ack()
    connection.end(ending)
    again = await group.connected(2)
    again.give(0, 1, 2, retry_count=1)
    await consumer.until(lambda: len(consumer.deliveries) == 6)
    old, new = consumer.deliveries[1], consumer.deliveries[4]
    assert old.is_expired
    for settle_it in (old.ack, old.nack):
        with pytest.raises(DeliveryExpired) as expired:
            settle_it()
        assert (expired.value.stream, expired.value.number, expired.value.group) == ("s", 1, "g")
        assert expired.value.reason == str(ending)
    new.ack()
    await passed()
    assert again.settlements == [1]
    assert consumer.errors == []


async def test_events_buffered_at_a_connection_loss_are_discarded(group: FakeGroup) -> None:
    watermarks = Watermarks("test", high=2)
    consumer = Consumer()
    consumer.of(group.consume().pipe(rx.do_action(lambda _: watermarks.added(len(consumer.deliveries) + 1))))
    connection = await group.connected()
    connection.give(0, 1, 2, 3)
    await consumer.until(lambda: len(consumer.deliveries) == 2)
    await settle()
    connection.end()
    watermarks.close()
    again = await group.connected(2)
    again.give(0, 1, 2, 3, retry_count=1)
    await consumer.until(lambda: len(consumer.deliveries) == 6)
    assert consumer.numbers == [0, 1, 0, 1, 2, 3]


@pytest.mark.parametrize(
    "refusal", [NOT_FOUND, PersistentSubscriptionDeleted("s", "g"), AccessDenied("subscribe to", "s")], ids=repr
)
async def test_a_permanent_refusal_ends_the_subscription(group: FakeGroup, refusal: RxPumpError) -> None:
    def refuse() -> None:
        raise refusal

    group.refuse = refuse
    consumer = Consumer()
    consumer.of(group.consume())
    await consumer.until(lambda: bool(consumer.errors))
    assert consumer.errors == [refusal]


async def test_a_group_deleted_while_connected_is_an_error(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)

    def refuse() -> None:
        raise NOT_FOUND

    group.refuse = refuse
    connection.end(SubscriptionDropped("s", "unsubscribed by the server"))
    await consumer.until(lambda: bool(consumer.errors))
    (error,) = consumer.errors
    assert isinstance(error, PersistentSubscriptionDeleted)
    assert (error.stream, error.group) == ("s", "g")


async def test_a_full_group_is_waited_for(group: FakeGroup) -> None:
    attempts = 0

    def refuse() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise SubscriberLimitReached("s", "g")

    group.refuse = refuse
    await consuming(group)
    assert attempts == 4


# Ending -----------------------------------------------------------------------------------------------


async def test_dispose_sends_acks_and_unsubscribes(group: FakeGroup) -> None:
    consumer, connection, subscription = await consuming(group)
    consumer.deliveries[0].ack()
    subscription.dispose()
    consumer.deliveries[1].ack()
    await settle()
    assert connection.settlements == [0, 1]
    assert connection.is_closed
    with pytest.raises(DeliveryExpired, match="its subscription has ended"):
        consumer.deliveries[2].ack()


async def test_a_drain_waits_until_all_deliveries_are_settled(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    consumer.deliveries[0].ack()
    draining = asyncio.ensure_future(group.runtime.drain())
    await consumer.until(lambda: bool(consumer.completed))
    connection.give(3, 4, 5)
    await settle()
    assert not draining.done()
    assert not connection.is_closed
    consumer.deliveries[1].nack(NackAction.PARK, "")
    consumer.deliveries[2].ack()
    await draining
    assert connection.settlements == [0, ("parked", 1, ""), 2]
    assert connection.is_closed
    assert consumer.numbers == [0, 1, 2], "it takes nothing more in"


async def test_a_drain_does_not_wait_for_expired_deliveries(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    draining = asyncio.ensure_future(group.runtime.drain())
    await consumer.until(lambda: bool(consumer.completed))
    connection.end()
    await draining
    assert consumer.errors == []


async def test_a_drain_after_dispose_does_not_wait(group: FakeGroup) -> None:
    consumer, connection, subscription = await consuming(group)
    consumer.deliveries[0].ack()
    subscription.dispose()
    async with asyncio.timeout(1):
        await group.runtime.drain()
    assert connection.acked == [0]
    assert connection.is_closed


async def test_a_drain_while_connecting_completes(group: FakeGroup) -> None:
    consumer = Consumer()
    consumer.of(group.consume())
    await group.runtime.drain()
    assert (consumer.completed, group.connections) == (1, [])


async def test_closing_the_client_fails_the_subscription(group: FakeGroup) -> None:
    consumer, connection, _ = await consuming(group)
    await group.runtime.stop()
    assert [type(error) for error in consumer.errors] == [ClientClosed]
    assert connection.is_closed


async def test_a_callback_that_raises_ends_its_own_subscription(group: FakeGroup) -> None:
    errors: list[Exception] = []

    def refuse(delivery: Delivery) -> None:
        raise ValueError(delivery.number)

    group.consume().subscribe(refuse, errors.append)
    connection = await group.connected()
    connection.give(0, 1)
    await settle()
    assert [str(error) for error in errors] == ["0"]
    assert connection.is_closed
    assert connection.settlements == []


async def test_each_subscriber_has_its_own_connection(group: FakeGroup) -> None:
    deliveries = group.consume()
    one, other = Consumer(acks=True), Consumer(acks=True)
    for consumer in (one, other):
        consumer.of(deliveries)
    await group.connected(2)
    for number, connection in enumerate(group.connections):
        connection.give(number)
    await one.until(lambda: one.numbers == [0])
    await other.until(lambda: other.numbers == [1])
    await passed()
    assert [connection.settlements for connection in group.connections] == [[0], [1]]
    assert repr(deliveries) == "<Deliveries persistent subscription g of s>"
