"""What may differ between an answer of ours and the recorded one: places in the log, and times.

Nothing else may, down to the byte. Positions must differ in one way only: a recorded position means
the same position of ours wherever it turns up, and the order is kept.
"""

from __future__ import annotations

from typing import Any

from rxpump.wire import schema
from rxpump.wire.commands import Command
from rxpump.wire.package import Package

TIMES = {"created", "created_epoch"}
POSITIONS = {
    "commit_position", "prepare_position", "next_commit_position", "next_prepare_position",
}  # fmt: skip
ANYWHERE = {"last_commit_position"}  # of the whole server, which also writes things of its own

MESSAGES: dict[int, Any] = {
    Command.READ_ALL_EVENTS_FORWARD: schema.ReadAllEvents,
    Command.READ_ALL_EVENTS_BACKWARD: schema.ReadAllEvents,
    Command.WRITE_EVENTS_COMPLETED: schema.WriteEventsCompleted,
    Command.READ_EVENT_COMPLETED: schema.ReadEventCompleted,
    Command.READ_STREAM_EVENTS_FORWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED: schema.ReadStreamEventsCompleted,
    Command.READ_ALL_EVENTS_FORWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.READ_ALL_EVENTS_BACKWARD_COMPLETED: schema.ReadAllEventsCompleted,
    Command.SUBSCRIPTION_CONFIRMATION: schema.SubscriptionConfirmation,
    Command.STREAM_EVENT_APPEARED: schema.StreamEventAppeared,
}


class Positions:
    """Which of our positions stands for which recorded one."""

    def __init__(self) -> None:
        self._ours: dict[int, int] = {}

    def ours(self, recorded: int) -> int:
        """Ours for a recorded one; those below 1 mean the same everywhere."""
        return recorded if recorded <= 0 else self._ours[recorded]

    def same(self, recorded: int, ours: int) -> int:
        """Learn, or hold to what was learnt."""
        if recorded > 0:
            assert self._ours.setdefault(recorded, ours) == ours, (recorded, ours, self._ours)
            in_order = sorted(self._ours)
            assert [self._ours[each] for each in in_order] == sorted(self._ours.values())
            return ours
        assert recorded == ours
        return ours

    def translate(self, package: Package) -> Package:
        """A recorded request, with our positions in it."""
        if package.command not in (Command.READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_BACKWARD):
            return package
        try:
            message = schema.ReadAllEvents.FromString(package.payload)
        except Exception:
            return package  # meant to be garbage
        message.commit_position = self.ours(message.commit_position)
        message.prepare_position = self.ours(message.prepare_position)
        return package._replace(payload=message.SerializeToString())


def expected_payload(recorded: Package, ours: Package, positions: Positions) -> bytes:
    """The recorded payload, with our times and positions in it."""
    if recorded.command not in MESSAGES:
        return recorded.payload
    message = MESSAGES[recorded.command].FromString(recorded.payload)
    _carry_over(message, MESSAGES[recorded.command].FromString(ours.payload), positions)
    return message.SerializeToString()


def _carry_over(recorded: Any, ours: Any, positions: Positions) -> None:
    for field, value in recorded.ListFields():
        mine = getattr(ours, field.name)
        if field.message_type is not None:
            pairs = [(value, mine)] if hasattr(value, "ListFields") else zip(value, mine, strict=False)
            for one, other in pairs:
                _carry_over(one, other, positions)
        elif field.name in POSITIONS:
            setattr(recorded, field.name, positions.same(value, mine))
        elif field.name in TIMES:
            assert mine > 0
            setattr(recorded, field.name, mine)
        elif field.name in ANYWHERE:
            setattr(recorded, field.name, mine)
