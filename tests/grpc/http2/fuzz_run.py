"""A connection that receives random input, and the checks of its reactions (see test_fuzz.py)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from hpack import Encoder

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.error_codes import CannotOpenStream, CannotSend
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.http2.stream_table import REMEMBERED
from tests.grpc.http2.raw_peer import (
    ACK,
    CONTINUATION,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    TRAILERS,
    WINDOW_UPDATE,
    RawFrame,
    drain,
    frame,
    parse,
    settings,
)

LIMITS = Http2Limits(
    max_concurrent_streams=4,
    stream_window=200,
    connection_window=65_535,
    max_header_list_bytes=500,
    max_header_block_bytes=600,
    max_cheap_frames=30,
    max_control_bytes=2000,
    keepalive_interval=5.0,
    keepalive_timeout=5.0,
)
FAULTS = {
    ErrorCode.PROTOCOL_ERROR,
    ErrorCode.FLOW_CONTROL_ERROR,
    ErrorCode.STREAM_CLOSED,
    ErrorCode.FRAME_SIZE_ERROR,
    ErrorCode.COMPRESSION_ERROR,
    ErrorCode.ENHANCE_YOUR_CALM,
    ErrorCode.HTTP_1_1_REQUIRED,
}
STREAM_FAULTS = {
    ErrorCode.PROTOCOL_ERROR,
    ErrorCode.FLOW_CONTROL_ERROR,
    ErrorCode.STREAM_CLOSED,
    ErrorCode.FRAME_SIZE_ERROR,
    ErrorCode.REFUSED_STREAM,
    ErrorCode.ENHANCE_YOUR_CALM,
}
OURS = {ErrorCode.CANCEL, ErrorCode.NO_ERROR}


NEW = -1
"""Value of `position` for a stream that was not opened yet."""


@dataclass(frozen=True)
class OnStream:
    """A frame on a stream. `position` 0 is the stream that was opened last, 1 the one before it."""

    kind: int
    flags: int
    position: int
    payload: bytes


@dataclass(frozen=True)
class Block:
    """A header block on a stream, which is encoded when it is sent, and split into a number of frames.

    Without headers it has those of a good request or response.
    """

    position: int
    flags: int
    headers: tuple[tuple[str, str], ...] | None
    frames: int = 1


VERBS = (
    "open",
    "open",
    "headers",
    "headers",
    "data",
    "data",
    "end",
    "trailers",
    "reset",
    "acknowledge",
    "tick",
    "stop",
)
"""Actions of the tested endpoint, the more likely ones repeated."""

Action = tuple[str, int]
"""An action of the tested endpoint: its name, and the position of the stream that it is applied to."""

Step = Block | OnStream | bytes | Action


@dataclass
class Run:
    """A connection, with all its events and output."""

    role: Role
    cut: int
    events: list[Http2Event] = field(default_factory=list)
    frames: list[RawFrame] = field(default_factory=list)
    queued: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.connection = Http2Connection(self.role, LIMITS, 0.0)
        self.encoder = Encoder()
        self.opened: list[int] = []  # streams that the tested endpoint opened
        self.known: list[int] = []  # streams that either side opened, the last first
        self.arrived = b""
        self.deadline = 0.0
        first = drain(self.connection)
        self.frames += parse(first.removeprefix(PREFACE))
        self.receive((PREFACE if self.role is Role.SERVER else b"") + settings() + frame(4, ACK, 0))

    def take(self, steps: Iterable[Step]) -> None:
        """Perform the steps. Bytes that the peer sends in adjacent steps arrive together."""
        arriving = b""
        for step in steps:
            if isinstance(step, Block):
                arriving += self.encode(step)
            elif isinstance(step, OnStream):
                arriving += frame(step.kind, step.flags, self.resolve(step.position), step.payload)
            elif isinstance(step, bytes):
                arriving += step
            else:
                self.receive(arriving)
                arriving = b""
                with suppress(CannotSend, CannotOpenStream):
                    self.act(*step)
                self.frames += parse(drain(self.connection))
        self.receive(arriving)

    def resolve(self, position: int) -> int:
        """Return the number of the stream at a position in `known`; 1 if there is none."""
        if position == NEW and self.role is Role.SERVER:
            self.known.insert(0, 2 * len(self.known) + 1)
        return self.known[min(max(0, position), len(self.known) - 1)] if self.known else 1

    def encode(self, block: Block) -> bytes:
        stream_id = self.resolve(block.position)
        good = REQUEST if self.role is Role.SERVER else RESPONSE
        encoded = self.encoder.encode(list(good if block.headers is None else block.headers))
        size = max(1, -(-len(encoded) // block.frames))
        parts = [encoded[start : start + size] for start in range(0, len(encoded), size)] or [b""]
        flags = [0] * len(parts)
        flags[0] |= block.flags & 0x1
        flags[-1] |= block.flags & 0x4
        kinds = [HEADERS, *[CONTINUATION] * (len(parts) - 1)]
        return b"".join(map(frame, kinds, flags, [stream_id] * len(parts), parts))

    def receive(self, data: bytes) -> None:
        self.arrived += data
        for start in range(0, len(data), self.cut):
            events = self.connection.receive(data[start : start + self.cut], self.now)
            assert not (self.ended and events)
            self.events += events
            self.check_what_is_held()
        self.frames += parse(drain(self.connection))

    @property
    def ended(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], ConnectionEnded)

    def act(self, verb: str, which: int) -> None:
        connection = self.connection
        match verb:
            case "open":
                self.opened.append(connection.open_stream(REQUEST))
                self.known.insert(0, self.opened[-1])
                return
            case "tick":
                self.now += which
                self.events += connection.tick(self.now)
                self.check_what_is_held()
                if self.now > 20:
                    connection.shut_down()
                return
        known = sorted(connection._streams.open) or [1]
        stream_id = known[which % len(known)]
        match verb:
            case "headers":
                connection.send_headers(stream_id, RESPONSE)
            case "data":
                self.queued += 1000
                connection.send_data(stream_id, bytes(1000))
            case "end":
                connection.end_stream(stream_id)
            case "trailers":
                connection.send_trailers(stream_id, TRAILERS)
            case "reset":
                connection.reset(stream_id, ErrorCode.CANCEL)
            case "acknowledge":
                stream = connection._streams.open.get(stream_id)
                if stream is not None:
                    taken = LIMITS.stream_window - stream.receive_window - stream.unannounced
                    connection.acknowledge(stream_id, max(0, taken))

    def check_what_is_held(self) -> None:
        connection = self.connection
        held = connection._receiver.held_bytes
        assert held <= LIMITS.max_frame_bytes + 9 + LIMITS.max_header_block_bytes
        assert connection.buffered_bytes <= held + self.queued + LIMITS.max_control_bytes + 1000
        assert connection.open_streams <= max(LIMITS.max_concurrent_streams, len(self.opened))
        assert len(connection._streams._closed) <= REMEMBERED
        assert repr(connection)
        assert connection.deadline >= self.deadline, "a caller sets its timer only after `tick`"
        self.deadline = connection.deadline

    def check(self) -> None:
        self.check_events()
        self.check_frames()

    def check_events(self) -> None:
        progress: dict[int, str] = dict.fromkeys(self.opened, "open")
        for event in self.events[:-1]:
            assert not isinstance(event, ConnectionEnded)
        for event in self.events:
            match event:
                case HeadersReceived(stream_id, _, is_end):
                    assert progress.get(stream_id) == ("open" if self.role is Role.CLIENT else None)
                    progress[stream_id] = "ended" if is_end else "body"
                case DataReceived(stream_id, data, flow_bytes, is_end):
                    assert progress[stream_id] == "body"
                    assert len(data) <= flow_bytes
                    progress[stream_id] = "ended" if is_end else "body"
                case TrailersReceived(stream_id, _):
                    assert progress[stream_id] == "body"
                    progress[stream_id] = "ended"
                case StreamReset(stream_id, _):
                    assert progress[stream_id] != "reset"
                    progress[stream_id] = "reset"

    def check_frames(self) -> None:
        assert all(len(each.payload) <= 65_536 for each in self.frames)
        at = 0
        for each in self.frames:
            if each.kind == PING and each.flags & ACK:
                at = self.arrived.index(each.payload, at) + len(each.payload)
        goaways = [each for each in self.frames if each.kind == GOAWAY]
        for each in self.frames:
            if each.kind == RST_STREAM:
                assert each.number in STREAM_FAULTS | OURS
                assert each.stream_id <= self.connection._streams.last_id
        if self.ended:
            end = self.events[-1]
            assert isinstance(end, ConnectionEnded)
            assert end.code in FAULTS or end.reason.startswith("no bytes were received for")
            assert (self.frames[-1].kind, self.frames[-1].number) == (GOAWAY, end.code)
            assert self.connection.buffered_bytes == self.connection._receiver.held_bytes
        assert len(goaways) <= 2  # A shutdown can send a GOAWAY before that of the end.

    def comparable_events(self) -> list[Http2Event]:
        """Return the events. Adjacent DATA of a stream is joined, and DATA of streams that were reset is left out."""
        joined: list[Http2Event] = []
        reset = {event.stream_id for event in self.events if isinstance(event, StreamReset)}
        for event in self.events:
            if isinstance(event, DataReceived) and event.stream_id in reset:
                continue
            last = joined[-1] if joined else None
            if isinstance(event, DataReceived) and isinstance(last, DataReceived) and last[0] == event[0]:
                joined[-1] = DataReceived(
                    event[0], last.data + event.data, last.flow_bytes + event.flow_bytes, event[3]
                )
            else:
                joined.append(event)
        return joined

    def comparable_frames(self) -> list[RawFrame]:
        return [each for each in self.frames if each.kind != WINDOW_UPDATE]
