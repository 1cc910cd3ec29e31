"""What holds for every request: optional features, limits, cancellation, and the end of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.errors import ClientClosed, InvalidArgument, NotConnected, NotSupported, StreamNotFound
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import START, StreamDirection
from rxpump.transport import Capability, Transport
from tests.contract.stores import ANY, Store, until_caught_up, values

FORWARD = StreamDirection.FORWARD
GROUP = PersistentSubscriptionSettings()


@pytest.mark.parametrize("capability", Capability)
async def test_a_capability_that_is_missing_is_refused(store: Store, capability: Capability) -> None:
    if capability in store.transport.capabilities:
        store.transport.require(capability)
    else:
        with pytest.raises(NotSupported) as refused:
            store.transport.require(capability)
        assert (refused.value.feature, refused.value.protocol) == (capability.value, store.transport.protocol)


async def test_a_group_on_all_is_refused_where_it_is_missing(store: Store) -> None:
    if Capability.GROUPS_ON_ALL not in store.transport.capabilities:
        with pytest.raises(NotSupported):
            await store.transport.create_group(None, "g", GROUP)
        with pytest.raises(NotSupported):
            store.client.create_subscription("g", "$all")


async def test_the_limit_of_a_page_is_checked_at_the_call(store: Store) -> None:
    most = store.transport.limits.page_events
    store.client.iter("s", batch_size=most)
    with pytest.raises(InvalidArgument):
        store.client.iter("s", batch_size=most + 1)


REQUESTS: dict[str, Callable[[Transport], Any]] = {
    "append": lambda transport: transport.append("s", [NewEvent("A", "cancelled")], ANY),
    "delete": lambda transport: transport.delete_stream("other", ANY, hard=False),
    "read_event": lambda transport: transport.read_event("s", 0, resolve_links=False),
    "read_page": lambda transport: transport.read_stream_page("s", START, 5, FORWARD, resolve_links=False),
    "read_all_page": lambda transport: transport.read_all_page(START, 5, FORWARD, resolve_links=False),
    "find_end": lambda transport: transport.find_stream_end("s"),
    "create_group": lambda transport: transport.create_group("s", "g", GROUP),
    "ping": lambda transport: transport.ping(),
}


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_request_leaves_nothing_behind(store: Store, request_name: str, turns: int) -> None:
    """The request is cancelled after each number of turns of the event loop; afterwards the transport works."""
    await store.write("s", 0)
    before = asyncio.all_tasks()
    asked = asyncio.ensure_future(REQUESTS[request_name](store.transport))
    for _ in range(turns):
        await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    await store.transport.settled()
    assert asyncio.all_tasks() <= before
    await store.write("s", 1)
    assert values(await store.read("s")) in ([0, 1], [0, "cancelled", 1])


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancelled_reading_leaves_nothing_behind(store: Store, turns: int) -> None:
    await store.write("s", *range(20))
    before = asyncio.all_tasks()

    async def read() -> None:
        await store.read("s", batch_size=2)

    asked = asyncio.ensure_future(read())
    for _ in range(turns):
        await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    await store.transport.settled()
    await store.transport.ping()
    assert asyncio.all_tasks() <= before
    assert values(await store.read("s")) == list(range(20))


@pytest.mark.parametrize("turns", range(8))
async def test_a_cancelled_subscription_leaves_nothing_behind(store: Store, turns: int) -> None:
    await store.write("s", *range(5))
    before = asyncio.all_tasks()

    async def follow() -> None:
        subscription = store.transport.follow_stream("s", -1, batch_size=2, resolve_links=False)
        async with aclosing(subscription):
            await until_caught_up(subscription)
            await subscription.next()

    asked = asyncio.ensure_future(follow())
    for _ in range(turns):
        await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    await store.transport.settled()
    await store.transport.ping()
    assert asyncio.all_tasks() <= before


async def test_a_closed_client_ends_what_waits_and_refuses_more(store: Store) -> None:
    subscription = store.transport.follow_stream("s", -1, batch_size=2, resolve_links=False)
    async with aclosing(subscription):
        await until_caught_up(subscription)
        waiting = asyncio.ensure_future(subscription.next())
        await asyncio.sleep(0)
        await store.client.close()
        with pytest.raises(ClientClosed):
            await waiting
    assert not store.transport.is_connected
    with pytest.raises(NotConnected):
        await store.transport.read_event("s", 0, resolve_links=False)
    await store.client.connect()
    with pytest.raises(StreamNotFound):
        await store.transport.read_event("s", 0, resolve_links=False)
