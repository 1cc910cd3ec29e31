"""Initial states of connections, and frames, for the tables of error conditions."""

from __future__ import annotations

from collections.abc import Callable

from rxpump.grpc.http2 import ErrorCode
from tests.grpc.http2.raw_peer import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PRIORITY_FLAG,
    REQUEST,
    RawPeer,
    data,
    frame,
    rst_stream,
)

Start = Callable[[RawPeer], object]
Frames = Callable[[RawPeer], bytes]

PROTOCOL = ErrorCode.PROTOCOL_ERROR
FLOW = ErrorCode.FLOW_CONTROL_ERROR
SIZE = ErrorCode.FRAME_SIZE_ERROR
CLOSED = ErrorCode.STREAM_CLOSED
COMPRESSION = ErrorCode.COMPRESSION_ERROR
REFUSED = ErrorCode.REFUSED_STREAM

WIDEST = 2**31 - 1


def idle(peer: RawPeer) -> None:
    """Do nothing, so that no stream is open."""


def five_opened(peer: RawPeer) -> None:
    peer.request(5)


def hundred_opened(peer: RawPeer) -> None:
    for number in range(1, 201, 2):
        peer.request(number)


def opened(peer: RawPeer) -> None:
    peer.request(1)


def half_closed(peer: RawPeer) -> None:
    peer.request(1, END_STREAM)


def ended(peer: RawPeer) -> None:
    peer.request(1, END_STREAM)
    peer.connection.send_trailers(1, [(":status", "200")])
    peer.sent()


def reset_by_peer(peer: RawPeer) -> None:
    peer.request(1)
    peer.send(rst_stream(1))


def reset_here(peer: RawPeer) -> None:
    peer.request(1)
    peer.connection.reset(1, ErrorCode.CANCEL)
    peer.sent()


def raw(*parts: bytes) -> Frames:
    return lambda peer: b"".join(parts)


def block(encoded: bytes) -> Frames:
    """Return a function that makes a request with this header block."""
    return raw(frame(HEADERS, END_HEADERS, 1, encoded))


def headers(*pairs: tuple[str, str], flags: int = END_HEADERS) -> Frames:
    return lambda peer: peer.headers(1, pairs, flags)


def request_on(stream_id: int) -> Frames:
    return lambda peer: peer.headers(stream_id)


def request_with(*pairs: tuple[str, str], flags: int = END_HEADERS) -> Frames:
    return headers(*REQUEST, *pairs, flags=flags)


def request_without(name: str) -> Frames:
    return headers(*(pair for pair in REQUEST if pair[0] != name))


def interrupted(between: bytes, after: bytes = b"") -> Frames:
    """Return a function that makes a request whose header block is sent in two parts."""

    def frames(peer: RawPeer) -> bytes:
        encoded = peer.block(REQUEST)
        first, rest = frame(HEADERS, 0, 1, encoded[:5]), frame(CONTINUATION, END_HEADERS, 1, encoded[5:])
        return first + between + rest + after

    return frames


def after_priority(peer: RawPeer) -> bytes:
    """Return a request whose first frame is a PRIORITY frame."""
    first = frame(HEADERS, PRIORITY_FLAG, 1, bytes(5))
    return first + frame(CONTINUATION, END_HEADERS, 1, peer.block(REQUEST))


def with_length(length: str, *bodies: bytes) -> Frames:
    """Return a function that makes a request with this content-length and these DATA frames."""

    def frames(peer: RawPeer) -> bytes:
        body = [data(1, each, END_STREAM if each is bodies[-1] else 0) for each in bodies]
        return peer.headers(1, [*REQUEST, ("content-length", length)]) + b"".join(body)

    return frames


CONTINUED = raw(frame(CONTINUATION, END_HEADERS, 1, b"\x82"))
