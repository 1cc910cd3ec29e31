"""Connecting to a group: cases that the recordings lack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from rxpump.server.tcp import consumers
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN
from tests.server.groups.clients import A, B, GroupTalk


@pytest.fixture
async def client() -> AsyncIterator[GroupTalk]:
    one = GroupTalk(SqliteStore.in_memory())
    await one.create()
    yield one
    await one.node.close()


def refusal(client: GroupTalk, *, id: bytes) -> str:
    message = schema.ConnectToPersistentSubscription(
        event_stream_id="s", subscription_id="g", allowed_in_flight_messages=1
    )
    [(command, payload)] = client.send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, message, None, id)
    assert command == Command.BAD_REQUEST
    return payload.decode().partition("\n")[2]


async def test_connecting_needs_permission_to_read_the_stream(client: GroupTalk) -> None:
    await client.create("$secret")
    assert client.connect("$secret") is SubscriptionDropReason.ACCESS_DENIED
    assert client.connect("$secret", user=ADMIN).subscription_id == "$secret::g"


async def test_the_confirmation_has_the_ends_of_log_and_stream(client: GroupTalk) -> None:
    written = await client.write("s", *"01")
    confirmation = client.connect()
    assert confirmation.last_commit_position == written.commit_position
    assert confirmation.last_event_number == 1


async def test_a_closed_consumer_frees_its_place_in_the_group(client: GroupTalk) -> None:
    await client.create(group="few", subscriber_max_count=1)
    client.connect(group="few")
    other = GroupTalk.beside(client)
    assert other.connect(group="few", id=B) is SubscriptionDropReason.SUBSCRIBER_MAX_COUNT_REACHED
    client.conversation.close()
    assert other.connect(group="few", id=B).subscription_id == "s::few"


async def test_a_correlation_id_is_one_consumer(client: GroupTalk) -> None:
    client.connect()
    assert refusal(client, id=A) == "The correlation id is in use."
    assert refusal(GroupTalk.beside(client), id=A) == "The correlation id is in use."
    await client.create(group="h")
    assert refusal(client, id=A) == "The correlation id is in use."


async def test_the_consumers_of_one_client_are_bounded(client: GroupTalk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "_MOST", 2)
    client.connect(id=A)
    client.connect(id=B)
    assert refusal(client, id=b"c" * 16) == "Too many persistent subscriptions."
    client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=A)
    client.connect(id=b"c" * 16)
    assert repr(client.conversation.consumers) == "<2 persistent subscriptions>"
    GroupTalk.beside(client).connect(id=b"d" * 16)


async def test_a_subscription_and_a_consumer_of_one_id_are_both_ended(client: GroupTalk) -> None:
    """A real server looks for both kinds too."""
    client.connect()
    client.send(Command.SUBSCRIBE_TO_STREAM, schema.SubscribeToStream(event_stream_id="s"), id=A)
    ended = client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=A)
    assert ended == [(Command.SUBSCRIPTION_DROPPED, b"")] * 2


async def test_a_zero_id_is_a_bad_request(client: GroupTalk) -> None:
    assert refusal(client, id=bytes(16)) == ""
