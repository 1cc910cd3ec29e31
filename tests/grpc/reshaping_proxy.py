"""A proxy that changes the form of messages of a server or of a client, but not their meaning.

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
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.grpc.frame_shaper import FrameReader, FrameShaper, HeaderReader, Headers
from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    RawFrame,
    frame,
    goaway,
    rst_stream,
)
from tests.grpc.reshaped_messages import MessageReshaper, ReshapedStream
from tests.listening import listening

TABLE_SIZE, MAX_STREAMS = 1, 3
"""Numbers of the settings HEADER_TABLE_SIZE and MAX_CONCURRENT_STREAMS."""

SETTINGS_OF_CLIENTS = ((0x77, 5), (TABLE_SIZE, 0), (TABLE_SIZE, 4096), (MAX_STREAMS, 100))
SETTINGS_OF_SERVERS = (*SETTINGS_OF_CLIENTS, (MAX_STREAMS, 1), (MAX_STREAMS, 2))


class Acknowledgements:
    """The acknowledgements of one side of a connection, some of which are for frames that the proxy has added.

    Args:
        shaper: Adds frames for this side.
    """

    def __init__(self, shaper: FrameShaper) -> None:
        self._shaper = shaper
        self._has_passed_settings = False

    def are_for_proxy(self, received: RawFrame) -> bool:
        """Return whether a frame acknowledges one of the proxy. The other side sends its settings once."""
        kind, flags, _, payload = received
        if kind == PING and flags & ACK and payload in self._shaper.pings:
            self._shaper.pings.discard(payload)
            return True
        if kind == SETTINGS and flags & ACK:
            is_later, self._has_passed_settings = self._has_passed_settings, True
            return is_later
        return False


class ReshapedResponses:
    """The frames of one connection.

    Args:
        chance: Source of the random forms.
        goaway_after: Number of frames of the server after which GOAWAY is sent; None for never.
    """

    def __init__(self, chance: random.Random, goaway_after: int | None) -> None:
        self._chance = chance
        self._goaway_after = goaway_after
        self._shaper = FrameShaper(chance, SETTINGS_OF_SERVERS)
        self._from_server, self._from_client = FrameReader(), FrameReader()
        self._response_headers, self._request_headers = HeaderReader(), HeaderReader()
        self._messages = MessageReshaper(chance)
        self._streams: dict[int, ReshapedStream] = {}
        self._last = 0
        self._last_allowed: int | None = None
        self._acknowledgements = Acknowledgements(self._shaper)
        self._is_preface_due = True

    # From the client -----------------------------------------------------------------------------------------------

    def forward(self, data: bytes) -> bytes:
        """Return the bytes that the server receives for bytes of the client."""
        preface = b""
        if self._is_preface_due:
            assert data.startswith(PREFACE), "the client sends its preface at once"
            preface, data, self._is_preface_due = PREFACE, data[len(PREFACE) :], False
        return preface + b"".join(map(self._forwarded, self._from_client.feed(data)))

    def _forwarded(self, received: RawFrame) -> bytes:
        """Return a frame for the server; nothing if it answers a frame of the proxy, or belongs to a dropped call."""
        kind, _, number, payload = received
        if self._acknowledgements.are_for_proxy(received):
            return b""
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
        """Return the bytes that the client receives for bytes of the server."""
        found = [self._reshaped(each) for each in self._from_server.feed(data)]
        return b"".join([*found, self._shaper.drained_all()])

    def _reshaped(self, received: RawFrame) -> bytes:
        before = self._shaper.noise(received.stream_id) if received.kind != SETTINGS else b""
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
            found += self._shaper.block(number, [(":status", "103"), ("link", "</>")], is_end=False)
        if status and not is_end and self._chance.random() < 0.3:
            stream.is_compressed = True
            others.append(("grpc-encoding", "gzip"))
        if self._chance.random() < 0.5:
            others += [("x-request-id", "7"), ("grpc-accept-encoding", "identity,gzip"), ("server", "proxy")]
        self._chance.shuffle(others)
        if is_end:
            found += self._shaper.drained(number)
        found += self._shaper.block(number, status + others, is_end=is_end)
        if is_end and self._chance.random() < 0.5:
            found += rst_stream(number, 0)
        return found

    def _on_data(self, stream: ReshapedStream, number: int, payload: bytes, *, is_end: bool) -> bytes:
        for message in stream.messages(payload):
            for each in self._messages.reshape(stream, message):
                self._shaper.add_message(number, each, may_compress=stream.is_compressed)
        if is_end or self._chance.random() < 0.8:
            return self._shaper.drained(number) + frame(DATA, END_STREAM, number) * is_end
        return b""  # The messages are merged with those of the next frame.


class ReshapedRequests:
    """The frames of one connection whose client is the one that has another form.

    Args:
        chance: Source of the random forms.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._shaper = FrameShaper(chance, SETTINGS_OF_CLIENTS)
        self._messages = MessageReshaper(chance)
        self._from_server, self._from_client = FrameReader(), FrameReader()
        self._headers = HeaderReader()
        self._streams: dict[int, ReshapedStream] = {}
        self._is_preface_due = True
        self._acknowledgements = Acknowledgements(self._shaper)

    def forward(self, data: bytes) -> bytes:
        """Return the bytes that the server receives for bytes of the client."""
        preface = b""
        if self._is_preface_due:
            preface, data, self._is_preface_due = PREFACE, data[len(PREFACE) :], False
        found = [self._reshaped(each) for each in self._from_client.feed(data)]
        return b"".join([preface, *found, self._shaper.drained_all()])

    def _reshaped(self, received: RawFrame) -> bytes:
        kind, flags, number, payload = received
        if kind == SETTINGS:
            return frame(*received) * (1 if flags & ACK else self._chance.randint(1, 3))
        found = self._shaper.noise(number if number in self._streams else 0)
        if kind in (HEADERS, CONTINUATION):
            decoded = self._headers.feed(received)
            return found if decoded is None else found + self._on_headers(number, *decoded)
        if kind == DATA:
            stream = self._streams[number]
            for message in stream.messages(payload):
                changed = self._messages.with_unknown_field(message)
                self._shaper.add_message(number, changed, may_compress=stream.is_compressed)
            if flags & END_STREAM:
                return found + self._shaper.drained(number) + frame(DATA, END_STREAM, number)
            return found
        return found + frame(*received)

    def _on_headers(self, number: int, headers: Headers, is_end: bool) -> bytes:
        stream = self._streams[number] = ReshapedStream(dict(headers)[":path"])
        pseudo = [pair for pair in headers if pair[0].startswith(":")]
        others = [pair for pair in headers if not pair[0].startswith((":", "content-type"))]
        others.append(("content-type", self._chance.choice(("application/grpc", "application/grpc+proto"))))
        if self._chance.random() < 0.3:
            stream.is_compressed = True
            others.append(("grpc-encoding", "gzip"))
        if self._chance.random() < 0.5:
            others += [("user-agent", "other/1.0"), ("via", "2 proxy"), ("x-trace-bin", "AAEC")]
        self._chance.shuffle(pseudo)
        self._chance.shuffle(others)
        return self._shaper.block(number, pseudo + others, is_end=is_end)

    def backward(self, data: bytes) -> bytes:
        """Return the bytes that the client receives for bytes of the server."""
        return b"".join(map(self._backward, self._from_server.feed(data)))

    def _backward(self, received: RawFrame) -> bytes:
        """Return a frame for the client; nothing if it answers a frame of the proxy."""
        return b"" if self._acknowledgements.are_for_proxy(received) else frame(*received)


class ReshapingProxy:
    """A proxy in front of a server; see the description of this module.

    Attributes:
        port: Port of the proxy.
        connections: Number of connections that were made.
        failures: Exceptions of the proxy itself.
    """

    def __init__(self, target: int, seed: int, *, sends_goaway: bool, of_requests: bool) -> None:
        self.port = 0
        self.connections = 0
        self.failures: list[BaseException] = []
        self._target = target
        self._chance = random.Random(seed)
        self._sends_goaway = sends_goaway
        self._of_requests = of_requests

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass the bytes of one connection until either side ends it."""
        self.connections += 1
        connection = self._connection()
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
            server_writer.close()

    def _connection(self) -> ReshapedResponses | ReshapedRequests:
        if self._of_requests:
            return ReshapedRequests(self._chance)
        return ReshapedResponses(self._chance, self._chance.randint(3, 40) if self._sends_goaway else None)

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
async def reshaping(
    target: int, seed: int, *, sends_goaway: bool = False, of_requests: bool = False
) -> AsyncIterator[ReshapingProxy]:
    """Run a proxy in front of the server on a port of this machine.

    Args:
        target: Port of the server.
        seed: Seed of the random forms.
        sends_goaway: Whether each connection ends early by GOAWAY.
        of_requests: Whether the proxy changes the requests, in place of the responses.
    """
    proxy = ReshapingProxy(target, seed, sends_goaway=sends_goaway, of_requests=of_requests)
    async with listening(proxy.serve) as endpoint:
        proxy.port = endpoint.port
        yield proxy
    assert proxy.failures == []
