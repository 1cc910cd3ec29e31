"""A peer that sends any frames to a connection, and parses the frames that the connection sends.

It uses no code of the package to build and parse frames.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from hpack import Decoder, Encoder

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_events import ConnectionEnded, Http2Event

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY_FLAG = 0x1, 0x1, 0x4, 0x8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

REQUEST = (
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/s/m"),
    (":authority", "node:2113"),
    ("content-type", "application/grpc"),
)
RESPONSE = ((":status", "200"), ("content-type", "application/grpc"))
TRAILERS = (("grpc-status", "0"),)

NO_KEEPALIVE = Http2Limits(keepalive_interval=None, settings_timeout=1e9)


class RawFrame(NamedTuple):
    kind: int
    flags: int
    stream_id: int
    payload: bytes

    @property
    def number(self) -> int:
        """The number at the end of a RST_STREAM, WINDOW_UPDATE or GOAWAY frame without debug data."""
        start = 4 if self.kind == GOAWAY else 0
        return int.from_bytes(self.payload[start : start + 4], "big")


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBL", kind, flags, stream_id) + payload


def parse(data: bytes) -> list[RawFrame]:
    """Parse whole frames."""
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        kind, flags, stream_id = struct.unpack(">BBL", data[3:9])
        assert len(data) >= 9 + size, "a frame is cut off"
        found.append(RawFrame(kind, flags, stream_id, data[9 : 9 + size]))
        data = data[9 + size :]
    return found


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HL", *pair) for pair in pairs))


def data(stream_id: int, payload: bytes = b"", flags: int = 0) -> bytes:
    return frame(DATA, flags, stream_id, payload)


def window_update(stream_id: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream_id, struct.pack(">L", increment))


def rst_stream(stream_id: int, code: int = ErrorCode.CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream_id, struct.pack(">L", code))


def goaway(last: int, code: int = 0, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">LL", last, code) + debug)


def ping(payload: bytes = b"12345678", flags: int = 0) -> bytes:
    return frame(PING, flags, 0, payload)


def drain(connection: Http2Connection) -> bytes:
    """Return all bytes that the connection can send now."""
    return b"".join(iter(connection.bytes_to_send, b""))


class RawPeer:
    """The peer of a connection with the given role. The settings of both sides are exchanged and acknowledged."""

    def __init__(self, role: Role, limits: Http2Limits = NO_KEEPALIVE, settings_frame: bytes = b"") -> None:
        self.now = 0.0
        self.connection = Http2Connection(role, limits, self.now)
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.first_bytes = drain(self.connection)
        self.preface = PREFACE if role is Role.SERVER else b""
        self.send(self.preface, settings_frame or settings(), frame(SETTINGS, ACK, 0))
        self.sent()

    def send(self, *parts: bytes) -> list[Http2Event]:
        """Pass bytes to the connection, and return its events."""
        return self.connection.receive(b"".join(parts), self.now)

    def sent(self) -> list[RawFrame]:
        """Return the frames that the connection sends now."""
        return parse(drain(self.connection))

    def block(self, headers: Iterable[tuple[str, str]]) -> bytes:
        return self.encoder.encode(list(headers))

    def headers(
        self, stream_id: int, headers: Iterable[tuple[str, str]] = REQUEST, flags: int = END_HEADERS
    ) -> bytes:
        return frame(HEADERS, flags, stream_id, self.block(headers))

    def request(self, stream_id: int = 1, flags: int = 0) -> list[Http2Event]:
        """Send a request that opens a stream. The connection must be a server."""
        return self.send(self.headers(stream_id, flags=END_HEADERS | flags))

    def decoded(self, sent: RawFrame) -> list[tuple[str, str]]:
        """Return the headers of a HEADERS frame. Call it for each such frame, in order."""
        return [(str(name), str(value)) for name, value in self.decoder.decode(sent.payload)]

    def is_alive(self) -> bool:
        """Return whether the connection answers a PING."""
        self.send(ping(b"is alive"))
        return any(each.kind == PING and each.payload == b"is alive" for each in self.sent())


def end_of(events: list[Http2Event]) -> ConnectionEnded | None:
    """Return the event that ended the connection, which must be the last."""
    ends = [event for event in events if isinstance(event, ConnectionEnded)]
    assert len(ends) <= 1
    assert not ends or events[-1] is ends[0]
    return ends[0] if ends else None
