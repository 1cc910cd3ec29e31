"""The error conditions of RFC 9113 that end the connection of a server.

The rows are those that h2spec checks, named after the sections of RFC 9113. Each sends its frames after those of its
start. The client has finished the opening before.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Role
from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    NO_KEEPALIVE,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    RawPeer,
    data,
    drain,
    end_of,
    frame,
    goaway,
    parse,
    ping,
    rst_stream,
    settings,
    window_update,
)
from tests.grpc.http2.starts import (
    CLOSED,
    COMPRESSION,
    CONTINUED,
    FLOW,
    PROTOCOL,
    SIZE,
    WIDEST,
    Frames,
    Start,
    block,
    ended,
    five_opened,
    half_closed,
    idle,
    interrupted,
    opened,
    raw,
    request_on,
    reset_by_peer,
)

CONNECTION_ERRORS = [
    # RFC 9113, section 4.1 and 4.2
    ("4.2 DATA too large", opened, raw(data(1, bytes(16_385))), SIZE),
    ("4.2 HEADERS too large", idle, raw(frame(HEADERS, END_HEADERS, 1, bytes(16_385))), SIZE),
    # RFC 9113, section 4.3
    (
        "4.3 block of garbage",
        idle,
        block(b"\xff\xff\xff\xff\xff"),
        COMPRESSION,
    ),
    ("4.3 block that is cut off", idle, block(b"\x00\x05ab"), COMPRESSION),
    (
        "4.3 table size over the limit",
        idle,
        block(b"\x3f\xe2\x1f"),
        COMPRESSION,
    ),
    ("4.3 table size after a field", idle, block(b"\x82\x20"), COMPRESSION),
    ("4.3 index 0", idle, block(b"\x80"), COMPRESSION),
    ("4.3 index beyond the table", idle, block(b"\xff\x10"), COMPRESSION),
    (
        "4.3 Huffman end of string",
        idle,
        block(b"\x00\x84\xff\xff\xff\xff\x00"),
        COMPRESSION,
    ),
    ("4.3 PRIORITY inside a block", idle, interrupted(frame(PRIORITY, 0, 1, bytes(5))), PROTOCOL),
    (
        "4.3 HEADERS of another stream inside a block",
        idle,
        interrupted(frame(HEADERS, 4, 3, b"\x82")),
        PROTOCOL,
    ),
    ("5.5 unknown frame inside a block", idle, interrupted(frame(0x4F, 0, 1, b"x")), PROTOCOL),
    # RFC 9113, section 5.1
    ("5.1 DATA on an idle stream", idle, raw(data(1, b"x")), PROTOCOL),
    ("5.1 RST_STREAM on an idle stream", idle, raw(rst_stream(1)), PROTOCOL),
    ("5.1 WINDOW_UPDATE on an idle stream", idle, raw(window_update(1, 1)), PROTOCOL),
    ("5.1 CONTINUATION on an idle stream", idle, CONTINUED, PROTOCOL),
    ("5.1 CONTINUATION on a half-closed stream", half_closed, CONTINUED, PROTOCOL),
    ("5.1 CONTINUATION after RST_STREAM", reset_by_peer, CONTINUED, PROTOCOL),
    ("5.1 DATA on an ended stream", ended, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS on an ended stream", ended, request_on(1), CLOSED),
    ("5.1.1 even number", idle, request_on(2), PROTOCOL),
    ("5.1.1 lower number", five_opened, request_on(3), PROTOCOL),
    # RFC 9113, sections 6.1 to 6.4
    ("6.1 DATA on stream 0", idle, raw(data(0, b"x")), PROTOCOL),
    ("6.1 padding as long as DATA", opened, raw(data(1, b"\x03abc"[:3], PADDED)), PROTOCOL),
    ("6.1 padding without its length", opened, raw(data(1, b"", PADDED)), SIZE),
    ("6.2 HEADERS on stream 0", idle, request_on(0), PROTOCOL),
    ("6.2 padding longer than HEADERS", idle, raw(frame(HEADERS, 4 | PADDED, 1, b"\x09abc")), PROTOCOL),
    ("6.2 priority that is cut off", idle, raw(frame(HEADERS, 4 | PRIORITY_FLAG, 1, bytes(4))), SIZE),
    ("6.3 PRIORITY on stream 0", idle, raw(frame(PRIORITY, 0, 0, bytes(5))), PROTOCOL),
    ("6.3 PRIORITY of 4 bytes on an idle stream", idle, raw(frame(PRIORITY, 0, 1, bytes(4))), SIZE),
    ("6.4 RST_STREAM on stream 0", idle, raw(rst_stream(0)), PROTOCOL),
    ("6.4 RST_STREAM of 3 bytes", opened, raw(frame(RST_STREAM, 0, 1, bytes(3))), SIZE),
    # RFC 9113, sections 6.5 to 6.8
    ("6.5 SETTINGS with ACK and a payload", idle, raw(frame(SETTINGS, ACK, 0, bytes(6))), SIZE),
    ("6.5 SETTINGS on a stream", idle, raw(frame(SETTINGS, 0, 1)), PROTOCOL),
    ("6.5 SETTINGS of 5 bytes", idle, raw(frame(SETTINGS, 0, 0, bytes(5))), SIZE),
    ("6.5.2 ENABLE_PUSH 2", idle, raw(settings((2, 2))), PROTOCOL),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^31", idle, raw(settings((4, 2**31))), FLOW),
    ("6.5.2 MAX_FRAME_SIZE 16,383", idle, raw(settings((5, 16_383))), PROTOCOL),
    ("6.5.2 MAX_FRAME_SIZE 2^24", idle, raw(settings((5, 2**24))), PROTOCOL),
    ("6.6 PUSH_PROMISE", opened, raw(frame(PUSH_PROMISE, 4, 1, bytes(4) + b"\x82")), PROTOCOL),
    ("6.7 PING on a stream", idle, raw(frame(PING, 0, 1, bytes(8))), PROTOCOL),
    ("6.7 PING of 7 bytes", idle, raw(frame(PING, 0, 0, bytes(7))), SIZE),
    ("6.8 GOAWAY on a stream", idle, raw(frame(GOAWAY, 0, 1, bytes(8))), PROTOCOL),
    ("6.8 GOAWAY of 7 bytes", idle, raw(frame(GOAWAY, 0, 0, bytes(7))), SIZE),
    # RFC 9113, section 6.9
    ("6.9 WINDOW_UPDATE by 0 on the connection", idle, raw(window_update(0, 0)), PROTOCOL),
    ("6.9 WINDOW_UPDATE of 3 bytes", idle, raw(frame(WINDOW_UPDATE, 0, 0, bytes(3))), SIZE),
    (
        "6.9.1 window of the connection over 2^31-1",
        idle,
        raw(window_update(0, WIDEST), window_update(0, WIDEST)),
        FLOW,
    ),
    (
        "6.9.2 settings widen a stream over 2^31-1",
        opened,
        raw(window_update(1, WIDEST - 65_535), settings((4, 65_536))),
        FLOW,
    ),
    # RFC 9113, section 6.10
    (
        "6.10 CONTINUATION after HEADERS that ended",
        opened,
        CONTINUED,
        PROTOCOL,
    ),
    (
        "6.10 CONTINUATION after CONTINUATION that ended",
        idle,
        interrupted(b"", frame(CONTINUATION, 4, 1)),
        PROTOCOL,
    ),
    (
        "6.10 CONTINUATION on stream 0",
        idle,
        raw(frame(HEADERS, 0, 1, b"\x82"), frame(CONTINUATION, 4, 0)),
        PROTOCOL,
    ),
    (
        "6.10 CONTINUATION after DATA",
        opened,
        raw(data(1, b"x"), frame(CONTINUATION, 4, 1, b"\x82")),
        PROTOCOL,
    ),
    ("6.10 PING inside a block", idle, interrupted(ping()), PROTOCOL),
]


def titles(rows: Sequence[tuple[str, *tuple[object, ...]]]) -> list[str]:
    return [row[0] for row in rows]


@pytest.mark.parametrize(("title", "start", "frames", "code"), CONNECTION_ERRORS, ids=titles(CONNECTION_ERRORS))
def test_invalid_frames_end_the_connection(title: str, start: Start, frames: Frames, code: ErrorCode) -> None:
    peer = RawPeer(Role.SERVER)
    start(peer)
    end = end_of(peer.send(frames(peer)))
    assert end is not None
    assert end.code is code
    last = peer.sent()[-1]
    assert (last.kind, last.number) == (GOAWAY, code)
    assert peer.connection.receive(ping(), 0.0) == []
    assert peer.sent() == []


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", PREFACE[:-1] + b"x", b"\0"])
def test_a_wrong_preface_ends_the_connection(first: bytes) -> None:
    server = Http2Connection(Role.SERVER, NO_KEEPALIVE, 0.0)
    end = end_of(server.receive(first, 0.0))
    assert end is not None
    assert end.code is PROTOCOL
    assert parse(drain(server))[-1].kind == GOAWAY


@pytest.mark.parametrize("first", [ping(), frame(SETTINGS, ACK, 0), frame(0x4F, 0, 0), goaway(0)])
def test_the_first_frame_must_be_settings(first: bytes) -> None:
    server = Http2Connection(Role.SERVER, NO_KEEPALIVE, 0.0)
    end = end_of(server.receive(PREFACE + first, 0.0))
    assert end is not None
    assert end.code is PROTOCOL
