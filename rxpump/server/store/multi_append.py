"""The change that appends events to several streams, all of them or none, if each stream is in an expected state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from rxpump.model.positions import ExpectedVersion
from rxpump.server.store.append_rule import Append, Decision, Repeated, StreamDeleted, decide
from rxpump.server.store.changes import REPEATED_POSITION
from rxpump.server.store.new_event import Writable
from rxpump.server.store.undelete import Undelete
from rxpump.server.store.write_transaction import OpenStream, WriteTransaction
from rxpump.server.strictness import Strictness

SOFT_DELETED: Final = -5
"""State of a stream that is soft-deleted."""

TOMBSTONED: Final = -6
"""State of a stream that is tombstoned."""

_ANY: Final = int(ExpectedVersion.ANY)


class Check(NamedTuple):
    """A condition on a stream, which need not be written to.

    Attributes:
        stream: Name of the stream.
        expected: Number of its last event, NO_STREAM or STREAM_EXISTS of `ExpectedVersion`, `SOFT_DELETED` or
            `TOMBSTONED`.
    """

    stream: str
    expected: int


class Violation(NamedTuple):
    """A condition that does not hold.

    Attributes:
        check_index: Index of the check; None for the expected version of a stream that is written.
        stream: Name of the stream.
        expected: State that was expected.
        actual: Number of the last event, -1 for no stream, `SOFT_DELETED` or `TOMBSTONED`.
        last: Number of the last event, also of a soft-deleted stream; -1 for no stream.
    """

    check_index: int | None
    stream: str
    expected: int
    actual: int
    last: int


class MultiAppended(NamedTuple):
    """Result: the events are in their streams.

    Attributes:
        last: Number of the last event of each stream that was written, by name.
        position: Position of the last event; `REPEATED_POSITION` if all events were there already.
    """

    last: Mapping[str, int]
    position: int


class Violated(NamedTuple):
    """Result: nothing was written, because conditions do not hold."""

    violations: Sequence[Violation]


MultiAppendResult = MultiAppended | Violated


class MultiAppendRequest(NamedTuple):
    """A change that appends events to several streams.

    Attributes:
        records: Name of the stream and event, in the order of the log, at least one.
        expected: Expected versions of streams that are written, by name; ANY for those that are missing.
        checks: Further conditions, at most one for each stream.
        strictness: How exactly to imitate a real server.
    """

    records: Sequence[tuple[str, Writable]]
    expected: Mapping[str, int]
    checks: Sequence[Check]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """Cost of the change: one for each event and each check."""
        return 1 + len(self.records) + len(self.checks)

    def apply(self, log: WriteTransaction) -> MultiAppendResult:
        """Check the conditions, and write the events unless all of them are already in their streams."""
        decisions = self._decisions(log)
        if all(isinstance(decision, Repeated) for decision in decisions.values()):
            return MultiAppended(_last(decisions), REPEATED_POSITION)
        violations = self._violated_checks(log)
        violations += self._conflicts(log, decisions, {each.stream for each in violations})
        if violations:
            return Violated(violations)
        return MultiAppended(*self._write(log))

    def _decisions(self, log: WriteTransaction) -> dict[str, Decision]:
        """Return the decision on the events of each stream, as if they were appended alone."""
        ids: dict[str, list[bytes]] = {}
        for stream, event in self.records:
            ids.setdefault(stream, []).append(event.event_id)
        return {
            name: decide(self.expected.get(name, _ANY), each, log.stream(name), self.strictness)
            for name, each in ids.items()
        }

    def _violated_checks(self, log: WriteTransaction) -> list[Violation]:
        found = []
        for index, (name, expected) in enumerate(self.checks):
            stream = log.stream(name)
            actual = _state(stream)
            if not _holds(expected, actual):
                found.append(Violation(index, name, expected, actual, _last_number(stream)))
        return found

    def _conflicts(
        self, log: WriteTransaction, decisions: Mapping[str, Decision], known: Set[str]
    ) -> list[Violation]:
        """Return violations for streams that cannot be written to or have the events already.

        Streams whose names are in `known` are left out.
        """
        return [
            Violation(
                None,
                name,
                self.expected.get(name, _ANY),
                TOMBSTONED if isinstance(decision, StreamDeleted) else _state(log.stream(name)),
                _last_number(log.stream(name)),
            )
            for name, decision in decisions.items()
            if name not in known and not isinstance(decision, Append)
        ]

    def _write(self, log: WriteTransaction) -> tuple[dict[str, int], int]:
        last: dict[str, int] = {}
        undeletes: dict[str, Undelete | None] = {}
        position = REPEATED_POSITION
        for name, records in groupby(self.records, itemgetter(0)):
            stream = log.stream(name)
            if name not in undeletes:
                undeletes[name] = Undelete.of_write(log, stream)
            position = log.write(stream, [event for _, event in records])
            last[name] = stream.last
        for undelete in undeletes.values():
            if undelete is not None:
                undelete.complete(log)
        return last, position

    def __str__(self) -> str:
        return f"an append to {len({stream for stream, _ in self.records})} streams"


def _last(decisions: Mapping[str, Decision]) -> dict[str, int]:
    return {name: decision.last for name, decision in decisions.items() if isinstance(decision, Repeated)}


def _state(stream: OpenStream) -> int:
    if stream.is_tombstoned:
        return TOMBSTONED
    return SOFT_DELETED if stream.is_soft_deleted else stream.last


def _last_number(stream: OpenStream) -> int:
    return -1 if stream.is_tombstoned else stream.last


def _holds(expected: int, actual: int) -> bool:
    return actual >= 0 if expected == ExpectedVersion.STREAM_EXISTS else expected == actual
