"""Replay recorded conversations: bytes of real servers to our client, and bytes of other clients to our server.

The recorded clients are kurrentdbclient, both node clients and a raw client.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_events import (
    ConnectionEnded,
    DataReceived,
    GoAwayReceived,
    Header,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, StatusCode
from rxpump.grpc.protocol.request_reader import RequestReader
from rxpump.grpc.protocol.response_reader import ResponseReader
from tests.grpc import recordings
from tests.grpc.http2.raw_peer import GOAWAY, REQUEST, RST_STREAM, drain, parse
from tests.grpc.recordings import Line

LIMITS = Http2Limits(
    stream_window=1 << 24, connection_window=1 << 24, max_frame_bytes=1 << 22, keepalive_interval=None
)
LARGEST_MESSAGE = 1 << 24
HOSTILE = {"23.10/http2-errors", "23.10/http2-header-limits"}
POLITE = [name for name in recordings.NAMES if name not in HOSTILE]


def cases(*left_out: tuple[str, int]) -> list[tuple[str, int]]:
    """Return the recorded connections of all clients that obey the protocol, except those in `left_out`."""
    found = {(name, line.conn) for name in POLITE for line in recordings.load(name) if line.conn}
    return sorted(found - set(left_out))


def frames_of(name: str, conn: int) -> Iterator[Line]:
    return (line for line in recordings.load(name) if line.conn == conn and "event" not in line.fields)


class ReplayedServer:
    """Replays a recorded server to our client, which repeats the calls of the recorded client."""

    def __init__(self, step: int) -> None:
        self.client = Http2Connection(Role.CLIENT, LIMITS, 0.0)
        self.step = step
        self.readers: dict[int, ResponseReader] = {}
        self.messages: dict[int, list[bytes]] = defaultdict(list)
        self.headers: list[tuple[int, tuple[Header, ...]]] = []
        self.others: list[Http2Event] = []

    def repeat(self, line: Line) -> None:
        """Repeat the actions of the recorded client."""
        if line.kind == "HEADERS" and line.stream not in self.readers:
            assert self.client.open_stream(REQUEST) == line.stream
            self.readers[line.stream] = ResponseReader(LARGEST_MESSAGE)
        if "END_STREAM" in line.flags and self.is_open(line.stream):
            self.client.end_stream(line.stream)
        if line.kind == "RST_STREAM":
            self.client.reset(line.stream, ErrorCode.CANCEL)
            del self.readers[line.stream]
        drain(self.client)

    def is_open(self, stream: int) -> bool:
        return self.client.is_open(stream)

    def receive(self, line: Line) -> None:
        data = line.encode()
        for start in range(0, len(data), self.step):
            for event in self.client.receive(data[start : start + self.step], 0.0):
                self.note(event)

    def note(self, event: Http2Event) -> None:
        if isinstance(event, HeadersReceived | TrailersReceived):
            self.headers.append((event.stream_id, event.headers))
        if isinstance(event, HeadersReceived | TrailersReceived | DataReceived | StreamReset):
            self.messages[event.stream_id] += self.readers[event.stream_id].receive(event)
        if isinstance(event, DataReceived):
            self.client.acknowledge(event.stream_id, event.flow_bytes)
        if isinstance(event, StreamReset | GoAwayReceived | ConnectionEnded):
            self.others.append(event)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize(("name", "conn"), cases())
def test_our_client_reads_recorded_servers(name: str, conn: int, step: int) -> None:
    replayed = ReplayedServer(step)
    headers: list[tuple[int, tuple[Header, ...]]] = []
    messages: dict[int, list[bytes]] = defaultdict(list)
    statuses: dict[int, int] = {}
    others = 0
    for line in frames_of(name, conn):
        if line.from_client:
            replayed.repeat(line)
            continue
        if line.stream in replayed.readers and line.headers is not None:
            headers.append((line.stream, line.headers))
            status = dict(line.headers).get("grpc-status")
            statuses |= {} if status is None else {line.stream: int(status)}
        if line.stream in replayed.readers:
            messages[line.stream] += line.messages
        others += line.kind == "GOAWAY" or (line.kind == "RST_STREAM" and replayed.is_open(line.stream))
        replayed.receive(line)
    assert replayed.headers == headers
    assert {number: found for number, found in replayed.messages.items() if found} == {
        number: found for number, found in messages.items() if found
    }
    known = {number: reader.status for number, reader in replayed.readers.items() if number in statuses}
    assert {number: status.code for number, status in known.items() if status} == {
        number: code for number, code in statuses.items() if number in replayed.readers
    }
    assert len(replayed.others) == others
    assert not any(isinstance(event, ConnectionEnded) for event in replayed.others)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize(("name", "conn"), cases(("23.10/grpc-framing", 1), ("23.10/http2-settings", 3)))
def test_our_server_reads_recorded_clients(name: str, conn: int, step: int) -> None:
    server = Http2Connection(Role.SERVER, LIMITS, 0.0)
    readers: dict[int, RequestReader] = {}
    seen: dict[int, list[bytes]] = defaultdict(list)
    expected: dict[int, list[bytes]] = defaultdict(list)
    requests, wanted = [], []
    for line in frames_of(name, conn):
        if not line.from_client:
            answer(server, line)
            continue
        data = line.encode()
        if line.kind == "HEADERS" and line.headers is not None:
            wanted.append((line.stream, line.headers))
        if server.is_open(line.stream) or line.stream not in readers:
            expected[line.stream] += line.messages
        for start in range(0, len(data), step):
            for event in server.receive(data[start : start + step], 0.0):
                assert not isinstance(event, ConnectionEnded)
                if isinstance(event, HeadersReceived):
                    requests.append((event.stream_id, event.headers))
                    readers[event.stream_id] = RequestReader(event, LARGEST_MESSAGE)
                if isinstance(event, DataReceived):
                    seen[event.stream_id] += readers[event.stream_id].receive(event)
                    server.acknowledge(event.stream_id, event.flow_bytes)
    assert requests == wanted
    assert {number: found for number, found in seen.items() if found} == {
        number: found for number, found in expected.items() if found
    }
    assert all(reader.refusal is None for reader in readers.values())


def answer(server: Http2Connection, line: Line) -> None:
    """Repeat the actions of the recorded server on a stream."""
    if server.is_open(line.stream):
        if line.kind == "HEADERS" and "END_STREAM" in line.flags:
            server.send_trailers(line.stream, line.headers or ())
        elif line.kind == "HEADERS":
            server.send_headers(line.stream, line.headers or ())
        elif line.kind == "RST_STREAM":
            server.reset(line.stream, ErrorCode.NO_ERROR)
    drain(server)


# Reactions of a real server to clients that break HTTP/2 ------------------------------------------------

STREAM_ERRORS_BY_RFC = {
    9: "upper-case name",
    10: "connection header",
    11: "pseudo-header late",
    13: "WINDOW_UPDATE 0",
}
"""Connections that Kestrel ends although RFC 9113 requires only the end of the stream, with the same code."""

OTHERWISE = {
    6: [(GOAWAY, "PROTOCOL_ERROR")],  # a lower stream: RFC 9113, section 5.1.1
    26: [],  # a priority on itself: RFC 9113, section 5.3.2 ignores priorities
    27: [],  # GOAWAY from the client: the owner of the state machine closes the connection when all calls have ended
    28: [(GOAWAY, "PROTOCOL_ERROR")],  # a wrong preface: RFC 9113, section 3.4
    29: [(GOAWAY, "PROTOCOL_ERROR")],  # no SETTINGS: RFC 9113, section 3.4
}
"""Connections on which our server behaves differently from Kestrel, each with the reason."""

ERRORS = sorted({line.conn for line in recordings.load("23.10/http2-errors") if line.conn})


@pytest.mark.parametrize("conn", ERRORS)
def test_our_server_ends_the_same_streams_as_a_real_one(conn: int) -> None:
    server = Http2Connection(Role.SERVER, LIMITS if conn != 24 else Http2Limits(), 0.0)
    real, ours = [], []
    for line in frames_of("23.10/http2-errors", conn):
        if line.from_client:
            server.receive(line.encode(), 0.0)
            ours += [each for each in parse(drain(server)) if each.kind in (GOAWAY, RST_STREAM)]
        elif line.kind in ("GOAWAY", "RST_STREAM"):
            real.append((GOAWAY if line.kind == "GOAWAY" else RST_STREAM, line.fields["error"]))
        else:
            answer(server, line)
    codes = [(each.kind, ErrorCode(each.number).name) for each in ours]
    if conn in OTHERWISE:
        assert codes == OTHERWISE[conn] != real
    elif conn in STREAM_ERRORS_BY_RFC:
        assert codes == [(RST_STREAM, real[0][1])]
    else:
        assert codes == real[:1]


@pytest.mark.parametrize(
    ("conn", "is_too_large"), [(1, False), (5, False), (6, False), (7, True), (8, True), (9, True), (13, False)]
)
def test_header_limits_are_those_of_a_real_server(conn: int, is_too_large: bool) -> None:
    """Headers up to 32,768 bytes are accepted, as by Kestrel, also if there are more than 100 fields."""
    server = Http2Connection(Role.SERVER, Http2Limits(), 0.0)
    for line in frames_of("23.10/http2-header-limits", conn):
        events = server.receive(line.encode(), 0.0) if line.from_client else []
        for event in events:
            if isinstance(event, HeadersReceived):
                assert event.is_too_large is is_too_large
                return
    pytest.fail("no request was reported")


# Messages that are not messages -------------------------------------------------------------------------

INCOMPLETE = (StatusCode.INTERNAL, "Incomplete message.")
TOO_LARGE = (StatusCode.RESOURCE_EXHAUSTED, "Received message exceeds the maximum configured message size.")
NO_ENCODING = (StatusCode.INTERNAL, "Request did not include grpc-encoding value with compressed message.")
NOPE = "Unsupported grpc-encoding value 'nope'. Supported encodings: identity, gzip"

FRAMING = {
    3: INCOMPLETE,
    5: INCOMPLETE,
    7: TOO_LARGE,
    11: NO_ENCODING,
    37: NO_ENCODING,
    39: INCOMPLETE,
}
"""Answers of Event Store 23.10.6 to streams with malformed messages. Our server sends the same answers."""

UNKNOWN_ENCODING = {15: (StatusCode.UNIMPLEMENTED, NOPE)}
"""Our answer, and that of KurrentDB 26.1. Event Store 23.10.6 also supports "deflate"."""

DAMAGED = {
    9: "Message prefix with the size 4294967295.",
    21: "Compressed message that is not valid gzip.",
    23: "Message prefix with the flag 2, which must be 0 or 1.",
}
"""Reasons that a real server does not send. It answers only that its handler failed."""

AFTER_THE_ONLY_MESSAGE = {33: INCOMPLETE}
"""Our answers where Event Store reports a second message of a unary call, which the call checks, not its reader."""


def test_bad_messages_get_the_answers_of_a_real_server() -> None:
    server = Http2Connection(Role.SERVER, LIMITS, 0.0)
    real: dict[int, tuple[StatusCode, str]] = {}
    ours: dict[int, tuple[StatusCode, str]] = {}
    reasons: dict[int, str] = {}
    readers: dict[int, RequestReader] = {}
    for line in frames_of("23.10/grpc-framing", 1):
        if not line.from_client:
            answer(server, line)
            fields = dict(line.headers or ())
            if fields.get("grpc-status", "0") != "0":
                real[line.stream] = (StatusCode(int(fields["grpc-status"])), fields["grpc-message"])
            continue
        for event in server.receive(line.encode(), 0.0):
            if isinstance(event, HeadersReceived):
                readers[event.stream_id] = RequestReader(event, LARGEST_MESSAGE)
            if isinstance(event, DataReceived):
                reader = readers[event.stream_id]
                reader.receive(event)
                if reader.failure and event.stream_id not in ours:
                    ours[event.stream_id] = (reader.failure.code, reader.failure.message)
                    reasons[event.stream_id] = reader.reason
    handler_failed = dict.fromkeys(DAMAGED, (HANDLER_FAILED.code, HANDLER_FAILED.message))
    assert ours == FRAMING | UNKNOWN_ENCODING | handler_failed | AFTER_THE_ONLY_MESSAGE
    assert {number: reason for number, reason in reasons.items() if reason} == DAMAGED
    assert {number: real[number] for number in FRAMING} == FRAMING
    assert real[15] == (StatusCode.UNIMPLEMENTED, f"{NOPE}, deflate")
    assert {number: real[number] for number in DAMAGED} == handler_failed
