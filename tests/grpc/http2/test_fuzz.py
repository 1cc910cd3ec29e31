"""For any input from a peer, the following statements are true.

1. No method of the connection raises, except `CannotSend` and `CannotOpenStream` where this endpoint may not send.
2. Events of a stream come in order: headers, data, trailers. After its end only a reset can follow, and after that
   nothing. No event is about a stream that neither side has opened.
3. The connection ends at most once. `ConnectionEnded` is the last event, its code is one that RFC 9113 has for
   faults of a peer, and the last frame is a GOAWAY with this code. Afterwards there are no events and no bytes.
4. A stream is reset only if it was opened, with a code that RFC 9113 has for faults of a peer (or our own CANCEL, or
   NO_ERROR after a complete response).
5. Whole frames are sent, no larger than 64 KiB. Each PING is answered in order, with its bytes.
6. The number of buffered bytes is bounded: an incomplete frame, an incomplete header block, answers, our own data.
   So is the number of streams that are open or remembered.
7. Events and frames do not depend on where the bytes were cut, except for these: adjacent DATA is reported in other
   parts; windows are restored at other times; data just before the fault of its stream may be left out.
"""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rxpump.grpc.http2 import Role
from rxpump.grpc.http2.frames import MAX_WINDOW
from tests.fuzzing import mutated
from tests.grpc import recordings
from tests.grpc.http2.fuzz_run import NEW, VERBS, Block, OnStream, Run, Step
from tests.grpc.http2.raw_peer import (
    DATA,
    GOAWAY,
    PING,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    TRAILERS,
    WINDOW_UPDATE,
    frame,
    settings,
)

POSITION = st.sampled_from([0, 0, 0, 1, 2, 3])
FLAGS = st.sampled_from([0, 0x1, 0x4, 0x5, 0x8, 0x9, 0x20, 0x2D]) | st.integers(0, 255)
LONG = st.sampled_from([0, 1, 100, MAX_WINDOW, 2**32 - 1]) | st.integers(0, 2**32 - 1)


def longs(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}L", *numbers)


# Input from a peer that obeys the protocol
GOOD_SETTING = st.sampled_from([(1, 0), (1, 4096), (3, 100), (4, 0), (4, 10), (4, 65_535), (5, 16_384), (5, 20_000)])
GOOD = st.one_of(
    st.builds(Block, st.just(NEW), st.sampled_from([4, 4, 5]), st.none(), st.integers(1, 3)),
    st.builds(Block, st.just(NEW), st.sampled_from([4, 4, 5]), st.none(), st.integers(1, 3)),
    st.builds(Block, POSITION, st.just(5), st.just(TRAILERS)),
    st.builds(OnStream, st.just(DATA), st.sampled_from([0, 0, 0, 1]), POSITION, st.binary(min_size=1, max_size=60)),
    st.builds(OnStream, st.just(DATA), st.sampled_from([0, 0, 0, 1]), POSITION, st.binary(min_size=1, max_size=60)),
    st.builds(OnStream, st.just(DATA), st.just(0x8), POSITION, st.just(b"\x04abc" + bytes(4))),
    st.builds(OnStream, st.just(WINDOW_UPDATE), st.just(0), POSITION, st.integers(1, 2000).map(longs)),
    st.builds(lambda by: frame(WINDOW_UPDATE, 0, 0, longs(by)), st.integers(1, 9000)),
    st.builds(OnStream, st.just(RST_STREAM), st.just(0), POSITION, st.integers(0, 14).map(longs)),
    st.builds(lambda pairs: settings(*pairs), st.lists(GOOD_SETTING, max_size=4)),
    st.builds(lambda data: frame(PING, 0, 0, data), st.binary(min_size=8, max_size=8)),
    st.builds(lambda last: frame(GOAWAY, 0, 0, longs(last, 0)), st.sampled_from([0, 3, 5, MAX_WINDOW])),
)

# Input from a peer that breaks the protocol
FIELD = st.sampled_from(
    [
        *REQUEST,
        *RESPONSE,
        ("content-length", "3"),
        ("X", "upper"),
        ("te", "gzip"),
        (":status", "100"),
        ("x", "y" * 300),
        ("connection", "close"),
        ("x", "a\nb"),
    ]
)
HEADERS = st.sampled_from([REQUEST, RESPONSE, TRAILERS]) | st.lists(FIELD, max_size=6).map(tuple)
SETTING = st.tuples(st.integers(0, 8), LONG)
BAD = st.one_of(
    st.builds(Block, POSITION | st.just(NEW), FLAGS, HEADERS, st.integers(1, 3)),
    st.builds(OnStream, st.integers(0, 11), FLAGS, POSITION, st.binary(max_size=300)),
    st.builds(OnStream, st.just(WINDOW_UPDATE), st.just(0), POSITION, LONG.map(longs)),
    st.builds(frame, st.integers(0, 11), FLAGS, st.integers(0, 9) | LONG, st.binary(max_size=40)),
    st.builds(lambda pairs: settings(*pairs), st.lists(SETTING, max_size=4)),
)
RECORDED = [
    line.encode()
    for name in ("23.10/http2-errors", "26.1/kpy-append")
    for line in recordings.load(name)
    if line.kind in recordings.KINDS and len(line.fields.get("block", "")) < 400
]
SPOILT = st.sampled_from(RECORDED) | mutated(RECORDED) | st.binary(max_size=20)

# Actions of this endpoint
ACTION = st.tuples(st.sampled_from(VERBS), st.integers(0, 3))

KINDS = {"good": GOOD, "action": ACTION, "bad": BAD, "spoilt": SPOILT}


def steps_of(kinds: list[str], most: int) -> st.SearchStrategy[list[Step]]:
    """Return a strategy of up to `most` steps of these kinds. A kind that is listed more often is more likely."""
    return st.lists(st.sampled_from(kinds).flatmap(KINDS.__getitem__), max_size=most)


MOSTLY_GOOD = steps_of([*["good"] * 6, *["action"] * 6, "bad"], 60)
BAD_AT_ALL_TIMES = steps_of(["good", "action", "bad", "bad", "spoilt"], 12)
STEPS = st.tuples(MOSTLY_GOOD, BAD_AT_ALL_TIMES).map(lambda both: [*both[0], *both[1]])


def fuzz(examples: int) -> None:
    @hypothesis_settings(max_examples=examples, deadline=None)
    @given(st.sampled_from(Role), STEPS, st.sampled_from([1, 2, 9, 10, 50]))
    def check_random_input(role: Role, steps: list[Step], cut: int) -> None:
        whole, pieces = Run(role, 1 << 20), Run(role, cut)
        for run in (whole, pieces):
            run.take(steps)
            run.check()
        assert whole.comparable_events() == pieces.comparable_events()
        assert whole.comparable_frames() == pieces.comparable_frames()

    check_random_input()


def test_a_connection_accepts_random_frames() -> None:
    fuzz(300)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_rounds_of_random_frames_are_accepted() -> None:
    fuzz(10 * int(os.environ.get("ROUNDS", "2000")))
