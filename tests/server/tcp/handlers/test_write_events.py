"""Writes (docs/protocol/tcp.md, sections 4.3 and 4.4): cases that the recordings lack."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.strictness import Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.limits import MAX_EVENT_BYTES
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN, RawClient
from tests.server.store.driving import fill, make_room
from tests.server.talk import Talk, event_of


def largest_event(more: int = 0) -> Any:
    return schema.NewEvent(event_id=uuid4().bytes_le, event_type="T", data=bytes(MAX_EVENT_BYTES - 2 + more))


async def test_an_event_above_the_largest_size_is_refused() -> None:
    async with EmbeddedServer(SqliteStore.in_memory()) as server, RawClient.to(server) as client:

        async def write(event: Any) -> Package:
            return await client.ask(
                Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event])
            )

        assert (await write(largest_event())).command == Command.WRITE_EVENTS_COMPLETED
        assert (await write(largest_event(1))).command == Command.BAD_REQUEST
        read = schema.ReadEvent(event_stream_id="s", event_number=-1)
        reply = await client.ask_for(schema.ReadEventCompleted, Command.READ_EVENT, read)
        assert len(reply.event.event.data) == MAX_EVENT_BYTES - 2
        assert (await client.ask(Command.PING)).command == Command.PONG


async def test_writes_to_all_are_denied(talk: Talk) -> None:
    assert (await talk.write("$all", "x", user=ADMIN)).result == OperationResult.ACCESS_DENIED


async def test_a_lenient_server_answers_a_reordered_repeat(talk: Talk) -> None:
    """A real server does not reply (docs/protocol/tcp.md, section 4.3, row 7)."""
    first, second = event_of("1"), event_of("2")
    await talk.write("s", first, second)
    reply = await talk.write("s", second, first)
    assert (reply.result, reply.first_event_number, reply.last_event_number) == (OperationResult.SUCCESS, 1, 0)


async def test_the_same_id_twice_in_a_write_is_two_events(talk: Talk) -> None:
    event = event_of("1")
    assert (await talk.write("s", event, event)).last_event_number == 1


async def test_a_write_to_a_full_disk_fails_with_the_reason(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    await talk.write("s", "0")
    fill(talk.store)
    message = schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event_of("1" * 100_000)])
    for _ in range(13):
        talk.send(Command.WRITE_EVENTS, message)
        await talk.settled()
        [answer] = talk.answers
        assert answer.command == Command.BAD_REQUEST
        assert answer.text == "The server failed: the disk is full (database or disk is full)"
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("ERROR", None)]
    assert "the disk is full" in caplog.messages[0]
    make_room(talk.store)
    assert (await talk.write("s", *message.events)).result == OperationResult.SUCCESS
    assert caplog.messages[1:] == ["the store can be written again"]


@pytest.mark.parametrize("content_type", [0, 1, 2, -1])
async def test_content_types_are_json_or_binary(talk: Talk, content_type: int) -> None:
    event = event_of("{}")
    event.data_content_type = content_type
    await talk.write("s", event)
    assert talk.read_event("s", 0).event.event.data_content_type == int(content_type == 1)


@pytest.mark.parametrize(("strictness", "is_answered"), [(Strictness.LENIENT, True), (Strictness.REAL, False)])
async def test_only_lenient_servers_answer_a_reordered_repeat(
    talk: Talk, strictness: Strictness, is_answered: bool
) -> None:
    """A real server does not reply (docs/protocol/tcp.md, section 4.3, row 7)."""
    talk.node.strictness = strictness
    events = [event_of(text) for text in ("0", "1", "2")]
    await talk.write("s", *events)
    message = schema.WriteEvents(event_stream_id="s", expected_version=-2, events=reversed(events))
    talk.send(Command.WRITE_EVENTS, message)
    await talk.settled()
    results = [schema.WriteEventsCompleted.FromString(answer.payload).result for answer in talk.answers]
    assert results == [OperationResult.WRONG_EXPECTED_VERSION] * is_answered
    assert len(talk.read_stream("s", 0, 10).events) == 3


@pytest.mark.parametrize(("strictness", "is_answered"), [(Strictness.LENIENT, True), (Strictness.REAL, False)])
async def test_only_lenient_servers_commit_a_reordered_repeat(
    talk: Talk, strictness: Strictness, is_answered: bool
) -> None:
    talk.node.strictness = strictness
    events = [event_of(text) for text in ("0", "1", "2")]
    await talk.write("s", *events)
    talk.send(Command.TRANSACTION_START, schema.TransactionStart(event_stream_id="s", expected_version=-2))
    await talk.settled()
    id = schema.TransactionStartCompleted.FromString(talk.answers[0].payload).transaction_id
    talk.send(Command.TRANSACTION_WRITE, schema.TransactionWrite(transaction_id=id, events=reversed(events)))
    await talk.settled()
    talk.send(Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id))
    await talk.settled()
    results = [schema.TransactionCommitCompleted.FromString(answer.payload).result for answer in talk.answers]
    assert results == [OperationResult.WRONG_EXPECTED_VERSION] * is_answered
