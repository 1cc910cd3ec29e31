"""A client and a server that exchange packages without a socket."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from rxpump.model.credentials import Credentials
from rxpump.server import SqliteStore
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Users
from rxpump.server.node import Node
from rxpump.server.store.new_event import NewEvent
from rxpump.server.tcp.conversation import Conversation
from rxpump.server.tcp.handlers.table import Pending
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package

ID = bytes(range(16))


class Talk:
    """A client of a new server, or of the server of `node`."""

    def __init__(self, store: SqliteStore, node: Node | None = None) -> None:
        self.store = store
        self.node = node or Node(store, Users(DEFAULT_ACCOUNTS))
        self.answers: list[Package] = []
        self.conversation = Conversation(self.node, self.receive)

    def receive(self, frames: bytes) -> None:
        self.answers += Framer().feed(frames)

    def send(
        self, command: int, payload: Any = b"", credentials: Credentials | None = None, id: bytes = ID
    ) -> list[tuple[int, bytes]]:
        """Send one package, and return the immediate replies as (command, payload) pairs."""
        self.answers.clear()
        content = payload if isinstance(payload, bytes) else payload.SerializeToString()
        pending = self.conversation.receive(Package(command, id, content, credentials))
        self.pending = None if pending is None else future_of(pending)
        assert all(answer.correlation_id == id and answer.credentials is None for answer in self.answers)
        return [(answer.command, answer.payload) for answer in self.answers]

    async def settled(self) -> None:
        """Wait until the last package was processed and its reply was sent."""
        if self.pending is not None:
            await asyncio.wait([self.pending])

    async def write(self, stream: str, *events: Any, expected: int = -2, user: Credentials | None = None) -> Any:
        """Write NewEvents, or events with the given data, and return the WriteEventsCompleted."""
        message = schema.WriteEvents(event_stream_id=stream, expected_version=expected, events=map(event_of, events))
        self.send(Command.WRITE_EVENTS, message, user)
        if self.pending is not None:
            await self.pending
        [answer] = self.answers
        assert answer.command == Command.WRITE_EVENTS_COMPLETED
        return schema.WriteEventsCompleted.FromString(answer.payload)

    def read_event(self, stream: str, number: int, *, resolve: bool = False, user: Credentials | None = None) -> Any:
        message = schema.ReadEvent(event_stream_id=stream, event_number=number, resolve_link_tos=resolve)
        [(command, payload)] = self.send(Command.READ_EVENT, message, user)
        assert command == Command.READ_EVENT_COMPLETED
        return schema.ReadEventCompleted.FromString(payload)

    def read_stream(
        self,
        stream: str,
        start: int,
        count: int,
        *,
        backward: bool = False,
        resolve: bool = False,
        user: Credentials | None = None,
    ) -> Any:
        message = schema.ReadStreamEvents(
            event_stream_id=stream, from_event_number=start, max_count=count, resolve_link_tos=resolve
        )
        ask = Command.READ_STREAM_EVENTS_BACKWARD if backward else Command.READ_STREAM_EVENTS_FORWARD
        [(command, payload)] = self.send(ask, message, user)
        assert command == ask + 1
        return schema.ReadStreamEventsCompleted.FromString(payload)

    def read_all(
        self,
        position: tuple[int, int],
        count: int,
        *,
        backward: bool = False,
        resolve: bool = False,
        user: Credentials | None = None,
    ) -> Any:
        message = schema.ReadAllEvents(
            commit_position=position[0], prepare_position=position[1], max_count=count, resolve_link_tos=resolve
        )
        ask = Command.READ_ALL_EVENTS_BACKWARD if backward else Command.READ_ALL_EVENTS_FORWARD
        [(command, payload)] = self.send(ask, message, user)
        assert command == ask + 1
        return schema.ReadAllEventsCompleted.FromString(payload)


def future_of(pending: Pending) -> asyncio.Future[Any]:
    """Return a future that is done when a request is answered."""
    if isinstance(pending, asyncio.Future):
        return pending
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    pending.add_done_callback(lambda _: answered.set_result(None))
    return answered


def event_of(data: Any) -> Any:
    """Return the NewEvent message for a NewEvent, or for data. Data of the form `number@stream` make a link."""
    if isinstance(data, NewEvent):
        return schema.NewEvent(**asdict(data))
    if not isinstance(data, str):
        return data
    return schema.NewEvent(event_id=uuid4().bytes_le, event_type="$>" if "@" in data else "T", data=data.encode())
