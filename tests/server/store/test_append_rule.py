"""The decision table of docs/protocol/tcp.md, section 4.3, with one test for each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server.store.append_rule import Append, Repeated, StreamDeleted, Unanswered, WrongVersion, decide
from rxpump.server.strictness import Strictness

ANY, NO_STREAM, STREAM_EXISTS = -2, -1, -4
REAL = Strictness.REAL


@dataclass
class Stream:
    """A stream with the given ids.

    Another stream received the ids `elsewhere` before. A scavenge has removed the first `scavenged` events.
    """

    ids: list[bytes] = field(default_factory=list)
    metadata: bool = False
    elsewhere: frozenset[bytes] = frozenset()
    is_tombstoned: bool = False
    is_soft_deleted: bool = False
    scavenged: int = 0

    @property
    def last(self) -> int:
        return len(self.ids) - 1

    def has_metadata(self) -> bool:
        return self.metadata

    def recent(self, event_id: bytes, strictness: Strictness) -> int | None:
        if event_id not in self.ids or (strictness is REAL and event_id in self.elsewhere):
            return None
        return self.ids.index(event_id)

    def ids_after(self, number: int, count: int) -> list[bytes]:
        return self.ids[max(number + 1, self.scavenged) : number + 1 + count]


A, B, C, D, NEW = b"a", b"b", b"c", b"d", b"new"
ABC = Stream([A, B, C])
GONE = Stream([A, B, C], is_tombstoned=True)
SOFT = Stream([A, B, C], is_soft_deleted=True)
SCAVENGED = Stream([A, B, C], is_soft_deleted=True, scavenged=3)


@pytest.mark.parametrize(
    ("row", "expected", "ids", "stream", "decision"),
    [
        *((1, expected, [A], GONE, StreamDeleted()) for expected in (ANY, NO_STREAM, STREAM_EXISTS, 2, 7)),
        (2, STREAM_EXISTS, [A], SOFT, StreamDeleted()),
        (2, STREAM_EXISTS, [], SOFT, StreamDeleted()),
        (3, STREAM_EXISTS, [A], Stream(), WrongVersion(-1)),
        (3, STREAM_EXISTS, [], Stream(), WrongVersion(-1)),
        (4, STREAM_EXISTS, [A], Stream(metadata=True), Append(0)),
        (4, STREAM_EXISTS, [NEW], ABC, Append(3)),
        (4, ANY, [A], Stream(), Append(0)),
        (4, ANY, [NEW], ABC, Append(3)),
        (4, ANY, [NEW, A], ABC, Append(3)),
        (5, ANY, [A, NEW], ABC, WrongVersion(2)),
        (5, STREAM_EXISTS, [A, NEW], ABC, WrongVersion(2)),
        (6, ANY, [A, B, C], ABC, Repeated(0, 2)),
        (6, ANY, [B], ABC, Repeated(1, 1)),
        (6, STREAM_EXISTS, [B, C], ABC, Repeated(1, 2)),
        (6, ANY, [A], Stream([A, B, A]), Repeated(0, 0)),
        (6, ANY, [A, B], Stream([A, B], elsewhere=frozenset({A, B})), Repeated(0, 1)),
        (6, ANY, [C, B], ABC, Repeated(2, 1)),
        (7, ANY, [C, A], ABC, WrongVersion(2)),
        (7, STREAM_EXISTS, [C, B, A], ABC, WrongVersion(2)),
        (8, NO_STREAM, [A, B, C], ABC, Repeated(0, 2)),
        (8, NO_STREAM, [A], ABC, Repeated(0, 0)),
        (8, 0, [B], ABC, Repeated(1, 1)),
        (8, 0, [B], Stream([A, B], elsewhere=frozenset({B})), Repeated(1, 1)),
        (9, NO_STREAM, [NEW], ABC, WrongVersion(2)),
        (9, 1, [B], ABC, WrongVersion(2)),
        (9, NO_STREAM, [], ABC, WrongVersion(2)),
        (8, NO_STREAM, [A, B], SOFT, Repeated(0, 1)),
        (9, NO_STREAM, [NEW], SOFT, Append(3)),
        (9, NO_STREAM, [A], SCAVENGED, Append(3)),
        (9, NO_STREAM, [C], Stream([A, B, C], is_soft_deleted=True, scavenged=2), Append(3)),
        (9, NO_STREAM, [], SOFT, WrongVersion(2)),
        (9, 0, [NEW], SOFT, WrongVersion(2)),
        (10, NO_STREAM, [A, NEW], SOFT, WrongVersion(2)),
        (12, 2, [NEW], SOFT, Append(3)),
        (10, NO_STREAM, [A, NEW], ABC, WrongVersion(2)),
        (10, 0, [B, C, D], ABC, WrongVersion(2)),
        (11, 0, [A], Stream(), WrongVersion(-1)),
        (11, 7, [A], ABC, WrongVersion(2)),
        (12, NO_STREAM, [A], Stream(), Append(0)),
        (12, 2, [NEW], ABC, Append(3)),
        (12, 2, [C], ABC, Append(3)),
        (12, 2, [A, A], ABC, Append(3)),
        (12, ANY, [], ABC, Append(3)),
        (12, 2, [], ABC, Append(3)),
        (12, NO_STREAM, [], Stream(), Append(0)),
    ],
)
def test_each_row_of_the_table_has_its_decision(
    row: int, expected: int, ids: list[bytes], stream: Stream, decision: Any
) -> None:
    assert decide(expected, ids, stream) == decision


@pytest.mark.parametrize(
    ("row", "expected", "ids", "stream", "decision"),
    [
        (4, ANY, [A], Stream([A], elsewhere=frozenset({A})), Append(1)),
        (4, STREAM_EXISTS, [A, B], Stream([A, B], elsewhere=frozenset({A})), Append(2)),
        (5, ANY, [A, B], Stream([A, B], elsewhere=frozenset({B})), WrongVersion(1)),
        (6, ANY, [A], Stream([A], elsewhere=frozenset({B})), Repeated(0, 0)),
        (7, ANY, [C, A], ABC, Unanswered()),
        (7, STREAM_EXISTS, [C, B, A], ABC, Unanswered()),
        (8, NO_STREAM, [A], Stream([A], elsewhere=frozenset({A})), Repeated(0, 0)),
    ],
)
def test_strict_ids_belong_to_their_first_stream(
    row: int, expected: int, ids: list[bytes], stream: Stream, decision: Any
) -> None:
    assert decide(expected, ids, stream, REAL) == decision


@given(
    stored=st.lists(st.sampled_from([A, B, C, D])),
    expected=st.integers(-1, 5),
    ids=st.lists(st.sampled_from([A, B, C, D]), min_size=1),
)
def test_a_repeat_with_an_exact_version_is_always_detected(
    stored: list[bytes], expected: int, ids: list[bytes]
) -> None:
    stream = Stream(stored)
    decision = decide(expected, ids, stream)
    if isinstance(decision, Append):
        stream.ids += ids
    if not isinstance(decision, WrongVersion):
        assert decide(expected, ids, stream) == Repeated(expected + 1, expected + len(ids))
