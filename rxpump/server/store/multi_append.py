"""The change that appends events to several streams, all of them or none, if each stream is in an expected state.

Each stream is checked alone. A stream without events to append is only checked. If all events are in their streams
already, the append is a repetition, and succeeds whatever the checks find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import ExpectedVersion
from rxpump.server.store.append_rule import Append, Decision, Repeated, decide
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
_NO_STREAM: Final = int(ExpectedVersion.NO_STREAM)
_STREAM_EXISTS: Final = int(ExpectedVersion.STREAM_EXISTS)


class Violation(NamedTuple):
    """A stream that is not in the expected state, or that has some of the events already.

    Attributes:
        check_index: Place of the stream among the expected states.
        stream: Name of the stream.
        expected: State that was expected.
        actual: Number of the last event; -1 for no stream; `TOMBSTONED`; or `SOFT_DELETED`, if the stream was
            expected to exist.
    """

    check_index: int
    stream: str
    expected: int
    actual: int


class MultiAppended(NamedTuple):
    """Result: the events are in their streams.

    Attributes:
        last: Number of the last event of each stream that was written, by name.
        position: Position of the last event; `REPEATED_POSITION` if all events were there already.
    """

    last: Mapping[str, int]
    position: int


class Violated(NamedTuple):
    """Result: nothing was written, because of at least one violation."""

    violations: Sequence[Violation]


MultiAppendResult = MultiAppended | Violated


class MultiAppendRequest(NamedTuple):
    """A change that appends events to several streams.

    Attributes:
        records: Name of the stream and event, in the order of the log, at least one.
        expected: Expected state of each stream, by name: the number of its last event, an `ExpectedVersion`,
            `SOFT_DELETED` or `TOMBSTONED`. It has all streams that are written, and others that are only checked.
        strictness: How exactly to imitate a real server.
    """

    records: Sequence[tuple[str, Writable]]
    expected: Mapping[str, int]
    strictness: Strictness = Strictness.LENIENT

    @property
    def weight(self) -> int:
        """Cost of the change: one for each event and each stream."""
        return 1 + len(self.records) + len(self.expected)

    def apply(self, log: WriteTransaction) -> MultiAppendResult:
        """Check the streams, and write the events unless all of them are already in their streams."""
        decisions = self._decisions(log)
        if all(isinstance(decision, Repeated) for decision in decisions.values()):
            return MultiAppended(_last(decisions), REPEATED_POSITION)
        violations = self._violations(log, decisions)
        if violations:
            return Violated(violations)
        return MultiAppended(*self._write(log))

    def _decisions(self, log: WriteTransaction) -> dict[str, Decision]:
        """Return the decision on the events of each stream that is written, as if they were appended alone."""
        ids: dict[str, list[bytes]] = {}
        for stream, event in self.records:
            ids.setdefault(stream, []).append(event.event_id)
        return {
            name: decide(_version(self.expected[name]), each, log.stream(name), self.strictness)
            for name, each in ids.items()
        }

    def _violations(self, log: WriteTransaction, decisions: Mapping[str, Decision]) -> Sequence[Violation]:
        found = []
        for index, (name, expected) in enumerate(self.expected.items()):
            stream = log.stream(name)
            if name in decisions:
                is_right = isinstance(decisions[name], Append) and (
                    expected != SOFT_DELETED or stream.is_soft_deleted
                )
            else:
                is_right = _holds(expected, stream)
            if not is_right:
                found.append(Violation(index, name, expected, _state(stream, expected)))
        return found

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


def _version(state: int) -> int:
    """Return the expected version of an append to a stream that is expected to be in a state."""
    if state == SOFT_DELETED:
        return _ANY
    return MAX_EVENT_NUMBER if state == TOMBSTONED else state


def _holds(expected: int, stream: OpenStream) -> bool:
    """Return whether a stream that is not written is in the expected state.

    A deleted stream is also in the state of no stream. A soft-deleted one still has the number of its last event.
    """
    if stream.is_tombstoned:
        return expected in (TOMBSTONED, _NO_STREAM, _ANY)
    if expected == _STREAM_EXISTS:
        return not stream.is_soft_deleted and (stream.last >= 0 or stream.has_metadata())
    if stream.is_soft_deleted:
        return expected in (SOFT_DELETED, _NO_STREAM, _ANY, stream.last)
    return expected in (_ANY, stream.last)


def _state(stream: OpenStream, expected: int) -> int:
    if stream.is_tombstoned:
        return TOMBSTONED
    return SOFT_DELETED if expected == _STREAM_EXISTS and stream.is_soft_deleted else stream.last
