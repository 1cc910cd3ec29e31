"""Compare replies of the embedded server with recorded ones, except for values that differ between servers.

Each server chooses positions in the log, ids of transactions, and ids of the events that it writes itself. Each
recorded value must always correspond to the same value of the embedded server, and positions must have the same
order. All other bytes must be equal, except for times and white space in JSON that contains a time.
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
WHATEVER = {"last_commit_position", "total_time_ms"}  # Fields whose values depend on positions or times.

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
"""Messages that contain values chosen by the server or values that may differ, by command."""


class Ours:
    """The values of the embedded server for recorded positions, ids of transactions and ids of events."""

    def __init__(self) -> None:
        self._positions: dict[int, int] = {}
        self._made: dict[Any, Any] = {}
        self._sent: set[bytes] = set()

    def position(self, recorded: int) -> int:
        """Return the position for a recorded one. Positions below 1 are equal on all servers."""
        return recorded if recorded <= 0 else self._positions[recorded]

    def record_position(self, recorded: int, ours: int) -> int:
        """Record the position for a recorded one, or check it if it is known."""
        if recorded > 0:
            assert self._positions.setdefault(recorded, ours) == ours, (recorded, ours, self._positions)
            in_order = sorted(self._positions)
            assert [self._positions[each] for each in in_order] == sorted(self._positions.values())
            return ours
        assert recorded == ours
        return ours

    def record(self, recorded: Any, ours: Any) -> Any:
        """Record or check a value without an order. Ids from the client are equal on all servers."""
        if recorded in self._sent:
            assert recorded == ours
        assert self._made.setdefault(recorded, ours) == ours, (recorded, ours)
        return ours

    def translate(self, package: Package) -> Package:
        """Return a recorded request with the values of the embedded server."""
        try:
            message = MESSAGES[package.command].FromString(package.payload)
        except (KeyError, DecodeError):
            return package  # another command, or an intentionally invalid payload
        match package.command:
            case Command.READ_ALL_EVENTS_FORWARD | Command.READ_ALL_EVENTS_BACKWARD:
                message.commit_position = self.position(message.commit_position)
                message.prepare_position = self.position(message.prepare_position)
            case Command.TRANSACTION_WRITE | Command.TRANSACTION_COMMIT:
                message.transaction_id = self._made.get(message.transaction_id, message.transaction_id)
        self._sent.update(event.event_id for event in getattr(message, "events", ()))
        return package._replace(payload=message.SerializeToString())


def expected_payload(recorded: Package, ours: Package, made: Ours) -> bytes:
    """Return the recorded payload with the times and values of the embedded server."""
    if recorded.command not in MESSAGES:
        return recorded.payload
    message = MESSAGES[recorded.command].FromString(recorded.payload)
    _copy_values(message, MESSAGES[recorded.command].FromString(ours.payload), made)
    payload: bytes = message.SerializeToString()
    return payload


def readable(package: Package) -> str:
    """Return a readable text for a package."""
    message = MESSAGES.get(package.command)
    return f"{package!r}: {package.payload!r}" if message is None else repr(message.FromString(package.payload))


def _copy_values(recorded: Any, ours: Any, made: Ours) -> None:
    for field, value in recorded.ListFields():
        mine = getattr(ours, field.name)
        if field.message_type is not None:
            pairs = [(value, mine)] if hasattr(value, "ListFields") else zip(value, mine, strict=False)
            for one, other in pairs:
                _copy_values(one, other, made)
        elif field.name in POSITIONS:
            setattr(recorded, field.name, made.record_position(value, mine))
        elif field.name in IDS:
            setattr(recorded, field.name, made.record(value, mine))
        elif field.name in TIMES:
            assert mine > 0
            setattr(recorded, field.name, mine)
        elif field.name in WHATEVER:
            setattr(recorded, field.name, mine)
        elif field.name in CONTENT and (timeless := _without_times(value)):
            assert _without_times(mine) == timeless
            setattr(recorded, field.name, mine)


def _without_times(content: bytes) -> dict[str, Any]:
    """Return JSON without its times, or None if the text is no JSON or contains no time."""
    try:
        said = json.loads(content)
    except ValueError:
        return {}
    if not isinstance(said, dict) or not said.keys() & TIMES_IN_JSON:
        return {}
    return {key: "some time" if key in TIMES_IN_JSON else value for key, value in said.items()}
