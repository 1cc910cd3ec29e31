"""Our server against the recorded client: what Event Store 4.1.4 answered, ours answers."""

from __future__ import annotations

import pytest

from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.package import Package
from tests.raw_client import ADMIN, RawClient
from tests.recordings import NAMES, Line, load
from tests.server.normalise import Positions, expected_payload

LATER = {
    "acl-stream": "access control lists",
    "cluster-master-killed": "clusters: this server has no others",
    "cluster-no-quorum": "clusters",
    "cluster-not-master": "clusters",
    "delete-hard": "deletes",
    "delete-soft-recreate": "deletes",
    "identify-version-tombstone": "deletes",
    "links-read": "deletes",
    "nodejs-subscribe": "subscriptions",
    "nodejs-transaction": "transactions",
    "not-ready": "clusters",
    "persistent-*": "persistent subscriptions",
    "photonpump-catchup": "subscriptions",
    "photonpump-persistent": "persistent subscriptions",
    "photonpump-persistent-refused": "persistent subscriptions",
    "photonpump-subscribe": "subscriptions",
    "read-event-deleted": "deletes",
    "read-event-denied": "access control lists",
    "read-event-links": "deletes",
    "read-stream-maxcount": "stream metadata",
    "read-stream-missing": "deletes",
    "scavenge": "scavenging",
    "shutdown-graceful": "subscriptions",
    "subscribe-*": "subscriptions",
    "transaction": "transactions",
    "transaction-invalid": "transactions",
    "write-big": "its 2.8 MB; test_limits has events of the largest size",
    "write-denied": "deletes and transactions",
}
"""Conversations that were recorded and are not here yet, and what they wait for."""

SERVERS_OWN_ID = {Command.HEARTBEAT_REQUEST}
IDLE = {"frame-limits", *(name for name in NAMES if "heartbeat" in name)}
QUICK = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.25}


@pytest.mark.parametrize("name", NAMES)
async def test_a_recorded_client_is_answered_as_it_was(name):
    heartbeats = QUICK if name in IDLE else {}
    lines = load(name)
    async with EmbeddedServer(SqliteStore.in_memory(), **heartbeats) as server:
        await write_what_a_server_writes_at_its_start(server, lines)
        positions = Positions()
        for conn in sorted({line.conn for line in lines}):
            async with RawClient.to(server) as client:
                await Replay(client, positions).run([line for line in lines if line.conn == conn])


async def write_what_a_server_writes_at_its_start(server: EmbeddedServer, lines: list[Line]) -> None:
    """Ours writes nothing; so that reads of $all can be compared, what they show of it is written first."""
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


class Replay:
    """Plays one connection's client; answers are waited for where they were recorded, in any order."""

    def __init__(self, client: RawClient, positions: Positions) -> None:
        self.client = client
        self.positions = positions
        self.early: list[Package] = []
        self.last_heartbeat = b""

    async def run(self, lines: list[Line]) -> None:
        closed = next((line.event for line in lines if line.event in ("closed_by_server", "closed_by_client")), None)
        for line in lines:
            if line.from_client:
                self.send(line)
            elif line.package is not None and not self.is_farewell(line.package, closed):
                await self.expect(line.package)
        if closed == "closed_by_server":
            assert await self.nothing_but_a_farewell() is None
        else:
            await self.expect_silence()

    def send(self, line: Line) -> None:
        if line.raw is not None:
            self.client.writer.write(line.raw)
            return
        package = self.positions.translate(line.package)
        if package.command == Command.HEARTBEAT_RESPONSE and self.last_heartbeat:
            package = package._replace(correlation_id=self.last_heartbeat)
        self.client.writer.write(package.encode())

    @staticmethod
    def is_farewell(package: Package, closed: str | None) -> bool:
        """A BadRequest before a close, which mostly does not get out (see the recordings' page)."""
        return closed == "closed_by_server" and package.command == Command.BAD_REQUEST

    async def expect(self, recorded: Package) -> None:
        ours = await self.next_like(recorded)
        assert ours.command == recorded.command, (ours, ours.payload)
        assert ours.payload == expected_payload(recorded, ours, self.positions)
        if ours.command == Command.HEARTBEAT_REQUEST:
            self.last_heartbeat = ours.correlation_id

    async def next_like(self, recorded: Package) -> Package:
        def is_it(package: Package) -> bool:
            if recorded.command in SERVERS_OWN_ID:
                return package.command == recorded.command
            return package.correlation_id == recorded.correlation_id

        for package in self.early:
            if is_it(package):
                self.early.remove(package)
                return package
        while not is_it(package := await self.client.receive()):
            self.early.append(package)
        return package

    async def nothing_but_a_farewell(self) -> Package | None:
        package = await self.client.receive()
        if package is not None and package.command == Command.BAD_REQUEST:
            package = await self.client.receive()
        return package

    async def expect_silence(self) -> None:
        """Nothing more comes than was recorded: the answer to a last Ping is the next package."""
        ping = self.client.send(Command.PING)
        answer = await self.client.receive()
        while answer is not None and answer.command == Command.HEARTBEAT_REQUEST:
            answer = await self.client.receive()
        assert self.early == []
        assert answer is None or answer.correlation_id == ping
