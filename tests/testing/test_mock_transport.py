"""What a test can do with a mock transport beyond the contract of transports."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import NotConnected, OperationTimedOut, PersistentSubscriptionNotFound
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.model.status import Closed, Connected, Connecting, Idle, Reconnecting
from rxpump.testing import MockTransport, mock_client

FROM_START = PersistentSubscriptionSettings(start_from=0)


async def test_a_request_waits_while_the_connection_is_lost() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        transport.lose_connection()
        writing = asyncio.ensure_future(client.publish_event("s", "A", 1))
        while not transport.waiting:
            await asyncio.sleep(0)
        assert not writing.done()
        transport.restore_connection()
        assert (await writing).first_event_number == 0
    assert transport.waiting == 0


async def test_a_request_without_a_connection_fails_at_its_deadline() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        transport.lose_connection()
        with pytest.raises(OperationTimedOut) as raised:
            await client.ping(timeout=0.001)
        assert (raised.value.attempts, raised.value.is_connected) == (0, False)


async def test_the_status_shows_each_change_of_the_connection() -> None:
    transport = MockTransport()
    client = mock_client(transport)
    statuses: list[type] = []
    client.status.subscribe(lambda status: statuses.append(type(status)))
    async with client:
        transport.lose_connection("by the test")
        assert not client.is_connected
        transport.restore_connection()
        assert client.is_connected
    assert statuses == [Idle, Connecting, Connected, Reconnecting, Connected, Closed]


async def test_a_closed_transport_has_no_connection_to_restore() -> None:
    transport = MockTransport()
    with pytest.raises(NotConnected):
        transport.restore_connection()
    async with mock_client(transport):
        pass
    with pytest.raises(NotConnected):
        transport.restore_connection()


async def test_expired_deliveries_are_delivered_again() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish_event("s", "A", 1)
        await transport.create_group("s", "g", FROM_START)
        session = await transport.connect_group("s", "g", 10)
        await session.next()
        transport.expire_deliveries("s", "g")
        [(event, retry_count)] = await session.next()
        assert (event.json(), retry_count) == (1, 1)


async def test_parked_events_are_shown_with_the_reason_and_replayed() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish_event("s", "A", 1)
        await transport.create_group("s", "g", FROM_START)
        session = await transport.connect_group("s", "g", 10)
        [(event, _)] = await session.next()
        session.nack([event], NackAction.PARK, "no use")
        [(parked, reason)] = transport.parked("s", "g")
        assert parked.json() == 1
        assert reason.endswith("no use")
        await transport.replay_parked("s", "g")
        assert [event.json() for event, _ in await session.next()] == [1]
        assert transport.parked("s", "g") == []
        with pytest.raises(PersistentSubscriptionNotFound):
            transport.parked("s", "missing")
