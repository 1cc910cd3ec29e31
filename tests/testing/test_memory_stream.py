"""Compare the decisions of the mock transport about appends with those of the embedded server."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from rxpump.errors import StreamDeleted, WrongExpectedVersion
from rxpump.model.new_events import NewEvent
from rxpump.server.store import append_rule
from rxpump.server.store.append_rule import decide
from rxpump.server.strictness import Strictness
from rxpump.testing.memory_log import MemoryLog
from rxpump.testing.memory_stream import MemoryStream

EVENTS = [NewEvent("A", n) for n in range(5)]
WRITES = st.lists(st.sampled_from(EVENTS), max_size=3)
VERSIONS = st.integers(-2, 6) | st.just(-4)


class ServerView:
    """A stream of the mock transport in the form that the append rule of the server requires."""

    def __init__(self, stream: MemoryStream) -> None:
        self._stream = stream
        self.last = stream.last
        self.is_tombstoned = stream.is_tombstoned
        self.is_soft_deleted = stream.is_soft_deleted

    def has_metadata(self) -> bool:
        settings = self._stream.settings()
        return settings is not None and settings.last >= 0

    def recent(self, event_id: bytes, strictness: Strictness) -> int | None:
        return next((each.event_number for each in self._stream.events if each.event_id == event_id), None)

    def ids_after(self, number: int, count: int) -> list[bytes]:
        return [each.event_id for each in self._stream.events[number + 1 : number + 1 + count]]


def outcome_of_mock(stream: MemoryStream, ids: list[bytes], expected: int) -> object:
    try:
        placement = stream.placed(ids, expected)
    except WrongExpectedVersion as error:
        return append_rule.WrongVersion(-1 if error.current is None else error.current)
    except StreamDeleted:
        return append_rule.StreamDeleted()
    if placement.is_repeated:
        return append_rule.Repeated(placement.first, placement.last)
    return append_rule.Append(placement.first)


@given(st.lists(WRITES, max_size=4), st.sampled_from(["kept", "soft", "undeleted", "hard"]), WRITES, VERSIONS)
@example([[EVENTS[0]]], "soft", [], -1)
def test_the_mock_decides_like_the_server(
    history: list[list[NewEvent]], state: str, events: list[NewEvent], expected: int
) -> None:
    log = MemoryLog()
    for each in history:
        log.append("s", each, log.stream("s").last)
    if state != "kept":
        log.delete("s", -2, hard=state == "hard")
    if state == "undeleted":
        log.append("s", [EVENTS[0]], log.stream("s").last)
    stream, ids = log.stream("s"), [event.id_bytes for event in events]
    assert outcome_of_mock(stream, ids, expected) == decide(expected, ids, ServerView(stream))
