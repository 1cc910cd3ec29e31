"""What may differ between an answer of ours and the recorded one: what a server makes up, and times.

A server makes up positions in the log, ids of transactions and ids of the events that it writes itself.
They must differ in one way only: a recorded one means the same one of ours wherever it turns up, and of
positions the order is kept. Nothing else may differ, down to the byte; but in JSON with a time in it
only the time may, and how it is spaced.
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import DecodeError

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

TIMES = {"created", "created_epoch"}
TIMES_IN_JSON = {"added", "updated"}
POSITIONS = {
    "commit_position", "prepare_position", "next_commit_position", "next_prepare_position",
}  # fmt: skip
IDS = {"transaction_id", "event_id"}
CONTENT = {"data", "metadata"}
WHATEVER = {"last_commit_position", "total_time_ms"}  # it writes things of its own, and its disk has its own pace

MESSAGES: dict[int, Any] = {
    Command.WRITE_EVENTS: schema.WriteEvents,
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents,
    Command.TRANSACTION_WRITE: schema.TransactionWrite,
    Command.TRANSACTION_COMMIT: schema.TransactionCommit,
    Command.WRITE_EVENTS_COMPLETED: schema.WriteEventsCompleted,
    Command.DELETE_STREAM_COMPLETED: schema.DeleteStreamCompleted,
    Command.TRANSACTION_START_COMPLETED: schema.TransactionStartCompleted,
    Command.TRANSACTION_WRITE_COMPLETED: schema.TransactionWriteCompleted,
    Command.TRANSACTION_COMMIT_COMPLETED: schema.TransactionCommitCompleted,
    Command.READ_EVENT_COMPLETED: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.SUBSCRIPTION_CONFIRMATION: schema.SubscriptionConfirmation,
    Command.STREAM_EVENT_APPEARED: schema.StreamEventAppeared,
    Command.PERSISTENT_SUBSCRIPTION_CONFIRMATION: schema.PersistentSubscriptionConfirmation,
    Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED: schema.PersistentSubscriptionStreamEventAppeared,
    Command.SCAVENGE_DATABASE_COMPLETED: schema.ScavengeDatabaseCompleted,
}
"""Requests with something in them that a server made up, and answers with something that may differ."""


class Ours:
    """What of ours stands for what of the recorded server's: positions, ids of transactions, ids of events."""

    def __init__(self) -> None:
        self._positions: dict[int, int] = {}
        self._made: dict[Any, Any] = {}
        self._sent: set[bytes] = set()

    def position(self, recorded: int) -> int:
        """Our position for a recorded one; those below 1 mean the same everywhere."""
        return recorded if recorded <= 0 else self._positions[recorded]

    def learn_position(self, recorded: int, ours: int) -> int:
        """Learn, or hold to what was learnt."""
        if recorded > 0:
            assert self._positions.setdefault(recorded, ours) == ours, (recorded, ours, self._positions)
            in_order = sorted(self._positions)
            assert [self._positions[each] for each in in_order] == sorted(self._positions.values())
            return ours
        assert recorded == ours
        return ours

    def learn(self, recorded: Any, ours: Any) -> Any:
        """The same for what has no order; an id that the client made is what it is."""
        if recorded in self._sent:
            assert recorded == ours
        assert self._made.setdefault(recorded, ours) == ours, (recorded, ours)
        return ours

    def translate(self, package: Package) -> Package:
        """A recorded request, with what our server made up in it."""
        try:
            message = MESSAGES[package.command].FromString(package.payload)
        except (KeyError, DecodeError):
            return package  # nothing of the kind, or meant to be garbage
        match package.command:
            case Command.READ_ALL_EVENTS_FORWARD | Command.READ_ALL_EVENTS_BACKWARD:
                message.commit_position = self.position(message.commit_position)
                message.prepare_position = self.position(message.prepare_position)
            case Command.TRANSACTION_WRITE | Command.TRANSACTION_COMMIT:
                message.transaction_id = self._made.get(message.transaction_id, message.transaction_id)
        self._sent.update(event.event_id for event in getattr(message, "events", ()))
        return package._replace(payload=message.SerializeToString())


def expected_payload(recorded: Package, ours: Package, made: Ours) -> bytes:
    """The recorded payload, with our times in it and what our server made up."""
    if recorded.command not in MESSAGES:
        return recorded.payload
    message = MESSAGES[recorded.command].FromString(recorded.payload)
    _carry_over(message, MESSAGES[recorded.command].FromString(ours.payload), made)
    payload: bytes = message.SerializeToString()
    return payload


def said(package: Package) -> str:
    """What a package says, for people."""
    message = MESSAGES.get(package.command)
    return f"{package!r}: {package.payload!r}" if message is None else repr(message.FromString(package.payload))


def _carry_over(recorded: Any, ours: Any, made: Ours) -> None:
    for field, value in recorded.ListFields():
        mine = getattr(ours, field.name)
        if field.message_type is not None:
            pairs = [(value, mine)] if hasattr(value, "ListFields") else zip(value, mine, strict=False)
            for one, other in pairs:
                _carry_over(one, other, made)
        elif field.name in POSITIONS:
            setattr(recorded, field.name, made.learn_position(value, mine))
        elif field.name in IDS:
            setattr(recorded, field.name, made.learn(value, mine))
        elif field.name in TIMES:
            assert mine > 0
            setattr(recorded, field.name, mine)
        elif field.name in WHATEVER:
            setattr(recorded, field.name, mine)
        elif field.name in CONTENT and (timeless := _without_times(value)):
            assert _without_times(mine) == timeless
            setattr(recorded, field.name, mine)


def _without_times(content: bytes) -> dict[str, Any]:
    """What JSON says that has a time in it; nothing if it is none, or has none."""
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    if not isinstance(said, dict) or not said.keys() & TIMES_IN_JSON:
        return {}
    return {key: "some time" if key in TIMES_IN_JSON else value for key, value in said.items()}
