"""Frames in a byte stream: split at any byte, joined if they are adjacent data of one stream, and too large."""

from __future__ import annotations

import pytest

from rxpump.grpc.http2.error_codes import ConnectionFault, ErrorCode
from rxpump.grpc.http2.frame_reader import FrameReader
from tests.grpc.http2.raw_peer import DATA, END_STREAM, PADDED, PING, PREFACE, data, frame, ping

LARGEST = 16_384
PING_FRAME = (PING, 0, 0, bytes(8))


def read(*parts: bytes, preface: bytes = b"") -> list[tuple[int, int, int, bytes]]:
    reader = FrameReader(preface, LARGEST)
    return [found for part in parts for found in reader.feed(part)]


def test_adjacent_data_of_a_stream_is_one_frame() -> None:
    assert read(data(1, b"ab") + data(1, b"cd") + data(1, b"e")) == [(DATA, 0, 1, b"abcde")]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (data(1, b"a") + data(3, b"b"), [(DATA, 0, 1, b"a"), (DATA, 0, 3, b"b")]),
        (
            data(1, b"a") + ping(bytes(8)) + data(1, b"b"),
            [(DATA, 0, 1, b"a"), PING_FRAME, (DATA, 0, 1, b"b")],
        ),
        (data(1, b"a", END_STREAM) + data(1, b"b"), [(DATA, END_STREAM, 1, b"a"), (DATA, 0, 1, b"b")]),
        (data(1, b"a") + data(1, b"b", END_STREAM), [(DATA, END_STREAM, 1, b"ab")]),
        (data(1, b"a") + data(1) + data(1, b"b"), [(DATA, 0, 1, b"a"), (DATA, 0, 1, b""), (DATA, 0, 1, b"b")]),
        (data(1, b"a") + data(1, b"\0b", PADDED), [(DATA, 0, 1, b"a"), (DATA, PADDED, 1, b"\0b")]),
        (data(1 | 1 << 31, b"a") + data(1, b"b"), [(DATA, 0, 1, b"ab")]),
        (data(1, b"a", 0xF6) + data(1, b"b"), [(DATA, 0, 1, b"ab")]),
    ],
)
def test_other_frames_are_returned_one_by_one(frames: bytes, expected: list[tuple[int, int, int, bytes]]) -> None:
    assert read(frames) == expected


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 24, 25, 40])
def test_frames_are_read_however_they_are_cut(size: int) -> None:
    stream = PREFACE + ping(bytes(8)) + data(1, b"a" * 30) + ping(bytes(8))
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    found = read(*parts, preface=PREFACE)
    assert found == [PING_FRAME, (DATA, 0, 1, b"a" * 30), PING_FRAME]


def test_an_incomplete_frame_is_buffered() -> None:
    reader = FrameReader(PREFACE, LARGEST)
    assert list(reader.feed(PREFACE[:20])) == []
    assert reader.held_bytes == 20
    assert list(reader.feed(PREFACE[20:] + data(1, b"abc")[:10])) == []
    assert repr(reader) == "<FrameReader holding 10 bytes>"
    assert list(reader.feed(b"b")) == []
    assert reader.held_bytes == 11
    assert list(reader.feed(b"c")) == [(DATA, 0, 1, b"abc")]
    assert reader.held_bytes == 0


def test_a_frame_that_arrives_byte_by_byte_is_joined_once() -> None:
    reader = FrameReader(b"", LARGEST)
    whole = data(1, bytes(LARGEST))
    for number, octet in enumerate(whole[:-1], 1):
        assert list(reader.feed(bytes([octet]))) == []
        assert reader.held_bytes == number
    assert len(reader._chunks) > 16_000  # The chunks are not joined yet.
    assert list(reader.feed(whole[-1:])) == [(DATA, 0, 1, bytes(LARGEST))]


@pytest.mark.parametrize("kind", [DATA, PING, 0x4F])
def test_a_frame_that_is_too_large_is_refused_by_its_header(kind: int) -> None:
    found = FrameReader(b"", LARGEST).feed(data(1, b"before") + frame(kind, 0, 1, bytes(LARGEST + 1))[:9])
    assert next(found) == (DATA, 0, 1, b"before")
    with pytest.raises(ConnectionFault) as caught:
        next(found)
    assert caught.value.code is ErrorCode.FRAME_SIZE_ERROR
    assert str(caught.value) == "FRAME_SIZE_ERROR: a frame of 16,385 bytes, at most 16,384 are allowed"
