"""Conversations with the library h2, whose bytes arrive in random pieces."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_events import (
    DataReceived,
    GoAwayReceived,
    HeadersReceived,
    Http2Event,
    StreamReset,
    TrailersReceived,
)
from tests.grpc.http2.raw_peer import REQUEST, RESPONSE, TRAILERS

Cut = Callable[[bytes], Iterator[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


def at_random(seed: int) -> Cut:
    chance = random.Random(seed)

    def cut(data: bytes) -> Iterator[bytes]:
        while data:
            size = chance.choice([1, 9, 100, 5000, 100_000])
            yield data[:size]
            data = data[size:]

    return cut


CUTS = {"whole": whole, "byte by byte": byte_by_byte, **{f"seed {seed}": at_random(seed) for seed in range(3)}}


@dataclass
class Seen:
    """The events that one side has received."""

    headers: dict[int, list[tuple[tuple[str, str], ...]]] = field(default_factory=lambda: defaultdict(list))
    bodies: dict[int, bytes] = field(default_factory=lambda: defaultdict(bytes))
    ended: set[int] = field(default_factory=set)
    resets: dict[int, int] = field(default_factory=dict)
    goaways: list[tuple[int, int]] = field(default_factory=list)


class Ours:
    """The side of rxpump. It acknowledges all data that it receives."""

    def __init__(self, role: Role, limits: Http2Limits) -> None:
        self.connection = Http2Connection(role, limits, 0.0)
        self.seen = Seen()

    def receive(self, data: bytes) -> None:
        for event in self.connection.receive(data, 0.0):
            self.note(event)

    def note(self, event: Http2Event) -> None:
        match event:
            case HeadersReceived(stream_id, headers, is_end):
                self.seen.headers[stream_id].append(headers)
                self.seen.ended |= {stream_id} if is_end else set()
            case TrailersReceived(stream_id, headers):
                self.seen.headers[stream_id].append(headers)
                self.seen.ended.add(stream_id)
            case DataReceived(stream_id, data, flow_bytes, is_end):
                self.seen.bodies[stream_id] += data
                self.connection.acknowledge(stream_id, flow_bytes)
                if is_end:
                    self.seen.ended.add(stream_id)
            case StreamReset(stream_id, code):
                self.seen.resets[stream_id] = code
            case GoAwayReceived(last, code):
                self.seen.goaways.append((last, code))

    def output(self) -> bytes:
        return self.connection.bytes_to_send()


class Theirs:
    """The side of h2. It acknowledges all data that it receives, and sends pending data as windows allow."""

    def __init__(self, role: Role, window: int) -> None:
        config = h2.config.H2Configuration(client_side=role is Role.CLIENT, header_encoding="utf-8")
        self.connection = h2.connection.H2Connection(config)
        self.connection.local_settings = h2.settings.Settings(
            client=role is Role.CLIENT, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
        )
        self.connection.initiate_connection()
        self.seen = Seen()
        self.waiting: dict[int, tuple[bytes, Callable[[], None]]] = {}

    def send_body(self, stream_id: int, body: bytes, finish: Callable[[], None]) -> None:
        self.waiting[stream_id] = (body, finish)

    def receive(self, data: bytes) -> None:
        for event in self.connection.receive_data(data):
            self.note(event)

    def note(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived() | h2.events.ResponseReceived() | h2.events.TrailersReceived():
                self.seen.headers[event.stream_id].append(
                    tuple((str(name), str(value)) for name, value in event.headers)
                )
            case h2.events.DataReceived():
                self.seen.bodies[event.stream_id] += event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.seen.ended.add(event.stream_id)
            case h2.events.StreamReset():
                self.seen.resets[event.stream_id] = event.error_code
            case h2.events.ConnectionTerminated():
                self.seen.goaways.append((event.last_stream_id or 0, event.error_code or 0))

    def output(self) -> bytes:
        for stream_id, (body, finish) in list(self.waiting.items()):
            room = min(self.connection.local_flow_control_window(stream_id), self.connection.max_outbound_frame_size)
            if body and room:
                padding = 7 if room > 20 else None
                part = body[: room - 8] if padding else body[:room]
                self.connection.send_data(stream_id, part, pad_length=padding)
                self.waiting[stream_id] = (body[len(part) :], finish)
            elif not body:
                del self.waiting[stream_id]
                finish()
        return self.connection.data_to_send()


def converse(one: Ours | Theirs, other: Ours | Theirs, cut: Cut) -> None:
    """Exchange bytes until both sides have nothing to send."""
    while True:
        forth, back = one.output(), other.output()
        if not forth and not back:
            return
        for part in cut(forth):
            other.receive(part)
        for part in cut(back):
            one.receive(part)


BODIES = {1: b"", 3: b"x", 5: bytes(range(256)) * 200, 7: b"short", 9: bytes(20_000)}
SMALL = {number: body[:1000] for number, body in BODIES.items()}  # because bytes arrive one by one
LARGE_HEADER = ("x-large", "v" * 17_000)  # large enough for CONTINUATION frames


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("window", [1000, 65_535, 1 << 20])
def test_our_client_works_with_a_server_of_h2(cut: Cut, window: int) -> None:
    bodies = SMALL if cut is byte_by_byte else BODIES
    ours = Ours(Role.CLIENT, Http2Limits(stream_window=window, connection_window=70_000))
    theirs = Theirs(Role.SERVER, window)
    converse(ours, theirs, cut)
    for body in bodies.values():
        stream_id = ours.connection.open_stream([*REQUEST, LARGE_HEADER])
        ours.connection.send_data(stream_id, body)
        ours.connection.end_stream(stream_id)
    converse(ours, theirs, cut)
    assert {number: theirs.seen.bodies[number] for number in bodies} == bodies
    assert theirs.seen.ended == set(bodies)
    assert theirs.seen.headers[9] == [(*REQUEST, LARGE_HEADER)]
    for number, body in bodies.items():
        theirs.connection.send_headers(number, [*RESPONSE, LARGE_HEADER])
        finish = trailers_of(theirs, number)
        theirs.send_body(number, body, finish)
    converse(ours, theirs, cut)
    assert {number: ours.seen.bodies[number] for number in bodies} == bodies
    assert ours.seen.ended == set(bodies)
    assert ours.seen.headers[5] == [(*RESPONSE, LARGE_HEADER), TRAILERS]
    assert ours.connection.open_streams == theirs.connection.open_outbound_streams == 0


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("window", [1000, 65_535, 1 << 20])
def test_our_server_works_with_a_client_of_h2(cut: Cut, window: int) -> None:
    bodies = SMALL if cut is byte_by_byte else BODIES
    ours = Ours(Role.SERVER, Http2Limits(stream_window=window, connection_window=70_000))
    theirs = Theirs(Role.CLIENT, window)
    converse(ours, theirs, cut)
    for number, body in bodies.items():
        theirs.connection.send_headers(number, [*REQUEST, LARGE_HEADER])
        theirs.send_body(number, body, end_of_stream(theirs, number))
    converse(ours, theirs, cut)
    assert {number: ours.seen.bodies[number] for number in bodies} == bodies
    assert ours.seen.ended == set(bodies)
    for number, body in bodies.items():
        ours.connection.send_headers(number, [*RESPONSE, LARGE_HEADER])
        ours.connection.send_data(number, body)
        ours.connection.send_trailers(number, TRAILERS)
    converse(ours, theirs, cut)
    assert {number: theirs.seen.bodies[number] for number in bodies} == bodies
    assert theirs.seen.ended == set(bodies)
    assert theirs.seen.headers[5] == [(*RESPONSE, LARGE_HEADER), TRAILERS]
    assert ours.connection.open_streams == theirs.connection.open_outbound_streams == 0


def trailers_of(theirs: Theirs, number: int) -> Callable[[], None]:
    return lambda: theirs.connection.send_headers(number, TRAILERS, end_stream=True)


def end_of_stream(theirs: Theirs, number: int) -> Callable[[], None]:
    return lambda: theirs.connection.end_stream(number)


@pytest.mark.parametrize("role", Role)
def test_resets_pings_and_settings_go_both_ways(role: Role) -> None:
    ours, theirs = Ours(role, Http2Limits()), Theirs(opposite(role), 65_535)
    converse(ours, theirs, whole)
    for number in (1, 3):
        if role is Role.CLIENT:
            ours.connection.open_stream(REQUEST)
        else:
            theirs.connection.send_headers(number, REQUEST)
    converse(ours, theirs, whole)
    ours.connection.reset(1, ErrorCode.CANCEL)
    theirs.connection.reset_stream(3, ErrorCode.INTERNAL_ERROR)
    theirs.connection.ping(b"12345678")
    theirs.connection.update_settings({h2.settings.SettingCodes.MAX_FRAME_SIZE: 30_000})
    ours.connection.tick(10.0)
    converse(ours, theirs, byte_by_byte)
    assert theirs.seen.resets == {1: ErrorCode.CANCEL}
    assert ours.seen.resets == {3: ErrorCode.INTERNAL_ERROR}
    assert theirs.connection.max_inbound_frame_size == 30_000  # The acknowledgement of rxpump has arrived.


@pytest.mark.parametrize("role", Role)
def test_goaway_goes_both_ways(role: Role) -> None:
    ours, theirs = Ours(role, Http2Limits()), Theirs(opposite(role), 65_535)
    converse(ours, theirs, whole)
    theirs.connection.close_connection(ErrorCode.ENHANCE_YOUR_CALM, last_stream_id=0)
    converse(ours, theirs, whole)
    assert ours.seen.goaways == [(0, ErrorCode.ENHANCE_YOUR_CALM)]
    ours, theirs = Ours(role, Http2Limits()), Theirs(opposite(role), 65_535)
    converse(ours, theirs, whole)
    ours.connection.abort(ErrorCode.INTERNAL_ERROR, "why")
    converse(ours, theirs, whole)
    assert theirs.seen.goaways == [(0, ErrorCode.INTERNAL_ERROR)]


def opposite(role: Role) -> Role:
    return Role.SERVER if role is Role.CLIENT else Role.CLIENT


@pytest.mark.parametrize("seed", range(20))
def test_random_conversations_with_h2_have_equal_results(seed: int) -> None:
    """Calls have bodies and windows of random sizes, settings change, and bytes arrive in random pieces."""
    chance = random.Random(seed)
    limits = Http2Limits(stream_window=chance.choice([1, 100, 65_535, 200_000]), connection_window=65_535)
    ours, theirs = Ours(Role.SERVER, limits), Theirs(Role.CLIENT, chance.choice([1, 1000, 65_535]))
    cut = at_random(seed)
    converse(ours, theirs, cut)
    sent: dict[int, bytes] = {}
    answered: dict[int, bytes] = {}
    for _ in range(30):
        number = theirs.connection.get_next_available_stream_id()
        theirs.connection.send_headers(number, [*REQUEST, ("x", str(chance.random()))])
        sent[number] = bytes(chance.randrange(limits.stream_window * 3 % 3000 + 10))
        theirs.send_body(number, sent[number], end_of_stream(theirs, number))
        if chance.random() < 0.3:
            theirs.connection.update_settings(
                {
                    h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: chance.choice([10, 500, 100_000]),
                    h2.settings.SettingCodes.HEADER_TABLE_SIZE: chance.choice([0, 100, 4096]),
                }
            )
        if chance.random() < 0.5:
            converse(ours, theirs, cut)
        for ready in list(ours.seen.headers):
            if ready not in answered and chance.random() < 0.5:
                answered[ready] = bytes(chance.randrange(3000))
                ours.connection.send_headers(ready, [*RESPONSE, ("y", str(chance.random()))])
                ours.connection.send_data(ready, answered[ready])
                ours.connection.send_trailers(ready, TRAILERS)
    converse(ours, theirs, cut)
    complete = set(sent) - set(theirs.seen.resets)
    assert all(ours.seen.bodies[number] == sent[number] for number in complete - set(answered))
    assert {number: theirs.seen.bodies[number] for number in answered} == answered
    assert set(answered) <= theirs.seen.ended
