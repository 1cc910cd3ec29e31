"""Acknowledgements and refusals of deliveries: cases that the recordings lack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from rxpump.server.groups.group import MAX_PENDING
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NakAction
from rxpump.tcp.wire.commands import Command
from tests.server.groups.clients import A, B, GroupTalk, group_of

ACK, NAK = Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS


@pytest.fixture
async def client() -> AsyncIterator[GroupTalk]:
    one = GroupTalk(SqliteStore.in_memory())
    await one.create()
    await one.write("s", *"012")
    yield one
    await one.node.close()


@pytest.mark.parametrize("command", [ACK, NAK])
@pytest.mark.parametrize("ids", [[], [b"short"], [bytes(16), b""], [b"x" * 17]])
def test_invalid_ids_are_a_bad_request(client: GroupTalk, command: Command, ids: list[bytes]) -> None:
    message = schema.PersistentSubscriptionAckEvents(subscription_id="s::g", processed_event_ids=ids)
    [(answer, payload)] = client.send(command, message)
    assert answer == Command.BAD_REQUEST
    name = command.name.title().replace("_", "")
    assert payload.decode() == f"Could not unwrap network package for command {name}.\n"


@pytest.mark.parametrize("command", [ACK, NAK])
@pytest.mark.parametrize(("count", "answers"), [(MAX_PENDING, 0), (MAX_PENDING + 1, 1)])
async def test_more_ids_than_slots_are_a_bad_request(
    client: GroupTalk, command: Command, count: int, answers: int
) -> None:
    message = schema.PersistentSubscriptionAckEvents(subscription_id="s::g", processed_event_ids=[b"x" * 16] * count)
    assert [each for each, _ in client.send(command, message)] == [Command.BAD_REQUEST] * answers


@pytest.mark.parametrize("subscription", ["s", "g", "no::such"])
async def test_settlements_for_another_group_are_ignored(client: GroupTalk, subscription: str) -> None:
    client.connect(slots=1)
    events = await client.delivered()
    assert client.ack(events, subscription=subscription) == []
    assert client.nak(events, NakAction.SKIP, subscription=subscription) == []
    assert await client.numbers() == []


@pytest.mark.parametrize("command", [ACK, NAK])
async def test_a_settlement_without_a_group_is_a_bad_request(client: GroupTalk, command: Command) -> None:
    message = schema.PersistentSubscriptionAckEvents(processed_event_ids=[b"x" * 16])
    assert [each for each, _ in client.send(command, message)] == [Command.BAD_REQUEST]


async def test_settlements_for_an_invalid_name_are_refused(client: GroupTalk) -> None:
    message = schema.PersistentSubscriptionAckEvents(subscription_id="??", processed_event_ids=[b"x" * 16])
    [(command, _)] = client.send(ACK, message.SerializeToString().replace(b"??", b"\xff\xff"))
    assert command == Command.BAD_REQUEST


async def test_another_connection_can_settle_by_correlation_id(client: GroupTalk) -> None:
    client.connect(slots=1)
    events = await client.delivered()
    assert GroupTalk.beside(client).ack(events) == []
    assert await client.numbers() == [1]


async def test_an_ack_by_another_consumer_frees_no_slot(client: GroupTalk) -> None:
    client.connect(slots=1)
    events = await client.delivered()
    client.ack(events, id=B)
    assert await client.numbers() == []
    assert group_of(client.node.groups).group.last_completed == 0


async def test_an_invalid_reason_is_accepted(client: GroupTalk) -> None:
    client.connect()
    [event, *_] = await client.delivered()
    message = schema.PersistentSubscriptionNakEvents(
        subscription_id="s::g",
        processed_event_ids=[event.event.event.event_id],
        message=b"not \xff UTF-8",
        action=NakAction.PARK,
    )
    assert client.send(NAK, message.SerializeToString(), id=A) == []
    assert await client.delivered() == []
    [parked] = client.stored("$persistentsubscription-s::g-parked")
    assert parked.data == b"0@s"


@pytest.mark.parametrize("action", [NakAction.RETRY, NakAction.UNKNOWN, 9])
async def test_an_unknown_action_means_retry(client: GroupTalk, action: int) -> None:
    client.connect(slots=1)
    client.nak(await client.delivered(), action)
    assert [(each.event.event.event_number, each.retry_count) for each in await client.delivered()] == [(0, 1)]
