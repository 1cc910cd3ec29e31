"""Clients of TCP and of gRPC see the same events, and each other's writes, deletions, groups and links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import Client, NewEvent, errors
from rxpump.server import EmbeddedServer, SqliteStore

ORDERS = list(permutations(["tcp", "grpc"]))


@asynccontextmanager
async def clients(store: SqliteStore | None = None, *, projections: bool = False) -> AsyncIterator[dict[str, Client]]:
    """Return a client of each protocol, both of the same server."""
    store = store or SqliteStore.in_memory()
    async with EmbeddedServer(store, grpc_port=0, projections=projections) as server:
        assert server.grpc_uri is not None
        grpc_uri = server.grpc_uri.replace("://", "://admin:changeit@") + "&credentialsInClear=true"
        tcp_uri = server.uri.replace("://", "://admin:changeit@")
        async with rxpump.connect(tcp_uri) as tcp, rxpump.connect(grpc_uri) as grpc:
            yield {"tcp": tcp, "grpc": grpc}


def values(event: Any) -> tuple[Any, ...]:
    """Return the values of an event that both protocols have."""
    return (event.stream, event.number, event.id, event.type, event.data, event.metadata, event.created)


def placed(number: int) -> NewEvent:
    return NewEvent("Placed", {"price": number}, metadata={"by": "Derpy"})


@pytest.mark.parametrize("is_stored", [False, True])
async def test_each_protocol_reads_the_events_of_the_other(is_stored: bool, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db") if is_stored else None
    async with clients(store) as both:
        tcp, grpc = both["tcp"], both["grpc"]
        for first, client in enumerate([tcp, grpc, grpc, tcp]):
            events = [placed(0), NewEvent("Bytes", b"\0\xff"), NewEvent("Empty")]
            written = await client.publish("orders", events, expected_version=3 * first - 1)
            assert written.last_event_number == 3 * first + 2
        seen = [[values(event) async for event in client.iter("orders")] for client in (tcp, grpc)]
        assert len(seen[0]) == 12
        assert seen[0] == seen[1]
        logs = [[(values(event), event.position) async for event in client.iter_all()] for client in (tcp, grpc)]
        assert logs[0] == logs[1]


@pytest.mark.parametrize(("writer", "other"), ORDERS)
async def test_a_repeated_append_is_recognized(writer: str, other: str) -> None:
    async with clients() as both:
        event = placed(1)
        first = await both[writer].publish("orders", [event], expected_version=-1)
        again = await both[other].publish("orders", [event], expected_version=-1)
        assert (first.last_event_number, again.last_event_number) == (0, 0)
        with pytest.raises(errors.WrongExpectedVersion):
            await both[other].publish("orders", [placed(2)], expected_version=-1)


@pytest.mark.parametrize(("writer", "follower"), ORDERS)
async def test_a_subscription_receives_the_events_of_the_other(writer: str, follower: str) -> None:
    async with clients() as both:
        await both[writer].publish("orders", [placed(number) for number in range(300)])
        seen = []

        async def follow() -> None:
            async for event in both[follower].stream("orders"):
                seen.append(event.number)
                if len(seen) == 310:
                    return

        following = asyncio.create_task(follow())
        for number in range(300, 310):
            await both[writer].publish("orders", [placed(number)])
        await asyncio.wait_for(following, 20)
        assert seen == list(range(310))


@pytest.mark.parametrize(("writer", "reader"), ORDERS)
async def test_deletions_and_metadata_are_shared(writer: str, reader: str) -> None:
    async with clients() as both:
        for stream in ("soft", "hard", "short"):
            await both[writer].publish(stream, [placed(number) for number in range(3)])
        await both[writer].set_metadata("short", max_count=1)
        await both[writer].delete_stream("soft")
        await both[writer].delete_stream("hard", hard=True)
        assert [event.number async for event in both[reader].iter("short")] == [2]
        assert (await both[reader].get_metadata("short")).metadata.max_count == 1
        with pytest.raises(errors.StreamNotFound):
            await both[reader].get("soft")
        with pytest.raises(errors.StreamDeleted):
            await both[reader].get("hard")
        await both[reader].publish("soft", [placed(9)], expected_version=-1)
        assert [event.number async for event in both[writer].iter("soft")] == [3]


@pytest.mark.parametrize(("creator", "consumer"), ORDERS)
async def test_a_group_is_shared(creator: str, consumer: str) -> None:
    async with clients() as both:
        await both[creator].publish("orders", [placed(number) for number in range(20)])
        await both[creator].create_subscription("billing", "orders", start_from=0)
        numbers = []
        async for delivery in both[consumer].connect_subscription("billing", "orders"):
            numbers.append(delivery.number)
            delivery.ack()
            if len(numbers) == 20:
                break
        assert numbers == list(range(20))


@pytest.mark.parametrize("reader", ["tcp", "grpc"])
async def test_links_of_projections_are_resolved(reader: str) -> None:
    async with clients(projections=True) as both:
        await both["tcp"].publish("order-1", [placed(1)])
        await both["grpc"].publish("order-2", [placed(2)])
        seen = []
        async for event in both[reader].stream("$ce-order"):
            seen.append((event.stream, event.data))
            if len(seen) == 2:
                break
        assert [stream for stream, _ in seen] == ["order-1", "order-2"]


async def test_projections_are_managed_over_grpc() -> None:
    async with clients(projections=True) as both:
        projections = both["grpc"].projections
        names = [each.name for each in await projections.list()]
        assert names == ["$streams", "$stream_by_category", "$by_category", "$by_event_type", "$by_correlation_id"]
        await projections.disable("$by_category")
        assert (await projections.statistics("$by_category")).status == "Stopped"
        await both["tcp"].publish("order-1", [placed(1)])
        await projections.enable("$by_category")
        async for event in both["tcp"].stream("$ce-order"):
            assert event.stream == "order-1"
            break
        await projections.abort("$by_category")
        assert (await projections.statistics("$by_category")).status == "Aborted"
        await projections.reset("$by_category")
        await projections.enable("$by_category")
        await projections.restart_subsystem()
        assert await projections.state("$by_category") == {}
        assert await projections.result("$by_category") == {}
        with pytest.raises(errors.ProjectionNotFound):
            await projections.statistics("nope")
        with pytest.raises(errors.NotSupported):
            await projections.create("mine", "fromAll()")


async def test_users_that_grpc_creates_log_in_over_tcp() -> None:
    async with clients() as both:
        users, stranger = both["grpc"].users, both["tcp"].as_user("ouro", "secret")
        with pytest.raises(errors.NotAuthenticated):
            await stranger.publish("orders", [placed(1)])
        await users.create("ouro", "secret", full_name="Ouro", groups=["$admins"])
        await stranger.create_subscription("billing", "orders")
        await users.change_password("ouro", "secret", "new")
        with pytest.raises(errors.NotAuthenticated):
            await stranger.publish("orders", [placed(1)])
        await both["tcp"].as_user("ouro", "new").publish("orders", [placed(1)])
