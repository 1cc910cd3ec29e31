"""What the recorded conversations do not have of docs/protocol/tcp.md, sections 4.3 and 4.4."""

from __future__ import annotations

import logging
import sqlite3
from uuid import uuid4

import pytest

from rxpump.limits import MAX_EVENT_BYTES
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.store.open_log import OpenLog
from rxpump.wire import schema
from rxpump.wire.codes import OperationResult
from rxpump.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.server.talk import event_of


def largest_event(more=0):
    return schema.NewEvent(event_id=uuid4().bytes_le, event_type="T", data=bytes(MAX_EVENT_BYTES - 2 + more))


async def test_an_event_may_be_as_large_as_that_and_no_larger():
    async with EmbeddedServer(SqliteStore.in_memory()) as server, RawClient.to(server) as client:

        async def write(event):
            return await client.ask(
                Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event])
            )

        assert (await write(largest_event())).command == Command.WRITE_EVENTS_COMPLETED
        assert (await write(largest_event(1))).command == Command.BAD_REQUEST
        read = schema.ReadEvent(event_stream_id="s", event_number=-1)
        reply = await client.ask_for(schema.ReadEventCompleted, Command.READ_EVENT, read)
        assert len(reply.event.event.data) == MAX_EVENT_BYTES - 2
        assert (await client.ask(Command.PING)).command == Command.PONG


async def test_nobody_writes_to_all(talk):
    assert (await talk.write("$all", "x", user=ADMIN)).result == OperationResult.ACCESS_DENIED


async def test_a_repeat_in_an_order_unlike_the_stored_one_is_answered(talk):
    """Row 7 of docs/protocol/tcp.md, section 4.3: a real server forgets to answer."""
    first, second = event_of("1"), event_of("2")
    await talk.write("s", first, second)
    reply = await talk.write("s", second, first)
    assert (reply.result, reply.first_event_number, reply.last_event_number) == (OperationResult.SUCCESS, 1, 0)


async def test_the_same_id_twice_in_a_write_is_two_events(talk):
    event = event_of("1")
    assert (await talk.write("s", event, event)).last_event_number == 1


async def test_a_write_that_the_disk_refuses_may_be_tried_again(talk, monkeypatch, caplog):
    """CommitTimeout says that the outcome is unknown: clients send the same ids again."""

    def refuse(log):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(OpenLog, "close", refuse)
    event = event_of("1")
    with caplog.at_level(logging.CRITICAL):
        reply = await talk.write("s", event)
    assert (reply.result, reply.message) == (OperationResult.COMMIT_TIMEOUT, "Commit phase timeout.")
    assert (reply.first_event_number, reply.current_version) == (-(2**31), -1)
    monkeypatch.undo()
    assert (await talk.write("s", event)).result == OperationResult.SUCCESS


@pytest.mark.parametrize("content_type", [0, 1, 2, -1])
async def test_json_is_json_and_all_else_is_binary(talk, content_type):
    event = event_of("{}")
    event.data_content_type = content_type
    await talk.write("s", event)
    assert talk.read_event("s", 0).event.event.data_content_type == int(content_type == 1)
