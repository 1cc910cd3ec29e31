"""Copies of events in other streams. Each has a new id, which a repeated copy has, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer

Copy = Callable[[rxpump.Client], Awaitable[Any]]
EVENTS = 5


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("in", [NewEvent("Counted", {"n": n}, metadata={"m": n}) for n in range(EVENTS)])
        yield client


async def as_a_list(client: rxpump.Client) -> None:
    await client.publish("out", [event async for event in client.iter("in")])


async def as_an_iterable(client: rxpump.Client) -> None:
    await client.publish("out", client.iter("in").__aiter__())


async def as_an_observable(client: rxpump.Client) -> None:
    await client.publish("out", client.iter("in"))


async def by_a_publisher(client: rxpump.Client) -> None:
    publisher = client.publisher("out")
    client.iter("in").subscribe(publisher)
    await publisher.drained()


async def by_the_operator(client: rxpump.Client) -> None:
    await client.iter("in").pipe(ops.publish_to(client, "out"))


async def in_a_transaction(client: rxpump.Client) -> None:
    async with client.transaction("out") as transaction:
        await transaction.write([event async for event in client.iter("in")])


WAYS = [as_a_list, as_an_iterable, as_an_observable, by_a_publisher, by_the_operator, in_a_transaction]


@pytest.mark.parametrize("again", WAYS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("first", WAYS, ids=lambda each: each.__name__)
async def test_copying_twice_is_one_write(client: rxpump.Client, first: Copy, again: Copy) -> None:
    await first(client)
    await again(client)
    originals = [event async for event in client.iter("in")]
    copies = [event async for event in client.iter("out")]
    assert [(copy.type, copy.data, copy.metadata, copy.is_json) for copy in copies] == [
        (each.type, each.data, each.metadata, each.is_json) for each in originals
    ]
    assert not {copy.id for copy in copies} & {each.id for each in originals}


async def test_a_relayed_event_gets_a_new_id(client: rxpump.Client) -> None:
    relay = client.relay("in", lambda events: events, "out")
    async for result in relay:
        if result.last_event_number == EVENTS - 1:
            break
    originals = {event.id async for event in client.iter("in")}
    assert not {event.id async for event in client.iter("out")} & originals


async def test_copies_in_two_streams_have_different_ids(client: rxpump.Client) -> None:
    event = await client.get_event("in")
    await client.publish("a", [event])
    await client.publish("b", [event])
    await client.publish("a", [event])
    assert (await client.get_event("a")).id != (await client.get_event("b")).id
    assert (await client.get_event("a")).number == 0


async def test_a_copy_to_the_same_stream_gets_a_new_id(client: rxpump.Client) -> None:
    event = await client.get_event("in", 0)
    await client.publish("in", [event])
    assert (await client.get_event("in")).number == EVENTS


# A relay of another client's stream -------------------------------------------------------------------


async def written_numbers(client: rxpump.Client) -> list[int]:
    return [event.json()["n"] async for event in client.iter("out")]


async def test_a_relay_of_a_read_ends_with_it(client: rxpump.Client) -> None:
    async with rxpump.connect("memory://") as other:
        for _ in range(2):  # In the second run, all events are copied already.
            await other.relay(client.iter("in"), lambda events: events, "out").pipe(rx.count())
        assert await written_numbers(other) == list(range(EVENTS))
        await client.publish_event("in", "Counted", {"n": EVENTS})
        await other.relay(client.iter("in"), lambda events: events, "out").pipe(rx.count())
        assert await written_numbers(other) == list(range(EVENTS + 1))


async def test_a_relay_follows_a_subscription_of_another(client: rxpump.Client) -> None:
    async with rxpump.connect("memory://") as other:
        async for result in other.relay(client.stream("in"), lambda events: events, "out"):
            if result.last_event_number == EVENTS - 1:
                break
        assert await written_numbers(other) == list(range(EVENTS))


@pytest.mark.parametrize(
    "source",
    [
        lambda client: client.iter("in", direction=rxpump.StreamDirection.BACKWARD),
        lambda client: client.iter_all(),
        lambda client: client.stream_all(),
        lambda client: 3,
    ],
    ids=["backward", "a read of $all", "a subscription to $all", "a number"],
)
async def test_a_relay_refuses_other_sources(client: rxpump.Client, source: Callable[[rxpump.Client], Any]) -> None:
    with pytest.raises(rxpump.errors.InvalidArgument, match="source"):
        client.relay(source(client), lambda events: events, "out")
