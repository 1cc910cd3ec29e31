"""Creating, updating and deleting groups: cases that the recordings lack."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rxpump import Credentials
from rxpump.server import SqliteStore
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.tcp.handlers.manage_persistent import group_settings
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, OPS
from tests.server.groups.clients import GroupTalk, settings_of

MANAGING = [
    Command.CREATE_PERSISTENT_SUBSCRIPTION,
    Command.UPDATE_PERSISTENT_SUBSCRIPTION,
    Command.DELETE_PERSISTENT_SUBSCRIPTION,
]


@pytest.fixture
async def client() -> AsyncIterator[GroupTalk]:
    one = GroupTalk(SqliteStore.in_memory())
    yield one
    await one.node.close()


@pytest.mark.parametrize("user", [None, OPS])
@pytest.mark.parametrize("change", ["create", "update", "delete"])
async def test_only_admins_manage_groups(client: GroupTalk, change: str, user: Credentials | None) -> None:
    await client.create()
    result, reason = await getattr(client, change)(user=user)
    assert result == 3
    assert reason.startswith("You do not have permissions")
    assert client.connect().subscription_id == "s::g"


async def test_a_group_without_a_name_cannot_be_connected_to(client: GroupTalk) -> None:
    assert await client.create(group="") == (0, "")
    message = schema.ConnectToPersistentSubscription(event_stream_id="s", allowed_in_flight_messages=10)
    [(command, _)] = client.send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, message)
    assert command == Command.BAD_REQUEST


@pytest.mark.parametrize(
    "settings",
    [
        {"read_batch_size": 100, "buffer_size": 1},
        {"checkpoint_min_count": 100, "checkpoint_max_count": 1},
        {"start_from": -2},
        {"buffer_size": -5, "read_batch_size": -5, "live_buffer_size": -5},
        {"message_timeout_milliseconds": -1, "max_retry_count": -1, "checkpoint_after_time": -1},
    ],
)
async def test_a_group_works_with_any_numbers(client: GroupTalk, settings: dict[str, Any]) -> None:
    assert await client.create(**settings) == (0, "")
    writer = GroupTalk.beside(client)
    client.connect()
    await writer.write("s", *"012")
    events = await client.delivered()
    assert len(events) == 3
    client.ack(events)
    await writer.write("s", "3")
    assert await client.numbers() == [3]


async def test_a_group_with_an_odd_name_is_found_by_consumers(client: GroupTalk) -> None:
    assert await client.create("a", "b::c") == (0, "")
    assert (await client.create("a::b", "c"))[0] == 1


@pytest.mark.parametrize("command", MANAGING)
@pytest.mark.parametrize("name", ["subscription_group_name", "event_stream_id"])
def test_a_name_that_is_no_text_is_a_bad_request(client: GroupTalk, command: Command, name: str) -> None:
    payload = settings_of("s", "g", {name: "??"}).SerializeToString().replace(b"??", b"\xff\xff")
    assert [each for each, _ in client.send(command, payload, ADMIN)] == [Command.BAD_REQUEST]


@pytest.mark.parametrize("command", MANAGING)
def test_a_reply_has_a_reason_even_if_it_is_empty(client: GroupTalk, command: Command) -> None:
    """Clients of a real server with proto2 expect both fields."""
    [(answer, payload)] = client.send(command, schema.DeletePersistentSubscription(), ADMIN)
    assert answer == command + 1
    completed = schema.DeletePersistentSubscriptionCompleted.FromString(payload)
    assert completed.HasField("result")
    assert completed.HasField("reason")


@pytest.mark.parametrize(
    ("fields", "strategy"),
    [
        ({}, "DispatchToSingle"),
        ({"prefer_round_robin": True}, "RoundRobin"),
        ({"prefer_round_robin": True, "named_consumer_strategy": "Pinned"}, "Pinned"),
    ],
)
def test_the_strategy_is_by_name_or_by_preference(fields: dict[str, Any], strategy: str) -> None:
    assert group_settings(schema.CreatePersistentSubscription(**fields)).strategy == strategy


def test_every_field_of_the_message_is_used() -> None:
    message = schema.CreatePersistentSubscription(
        event_stream_id="s",
        subscription_group_name="g",
        resolve_link_tos=True,
        start_from=7,
        message_timeout_milliseconds=1,
        record_statistics=True,
        live_buffer_size=2,
        read_batch_size=3,
        buffer_size=4,
        max_retry_count=5,
        checkpoint_after_time=6,
        checkpoint_max_count=8,
        checkpoint_min_count=9,
        subscriber_max_count=10,
        named_consumer_strategy="Pinned",
    )
    assert group_settings(message) == GroupSettings(
        True, 7, 0.001, True, 2, 3, 4, 5, 0.006, 8, 9, 10, "Pinned", stream="s", group="g"
    )
