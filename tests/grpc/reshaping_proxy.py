"""A proxy that changes the form of what a server sends, but not its meaning.

Real servers of other versions, and proxies in front of them, send the same answers in other forms. This proxy makes
such forms at random:

- frames: DATA split, merged, padded and empty; header blocks in CONTINUATION frames, with other fields, in another
  order, with another compression; interim responses; unknown frames, PRIORITY, PING, several SETTINGS, of which
  some permit fewer calls; RST_STREAM after the trailers; GOAWAY, after which further calls are dropped
- messages: compressed ones; fields that are not known, behind or before the others; messages of a kind that is not
  known; ids in the other form; repeated `caught_up`, `fell_behind`, checkpoints without progress

The proxy uses no code of the package to parse and build frames.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hpack import Decoder, Encoder

from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PRIORITY_FLAG,
    SETTINGS,
    RawFrame,
    frame,
    goaway,
    rst_stream,
)
from tests.grpc.reshaped_messages import MessageReshaper, ReshapedStream

Headers = list[tuple[str, str]]

_MAX_STREAMS = 3
"""Number of the setting MAX_CONCURRENT_STREAMS."""


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


class ReshapedConnection:
    """The frames of one connection.

    Args:
        chance: Source of the random forms.
        goaway_after: Number of frames of the server after which GOAWAY is sent; None for never.
    """

    def __init__(self, chance: random.Random, goaway_after: int | None) -> None:
        self._chance = chance
        self._goaway_after = goaway_after
        self._encoder = Encoder()
        self._from_server, self._from_client = FrameReader(), FrameReader()
        self._response_headers, self._request_headers = HeaderReader(), HeaderReader()
        self._messages = MessageReshaper(chance)
        self._streams: dict[int, ReshapedStream] = {}
        self._pending: dict[int, bytes] = defaultdict(bytes)
        self._last = 0
        self._last_allowed: int | None = None
        self._has_acknowledged = False
        self._is_preface_due = True
        self._pings: set[bytes] = set()

    # From the client -----------------------------------------------------------------------------------------------

    def forward(self, data: bytes) -> bytes:
        """Return what the server receives for bytes of the client."""
        preface = b""
        if self._is_preface_due:
            assert data.startswith(PREFACE), "the client sends its preface at once"
            preface, data, self._is_preface_due = PREFACE, data[len(PREFACE) :], False
        return preface + b"".join(map(self._forwarded, self._from_client.feed(data)))

    def _forwarded(self, received: RawFrame) -> bytes:
        """Return a frame for the server; nothing if it answers a frame of the proxy, or belongs to a dropped call."""
        kind, flags, number, payload = received
        if kind == PING and flags & ACK and payload in self._pings:
            self._pings.discard(payload)
            return b""
        if kind == SETTINGS and flags & ACK:
            is_first, self._has_acknowledged = not self._has_acknowledged, True
            return frame(*received) * is_first  # The server sends its settings once.
        if kind in (HEADERS, CONTINUATION):
            decoded = self._request_headers.feed(received)
            if decoded is not None and number not in self._streams:
                self._streams[number] = ReshapedStream(dict(decoded[0])[":path"])
                self._last = max(self._last, number)
        if self._last_allowed is not None and number > self._last_allowed:
            return b""
        if kind == DATA:
            self._streams[number].note_request(payload)
        return frame(*received)

    # From the server -----------------------------------------------------------------------------------------------

    def backward(self, data: bytes) -> bytes:
        """Return what the client receives for bytes of the server."""
        found = [self._reshaped(each) for each in self._from_server.feed(data)]
        return b"".join([*found, *map(self._drained, list(self._pending))])

    def _reshaped(self, received: RawFrame) -> bytes:
        before = self._noise(received.stream_id) if received.kind != SETTINGS else b""
        if self._goaway_after is not None:
            self._goaway_after -= 1
            if self._goaway_after <= 0 and self._last_allowed is None and received.kind != SETTINGS:
                self._last_allowed = self._last
                before += goaway(self._last, 0, b"the node moves")
        return before + self._content(received)

    def _content(self, received: RawFrame) -> bytes:
        kind, flags, number, payload = received
        if kind == SETTINGS and not flags & ACK:
            return frame(*received) * self._chance.randint(1, 3)
        if kind in (HEADERS, CONTINUATION):
            decoded = self._response_headers.feed(received)
            return b"" if decoded is None else self._on_headers(number, *decoded)
        if kind == DATA:
            return self._on_data(self._streams[number], number, payload, is_end=bool(flags & END_STREAM))
        if kind == GOAWAY and self._last_allowed is not None:
            return b""
        return frame(*received)

    def _on_headers(self, number: int, headers: Headers, is_end: bool) -> bytes:
        stream = self._streams[number]
        status = [pair for pair in headers if pair[0].startswith(":")]
        others = [pair for pair in headers if not pair[0].startswith(":")]
        found = b""
        if status and self._chance.random() < 0.2:
            found += self._block(number, [(":status", "103"), ("link", "</>")], is_end=False)
        if status and not is_end and self._chance.random() < 0.3:
            stream.is_compressed = True
            others.append(("grpc-encoding", "gzip"))
        if self._chance.random() < 0.5:
            others += [("x-request-id", "7"), ("grpc-accept-encoding", "identity,gzip"), ("server", "proxy")]
        self._chance.shuffle(others)
        if is_end:
            found += self._drained(number)
        found += self._block(number, status + others, is_end=is_end)
        if is_end and self._chance.random() < 0.5:
            found += rst_stream(number, 0)
        return found

    def _block(self, number: int, headers: Headers, *, is_end: bool) -> bytes:
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

    def _on_data(self, stream: ReshapedStream, number: int, payload: bytes, *, is_end: bool) -> bytes:
        for message in stream.messages(payload):
            for each in self._messages.reshape(stream, message):
                self._pending[number] += self._framed(stream, each)
        if is_end or self._chance.random() < 0.8:
            return self._drained(number) + frame(DATA, END_STREAM, number) * is_end
        return b""  # The messages are merged with those of the next frame.

    def _framed(self, stream: ReshapedStream, message: bytes) -> bytes:
        is_packed = stream.is_compressed and self._chance.random() < 0.5
        content = gzip.compress(message) if is_packed else message
        return struct.pack(">BL", is_packed, len(content)) + content

    def _drained(self, number: int) -> bytes:
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

    def _noise(self, number: int) -> bytes:
        """Return a frame that means nothing."""
        match self._chance.randrange(12):
            case 0:
                opaque = self._chance.randbytes(8)
                self._pings.add(opaque)
                return frame(PING, 0, 0, opaque)
            case 1:
                return frame(0x4F, 0xFF, number, b"unknown")
            case 2 if number:
                return frame(PRIORITY, 0, number, struct.pack(">LB", 0, 7))
            case 3:
                setting = self._chance.choice(((0x77, 5), (_MAX_STREAMS, 1), (_MAX_STREAMS, 2), (_MAX_STREAMS, 100)))
                return frame(SETTINGS, 0, 0, struct.pack(">HL", *setting))
        return b""


class ReshapingProxy:
    """A proxy in front of a server; see the description of this module.

    Attributes:
        port: Port of the proxy.
        connections: Number of connections that were made.
        failures: Exceptions of the proxy itself.
    """

    def __init__(self, target: int, seed: int, *, sends_goaway: bool) -> None:
        self.port = 0
        self.connections = 0
        self.failures: list[BaseException] = []
        self._target = target
        self._chance = random.Random(seed)
        self._sends_goaway = sends_goaway

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass the bytes of one connection until either side ends it."""
        self.connections += 1
        connection = ReshapedConnection(self._chance, self._chance.randint(3, 40) if self._sends_goaway else None)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pumps = [
            asyncio.ensure_future(self._pump(reader, server_writer, connection.forward)),
            asyncio.ensure_future(self._pump(server_reader, writer, connection.backward)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for each in (writer, server_writer):
                each.close()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, reshape: Callable[[bytes], bytes]
    ) -> None:
        try:
            while data := await source.read(1 << 16):
                target.write(reshape(data))
                await target.drain()
        except ConnectionError:
            pass
        except Exception as error:
            self.failures.append(error)


@asynccontextmanager
async def reshaping(target: int, seed: int, *, sends_goaway: bool = False) -> AsyncIterator[ReshapingProxy]:
    """Run a proxy in front of the server on a port of this machine."""
    proxy = ReshapingProxy(target, seed, sends_goaway=sends_goaway)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
    assert proxy.failures == []
