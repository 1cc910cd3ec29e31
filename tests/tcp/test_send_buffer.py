"""Frames on their way to the socket: small ones are joined, large ones are split, and urgent ones are sent first."""

from __future__ import annotations

from rxpump.tcp.send_buffer import PIECE_BYTES, SendBuffer
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package

ID = bytes(range(16))
LARGE = Package(Command.WRITE_EVENTS, ID, bytes(2 * PIECE_BYTES)).encode()


def pieces(buffer: SendBuffer) -> list[bytes]:
    taken = []
    while (piece := buffer.take()) is not None:
        taken.append(bytes(piece))
    return taken


def test_small_frames_are_joined_up_to_a_piece() -> None:
    buffer = SendBuffer()
    frames = [bytes([number]) * (PIECE_BYTES // 2) for number in range(3)]
    buffer.frames.extend(frames)
    assert pieces(buffer) == [frames[0] + frames[1], frames[2]]


def test_a_large_frame_is_cut_into_pieces() -> None:
    buffer = SendBuffer()
    buffer.frames.extend([b"before", LARGE, b"after"])
    assert [len(piece) for piece in pieces(buffer)] == [6, PIECE_BYTES, PIECE_BYTES, len(LARGE) - 2 * PIECE_BYTES, 5]


def test_begun_is_the_id_of_the_frame_in_progress() -> None:
    buffer = SendBuffer()
    buffer.frames.extend([LARGE])
    assert buffer.begun is None
    buffer.take()
    assert buffer.begun == ID
    assert len(buffer) == len(LARGE) - PIECE_BYTES
    pieces(buffer)
    assert buffer.begun is None
    assert len(buffer) == 0


def test_urgent_frames_follow_the_frame_in_progress() -> None:
    buffer = SendBuffer()
    buffer.frames.extend([LARGE, LARGE])
    first = buffer.take()
    assert first is not None
    buffer.put_first([b"a", b"b"])
    sent = bytes(first) + b"".join(pieces(buffer))
    assert sent == LARGE + b"ab" + LARGE


def test_the_repr_shows_the_state() -> None:
    buffer = SendBuffer()
    buffer.frames.extend([LARGE, b"after"])
    buffer.take()
    assert repr(buffer) == f"<SendBuffer 1 frames, in the middle of one, {len(LARGE) - PIECE_BYTES + 5} bytes>"
