"""The features of the mock transport for tests, which other transports do not have."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.errors import (
    InvalidTransaction,
    NotAuthenticated,
    NotConnected,
    OperationTimedOut,
    PersistentSubscriptionNotFound,
    WrongExpectedVersion,
)
from rxpump.model.credentials import Token
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.model.positions import END
from rxpump.model.signals import CaughtUp
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


async def test_the_parts_of_a_mock_show_their_state() -> None:
    transport = MockTransport(users={"ops": "secret"})
    async with mock_client(transport) as client:
        await client.publish_event("s", "A", 1)
        await transport.create_group("s", "g", FROM_START)
        session = await transport.connect_group("s", "g", 10)
        await session.next()
        assert repr(transport) == "<MockTransport <MockConnection connected, 0 requests pending>, 1 events>"
        shown = "<MockGroup 'g' of 's', 1 consumers, at 1>"
        assert repr(session) == f"<MockGroupSession of {shown}, 1 of 10 in flight>"
        assert repr(transport._groups) == "<MockGroups 1 groups>"
        assert repr(transport._access) == "<MockAccess with 1 logins>"
        assert repr(MockTransport()._access) == "<MockAccess with every login>"
    assert repr(transport._connection) == "<MockConnection closed, 0 requests pending>"


async def test_any_login_is_accepted_unless_users_are_named() -> None:
    async with mock_client() as client:
        await client.as_user("anyone", "anything").publish_event("s", "A", 1)
    async with mock_client(MockTransport(users={"ops": "secret"})) as client:
        await client.as_user("ops", "secret").publish_event("s", "A", 1)
        for refused in (client.as_user("ops", "wrong"), client.as_user(Token("ops"))):
            with pytest.raises(NotAuthenticated):
                await refused.publish_event("s", "A", 2)


async def test_metadata_that_cannot_be_read_restrict_nothing() -> None:
    async with mock_client() as client:
        await client.publish_event("s", "A", 1)
        ops = client.as_user("ops", "secret")
        for metadata in (b"no JSON", b'{"$acl": {"$r": 3}}', b"[]"):
            await client.set_metadata("s", metadata)
            assert (await ops.get_event("s")).json() == 1


async def test_an_unknown_transaction_is_refused() -> None:
    async with mock_client() as client:
        with pytest.raises(InvalidTransaction):
            await client.continue_transaction("s", 7).commit()


async def test_all_events_are_followed_without_a_filter() -> None:
    async with mock_client() as client:
        await client.publish_event("s", "A", 1)
        every: list[object] = []
        new: list[object] = []
        with (
            client.stream_all().with_signals().subscribe(every.append),
            client.stream_all(END).with_signals().subscribe(new.append),
        ):
            while CaughtUp() not in every or CaughtUp() not in new:
                await client.ping()
            await client.publish_event("s", "A", 2)
            while len(every) < 3 or len(new) < 2:
                await client.ping()
        assert [each.json() for each in every if isinstance(each, Event)] == [1, 2]
        assert [each.json() for each in new if isinstance(each, Event)] == [2]


async def test_a_closed_mock_can_be_connected_again() -> None:
    client = mock_client()
    for n in range(2):
        async with client:
            assert (await client.publish_event("s", "A", n)).first_event_number == n


async def test_a_lost_reply_of_a_refusal_is_repeated_too() -> None:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish_event("s", "A", 1)
        transport.lose_reply()
        refused = asyncio.ensure_future(client.publish_event("s", "A", 2, expected_version=7))
        while client.is_connected:
            await asyncio.sleep(0)
        transport.restore_connection()
        with pytest.raises(WrongExpectedVersion):
            await refused
