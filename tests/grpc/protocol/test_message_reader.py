"""Messages in a byte stream: split, adjacent, compressed, too large, and malformed."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.grpc.protocol.message_reader import MessageReader, frame_message

LARGEST = 1000
MESSAGES = [b"", b"a", b"bc" * 200, b"", bytes(LARGEST)]
STREAM = b"".join(map(frame_message, MESSAGES))


def compressed(message: bytes, flag: int = 1) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 7, 100, len(STREAM)])
def test_messages_are_read_however_they_are_cut(size: int) -> None:
    reader = MessageReader(LARGEST, None)
    found: list[bytes] = []
    for start in range(0, len(STREAM), size):
        found += reader.feed(STREAM[start : start + size])
    reader.finish()
    assert found == MESSAGES
    assert (reader.failure, reader.held_bytes) == (None, 0)


def test_messages_are_returned_when_they_are_complete() -> None:
    reader = MessageReader(LARGEST, None)
    assert reader.feed(frame_message(b"ab") + frame_message(b"cd")[:6]) == [b"ab"]
    assert reader.held_bytes == 6
    assert reader.feed(b"d") == [b"cd"]
    assert reader.held_bytes == 0


@pytest.mark.parametrize("kept", [1, 4, 5, 7])
def test_a_message_that_is_cut_off_is_a_failure(kept: int) -> None:
    reader = MessageReader(LARGEST, None)
    assert reader.feed(frame_message(b"whole") + frame_message(b"abc")[:kept]) == [b"whole"]
    assert reader.held_bytes == kept
    reader.finish()
    assert reader.failure is not None
    assert (reader.failure.code, reader.failure.reason) == (StatusCode.INTERNAL, "Incomplete message.")


def test_a_message_over_the_limit_is_refused_by_its_prefix() -> None:
    reader = MessageReader(LARGEST, None)
    assert reader.feed(frame_message(b"fits") + (0).to_bytes(1) + (LARGEST + 1).to_bytes(4)) == [b"fits"]
    assert reader.failure is not None
    assert reader.failure.code is StatusCode.RESOURCE_EXHAUSTED
    assert str(reader.failure).startswith("RESOURCE_EXHAUSTED: Received message exceeds the maximum")
    assert (reader.feed(frame_message(b"later")), reader.held_bytes) == ([], 0)


def test_compressed_messages_are_read() -> None:
    reader = MessageReader(LARGEST, "gzip")
    stream = compressed(gzip.compress(bytes(LARGEST))) + frame_message(b"plain") + compressed(gzip.compress(b""))
    assert reader.feed(stream) == [bytes(LARGEST), b"plain", b""]
    assert reader.failure is None


def test_a_compressed_message_may_not_grow_over_the_limit() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    reader = MessageReader(1_000_000, "gzip")
    tracemalloc.start()
    try:
        assert reader.feed(compressed(bomb)) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.failure is not None
    assert reader.failure.code is StatusCode.RESOURCE_EXHAUSTED
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("encoding", "data", "code", "reason"),
    [
        (None, compressed(gzip.compress(b"x", mtime=0)), StatusCode.INTERNAL, "did not include grpc-encoding"),
        ("identity", compressed(gzip.compress(b"x", mtime=0)), StatusCode.INTERNAL, "did not include grpc-encoding"),
        ("snappy", compressed(b"x"), StatusCode.UNIMPLEMENTED, "Unsupported grpc-encoding value 'snappy'"),
        ("gzip", compressed(b"trash"), StatusCode.INTERNAL, "not valid gzip"),
        ("gzip", compressed(gzip.compress(b"x", mtime=0)[:-3]), StatusCode.INTERNAL, "not valid gzip"),
        ("gzip", compressed(gzip.compress(b"x", mtime=0) + b"more"), StatusCode.INTERNAL, "not valid gzip"),
        ("deflate", compressed(b"x"), StatusCode.UNIMPLEMENTED, "Supported encodings: identity, gzip"),
        ("gzip", compressed(b"x", flag=2), StatusCode.INTERNAL, "the flag 2"),
        (None, compressed(b"x", flag=255), StatusCode.INTERNAL, "the flag 255"),
        (None, b"\0\xff\xff\xff\xff", StatusCode.INTERNAL, "the size 4294967295"),
    ],
)
def test_bytes_that_are_not_messages_are_a_failure(
    encoding: str | None, data: bytes, code: StatusCode, reason: str
) -> None:
    reader = MessageReader(LARGEST, encoding)
    assert reader.feed(frame_message(b"good") + data) == [b"good"]
    assert reader.failure is not None
    assert reader.failure.code is code
    assert reason in reader.failure.reason


def test_a_large_message_is_joined_once() -> None:
    reader = MessageReader(1_000_000, None)
    whole = frame_message(bytes(1_000_000))
    for start in range(0, 1_000_000, 1000):
        assert reader.feed(whole[start : start + 1000]) == []
    assert len(reader._chunks) == 1000  # The chunks are not joined yet.
    assert reader.held_bytes == 1_000_000
    assert reader.feed(whole[1_000_000:]) == [bytes(1_000_000)]


@given(st.lists(st.binary(max_size=50), max_size=10), st.lists(st.integers(1, 60), min_size=1))
def test_messages_in_any_pieces_are_read(messages: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(map(frame_message, messages))
    reader = MessageReader(50, None)
    found: list[bytes] = []
    turn = 0
    while stream:
        size = sizes[turn % len(sizes)]
        found += reader.feed(stream[:size])
        stream = stream[size:]
        turn += 1
    assert found == messages


def test_the_repr_shows_the_state() -> None:
    reader = MessageReader(5, "gzip")
    reader.feed(b"\0\0")
    assert repr(reader) == "<MessageReader holding 2 bytes, encoding gzip>"
    reader.feed(b"\0\0\x09")
    assert repr(reader) == (
        "<MessageReader holding 0 bytes, encoding gzip, failed: RESOURCE_EXHAUSTED: "
        "Received message exceeds the maximum configured message size.>"
    )
