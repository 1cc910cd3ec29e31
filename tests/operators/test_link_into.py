from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.errors import InvalidArgument, WrongExpectedVersion
from rxpump.model.new_events import NewEvent, new_link
from rxpump.server import EmbeddedServer
from tests.operators.test_publish_to import Store

EVENTS = 300


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("in", [NewEvent("Counted", {"n": n, "part": 2}) for n in range(EVENTS)])
        yield client


def threes(event: rxpump.Event) -> bool:
    return event.number % 3 == 0


async def test_links_resolve_to_the_events_in_their_order(client: rxpump.Client) -> None:
    results = await client.iter("in", batch_size=50).pipe(
        rx.filter(threes), ops.link_into(client, "out", batch_size=40), rx.to_list()
    )
    assert results[-1].last_event_number == EVENTS // 3 - 1
    assert all(result.stream == "out" for result in results)
    read = [event async for event in client.iter("out")]
    assert [event.number for event in read] == list(range(0, EVENTS, 3))
    assert {event.stream for event in read} == {"in"}
    raw = await client.get("out", resolve_links=False, max_count=2)
    assert [(event.type, event.data) for event in raw] == [("$>", b"0@in"), ("$>", b"3@in")]


async def test_links_to_links_resolve_to_the_events(client: rxpump.Client) -> None:
    await client.iter("in").pipe(rx.take(5), ops.link_into(client, "first"))
    for links in (True, False):
        await client.iter("first", resolve_links=links).pipe(ops.link_into(client, f"second, {links}"))
        assert [event.stream async for event in client.iter(f"second, {links}")] == ["in"] * 5


async def test_repeated_links_are_written_once(client: rxpump.Client) -> None:
    """This happens after a restart from a checkpoint that is older than the last links."""
    links = client.iter("in").pipe(rx.take(5), ops.link_into(client, "out"))
    first, again = await links, await links
    assert (first.last_event_number, again.last_event_number) == (4, 4)
    results = await client.iter("in", from_event=3).pipe(ops.link_into(client, "out"), rx.to_list())
    assert (results[0].first_event_number, results[-1].last_event_number) == (3, EVENTS - 1)
    assert [event.number async for event in client.iter("out")] == list(range(EVENTS))


async def test_expected_version_advances_with_each_batch(client: rxpump.Client) -> None:
    links = client.iter("in", batch_size=50).pipe(
        ops.link_into(client, "out", expected_version=rxpump.ExpectedVersion.NO_STREAM, batch_size=40)
    )
    assert (await links).last_event_number == EVENTS - 1
    await client.publish_event("out", "Somebody else's")
    from_100 = client.iter("in", from_event=100)
    with pytest.raises(WrongExpectedVersion):
        await from_100.pipe(ops.link_into(client, "out", expected_version=EVENTS - 1))


async def test_a_relay_writes_each_link_once(client: rxpump.Client) -> None:
    def link_to_out(event: Any) -> NewEvent:
        return new_link(event, "out")

    def to_links(events: Any) -> Any:
        return events.pipe(rx.filter(threes), rx.map(link_to_out))

    def is_unfinished(result: rxpump.WriteResult) -> bool:
        return result.last_event_number < EVENTS // 3 - 1

    await client.relay("in", to_links, "out").pipe(rx.take_while(is_unfinished, inclusive=True))
    await client.publish_event("in", "Counted", {"n": EVENTS})
    await client.relay("in", to_links, "out").pipe(rx.first())
    assert [event.number async for event in client.iter("out")] == list(range(0, EVENTS + 1, 3))


async def test_a_checkpoint_behind_it_covers_only_written_links(client: rxpump.Client) -> None:
    store = Store(client)
    await client.iter("in", batch_size=50).pipe(
        ops.link_into(client, "out", batch_size=100), ops.commit_checkpoint(store, every=1)
    )
    assert store.saved == sorted(store.saved)
    assert store.saved[-1] == EVENTS - 1


async def test_an_item_that_was_not_read_is_an_error(client: rxpump.Client) -> None:
    no_event: Any = NewEvent("T")
    with pytest.raises(InvalidArgument, match="an Event that was read"):
        await reactivex.from_iterable([no_event]).pipe(ops.link_into(client, "out"))


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"stream": ""}, "stream"),
        ({"stream": "out", "expected_version": -7}, "expected_version"),
        ({"stream": "out", "batch_size": 0}, "batch_size"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ops.link_into(None, **arguments)  # type: ignore[arg-type]
    assert raised.value.argument == argument
