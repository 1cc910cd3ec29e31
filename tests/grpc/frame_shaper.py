"""Frames of HTTP/2 in random forms; see `tests.grpc.reshaping_proxy`."""

from __future__ import annotations

import gzip
import random
import struct
from collections import defaultdict

from hpack import Decoder, Encoder

from tests.grpc.http2.raw_peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    PRIORITY_FLAG,
    SETTINGS,
    RawFrame,
    frame,
)

Headers = list[tuple[str, str]]


class FrameReader:
    """Splits bytes into frames."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[RawFrame]:
        self._data += data
        found = []
        while len(self._data) >= 9 and len(self._data) >= 9 + (size := int.from_bytes(self._data[:3], "big")):
            kind, flags, stream_id = struct.unpack(">BBL", self._data[3:9])
            found.append(RawFrame(kind, flags, stream_id, bytes(self._data[9 : 9 + size])))
            del self._data[: 9 + size]
        return found


class HeaderReader:
    """Joins HEADERS and CONTINUATION frames without padding or priority, and decodes the headers."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._block = b""
        self._is_end = False

    def feed(self, received: RawFrame) -> tuple[Headers, bool] | None:
        """Return the headers and whether they end the stream; None while they are incomplete."""
        if received.kind == HEADERS:
            assert not received.flags & (PADDED | PRIORITY_FLAG)
            self._is_end = bool(received.flags & END_STREAM)
        self._block += received.payload
        if not received.flags & END_HEADERS:
            return None
        block, self._block = self._block, b""
        return [(str(name), str(value)) for name, value in self._decoder.decode(block)], self._is_end


class FrameShaper:
    """Makes the frames of one direction of a connection.

    Args:
        chance: Source of the random forms.
        settings: Settings of which one is sent at times, by number and value.

    Attributes:
        pings: Contents of PING frames that were sent and not answered.
    """

    def __init__(self, chance: random.Random, settings: tuple[tuple[int, int], ...]) -> None:
        self.pings: set[bytes] = set()
        self._chance = chance
        self._settings = settings
        self._encoder = Encoder()
        self._pending: dict[int, bytes] = defaultdict(bytes)

    def block(self, number: int, headers: Headers, *, is_end: bool) -> bytes:
        """Return a header block, perhaps split, padded and with a priority."""
        if self._chance.random() < 0.2:
            self._encoder.header_table_size = self._chance.choice((0, 100, 4096))
        block: bytes = self._encoder.encode(headers, huffman=self._chance.random() < 0.5)
        cuts = sorted(self._chance.randrange(len(block) + 1) for _ in range(self._chance.choice((0, 0, 1, 3))))
        parts = [block[start:end] for start, end in zip([0, *cuts], [*cuts, len(block)], strict=True)]
        flags, first = END_STREAM * is_end, parts[0]
        if self._chance.random() < 0.2:
            flags, first = flags | PRIORITY_FLAG, struct.pack(">LB", 0, 15) + first
        if self._chance.random() < 0.2:
            padding = self._chance.randrange(5)
            flags, first = flags | PADDED, bytes([padding]) + first + bytes(padding)
        frames = [frame(HEADERS, flags | END_HEADERS * (len(parts) == 1), number, first)]
        for at, part in enumerate(parts[1:], start=2):
            frames.append(frame(CONTINUATION, END_HEADERS * (at == len(parts)), number, part))
        return b"".join(frames)

    def add_message(self, number: int, message: bytes, *, may_compress: bool) -> None:
        """Add a message to those of a stream that `drained` returns."""
        is_packed = may_compress and self._chance.random() < 0.5
        content = gzip.compress(message) if is_packed else message
        self._pending[number] += struct.pack(">BL", is_packed, len(content)) + content

    def add_bytes(self, number: int, data: bytes) -> None:
        """Add bytes that are no message to those of a stream that `drained` returns."""
        self._pending[number] += data

    def drained_all(self) -> bytes:
        """Return the pending bytes of all streams in DATA frames."""
        return b"".join(map(self.drained, list(self._pending)))

    def drained(self, number: int) -> bytes:
        """Return the pending bytes of a stream in DATA frames of random sizes."""
        data = self._pending.pop(number, b"")
        found = b""
        while data:
            size = self._chance.choice((1, 4, 5, 50, 1000, 16_000))
            part, data = data[:size], data[size:]
            flags = 0
            if self._chance.random() < 0.1:
                padding = self._chance.randrange(5)
                flags, part = PADDED, bytes([padding]) + part + bytes(padding)
            found += frame(DATA, flags, number, part) + self._empty_data(number)
        return found

    def _empty_data(self, number: int) -> bytes:
        return frame(DATA, 0, number) if self._chance.random() < 0.05 else b""

    def noise(self, number: int) -> bytes:
        """Return a frame that means nothing."""
        match self._chance.randrange(12):
            case 0:
                opaque = self._chance.randbytes(8)
                self.pings.add(opaque)
                return frame(PING, 0, 0, opaque)
            case 1:
                return frame(0x4F, 0xFF, number, b"unknown")
            case 2 if number:
                return frame(PRIORITY, 0, number, struct.pack(">LB", 0, 7))
            case 3:
                return frame(SETTINGS, 0, 0, struct.pack(">HL", *self._chance.choice(self._settings)))
        return b""
