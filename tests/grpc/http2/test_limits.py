"""The memory and the work that a hostile peer can cause are bounded."""

from __future__ import annotations

import pytest

from rxpump.grpc.http2 import ErrorCode, Role
from rxpump.grpc.http2.allowance import Allowance
from rxpump.grpc.http2.error_codes import CannotSend
from rxpump.grpc.http2.http2_events import DataReceived, HeadersReceived, Http2Event, StreamReset
from rxpump.grpc.http2.stream_table import REMEMBERED
from tests.grpc.http2.flood import BURST, GENEROUS, LIMITS, flood, reason
from tests.grpc.http2.raw_peer import (
    ACK,
    END_HEADERS,
    END_STREAM,
    PADDED,
    PING,
    PRIORITY,
    REQUEST,
    RESPONSE,
    SETTINGS,
    TRAILERS,
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

# Frames that cost the peer little -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (ping(), "PING frames"),
        (settings(), "SETTINGS frames"),
        (frame(SETTINGS, ACK, 0), "acknowledgements of SETTINGS"),
        (ping(flags=ACK), "acknowledgements of PING"),
        (frame(PRIORITY, 0, 7, bytes(5)), "PRIORITY frames"),
        (frame(0x4F, 0, 0), "frames of unknown types"),
        (goaway(0), "GOAWAY frames"),
        (data(1), "DATA frames without bytes"),
        (data(1, b"\x04" + bytes(4), PADDED), "DATA frames without bytes"),
        (rst_stream(1), "resets"),
    ],
)
def test_a_flood_of_cheap_frames_ends_the_connection(make: bytes, expected: str) -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    events, taken = flood(peer, lambda number: make)
    assert reason(events) == f"too many {expected}"
    assert BURST - 2 <= taken <= BURST + 2
    assert len(peer.sent()) <= BURST + 2


def test_cheap_frames_at_a_slow_rate_are_accepted() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    for _ in range(20 * BURST):
        peer.now += 0.1
        assert peer.send(ping()) == []
    assert len(peer.sent()) == 20 * BURST


def test_a_rapid_reset_ends_the_connection() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    events, taken = flood(peer, lambda number: peer.headers(2 * number + 1) + rst_stream(2 * number + 1))
    assert reason(events) == "too many resets"
    assert taken <= BURST + 1
    assert sum(isinstance(event, HeadersReceived) for event in events) <= BURST + 1


def test_a_reset_of_a_stream_that_was_answered_is_free() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    for number in range(1, 20 * BURST, 2):
        peer.request(number)
        peer.connection.send_headers(number, RESPONSE)
        peer.send(rst_stream(number))
    assert peer.is_alive()


def test_a_reset_of_a_stream_that_ended_is_free_once() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    for number in range(1, 20 * BURST, 2):
        peer.request(number, END_STREAM)
        peer.connection.send_trailers(number, [*RESPONSE, *TRAILERS])
        peer.sent()
        peer.send(rst_stream(number))
    assert peer.is_alive()
    events, _ = flood(peer, lambda _: rst_stream(number))
    assert reason(events) == "too many resets"


def test_faults_that_provoke_resets_end_the_connection() -> None:
    """The server resets the streams itself here, which costs the client no RST_STREAM frame."""
    peer = RawPeer(Role.SERVER, LIMITS)
    events, taken = flood(peer, lambda number: peer.headers(2 * number + 1) + window_update(2 * number + 1, 0))
    assert reason(events) == "too many faulty streams"
    assert taken <= BURST + 1
    assert sum(isinstance(event, StreamReset) for event in events) <= BURST


def test_requests_over_the_limit_end_the_connection() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    events, taken = flood(peer, lambda number: peer.headers(2 * number + 1))
    assert reason(events) == "too many faulty streams"
    assert taken <= LIMITS.max_concurrent_streams + BURST + 1
    assert sum(isinstance(event, HeadersReceived) for event in events) == LIMITS.max_concurrent_streams
    assert peer.connection.open_streams == 0


def test_requests_after_goaway_end_the_connection() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.connection.shut_down()
    events, taken = flood(peer, lambda number: peer.headers(2 * number + 1))
    assert reason(events) == "too many requests after GOAWAY"
    assert taken <= BURST + 1


@pytest.mark.parametrize(
    ("headers", "flags", "expected"),
    [([(":status", "103")], END_HEADERS, "interim responses"), (RESPONSE, END_HEADERS, "HEADERS frames on closed")],
)
def test_a_server_cannot_flood_a_client(headers: list[tuple[str, str]], flags: int, expected: str) -> None:
    peer = RawPeer(Role.CLIENT, LIMITS)
    number = peer.connection.open_stream(REQUEST)
    if "closed" in expected:
        peer.connection.reset(number, ErrorCode.CANCEL)
    events, taken = flood(peer, lambda _: peer.headers(number, headers, flags))
    assert reason(events).startswith(f"too many {expected}")
    assert taken <= BURST + 1


def test_cancelled_calls_are_free_for_a_client() -> None:
    peer = RawPeer(Role.CLIENT, LIMITS)
    for _ in range(20 * BURST):
        number = peer.connection.open_stream(REQUEST)
        peer.send(peer.headers(number, RESPONSE))
        peer.connection.reset(number, ErrorCode.CANCEL)
        peer.send(data(number, b"late"), peer.headers(number, TRAILERS, END_HEADERS | END_STREAM), rst_stream(number))
    assert peer.is_alive()


def test_pings_that_measure_while_data_flows_are_free() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    peer.connection.send_headers(1, RESPONSE)
    for _ in range(20 * BURST):
        peer.connection.send_data(1, b"x")
        assert peer.send(ping()) == []
    assert sum(each.kind == PING for each in peer.sent()) == 20 * BURST


# Peers that do not read ---------------------------------------------------------------------------------


def test_answers_that_are_not_read_are_bounded() -> None:
    peer = RawPeer(Role.SERVER, GENEROUS)
    largest = 0
    for _ in range(100):
        events = peer.send(ping() * 1000)
        largest = max(largest, peer.connection.buffered_bytes)
        if events:
            break
    assert "bytes of answers that the peer does not read" in reason(events)
    assert largest <= GENEROUS.max_control_bytes + 1000 * len(ping())


def test_responses_that_are_not_read_are_bounded() -> None:
    peer = RawPeer(Role.SERVER)
    events: list[Http2Event] = []
    largest = 0
    for number in range(1, 10_000, 2):
        events += peer.request(number, END_STREAM)
        if end_of(events):
            break
        peer.connection.send_headers(number, [*RESPONSE, ("x", f"{number}" * 300)])
        events += peer.send(rst_stream(number))  # The stream was answered, so its reset does not count.
        largest = max(largest, peer.connection.buffered_bytes)
    assert "bytes of answers that the peer does not read" in reason(events)
    assert largest <= peer.connection.limits.max_control_bytes + 2000
    assert number < 1000


def test_without_a_window_data_stays_buffered_and_unqueued() -> None:
    peer = RawPeer(Role.SERVER, settings_frame=settings((4, 0)))
    for number in range(1, 200, 2):
        peer.request(number, END_STREAM)
        peer.connection.send_headers(number, RESPONSE)
        peer.connection.send_data(number, bytes(1000))
    peer.sent()
    for _ in range(100):
        assert peer.connection.bytes_to_send() == b""
    assert len(peer.connection._sender._queue) == 0
    assert peer.connection.buffered_bytes == 100_000
    for number in range(1, 200, 2):
        peer.send(rst_stream(number))
    assert peer.connection.buffered_bytes == 0


def test_many_small_window_updates_cause_one_frame() -> None:
    peer = RawPeer(Role.SERVER, settings_frame=settings((4, 0)))
    peer.request(1, END_STREAM)
    peer.connection.send_headers(1, RESPONSE)
    peer.connection.send_data(1, bytes(10_000))
    peer.sent()
    updates = window_update(1, 1) * 1000
    peer.send(updates)
    assert sum(9 + len(each.payload) for each in peer.sent()) == 9 + 1000


def test_a_client_opens_no_streams_while_the_server_does_not_read() -> None:
    peer = RawPeer(Role.CLIENT, settings_frame=settings((3, 10**6)))
    while peer.connection.may_open:
        peer.connection.open_stream([*REQUEST, ("x", "y" * 3000), ("z", str(peer.connection.open_streams) * 1000)])
    assert peer.connection.buffered_bytes < peer.connection.limits.max_control_bytes
    assert peer.send(ping()) == []
    peer.sent()
    assert peer.connection.may_open


# Memory -------------------------------------------------------------------------------------------------


def test_a_consumer_that_pauses_holds_no_more_than_the_window() -> None:
    peer = RawPeer(Role.CLIENT)
    number = peer.connection.open_stream(REQUEST)
    peer.send(peer.headers(number, RESPONSE))
    events, _ = flood(peer, lambda _: data(number, bytes(16_384)))
    received = sum(len(event.data) for event in events if isinstance(event, DataReceived))
    assert received <= peer.connection.limits.stream_window
    assert [event.code for event in events if isinstance(event, StreamReset)] == [ErrorCode.FLOW_CONTROL_ERROR]


def test_closed_streams_are_removed() -> None:
    peer = RawPeer(Role.SERVER, GENEROUS)
    for number in range(1, 8 * REMEMBERED, 2):
        peer.request(number, END_STREAM)
        peer.connection.reset(number, ErrorCode.CANCEL)
        peer.sent()
    assert len(peer.connection._streams._closed) == REMEMBERED
    assert peer.connection.open_streams == 0
    assert peer.send(window_update(1, 0), data(1, b"x"), rst_stream(3)) == []
    assert [each.number for each in peer.sent()] == [ErrorCode.STREAM_CLOSED]
    end = end_of(peer.send(peer.headers(5)))
    assert end is not None
    assert end.code is ErrorCode.PROTOCOL_ERROR


def test_frames_on_removed_streams_of_a_client_are_ignored() -> None:
    peer = RawPeer(Role.CLIENT, GENEROUS)
    for _ in range(2 * REMEMBERED):
        peer.connection.reset(peer.connection.open_stream(REQUEST), ErrorCode.CANCEL)
        peer.sent()
    assert peer.send(peer.headers(1, RESPONSE), data(1, b"x", END_STREAM), rst_stream(1)) == []
    assert peer.is_alive()


def test_many_values_of_a_setting_are_applied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value changes the windows of all streams, so that a frame of 2,000 would cost 200,000 changes."""
    peer = RawPeer(Role.SERVER)
    applied: list[int] = []
    sender = peer.connection._sender
    monkeypatch.setattr(sender, "set_initial_window", applied.append)
    peer.send(settings(*((4, number) for number in range(2000))))
    assert applied == [1999]


def test_many_table_sizes_are_announced_by_two() -> None:
    peer = RawPeer(Role.SERVER)
    peer.request(1)
    peer.send(settings(*((1, 100 + number % 50) for number in range(2000))))
    peer.connection.send_headers(1, RESPONSE)
    headers = peer.sent()[-1]
    assert headers.payload.count(b"\x3f") == 2


def test_nothing_can_be_sent_on_a_connection_that_ended() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    flood(peer, lambda _: ping())
    with pytest.raises(CannotSend):
        peer.connection.send_headers(1, RESPONSE)
    peer.sent()
    assert peer.connection.buffered_bytes == 0


def test_an_allowance_is_used_up_and_grows_again() -> None:
    allowance = Allowance(3, 2.0, now=10.0)
    assert [allowance.use(10.0) for _ in range(4)] == [True, True, True, False]
    assert [allowance.use(10.5) for _ in range(2)] == [True, False]
    assert [allowance.use(99.0) for _ in range(4)] == [True, True, True, False]
    assert repr(allowance) == "<Allowance 0 of 3 left>"
