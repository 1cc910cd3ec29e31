"""Clients of consumer groups that exchange packages with a server without sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rxpump import Credentials
from rxpump.server import SqliteStore
from rxpump.server.groups.groups import Groups
from rxpump.server.groups.running_group import RunningGroup
from rxpump.server.node import Node
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.group_commit import Commit
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import SubscriptionDropReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN
from tests.server.talk import Talk

A, B = b"a" * 16, b"b" * 16
CHECKPOINTS = "$persistentsubscription-s::g-checkpoint"
PARKED = "$persistentsubscription-s::g-parked"
DEFAULTS = {
    "resolve_link_tos": False,
    "start_from": 0,
    "message_timeout_milliseconds": 30_000,
    "live_buffer_size": 500,
    "read_batch_size": 20,
    "buffer_size": 500,
    "max_retry_count": 10,
    "checkpoint_after_time": 2000,
    "checkpoint_max_count": 1000,
    "checkpoint_min_count": 10,
    "named_consumer_strategy": "RoundRobin",
}


async def turns() -> None:
    """Let the event loop run all callbacks and tasks that are ready."""
    for _ in range(20):
        await asyncio.sleep(0)


def fill_the_disk(client: GroupTalk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every commit fail."""
    full = NotCommitted("disk full")
    monkeypatch.setattr(client.store.commits, "commit", lambda changes: Commit([full] * len(changes), []))


def group_of(groups: Groups, name: str = "g") -> RunningGroup:
    """Return a group of the stream `s` that exists."""
    running = groups.find("s", name)
    assert running is not None
    return running


class GroupTalk(Talk):
    """One client, which records the packages it receives. `beside` returns another client of the same server."""

    def __init__(self, store: SqliteStore, node: Node | None = None) -> None:
        self.received: list[Package] = []
        super().__init__(store, node)

    def receive(self, frames: bytes) -> None:
        before = len(self.answers)
        super().receive(frames)
        self.received += self.answers[before:]

    @classmethod
    def beside(cls, other: GroupTalk) -> GroupTalk:
        return cls(other.store, other.node)

    async def manage(self, command: Command, message: Any, user: Credentials | None = ADMIN) -> tuple[int, str]:
        """Change a group on another connection, and return the result and its reason."""
        manager = Talk(self.store, self.node)
        manager.send(command, message, user)
        if manager.pending is not None:
            await manager.pending
        [answer] = manager.answers
        assert answer.command == command + 1
        # The three replies have the same fields.
        completed = schema.CreatePersistentSubscriptionCompleted.FromString(answer.payload)
        return completed.result, completed.reason

    async def create(
        self, stream: str = "s", group: str = "g", *, user: Credentials | None = ADMIN, **settings: Any
    ) -> tuple[int, str]:
        return await self.manage(Command.CREATE_PERSISTENT_SUBSCRIPTION, settings_of(stream, group, settings), user)

    async def update(
        self, stream: str = "s", group: str = "g", *, user: Credentials | None = ADMIN, **settings: int
    ) -> tuple[int, str]:
        return await self.manage(Command.UPDATE_PERSISTENT_SUBSCRIPTION, settings_of(stream, group, settings), user)

    async def delete(
        self, stream: str = "s", group: str = "g", *, user: Credentials | None = ADMIN
    ) -> tuple[int, str]:
        message = schema.DeletePersistentSubscription(event_stream_id=stream, subscription_group_name=group)
        return await self.manage(Command.DELETE_PERSISTENT_SUBSCRIPTION, message, user)

    def connect(
        self, stream: str = "s", group: str = "g", *, slots: int = 10, id: bytes = A, user: Credentials | None = None
    ) -> Any:
        """Connect to a group, and return the confirmation or the reason of a refusal."""
        message = schema.ConnectToPersistentSubscription(
            event_stream_id=stream, subscription_id=group, allowed_in_flight_messages=slots
        )
        [(command, payload)] = self.send(Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION, message, user, id)
        if command == Command.SUBSCRIPTION_DROPPED:
            return SubscriptionDropReason(schema.SubscriptionDropped.FromString(payload).reason)
        assert command == Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION, payload
        return schema.PersistentSubscriptionConfirmation.FromString(payload)

    def ack(self, events: list[bytes], *, id: bytes = A, subscription: str = "s::g") -> list[Any]:
        message = schema.PersistentSubscriptionAckEvents(
            subscription_id=subscription, processed_event_ids=map(id_of, events)
        )
        return self.send(Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, message, id=id)

    def nak(
        self,
        events: list[Any],
        action: int,
        *,
        id: bytes = A,
        subscription: str = "s::g",
        text: str = "because",
    ) -> list[tuple[int, bytes]]:
        message = schema.PersistentSubscriptionNakEvents(
            subscription_id=subscription,
            processed_event_ids=map(id_of, events),
            action=action,
            message=text.encode(),
        )
        return self.send(Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS, message, id=id)

    async def delivered(self, id: bytes = A) -> list[Any]:
        """Return the deliveries since the last call, as PersistentSubscriptionStreamEventAppeared."""
        await turns()
        command = Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED
        appeared = [each for each in self.received if (each.command, each.correlation_id) == (command, id)]
        self.received = [each for each in self.received if each not in appeared]
        return [schema.PersistentSubscriptionStreamEventAppeared.FromString(each.payload) for each in appeared]

    async def numbers(self, id: bytes = A) -> list[int]:
        return [original(each).event_number for each in await self.delivered(id)]

    def drops(self) -> list[tuple[bytes, int]]:
        """Return the correlation ids and the reasons of ended subscriptions."""
        drops = [each for each in self.received if each.command == Command.SUBSCRIPTION_DROPPED]
        return [(each.correlation_id, schema.SubscriptionDropped.FromString(each.payload).reason) for each in drops]

    def stored(self, stream: str) -> list[Any]:
        """Return the events of a stream as records."""
        return [each.event for each in self.read_stream(stream, 0, 100, user=ADMIN).events]

    def checkpoints(self) -> list[int]:
        return [json.loads(event.data) for event in self.stored(CHECKPOINTS)]


def settings_of(stream: str, group: str, settings: dict[str, Any]) -> Any:
    """Return a CreatePersistentSubscription, which has the same fields as an UpdatePersistentSubscription."""
    names = {"event_stream_id": stream, "subscription_group_name": group}
    return schema.CreatePersistentSubscription(**{**DEFAULTS, **names, **settings})


def original(appeared: Any) -> Any:
    return appeared.event.link if appeared.event.HasField("link") else appeared.event.event


def id_of(appeared: Any) -> bytes:
    return appeared if isinstance(appeared, bytes) else original(appeared).event_id
