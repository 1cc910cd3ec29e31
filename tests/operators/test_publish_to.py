from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import Checkpoint
from rxpump.errors import InvalidArgument, WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion
from rxpump.server import EmbeddedServer
from tests.operators.sources import Seen

EVENTS = 1000


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("in", [NewEvent("Counted", {"n": n}) for n in range(EVENTS)])
        yield client


class Store:
    """A checkpoint store that checks at each save that all events up to the checkpoint are in the stream."""

    def __init__(self, client: rxpump.Client) -> None:
        self.saved: list[int] = []
        self._client = client

    async def load(self) -> Checkpoint | None:
        return None

    async def save(self, checkpoint: Checkpoint) -> None:
        last = (await self._client.get_event("out")).json()
        assert last["n"] > checkpoint.number or (last["n"] == checkpoint.number and last["part"] == 2)
        self.saved.append(checkpoint.number)


def parts(event: rxpump.Event) -> reactivex.Observable[NewEvent]:
    n = event.json()["n"]
    return reactivex.from_iterable(NewEvent("Part", {"n": n, "part": part}) for part in range(3))


async def test_the_results_cover_all_written_events(client: rxpump.Client) -> None:
    results = await client.iter("in").pipe(ops.publish_to(client, "out", batch_size=100), rx.to_list())
    assert results[0].first_event_number == 0
    assert results[-1].last_event_number == EVENTS - 1
    assert [event.json()["n"] async for event in client.iter("out")] == list(range(EVENTS))


async def test_a_checkpoint_behind_it_covers_only_written_events(client: rxpump.Client) -> None:
    store = Store(client)
    await client.iter("in", batch_size=50).pipe(
        rx.filter(lambda event: event.number % 5 > 0),
        rx.flat_map(parts),
        ops.publish_to(client, "out", batch_size=100),
        ops.commit_checkpoint(store, every=1),
    )
    assert len(store.saved) > 5
    assert store.saved == sorted(store.saved)
    assert store.saved[-1] == EVENTS - 1


async def test_a_checkpoint_of_an_untraceable_item_is_refused(client: rxpump.Client) -> None:
    events = reactivex.from_iterable([NewEvent("Counted", {"n": 1, "part": 2})])
    with pytest.raises(InvalidArgument, match="that come from one source of events"):
        await events.pipe(ops.publish_to(client, "out"), ops.commit_checkpoint(Store(client)))


async def test_a_failed_write_is_the_error_and_disposes_the_source(client: rxpump.Client) -> None:
    closed = asyncio.Event()
    source = client.iter("in").pipe(rx.finally_action(closed.set), ops.to_event("Copied", lambda event: event.number))
    with pytest.raises(WrongExpectedVersion):
        await source.pipe(ops.publish_to(client, "in", expected_version=ExpectedVersion.NO_STREAM))
    await closed.wait()


async def test_each_subscription_writes_separately(client: rxpump.Client) -> None:
    copies = client.iter("in").pipe(ops.json(), ops.to_event("Copied"), ops.publish_to(client, "out"))
    one, two = Seen(), Seen()
    one.of(copies)
    two.of(copies)
    await one.until_ended()
    await two.until_ended()
    assert (one.errors, two.errors) == ([], [])
    assert (await client.get_event("out")).number == 2 * EVENTS - 1


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
        ops.publish_to(None, **arguments)  # type: ignore[arg-type]
    assert raised.value.argument == argument
