"""The error conditions of RFC 9113 that end one stream of a server, and frames that end nothing.

The rows are those that h2spec checks, named after the sections of RFC 9113. Each sends its frames after those of its
start. The client has finished the opening before.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rxpump.grpc.http2 import ErrorCode, Role
from rxpump.grpc.http2.http2_events import HeadersReceived, StreamReset
from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    REQUEST,
    RST_STREAM,
    SETTINGS,
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
    FLOW,
    PROTOCOL,
    REFUSED,
    SIZE,
    WIDEST,
    Frames,
    Start,
    after_priority,
    ended,
    half_closed,
    headers,
    hundred_opened,
    idle,
    interrupted,
    opened,
    raw,
    request_on,
    request_with,
    request_without,
    reset_by_peer,
    reset_here,
    with_length,
)

STREAM_ERRORS = [
    # RFC 9113, section 5.1
    ("5.1 DATA on a half-closed stream", half_closed, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS on a half-closed stream", half_closed, request_on(1), CLOSED),
    ("5.1 DATA after RST_STREAM", reset_by_peer, raw(data(1, b"x")), CLOSED),
    ("5.1 HEADERS after RST_STREAM", reset_by_peer, request_on(1), CLOSED),
    ("5.1.2 too many streams", hundred_opened, request_on(203), REFUSED),
    # RFC 9113, sections 6.3 and 6.9
    ("6.3 PRIORITY of 4 bytes", opened, raw(frame(PRIORITY, 0, 1, bytes(4))), SIZE),
    ("6.9 WINDOW_UPDATE by 0", opened, raw(window_update(1, 0)), PROTOCOL),
    (
        "6.9.1 window of a stream over 2^31-1",
        opened,
        raw(window_update(1, WIDEST), window_update(1, WIDEST)),
        FLOW,
    ),
    ("6.9.1 more DATA than the window of a stream", opened, raw(*[data(1, bytes(16_384))] * 65), FLOW),
    # RFC 9113, sections 8.1 to 8.3
    ("8.1 trailers that do not end the stream", opened, headers(("a", "b")), PROTOCOL),
    ("8.1.1 length longer than the body", idle, with_length("5", b"abcd"), PROTOCOL),
    ("8.1.1 length shorter than the body", idle, with_length("3", b"abcd"), PROTOCOL),
    ("8.1.1 length shorter than several DATA frames", idle, with_length("5", b"abc", b"def"), PROTOCOL),
    (
        "8.1.1 length without a body",
        idle,
        request_with(("content-length", "1"), flags=5),
        PROTOCOL,
    ),
    ("8.1.1 length that is no number", idle, request_with(("content-length", "1x")), PROTOCOL),
    ("8.1.1 length of 5,000 digits", idle, request_with(("content-length", "9" * 5000)), PROTOCOL),
    (
        "8.1.1 two different lengths",
        idle,
        request_with(("content-length", "1"), ("content-length", "2")),
        PROTOCOL,
    ),
    ("8.2 name in upper case", idle, request_with(("X-Test", "1")), PROTOCOL),
    ("8.2.1 space in a name", idle, request_with(("x test", "1")), PROTOCOL),
    ("8.2.1 colon in a name", idle, request_with(("x:test", "1")), PROTOCOL),
    ("8.2.1 name that is empty", idle, request_with(("", "1")), PROTOCOL),
    ("8.2.1 name beyond ASCII", idle, request_with(("né", "1")), PROTOCOL),
    ("8.2.1 line feed in a value", idle, request_with(("x", "a\nb")), PROTOCOL),
    ("8.2.1 carriage return in a value", idle, request_with(("x", "a\rb")), PROTOCOL),
    ("8.2.1 NUL in a value", idle, request_with(("x", "a\0b")), PROTOCOL),
    ("8.2.1 space before a value", idle, request_with(("x", " a")), PROTOCOL),
    ("8.2.1 tab after a value", idle, request_with(("x", "a\t")), PROTOCOL),
    ("8.2.1 line feed in :path", idle, headers(*REQUEST[:2], (":path", "/a\nb")), PROTOCOL),
    ("8.2.2 connection", idle, request_with(("connection", "keep-alive")), PROTOCOL),
    ("8.2.2 proxy-connection", idle, request_with(("proxy-connection", "x")), PROTOCOL),
    ("8.2.2 keep-alive", idle, request_with(("keep-alive", "x")), PROTOCOL),
    ("8.2.2 transfer-encoding", idle, request_with(("transfer-encoding", "chunked")), PROTOCOL),
    ("8.2.2 upgrade", idle, request_with(("upgrade", "h2c")), PROTOCOL),
    ("8.2.2 te other than trailers", idle, request_with(("te", "gzip")), PROTOCOL),
    ("8.3 unknown pseudo-header", idle, headers((":test", "x"), *REQUEST), PROTOCOL),
    ("8.3 pseudo-header of responses", idle, headers((":status", "200"), *REQUEST), PROTOCOL),
    ("8.3 pseudo-header after a field", idle, request_with((":authority", "x")), PROTOCOL),
    ("8.3 pseudo-header twice", idle, headers((":method", "POST"), *REQUEST), PROTOCOL),
    ("8.3 pseudo-header in trailers", opened, headers((":method", "POST"), flags=5), PROTOCOL),
    ("8.3.1 no :method", idle, request_without(":method"), PROTOCOL),
    ("8.3.1 no :scheme", idle, request_without(":scheme"), PROTOCOL),
    ("8.3.1 no :path", idle, request_without(":path"), PROTOCOL),
    ("8.3.1 :path that is empty", idle, headers(*REQUEST[:2], (":path", "")), PROTOCOL),
    (
        "8.5 CONNECT with :path",
        idle,
        headers((":method", "CONNECT"), (":authority", "x"), (":path", "/")),
        PROTOCOL,
    ),
    ("8.5 CONNECT without :authority", idle, headers((":method", "CONNECT")), PROTOCOL),
    ("8441 :protocol, which is not enabled", idle, headers((":protocol", "x"), *REQUEST), PROTOCOL),
]


LEFT = WIDEST - 65_535

TOLERATED = [
    ("4.1 unknown frame", idle, raw(frame(0x4F, 0xFF, 0, b"x"))),
    ("4.1 unknown flags", idle, raw(frame(PING, 0xFE, 0, bytes(8)))),
    ("4.1 reserved bit", opened, raw(frame(0, 0, 1 | 1 << 31, b"x"))),
    ("4.2 DATA of 16,384 bytes", opened, raw(data(1, bytes(16_384)))),
    ("4.3 block in three frames", idle, interrupted(frame(CONTINUATION, 0, 1))),
    ("5.1 PRIORITY on an idle stream", idle, raw(frame(PRIORITY, 0, 9, bytes(5)))),
    ("5.1 PRIORITY on an ended stream", ended, raw(frame(PRIORITY, 0, 1, bytes(5)))),
    ("5.1 WINDOW_UPDATE on a half-closed stream", half_closed, raw(window_update(1, 1))),
    ("5.1 WINDOW_UPDATE on an ended stream", ended, raw(window_update(1, 1))),
    ("5.1 RST_STREAM on an ended stream", ended, raw(rst_stream(1))),
    ("5.1 DATA on a stream reset here", reset_here, raw(data(1, b"x"))),
    ("5.1 HEADERS on a stream reset here", reset_here, headers(("a", "b"), flags=5)),
    ("5.1 WINDOW_UPDATE on a stream reset here", reset_here, raw(window_update(1, 0))),
    ("5.3.1 stream that depends on itself", idle, raw(frame(PRIORITY, 0, 1, b"\0\0\0\1\0"))),
    ("6.1 padded DATA", opened, raw(data(1, b"\x03abc\0\0\0", PADDED))),
    (
        "6.2 padded HEADERS with priority",
        idle,
        lambda p: frame(HEADERS, 0x2D, 1, b"\x02" + bytes(5) + p.block(REQUEST) + bytes(2)),
    ),
    ("6.2 HEADERS of priority only", idle, after_priority),
    ("6.5 unknown setting", idle, raw(settings((0xFF, 1)))),
    ("6.5.2 ENABLE_PUSH 1", idle, raw(settings((2, 1)))),
    ("6.5 acknowledgement that was not awaited", idle, raw(frame(SETTINGS, ACK, 0))),
    ("6.7 acknowledgement of no PING", idle, raw(ping(flags=ACK))),
    ("6.8 GOAWAY", idle, raw(goaway(0))),
    ("6.9.1 windows of 2^31-1", opened, raw(window_update(1, LEFT), window_update(0, LEFT))),
    ("6.9.2 settings that make a window 2^31-1", opened, raw(settings((4, WIDEST)))),
    ("7 GOAWAY with an unknown code", idle, raw(goaway(0, 0xFF))),
    ("7 RST_STREAM with an unknown code", opened, raw(rst_stream(1, 0xFF))),
    ("8.1 trailers", opened, headers(("a", "b"), flags=5)),
    ("8.1.1 length of the body", idle, with_length("6", b"abc", b"def")),
    ("8.2.1 value beyond ASCII", idle, request_with(("x", "né"))),
    ("8.2.2 te trailers", idle, request_with(("te", "trailers"))),
    ("8.5 CONNECT", idle, headers((":method", "CONNECT"), (":authority", "x"))),
]


def titles(rows: Sequence[tuple[str, *tuple[object, ...]]]) -> list[str]:
    return [row[0] for row in rows]


@pytest.mark.parametrize(("title", "start", "frames", "code"), STREAM_ERRORS, ids=titles(STREAM_ERRORS))
def test_invalid_frames_end_the_stream(title: str, start: Start, frames: Frames, code: ErrorCode) -> None:
    peer = RawPeer(Role.SERVER)
    start(peer)
    events = peer.send(frames(peer))
    assert end_of(events) is None
    resets = [each for each in peer.sent() if each.kind == RST_STREAM]
    assert [each.number for each in resets] == [code]
    was_reported = start in (opened, half_closed) or any(isinstance(event, HeadersReceived) for event in events)
    ends = [(event.stream_id, event.code) for event in events if isinstance(event, StreamReset)]
    assert ends == [(resets[0].stream_id, code)] * was_reported
    assert peer.is_alive()


@pytest.mark.parametrize(("title", "start", "frames"), TOLERATED, ids=titles(TOLERATED))
def test_unusual_frames_are_tolerated(title: str, start: Start, frames: Frames) -> None:
    peer = RawPeer(Role.SERVER)
    start(peer)
    assert end_of(peer.send(frames(peer))) is None
    assert {each.kind for each in peer.sent()}.isdisjoint({GOAWAY, RST_STREAM})
    assert peer.is_alive()


@pytest.mark.parametrize("cut", [1, 1 << 20])
def test_the_end_of_a_stream_counts_in_a_frame_behind_a_faulty_one(cut: int) -> None:
    """The reader joins adjacent DATA frames if they arrive together."""
    peer = RawPeer(Role.SERVER)
    half_closed(peer)
    sent = data(1, b"a") + data(1, b"b", END_STREAM) + peer.headers(1)
    events = [event for at in range(0, len(sent), cut) for event in peer.send(sent[at : at + cut])]
    reset, end = events
    assert isinstance(reset, StreamReset)
    assert reset.code is ErrorCode.STREAM_CLOSED
    assert end is end_of(events)
