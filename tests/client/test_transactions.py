"""Transactions on the embedded server, also through lost connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from reactivex import operators as rx

import rxpump
from rxpump.errors import AccessDenied, ConnectionClosed, StreamDeleted, StreamNotFound, WrongExpectedVersion
from rxpump.server import EmbeddedServer
from rxpump.testing.proxy import Proxy

SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.01), retry=rxpump.Backoff(min_delay=0.001, max_delay=0.01)
)


@pytest.fixture
async def client(memory_server: EmbeddedServer) -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit") as client:
        yield client


def counted(numbers: range) -> list[rxpump.NewEvent]:
    return [rxpump.NewEvent("Counted", {"n": n}) for n in numbers]


async def counts(client: rxpump.Client, stream: str = "s") -> list[int]:
    return await client.iter(stream).pipe(rx.map(lambda event: event.json()["n"]), rx.to_list())


async def test_the_commit_makes_all_events_visible(client: rxpump.Client) -> None:
    async with client.transaction("s", rxpump.ExpectedVersion.NO_STREAM) as transaction:
        await transaction.write(counted(range(3)))
        with pytest.raises(StreamNotFound):
            await client.get("s")
        await transaction.write(counted(range(3, 5)))
    assert transaction.result is not None
    assert (transaction.result.first_event_number, transaction.result.last_event_number) == (0, 4)
    assert await counts(client) == [0, 1, 2, 3, 4]
    assert len({event.position and event.position.commit async for event in client.iter_all()}) == 1, "one commit"


async def test_an_abandoned_transaction_is_never_visible(client: rxpump.Client) -> None:
    with pytest.raises(LookupError):
        async with client.transaction("s") as transaction:
            await transaction.write(counted(range(3)))
            raise LookupError
    with pytest.raises(StreamNotFound):
        await client.get("s")


async def test_a_subscription_delivers_a_transaction_in_order(client: rxpump.Client) -> None:
    seen: list[int] = []
    is_whole = asyncio.Event()

    def note(event: rxpump.Event) -> None:
        seen.append(event.json()["n"])
        if len(seen) == 6:
            is_whole.set()

    following = client.stream_all().subscribe(note)
    async with client.transaction("s") as transaction:
        await transaction.write(counted(range(2)))
        await client.publish("other", counted(range(10, 12)))
        await transaction.write(counted(range(2, 4)))
    await is_whole.wait()
    following.dispose()
    assert seen == [10, 11, 0, 1, 2, 3]
    assert [event.json()["n"] async for event in client.iter_all()] == seen


async def test_the_commit_checks_the_version(client: rxpump.Client) -> None:
    with pytest.raises(WrongExpectedVersion) as raised:
        async with client.transaction("s", 7) as transaction:
            await transaction.write(counted(range(3)))
    assert (raised.value.stream, raised.value.expected) == ("s", 7)
    await client.publish("s", counted(range(8)))
    async with client.transaction("s", 7) as transaction:
        await transaction.write(counted(range(8, 9)))
    assert await counts(client) == list(range(9))


async def test_a_repeated_commit_is_the_same_write(client: rxpump.Client) -> None:
    async with client.transaction("s") as transaction:
        await transaction.write(counted(range(3)))
    assert transaction.id is not None
    again = await client.continue_transaction("s", transaction.id).commit()
    assert (again.first_event_number, again.last_event_number) == (0, 2)
    assert await counts(client) == [0, 1, 2]


async def test_invalid_transactions_are_refused(client: rxpump.Client) -> None:
    ops = client.as_user("ops", "changeit")
    with pytest.raises(AccessDenied):
        await ops.transaction("$secret").start()
    with pytest.raises(AccessDenied):
        await client.continue_transaction("s", 123_456_789).commit()
    await client.publish("gone", counted(range(1)))
    await client.delete_stream("gone", hard=True)
    with pytest.raises(StreamDeleted):
        async with client.transaction("gone") as transaction:
            await transaction.write(counted(range(1)))


async def test_a_lost_connection_leaves_all_or_nothing(memory_server: EmbeddedServer) -> None:
    """A committed transaction has all its events, once. A failed one has none."""
    committed: list[int] = []
    failed = 0
    async with (
        Proxy(memory_server.port, mean_bytes=1500) as proxy,
        rxpump.connect(host="127.0.0.1", port=proxy.port, settings=SHORT_TIMEOUTS) as client,
    ):
        for number in range(60):
            try:
                async with client.transaction("s") as transaction:
                    await transaction.write(counted(range(number, number + 1)))
                    await transaction.write(counted(range(number, number + 1)))
            except ConnectionClosed:
                failed += 1
            else:
                committed.append(number)
        proxy.calm()
        assert await counts(client) == [number for number in committed for _ in range(2)]
    assert failed
    assert len(committed) > 10
