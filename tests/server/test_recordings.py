"""The embedded server sends the same replies as Event Store 4.1.4 in the recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.recordings import NAMES, RecordedFrame, load
from tests.server.normalize import Ours
from tests.server.replay import Replay

UNSERVED = {"cluster-master-killed", "cluster-no-quorum", "cluster-not-master", "not-ready"}
"""Recordings of clusters, which tests/testing/cluster/test_recordings.py replays."""

SERVED = [name for name in NAMES if name not in UNSERVED]

LEFT_OUT = {
    "persistent-timeout-retry": {
        "c54bf2e3997c954f9dfe97b8ba3a4571": "a heartbeat of the time when nothing was said: ours may fall otherwise",
        "4a46451b8c59864692be30204ece0969": "a heartbeat of the time when nothing was said: ours may fall otherwise",
    },
}
"""Requests of recordings that are left out, by correlation id, with the reason."""

SHUTDOWN = "POST /admin/shutdown as admin"
IDLE = {"frame-limits", *(name for name in NAMES if "heartbeat" in name)}
QUICK: dict[str, Any] = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.25}


@pytest.mark.parametrize("name", SERVED)
async def test_a_recorded_client_gets_the_recorded_replies(name: str) -> None:
    heartbeats = QUICK if name in IDLE else {}
    lines = list(served(name, load(name)))
    server = EmbeddedServer(SqliteStore.in_memory(), **heartbeats)
    async with server, asyncio.TaskGroup() as tasks, AsyncExitStack() as clients:
        await write_what_a_server_writes_at_its_start(server, lines)
        ours = Ours()
        replays: dict[int, Replay] = {}
        for line in lines:
            if line.event == SHUTDOWN:
                tasks.create_task(server.stop())
                continue
            if line.conn not in replays:
                client = await clients.enter_async_context(RawClient.to(server))
                replays[line.conn] = Replay(client, ours, [each for each in lines if each.conn == line.conn])
            if line.from_client:
                await asyncio.gather(*(replay.settle() for conn, replay in replays.items() if conn != line.conn))
            await replays[line.conn].play(line)
        await asyncio.gather(*(replay.end() for replay in replays.values()))


def served(name: str, lines: list[RecordedFrame]) -> Iterator[RecordedFrame]:
    """Return the lines to compare. During a shutdown, a real server refuses writes; this one reads no requests."""
    left_out = {
        line.package.correlation_id.hex()
        for line in lines
        if line.package is not None and line.answers_with(Command.NOT_HANDLED)
    }
    left_out.update(LEFT_OUT.get(name, ()))
    for line in lines:
        if line.package is None or line.package.correlation_id.hex() not in left_out:
            yield line


async def write_what_a_server_writes_at_its_start(server: EmbeddedServer, lines: list[RecordedFrame]) -> None:
    """Write the events that a real server writes at its start, so that reads of `$all` can be compared."""
    replies = (Command.READ_ALL_EVENTS_FORWARD_COMPLETED, Command.READ_ALL_EVENTS_BACKWARD_COMPLETED)
    found = {}
    for line in lines:
        if line.package is not None and line.package.command in replies:
            for resolved in schema.ReadAllEventsCompleted.FromString(line.package.payload).events:
                if resolved.event.event_stream_id.startswith("$"):
                    found[resolved.commit_position] = resolved.event
    async with RawClient.to(server) as client:
        for _, record in sorted(found.items()):
            event = schema.NewEvent(
                event_id=record.event_id,
                event_type=record.event_type,
                data_content_type=record.data_content_type,
                data=record.data,
                metadata=record.metadata,
            )
            write = schema.WriteEvents(event_stream_id=record.event_stream_id, expected_version=-2, events=[event])
            reply = await client.ask_for(schema.WriteEventsCompleted, Command.WRITE_EVENTS, write, user=ADMIN)
            assert reply.result == 0
