"""The error conditions of RFC 9113 for a client: faults of a server, and the reaction of the client.

Rules that do not depend on the role are in the tables for servers. The rows are named after the sections of RFC 9113.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Role
from rxpump.grpc.http2.http2_events import Http2Event, StreamReset
from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    NO_KEEPALIVE,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    SETTINGS,
    TRAILERS,
    WINDOW_UPDATE,
    RawPeer,
    data,
    end_of,
    frame,
    goaway,
    ping,
    rst_stream,
    settings,
    window_update,
)
from tests.grpc.http2.starts import (
    CLOSED,
    COMPRESSION,
    FLOW,
    PROTOCOL,
    SIZE,
    WIDEST,
    Frames,
    Start,
    block,
    headers,
    raw,
)

BOTH = END_HEADERS | END_STREAM


def idle(peer: RawPeer) -> None:
    """Do nothing, so that no stream is open."""


def called(peer: RawPeer) -> None:
    peer.connection.open_stream(REQUEST)
    peer.sent()


def answered(peer: RawPeer) -> None:
    called(peer)
    peer.send(peer.headers(1, RESPONSE))


def with_head_request(peer: RawPeer) -> None:
    peer.connection.open_stream([(":method", "HEAD"), *REQUEST[1:]])
    peer.connection.end_stream(1)
    peer.sent()


def completed(peer: RawPeer) -> None:
    answered(peer)
    peer.connection.end_stream(1)
    peer.sent()
    peer.send(peer.headers(1, TRAILERS, BOTH))


def half_closed(peer: RawPeer) -> None:
    answered(peer)
    peer.send(peer.headers(1, TRAILERS, BOTH))


def cancelled(peer: RawPeer) -> None:
    answered(peer)
    peer.connection.reset(1, ErrorCode.CANCEL)
    peer.sent()


def reset_by_server(peer: RawPeer) -> None:
    answered(peer)
    peer.send(rst_stream(1))


def response_with(*pairs: tuple[str, str], flags: int = END_HEADERS) -> Frames:
    return headers(*RESPONSE, *pairs, flags=flags)


def then(*parts: Frames) -> Frames:
    return lambda peer: b"".join(part(peer) for part in parts)


CONNECTION_ERRORS = [
    ("4.2 DATA too large", answered, raw(data(1, bytes(16_385))), SIZE),
    ("4.3 block of garbage", called, block(b"\xff\xff\xff\xff\xff"), COMPRESSION),
    ("4.3 frame inside a block", called, raw(frame(HEADERS, 0, 1, b"\x88"), ping()), PROTOCOL),
    ("5.1 DATA on an idle stream", idle, raw(data(1, b"x")), PROTOCOL),
    ("5.1 HEADERS on an idle stream", idle, headers(*RESPONSE), PROTOCOL),
    ("5.1 RST_STREAM on an idle stream", idle, raw(rst_stream(1)), PROTOCOL),
    ("5.1 WINDOW_UPDATE on an idle stream", idle, raw(window_update(1, 1)), PROTOCOL),
    ("5.1 DATA on an ended stream", completed, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS on an ended stream", completed, headers(*RESPONSE), CLOSED),
    ("5.1.1 stream of the server", called, lambda peer: peer.headers(2, RESPONSE), PROTOCOL),
    ("5.1.1 DATA on a stream of the server", called, raw(data(2, b"x")), PROTOCOL),
    ("6.1 DATA on stream 0", called, raw(data(0, b"x")), PROTOCOL),
    ("6.1 padding longer than DATA", answered, raw(data(1, b"\x05abc", PADDED)), PROTOCOL),
    ("6.4 RST_STREAM on stream 0", called, raw(rst_stream(0)), PROTOCOL),
    ("6.4 RST_STREAM of 5 bytes", called, raw(frame(RST_STREAM, 0, 1, bytes(5))), SIZE),
    ("6.5 SETTINGS with ACK and a payload", idle, raw(frame(SETTINGS, ACK, 0, bytes(6))), SIZE),
    ("6.5.2 ENABLE_PUSH 1", idle, raw(settings((2, 1))), PROTOCOL),
    ("6.5.2 INITIAL_WINDOW_SIZE 2^31", idle, raw(settings((4, 2**31))), FLOW),
    ("6.5.2 MAX_FRAME_SIZE 16,383", idle, raw(settings((5, 16_383))), PROTOCOL),
    ("6.6 PUSH_PROMISE", called, raw(frame(PUSH_PROMISE, 4, 1, b"\0\0\0\2\x82")), PROTOCOL),
    ("6.7 PING of 9 bytes", idle, raw(frame(PING, 0, 0, bytes(9))), SIZE),
    ("6.8 GOAWAY on a stream", called, raw(frame(GOAWAY, 0, 1, bytes(8))), PROTOCOL),
    ("6.9 WINDOW_UPDATE by 0", idle, raw(window_update(0, 0)), PROTOCOL),
    ("6.9.1 window of the connection over 2^31-1", idle, raw(*[window_update(0, WIDEST)] * 2), FLOW),
    ("6.9.2 settings widen a stream over 2^31-1", called, raw(window_update(1, 2**30), settings((4, WIDEST))), FLOW),
    ("6.9.1 WINDOW_UPDATE of 5 bytes", called, raw(frame(WINDOW_UPDATE, 0, 1, bytes(5))), SIZE),
    ("6.10 CONTINUATION alone", called, raw(frame(CONTINUATION, 4, 1, b"\x88")), PROTOCOL),
]

STREAM_ERRORS = [
    ("5.1 DATA on a half-closed stream", half_closed, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS on a half-closed stream", half_closed, headers(*TRAILERS, flags=BOTH), CLOSED),
    ("5.1 DATA after RST_STREAM", reset_by_server, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS after RST_STREAM", reset_by_server, headers(*TRAILERS, flags=BOTH), CLOSED),
    ("6.3 PRIORITY of 6 bytes", called, raw(frame(PRIORITY, 0, 1, bytes(6))), SIZE),
    ("6.9 WINDOW_UPDATE by 0", called, raw(window_update(1, 0)), PROTOCOL),
    ("6.9.1 window of a stream over 2^31-1", called, raw(*[window_update(1, WIDEST)] * 2), FLOW),
    ("6.9.1 more DATA than the window of a stream", answered, raw(*[data(1, bytes(16_384))] * 65), FLOW),
    ("8.1 DATA before HEADERS", called, raw(data(1, b"x")), PROTOCOL),
    ("8.1 trailers that do not end the stream", answered, headers(*TRAILERS), PROTOCOL),
    ("8.1 interim response that ends the stream", called, headers((":status", "103"), flags=BOTH), PROTOCOL),
    (
        "8.1.1 length shorter than the body",
        called,
        then(response_with(("content-length", "1")), raw(data(1, b"ab"))),
        PROTOCOL,
    ),
    (
        "8.1.1 length longer than the body",
        called,
        then(response_with(("content-length", "3")), raw(data(1, b"ab", 1))),
        PROTOCOL,
    ),
    (
        "8.1.1 length longer than the body before trailers",
        called,
        then(response_with(("content-length", "3")), headers(*TRAILERS, flags=BOTH)),
        PROTOCOL,
    ),
    ("8.1.1 length without a body", called, response_with(("content-length", "3"), flags=BOTH), PROTOCOL),
    ("8.2 name in upper case", called, response_with(("Date", "x")), PROTOCOL),
    ("8.2.1 line feed in a value", called, response_with(("x", "a\nb")), PROTOCOL),
    ("8.2.1 line feed in a trailer", answered, headers(("x", "a\nb"), flags=BOTH), PROTOCOL),
    ("8.2.2 connection", called, response_with(("connection", "close")), PROTOCOL),
    ("8.2.2 transfer-encoding in a trailer", answered, headers(("transfer-encoding", "x"), flags=BOTH), PROTOCOL),
    ("8.3 pseudo-header of requests", called, headers(*RESPONSE[:1], (":path", "/")), PROTOCOL),
    ("8.3 pseudo-header in trailers", answered, headers((":status", "200"), flags=BOTH), PROTOCOL),
    ("8.3 pseudo-header after a field", called, headers(("x", "y"), *RESPONSE), PROTOCOL),
    ("8.3.2 no :status", called, headers(*RESPONSE[1:]), PROTOCOL),
    ("8.3.2 :status twice", called, headers(*RESPONSE[:1], *RESPONSE), PROTOCOL),
    ("8.3.2 :status that is no number", called, headers((":status", "abc")), PROTOCOL),
    ("8.3.2 :status of two digits", called, headers((":status", "20")), PROTOCOL),
    ("8.6 :status 101", called, headers((":status", "101")), PROTOCOL),
]

TOLERATED = [
    ("4.1 unknown frame", called, raw(frame(0xFA, 0xFF, 1, b"x"))),
    ("5.1 DATA on a cancelled stream", cancelled, raw(data(1, b"x"), data(1, b"y", END_STREAM))),
    ("5.1 trailers on a cancelled stream", cancelled, headers(*TRAILERS, flags=BOTH)),
    ("5.1 RST_STREAM on a cancelled stream", cancelled, raw(rst_stream(1))),
    ("5.1 RST_STREAM on an ended stream", completed, raw(rst_stream(1, 0))),
    ("5.1 WINDOW_UPDATE on an ended stream", completed, raw(window_update(1, 5))),
    ("6.1 padded DATA", answered, raw(data(1, b"\x02ab\0\0", PADDED))),
    ("6.1 DATA of padding only", answered, raw(data(1, b"\x02\0\0", PADDED))),
    ("6.3 PRIORITY", called, raw(frame(PRIORITY, 0, 1, bytes(5)))),
    ("6.5.2 ENABLE_PUSH 0", idle, raw(settings((2, 0)))),
    (
        "6.5.2 the whole range",
        idle,
        raw(settings((1, 0), (3, 0), (4, WIDEST), (5, 2**24 - 1), (6, 1), (8, 1), (9, 9))),
    ),
    (
        "8.1 interim responses",
        called,
        then(headers((":status", "100")), headers((":status", "103")), headers(*RESPONSE)),
    ),
    ("8.1 response without a body", called, headers(*RESPONSE, *TRAILERS, flags=BOTH)),
    ("8.2.1 spaces around a value", called, response_with(("x", " a "), ("y", " "), ("z", "\ta"))),
    ("8.2.1 spaces around a value of a trailer", answered, headers(("x", " a "), *TRAILERS, flags=BOTH)),
    ("8.1.1 length of a response without a body", called, response_with(("content-length", "0"), flags=BOTH)),
    ("8.1.1 length of status 304", called, headers((":status", "304"), ("content-length", "9"), flags=BOTH)),
    ("8.1.1 length of a response to HEAD", with_head_request, response_with(("content-length", "9"), flags=BOTH)),
]


def titles(rows: Sequence[tuple[str, *tuple[object, ...]]]) -> list[str]:
    return [row[0] for row in rows]


@pytest.mark.parametrize(("title", "start", "frames", "code"), CONNECTION_ERRORS, ids=titles(CONNECTION_ERRORS))
def test_invalid_frames_end_the_connection(title: str, start: Start, frames: Frames, code: ErrorCode) -> None:
    peer = RawPeer(Role.CLIENT)
    start(peer)
    end = end_of(peer.send(frames(peer)))
    assert end is not None
    assert end.code is code
    last = peer.sent()[-1]
    assert (last.kind, last.number) == (GOAWAY, code)
    assert not peer.connection.may_open


@pytest.mark.parametrize(("title", "start", "frames", "code"), STREAM_ERRORS, ids=titles(STREAM_ERRORS))
def test_invalid_frames_end_the_stream(title: str, start: Start, frames: Frames, code: ErrorCode) -> None:
    peer = RawPeer(Role.CLIENT)
    start(peer)
    events: list[Http2Event] = peer.send(frames(peer))
    assert end_of(events) is None
    assert [(each.stream_id, each.number) for each in peer.sent() if each.kind == RST_STREAM] == [(1, code)]
    was_open = start is not reset_by_server
    assert [event.code for event in events if isinstance(event, StreamReset)] == [code] * was_open
    assert peer.is_alive()
    assert peer.connection.may_open


@pytest.mark.parametrize(("title", "start", "frames"), TOLERATED, ids=titles(TOLERATED))
def test_unusual_frames_are_tolerated(title: str, start: Start, frames: Frames) -> None:
    peer = RawPeer(Role.CLIENT)
    start(peer)
    events = peer.send(frames(peer))
    assert end_of(events) is None
    assert not any(isinstance(event, StreamReset) for event in events)
    assert {each.kind for each in peer.sent()}.isdisjoint({GOAWAY, RST_STREAM})
    assert peer.is_alive()


def test_the_first_frame_of_a_server_must_be_settings() -> None:
    client = Http2Connection(Role.CLIENT, NO_KEEPALIVE, 0.0)
    end = end_of(client.receive(goaway(0), 0.0))
    assert end is not None
    assert end.code is PROTOCOL


def test_an_answer_in_http_1_ends_the_connection() -> None:
    client = Http2Connection(Role.CLIENT, NO_KEEPALIVE, 0.0)
    end = end_of(client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0.0))
    assert end is not None
    assert (end.code, end.reason) == (ErrorCode.HTTP_1_1_REQUIRED, "the peer uses HTTP/1.1, not HTTP/2")
