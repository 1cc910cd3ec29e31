"""Consumer groups of the embedded server: consuming, parking, retrying, lost connections, demand and drain."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import ConsumerStrategy, NackAction, NewEvent, PersistentSubscriptionSettings
from rxpump import operators as ops
from rxpump.errors import (
    AccessDenied,
    DeliveryExpired,
    InvalidArgument,
    NotAuthenticated,
    NotSupported,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
)
from rxpump.model.filters import EventFilter
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.testing.proxy import Proxy
from tests.streams.fake_group import Consumer

SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.01),
    retry=rxpump.Backoff(min_delay=0.001, max_delay=0.01),
    ack_interval=0.001,
)
PARKED = "$persistentsubscription-s::g-parked"


def admin_at(port: int) -> rxpump.Client:
    return rxpump.connect(f"tcp://admin:changeit@127.0.0.1:{port}", settings=SHORT_TIMEOUTS)


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    """A client of an admin. Group `g` of stream `s` exists, and starts with the first event."""
    async with admin_at(memory_server.port) as client:
        await client.create_subscription("g", "s", start_from=0)
        yield client


async def write(client: Any, *numbers: int, stream: str = "s") -> None:
    await client.publish(stream, [NewEvent("Counted", {"n": n}) for n in numbers])


async def until_settled(client: rxpump.Client) -> None:
    """Wait until the server has all acknowledgements and the client has the deliveries they cause."""
    await asyncio.sleep(2 * SHORT_TIMEOUTS.ack_interval)
    for _ in range(2):
        await client.ping()


async def next_number(client: rxpump.Client, **how: Any) -> int:
    """Return the number of the next event that the group delivers."""
    delivery = await client.connect_subscription("g", "s", 1).pipe(rx.first())
    return int(delivery.number)


async def park(client: rxpump.Client, count: int) -> None:
    """Park the next deliveries of the group."""
    deliveries = client.connect_subscription("g", "s", count).pipe(rx.take(count))
    async for delivery in deliveries:
        delivery.nack(NackAction.PARK)
    links = await client.stream(PARKED).pipe(rx.take(count), rx.to_list())
    assert [link.received.number for link in links] == list(range(count))


async def replayed(client: rxpump.Client, count: int) -> list[int]:
    """Replay the parked events, acknowledge them, and return their numbers."""
    await client.replay_parked("g", "s")
    deliveries = client.connect_subscription("g", "s", count).pipe(ops.ack_each(), rx.take(count), rx.to_list())
    return [delivery.number for delivery in await deliveries if delivery.received.stream == PARKED]


@pytest.mark.parametrize("uri", ["memory://", "sqlite:///{}/events.db"])
async def test_the_embedded_server_replays_parked_events(uri: str, tmp_path: Path) -> None:
    async with rxpump.connect(uri.format(tmp_path), settings=SHORT_TIMEOUTS) as client:
        await client.create_subscription("g", "s", start_from=0)
        await write(client, 0, 1, 2)
        await park(client, 3)
        assert await replayed(client, 3) == [0, 1, 2]
        await client.replay_parked("g", "s")  # The second attempt uses the HTTP port, which is open now.


async def test_a_server_replays_parked_events_over_http() -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), http_port=0) as server:
        uri = f"tcp://admin:changeit@127.0.0.1:{server.port}?http_port={server.http_port}"
        async with rxpump.connect(uri, settings=SHORT_TIMEOUTS) as client:
            await client.create_subscription("g", "s", start_from=0)
            await write(client, 0, 1)
            await park(client, 2)
            with pytest.raises(AccessDenied, match="user 'ops' may not replay the parked events of 's'"):
                await client.as_user("ops", "changeit").replay_parked("g", "s")
            with pytest.raises(NotAuthenticated, match="user 'ops' was refused"):
                await client.as_user("ops", "wrong").replay_parked("g", "s")
            with pytest.raises(PersistentSubscriptionNotFound):
                await client.replay_parked("no", "s")
            assert await replayed(client, 2) == [0, 1]


async def test_a_replay_refuses_invalid_names(client: rxpump.Client) -> None:
    for wrong in ("", None, 5):
        with pytest.raises(InvalidArgument):
            client.replay_parked(wrong, "s")  # type: ignore[arg-type]
        with pytest.raises(InvalidArgument):
            client.replay_parked("g", wrong)  # type: ignore[arg-type]


# Groups -----------------------------------------------------------------------------------------------


async def test_a_group_is_created_once(client: rxpump.Client) -> None:
    with pytest.raises(PersistentSubscriptionExists) as exists:
        await client.create_subscription("g", "s")
    assert (exists.value.stream, exists.value.group) == ("s", "g")
    await client.create_subscription("g", "another stream")


async def test_an_unknown_group_is_not_found(client: rxpump.Client) -> None:
    for change in (client.update_subscription("no", "s"), client.delete_subscription("no", "s")):
        with pytest.raises(PersistentSubscriptionNotFound):
            await change
    await client.delete_subscription("g", "s")
    with pytest.raises(PersistentSubscriptionNotFound):
        await client.delete_subscription("g", "s")


async def test_a_refusal_has_the_reason_of_the_server(client: rxpump.Client) -> None:
    with pytest.raises(PersistentSubscriptionFailed, match="Consumer strategy Fair does not exist"):
        await client.create_subscription("h", "s", strategy="Fair")


async def test_groups_on_all_are_refused_at_the_call(client: rxpump.Client) -> None:
    for call in (
        lambda: client.create_subscription("h", "$all"),
        lambda: client.update_subscription("h", "$all"),
        lambda: client.delete_subscription("h", "$all"),
        lambda: client.replay_parked("h", "$all"),
        lambda: client.truncate_parked("h", "$all"),
        lambda: client.subscription_details("h", "$all"),
        lambda: client.connect_subscription("h", "$all"),
    ):
        with pytest.raises(NotSupported, match=r"consumer groups on \$all: not supported over TCP"):
            call()


async def test_only_admins_manage_groups(memory_server: EmbeddedServer, client: rxpump.Client) -> None:
    async with rxpump.connect(memory_server.uri) as anybody:
        for refused in (
            anybody.create_subscription("h", "s"),
            anybody.update_subscription("g", "s"),
            anybody.delete_subscription("g", "s"),
        ):
            with pytest.raises(AccessDenied):
                await refused
        await write(anybody, 0)
        assert await next_number(anybody) == 0, "to consume one needs to read the stream"
        await anybody.as_user("admin", "changeit").create_subscription("h", "s")


async def test_settings_are_given_as_a_value_or_by_name(client: rxpump.Client) -> None:
    settings = PersistentSubscriptionSettings(strategy=ConsumerStrategy.PINNED, message_timeout_seconds=1.5)
    await client.create_subscription("a", "s", settings)
    await client.update_subscription("a", "s", settings, max_retry_count=3)
    await client.create_subscription("b", "s", timeout_ms=1500, consumer_strategy="Pinned", checkpoint_after_ms=0)
    with pytest.raises(InvalidArgument, match="timeout_ms is -1"):
        client.create_subscription("c", "s", timeout_ms=-1)
    with pytest.raises(InvalidArgument, match="settings is True"):
        client.create_subscription("c", "s", True)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^setting is 'color'"):
        client.create_subscription("c", "s", color="red")  # type: ignore[call-arg]


async def test_settings_for_all_are_refused_for_a_stream(client: rxpump.Client) -> None:
    for named in ({"start_from": rxpump.Position(1, 1)}, {"where": EventFilter(type_prefix="A")}):
        with pytest.raises(InvalidArgument, match=f"{next(iter(named))} is .*for a group on a stream"):
            client.create_subscription("c", "s", **named)


@pytest.mark.parametrize(("start", "expected"), [(rxpump.START, 0), (0, 0), (1, 1), (rxpump.END, 2), (-1, 2)])
async def test_a_group_starts_at_the_named_place(client: rxpump.Client, start: Any, expected: int) -> None:
    await write(client, 0, 1)
    await client.create_subscription("c", "s", start_from=start)
    await write(client, 2)
    first = await client.connect_subscription("c", "s", 1).pipe(rx.first())
    assert first.number == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(("", "s"), "name is ''"), (("g", ""), "stream is ''"), (("g", "s", 0), "buffer_size is 0")],
)
async def test_an_invalid_argument_is_refused_at_the_call(client: rxpump.Client, arguments: Any, named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        client.connect_subscription(*arguments)


# Consuming --------------------------------------------------------------------------------------------


async def test_photon_pump_programs_consume(client: rxpump.Client) -> None:
    await write(client, *range(5))
    subscription = await client.connect_subscription(subscription="g", stream="s")
    seen = []
    async for event in subscription.events:
        seen.append((event.event_number, event.type, event.stream, event.json()["n"], event.received.number))
        await subscription.ack(event)
        if len(seen) == 5:
            break
    assert seen == [(n, "Counted", "s", n, n) for n in range(5)]


async def test_an_acknowledged_event_is_not_delivered_again(client: rxpump.Client) -> None:
    await write(client, *range(100))
    done = await client.connect_subscription("g", "s").pipe(
        ops.json(), rx.map(lambda data: data["n"]), ops.ack_each(), rx.take(50), rx.to_list()
    )
    assert done == list(range(50))
    await until_settled(client)
    assert await next_number(client) == 50


async def test_filtered_events_are_acknowledged(client: rxpump.Client) -> None:
    await write(client, *range(100))
    consumer = Consumer()
    consumer.of(client.connect_subscription("g", "s", 2).pipe(ops.of_type("Found"), ops.ack_each()))
    await client.publish_event("s", "Found")
    await consumer.until(lambda: bool(consumer.deliveries))
    assert consumer.numbers == [100]


async def test_failed_events_are_parked(client: rxpump.Client) -> None:
    async def work(data: Any) -> int:
        await asyncio.sleep(0)
        if data["n"] % 10 == 7:
            raise ValueError(f"{data['n']} is unlucky")
        return int(data["n"])

    await write(client, *range(40))
    lucky = await client.connect_subscription("g", "s", 10).pipe(
        ops.nack_on_error(NackAction.PARK, ops.json(), ops.map_async(work), max_concurrent=4),
        ops.ack_each(),
        rx.take(36),
        rx.to_list(),
    )
    assert lucky == [n for n in range(40) if n % 10 != 7]
    await until_settled(client)
    assert [event.number for event in await client.get(PARKED)] == [7, 17, 27, 37]
    parked = (await client.get(PARKED, resolve_links=False))[0]
    assert parked.json_metadata()["reason"].endswith("ValueError: 7 is unlucky")


async def test_a_retried_event_is_parked_at_last(
    client: rxpump.Client,
) -> None:
    await client.update_subscription("g", "s", start_from=0, max_retry_count=2)
    await write(client, 0)
    counts: list[int] = []

    def refuse(delivery: rxpump.Delivery) -> None:
        counts.append(delivery.retry_count)
        delivery.nack(NackAction.RETRY, "not today")

    subscription = client.connect_subscription("g", "s").subscribe(refuse)
    parked = await client.stream(PARKED).pipe(rx.first())
    assert parked.number == 0
    assert counts == [0, 1, 2]
    subscription.dispose()


@pytest.mark.parametrize("action", [NackAction.SKIP, NackAction.STOP])
async def test_a_skipped_event_is_not_delivered_again(client: rxpump.Client, action: NackAction) -> None:
    await write(client, 0, 1)
    delivery = await client.connect_subscription("g", "s", 1).pipe(rx.first())
    delivery.nack(action, "never mind")
    await until_settled(client)
    assert await next_number(client) == 1


async def test_a_resolved_link_is_acknowledged(client: rxpump.Client) -> None:
    """See docs/protocol/tcp.md, section 7.1, trap 11."""
    await client.create_subscription("g", "links", start_from=0, resolve_links=True)
    await write(client, 0, 1)
    await client.publish("links", [NewEvent("$>", data=text) for text in (b"1@s", b"0@s", b"0@gone")])
    consumer = Consumer(acks=True)
    consumer.of(client.connect_subscription("g", "links", 1))
    await consumer.until(lambda: len(consumer.deliveries) == 3)
    assert [(each.stream, each.received.stream) for each in consumer.deliveries[:2]] == [("s", "links")] * 2
    assert consumer.deliveries[2].is_broken_link


async def test_two_consumers_share_the_events(memory_server: EmbeddedServer, client: rxpump.Client) -> None:
    async with admin_at(memory_server.port) as other:
        consumers = Consumer(acks=True), Consumer(acks=True)
        for consumer, consuming in zip(consumers, (client, other), strict=True):
            consumer.of(consuming.connect_subscription("g", "s", 3))
        await other.ping()
        await client.ping()
        await write(client, *range(60))
        while sum(len(consumer.deliveries) for consumer in consumers) < 60:
            await asyncio.sleep(0)
        assert sorted(number for consumer in consumers for number in consumer.numbers) == list(range(60))
        assert all(consumer.numbers for consumer in consumers)


# Demand -----------------------------------------------------------------------------------------------


async def test_buffer_size_bounds_unacknowledged_events(client: rxpump.Client) -> None:
    await write(client, *range(50))
    consumer = Consumer()
    subscription = consumer.of(client.connect_subscription("g", "s", 7))
    await consumer.until(lambda: len(consumer.deliveries) == 7)
    await until_settled(client)
    assert consumer.numbers == list(range(7))
    for delivery in consumer.deliveries[:3]:
        delivery.ack()
    await consumer.until(lambda: len(consumer.deliveries) == 10)
    await until_settled(client)
    assert consumer.numbers == list(range(10))
    subscription.dispose()


async def test_a_slow_pipeline_pauses_the_server(client: rxpump.Client) -> None:
    await write(client, *range(300))
    entered = finished = 0
    most = 0

    def enter(_: Any) -> None:
        nonlocal entered, most
        entered += 1
        most = max(most, entered - finished)

    async def slow(item: Any) -> Any:
        await asyncio.sleep(0)
        return item

    def leave(_: Any) -> None:
        nonlocal finished
        finished += 1

    pipeline = client.connect_subscription("g", "s", 20).pipe(
        rx.do_action(enter), ops.map_async(slow, 3), ops.ack_each(), rx.do_action(leave), rx.take(300)
    )
    await pipeline
    assert most <= 20


# Connections ------------------------------------------------------------------------------------------


async def test_every_event_is_handled_through_lost_connections(
    memory_server: EmbeddedServer, client: rxpump.Client
) -> None:
    handled: dict[int, int] = {}
    await write(client, *range(400))

    async def work(delivery: rxpump.Delivery) -> int:
        await asyncio.sleep(0)
        return delivery.number

    def note(number: int) -> None:
        handled[number] = handled.get(number, 0) + 1

    async with (
        Proxy(memory_server.port, random.Random(5), mean_bytes=6_000) as proxy,
        admin_at(proxy.port) as cut_off,
    ):
        pipeline = cut_off.connect_subscription("g", "s", 20).pipe(ops.map_async(work, 4), ops.ack_each())
        errors: list[Exception] = []
        pipeline.subscribe(note, errors.append)
        while len(handled) < 400:
            await asyncio.sleep(0.001)
        assert proxy.cuts > 5
        proxy.calm()
        await cut_off.drain()
    assert errors == []
    assert sorted(handled) == list(range(400))
    assert sum(handled.values()) <= 400 + 20 * (proxy.cuts + 1), (
        "only deliveries that were not acknowledged before a cut are repeated"
    )
    await write(client, 400)
    left = Consumer(acks=True)
    left.of(client.connect_subscription("g", "s", 50))
    await left.until(lambda: 400 in left.numbers)
    assert len(left.numbers) <= 21, "a last cut may have swallowed the last acknowledgements"


async def test_failing_work_is_retried_through_lost_connections(
    memory_server: EmbeddedServer, client: rxpump.Client
) -> None:
    """Two consumers on one connection retry failed events and skip filtered ones until all events are processed."""
    rng = random.Random(3)
    handled: set[int] = set()
    errors: list[Exception] = []
    await client.update_subscription("g", "s", start_from=0, max_retry_count=1000)
    await write(client, *range(200))

    async def work(content: dict[str, int]) -> int:
        await asyncio.sleep(0)
        if rng.random() < 0.1:
            raise ValueError("not this time")
        return content["n"]

    async with (
        Proxy(memory_server.port, random.Random(7), mean_bytes=4_000) as proxy,
        rxpump.connect(host="127.0.0.1", port=proxy.port, settings=SHORT_TIMEOUTS) as anybody,
    ):
        for _ in range(2):
            deliveries = anybody.as_user("admin", "changeit").connect_subscription("g", "s", 16)
            failing = ops.nack_on_error(NackAction.RETRY, ops.json(), ops.map_async(work), max_concurrent=3)
            wanted = deliveries.pipe(rx.filter(lambda delivery: delivery.number % 3 > 0), failing, ops.ack_each())
            wanted.subscribe(handled.add, errors.append)
        while len(handled) < 133 and not errors:
            await asyncio.sleep(0.001)
        assert proxy.cuts > 3
        proxy.calm()
        assert await anybody.drain()
    assert errors == []
    assert handled == {number for number in range(200) if number % 3}
    assert not anybody._runtime.tasks


async def test_a_delivery_expires_with_its_connection(memory_server: EmbeddedServer) -> None:
    async with Proxy(memory_server.port) as proxy, admin_at(proxy.port) as client:
        await client.create_subscription("g", "s", start_from=0)
        await write(client, 0, 1)
        consumer = Consumer()
        consumer.of(client.connect_subscription("g", "s"))
        await consumer.until(lambda: len(consumer.deliveries) == 2)
        consumer.deliveries[0].ack()
        await until_settled(client)
        proxy.cut()
        await consumer.until(lambda: len(consumer.deliveries) == 3)
        old, new = consumer.deliveries[1:]
        assert (old.number, new.number, new.retry_count) == (1, 1, 1)
        with pytest.raises(DeliveryExpired, match=r"1@s can no longer be acknowledged to 'g': the connection"):
            old.ack()
        new.ack()
        await until_settled(client)


async def test_a_consumer_survives_an_update_but_no_delete(client: rxpump.Client) -> None:
    """The server drops consumers in both cases alike (docs/protocol/tcp.md, section 7.1, trap 12)."""
    consumer = Consumer(acks=True)
    consumer.of(client.connect_subscription("g", "s"))
    await write(client, 0)
    await consumer.until(lambda: consumer.numbers == [0])
    await until_settled(client)
    await client.update_subscription("g", "s", start_from=0, max_retry_count=1)
    await write(client, 1)
    await consumer.until(lambda: consumer.numbers == [0, 0, 1])  # event 0 was acknowledged after the last checkpoint
    await client.delete_subscription("g", "s")
    await consumer.until(lambda: bool(consumer.errors))
    assert [type(error) for error in consumer.errors] == [PersistentSubscriptionDeleted]


async def test_a_consumer_waits_while_the_group_is_full(client: rxpump.Client) -> None:
    await client.update_subscription("g", "s", start_from=0, subscriber_max_count=1)
    first, second = Consumer(acks=True), Consumer(acks=True)
    subscription = first.of(client.connect_subscription("g", "s"))
    await write(client, 0)
    await first.until(lambda: first.numbers == [0])
    second.of(client.connect_subscription("g", "s"))
    await until_settled(client)
    subscription.dispose()
    await write(client, 1)
    await second.until(lambda: second.numbers == [1])
    assert second.errors == []


async def test_consuming_with_an_unknown_group_fails(client: rxpump.Client) -> None:
    with pytest.raises(PersistentSubscriptionNotFound, match="'h' of 's' does not exist"):
        await client.connect_subscription("h", "s").pipe(rx.first())


async def test_a_drain_finishes_delivered_events_only(memory_server: EmbeddedServer) -> None:
    entered: list[int] = []
    done: list[int] = []

    async def work(delivery: rxpump.Delivery) -> int:
        entered.append(delivery.number)
        await asyncio.sleep(0.002)
        return delivery.number

    async with admin_at(memory_server.port) as client:
        await client.create_subscription("g", "s", start_from=0)
        await write(client, *range(100))
        completed = asyncio.Event()
        client.connect_subscription("g", "s", 6).pipe(ops.map_async(work, 2), ops.ack_each()).subscribe(
            done.append, on_completed=completed.set
        )
        while len(done) < 10:
            await asyncio.sleep(0.001)
        assert await client.drain()
        assert completed.is_set()
    assert done == entered
    assert len(done) < 100
    async with admin_at(memory_server.port) as client:
        assert await next_number(client) == done[-1] + 1


async def test_a_drain_waits_for_a_loop_that_acknowledges(memory_server: EmbeddedServer) -> None:
    done: list[int] = []

    async def by_hand(client: rxpump.Client, is_started: asyncio.Event) -> None:
        async for delivery in client.connect_subscription("g", "s", 5):
            is_started.set()
            await asyncio.sleep(0)
            delivery.ack()
            done.append(delivery.number)

    async with admin_at(memory_server.port) as client:
        await client.create_subscription("g", "s", start_from=0)
        await write(client, *range(100))
        is_started = asyncio.Event()
        loop = asyncio.ensure_future(by_hand(client, is_started))
        await is_started.wait()
        assert await client.drain()
        await loop
    assert done == list(range(len(done)))
    async with admin_at(memory_server.port) as client:
        assert await next_number(client) == len(done)


async def test_a_drain_waits_for_deliveries_until_its_timeout(
    client: rxpump.Client,
) -> None:
    await write(client, 0)
    consumer = Consumer()
    consumer.of(client.connect_subscription("g", "s"))
    await consumer.until(lambda: consumer.numbers == [0])
    assert not await client.drain(timeout=0.01)
    assert consumer.completed == 1
    consumer.deliveries[0].ack()
    assert await client.drain()


async def test_a_group_is_consumed_as_another_user(memory_server: EmbeddedServer) -> None:
    async with rxpump.connect(memory_server.uri) as anybody:
        admin = anybody.as_user("admin", "changeit")
        await admin.create_subscription("g", "$secrets", start_from=0)
        await write(admin, 7, stream="$secrets")
        with pytest.raises(AccessDenied):
            await anybody.connect_subscription("g", "$secrets").pipe(rx.first())
        assert await admin.connect_subscription("g", "$secrets").pipe(ops.json(), ops.ack_each(), rx.first()) == {
            "n": 7
        }


@pytest.mark.parametrize("rounds", [20])
async def test_acknowledgements_are_kept_by_a_drain(memory_server: EmbeddedServer, rounds: int) -> None:
    async with admin_at(memory_server.port) as admin:
        await admin.create_subscription("g", "s", start_from=0)
        await write(admin, *range(5 * rounds + 10))
    for round in range(rounds):
        client = await admin_at(memory_server.port).connect()
        acknowledged = await client.connect_subscription("g", "s", 10).pipe(
            rx.take(5), ops.ack_each(), rx.map(lambda delivery: delivery.number), rx.to_list()
        )
        assert acknowledged == list(range(5 * round, 5 * round + 5))
        assert await client.drain()
        await client.close()
