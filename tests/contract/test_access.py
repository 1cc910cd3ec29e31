"""Refusals because of the user: a missing permission, and credentials that the server does not accept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.errors import AccessDenied, NotAuthenticated
from rxpump.model.credentials import Credentials
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import FIRST_POSITION, START
from rxpump.transport import Capability, Transport
from tests.contract.stores import ANY, FORWARD, USERS, Store, deliveries, values

OPS = Credentials("ops", USERS["ops"])
GROUP = PersistentSubscriptionSettings(start_from=0)


async def follow(transport: Transport) -> None:
    async with aclosing(transport.follow_stream("s", None, batch_size=2, resolve_links=False)) as subscription:
        await subscription.next()


async def follow_all(transport: Transport) -> None:
    where = EventFilter(stream_prefix="s")
    async with aclosing(transport.follow_all(None, batch_size=2, resolve_links=False, where=where)) as subscription:
        await subscription.next()


async def read(transport: Transport) -> None:
    async with aclosing(transport.read_stream("s", START, FORWARD, batch_size=2, resolve_links=False)) as reading:
        async for _ in reading:
            pass


async def connect(transport: Transport) -> None:
    session = await transport.connect_group("s", "g", 10)
    session.close()


REQUESTS: dict[str, tuple[Callable[[Transport], Awaitable[Any]], str, str]] = {
    "append": (lambda transport: transport.append("s", [NewEvent("A")], ANY), "write to", "s"),
    "appender": (lambda transport: transport.appender("s").append([NewEvent("A")], ANY), "write to", "s"),
    "delete": (lambda transport: transport.delete_stream("s", ANY, hard=False), "delete", "s"),
    "read_event": (lambda transport: transport.read_event("s", 0, resolve_links=False), "read", "s"),
    "read_page": (
        lambda transport: transport.read_stream_page("s", START, 5, FORWARD, resolve_links=False),
        "read",
        "s",
    ),
    "read": (read, "read", "s"),
    "read_all_page": (
        lambda transport: transport.read_all_page(START, 5, FORWARD, resolve_links=False),
        "read",
        "$all",
    ),
    "follow": (follow, "subscribe to", "s"),
    "follow_all": (follow_all, "subscribe to", "$all"),
    "connect_group": (connect, "subscribe to", "s"),
    "create_group": (
        lambda transport: transport.create_group("s", "other", GROUP),
        "create persistent subscriptions of",
        "s",
    ),
    "update_group": (
        lambda transport: transport.update_group("s", "g", GROUP),
        "update persistent subscriptions of",
        "s",
    ),
    "delete_group": (lambda transport: transport.delete_group("s", "g"), "delete persistent subscriptions of", "s"),
}


async def closed_stream(store: Store) -> None:
    """Write a stream that only admins may use, and create a group of it."""
    await store.write("s", 0)
    await store.transport.create_group("s", "g", GROUP)
    await store.set_metadata("s", acl={"$r": "$admins", "$w": "$admins", "$d": "$admins"})


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_without_permission_is_denied(store: Store, name: str) -> None:
    request, operation, stream = REQUESTS[name]
    if name.endswith("e_group") and store.transport.protocol == "gRPC":
        pytest.skip("over gRPC operators manage groups, whatever the permissions of the stream")
    await closed_stream(store)
    with pytest.raises(AccessDenied) as denied:
        await request(store.transport.as_user(OPS))
    assert (denied.value.operation, denied.value.stream, denied.value.login) == (operation, stream, "ops")
    assert not denied.value.retryable
    assert values(await store.read("s")) == [0]


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("credentials", [Credentials("ops", "wrong"), Credentials("nobody", "changeit")])
async def test_a_request_with_wrong_credentials_is_refused(store: Store, name: str, credentials: Credentials) -> None:
    """The connection stays: it belongs to another user."""
    request, _, _ = REQUESTS[name]
    await closed_stream(store)
    with pytest.raises(NotAuthenticated) as refused:
        await request(store.transport.as_user(credentials))
    assert refused.value.login == credentials.login
    assert store.transport.is_connected
    assert values(await store.read("s")) == [0]


async def test_a_user_with_permission_is_served(store: Store) -> None:
    await store.write("s", 0)
    await store.transport.create_group("s", "g", GROUP)
    await store.set_metadata("s", acl={"$r": ["ops"], "$w": "$ops", "$d": "$ops"})
    ops = store.transport.as_user(OPS)
    await ops.append("s", [NewEvent("A", 1)], 0)
    await follow(ops)
    session = await ops.connect_group("s", "g", 10)
    assert [event.json() for event, _ in await deliveries(session, 2)] == [0, 1]
    session.close()
    await ops.delete_stream("s", 1, hard=False)


async def test_a_ping_checks_the_credentials(store: Store) -> None:
    if Capability.PING in store.transport.capabilities:
        with pytest.raises(NotAuthenticated):
            await store.transport.as_user(Credentials("ops", "wrong")).ping()


async def test_the_permissions_of_metadata_are_their_own(store: Store) -> None:
    await store.set_metadata("s", acl={"$mw": "$admins"})
    ops = store.transport.as_user(OPS)
    await ops.append("s", [NewEvent("A", 1)], ANY)
    with pytest.raises(AccessDenied):
        await ops.append("$$s", [NewEvent("$metadata", {})], ANY)


async def test_every_event_is_read_by_permission_of_all(store: Store) -> None:
    await store.write("s", 0)
    await store.set_metadata("$all", acl={"$r": "$ops"})
    ops = store.transport.as_user(OPS)
    page = await ops.read_all_page(FIRST_POSITION, 50, FORWARD, resolve_links=False)
    assert [event.json() for event in page if event.stream == "s"] == [0]
