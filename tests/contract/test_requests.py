"""Common behavior of all requests: optional features, limits, cancellation, and closing of the client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from functools import partial
from itertools import count
from typing import Any

import pytest

from rxpump.errors import ClientClosed, InvalidArgument, NotConnected, NotSupported, StreamNotFound
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import FIRST_POSITION, START, StreamDirection
from rxpump.transport import Capability, Transport
from tests.contract.stores import ANY, Store, deliveries, until_caught_up, values

FORWARD = StreamDirection.FORWARD
GROUP = PersistentSubscriptionSettings()
FROM_START = PersistentSubscriptionSettings(start_from=0)


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


async def read_to_the_end(transport: Transport) -> None:
    async with aclosing(transport.read_stream("s", START, FORWARD, batch_size=1, resolve_links=False)) as reading:
        async for _ in reading:
            pass


async def follow(transport: Transport) -> None:
    async with aclosing(transport.follow_stream("s", -1, batch_size=1, resolve_links=False)) as subscription:
        await until_caught_up(subscription)


async def append_in_order(transport: Transport) -> None:
    appender = transport.appender("s")
    try:
        await asyncio.gather(*(appender.append([NewEvent("A", "cancelled")], ANY) for _ in range(3)))
    finally:
        appender.close()


async def transact(transport: Transport) -> None:
    if Capability.TRANSACTIONS in transport.capabilities:
        id = await transport.start_transaction("s", ANY)
        await transport.write_transaction("s", id, [NewEvent("A", "cancelled")])
        await transport.commit_transaction("s", id, ANY)


async def append_to_several(transport: Transport) -> None:
    if Capability.MULTI_STREAM_APPEND in transport.capabilities:
        await transport.append_many({"s": [NewEvent("A", "cancelled")], "t": [NewEvent("A")]}, {})


async def consume(transport: Transport) -> None:
    """Connect to a group, wait for deliveries, and acknowledge them."""
    session = await transport.connect_group("s", "consumed", 10)
    try:
        session.ack([event for event, _ in await session.next()])
    finally:
        session.close()


async def ping(transport: Transport) -> None:
    if Capability.PING in transport.capabilities:
        await transport.ping()


REQUESTS: dict[str, Callable[[Transport], Awaitable[Any]]] = {
    "append": lambda transport: transport.append("s", [NewEvent("A", "cancelled")], ANY),
    "append_in_order": append_in_order,
    "append_many": append_to_several,
    "transact": transact,
    "delete": lambda transport: transport.delete_stream("other", ANY, hard=False),
    "read_event": lambda transport: transport.read_event("s", 0, resolve_links=False),
    "read_page": lambda transport: transport.read_stream_page("s", START, 5, FORWARD, resolve_links=False),
    "read_all_page": lambda transport: transport.read_all_page(START, 5, FORWARD, resolve_links=False),
    "read": read_to_the_end,
    "follow": follow,
    "find_end": lambda transport: transport.find_stream_end("s"),
    "find_all_end": lambda transport: transport.find_all_end(FIRST_POSITION),
    "update_group": lambda transport: transport.update_group("s", "updated", GROUP),
    "consume": consume,
    "ping": ping,
}


class CancelledAt:
    """Runs a coroutine in the current task, and cancels the task where the coroutine waits for the nth time."""

    def __init__(self, request: Awaitable[Any], at: int) -> None:
        self._request = request
        self._at = at

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._request.__await__()
        resume: Callable[[], Any] = partial(next, steps)
        for n in count():
            try:
                waits_for = resume()
            except StopIteration as end:
                return end.value
            task = asyncio.current_task()
            if n == self._at and task is not None:
                task.cancel()
            try:
                yield waits_for
                resume = partial(next, steps)
            except BaseException as error:
                resume = partial(steps.throw, error)
        raise AssertionError("count() has no end")


async def is_cancelled_at(request: Awaitable[Any], n: int) -> bool:
    """Cancel a request where it waits for the nth time; return False if it ends before."""

    async def run() -> None:
        await CancelledAt(request, n)

    asked = asyncio.ensure_future(run())
    await asyncio.wait([asked])
    return asked.cancelled()


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_cancelled_anywhere_leaves_no_task(store: Store, name: str) -> None:
    """The request is cancelled at its first await, in the next run at its second, until a run ends before that."""
    await store.write("s", 0, 1)
    await store.transport.create_group("s", "updated", GROUP)
    await store.transport.create_group("s", "consumed", FROM_START)
    before = asyncio.all_tasks()
    n = 0
    while await is_cancelled_at(REQUESTS[name](store.transport), n):
        n += 1
        assert n < 100, "the request does not end"
    await store.transport.settled()
    await ping(store.transport)
    assert asyncio.all_tasks() <= before
    await store.write("s", 2)
    assert [each for each in values(await store.read("s")) if each != "cancelled"] == [0, 1, 2]


async def test_a_cancelled_consumer_loses_no_event(store: Store) -> None:
    """Events that a cancelled session had received and not acknowledged are delivered to the next session."""
    await store.write("s", *range(5))
    await store.transport.create_group("s", "g", FROM_START)
    for n in range(3):
        session = await store.transport.connect_group("s", "g", 10)
        await is_cancelled_at(session.next(), n)
        session.close()
    session = await store.transport.connect_group("s", "g", 10)
    received = [event.json() for event, _ in await deliveries(session, 5)]
    assert sorted(received) == [0, 1, 2, 3, 4]
    session.close()


@pytest.mark.parametrize("steps", range(6))
async def test_connecting_ends_if_a_closed_client_is_closed_again(store: Store, steps: int) -> None:
    """It succeeds, or fails with ClientClosed if it began before the client was closed again."""
    await store.client.close()
    closing = asyncio.ensure_future(store.client.close())
    for _ in range(steps):
        await asyncio.sleep(0)
    with suppress(ClientClosed):
        await store.client.connect()
    await closing


async def test_closing_fails_pending_requests_and_refuses_new_ones(store: Store) -> None:
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
