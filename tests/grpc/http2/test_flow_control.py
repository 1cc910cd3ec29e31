"""Windows in both directions: the bytes that may be sent, and the updates that allow more."""

from __future__ import annotations

import pytest

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2 import ErrorCode, Http2Limits, Role
from rxpump.grpc.http2.http2_events import DataReceived, StreamReset, TrailersReceived
from tests.grpc.http2.raw_peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    SETTINGS,
    TRAILERS,
    WINDOW_UPDATE,
    RawFrame,
    RawPeer,
    data,
    drain,
    end_of,
    frame,
    parse,
    settings,
    window_update,
)

WIDE = 1 << 20


def serving(*, stream_window: int = 65_535, connection_window: int = 65_535, streams: int = 1) -> RawPeer:
    """Return a client with these windows that has received response headers on streams 1, 3, ..."""
    peer = RawPeer(Role.SERVER, settings_frame=settings((4, stream_window)))
    if connection_window > 65_535:
        peer.send(window_update(0, connection_window - 65_535))
    for number in range(streams):
        peer.request(2 * number + 1, END_STREAM)
        peer.connection.send_headers(2 * number + 1, RESPONSE)
    peer.sent()
    return peer


def payloads(frames: list[RawFrame], stream_id: int = 1) -> bytes:
    return b"".join(each.payload for each in frames if each.kind == DATA and each.stream_id == stream_id)


# Sending ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream_window", "connection_window", "sent"), [(100, WIDE, 100), (WIDE, 65_535, 65_535), (0, WIDE, 0)]
)
def test_no_more_is_sent_than_the_smaller_window(stream_window: int, connection_window: int, sent: int) -> None:
    peer = serving(stream_window=stream_window, connection_window=connection_window)
    peer.connection.send_data(1, bytes(70_000))
    assert len(payloads(peer.sent())) == sent
    assert peer.connection.pending_bytes(1) == 70_000 - sent


def test_a_window_of_single_bytes_is_used() -> None:
    peer = serving(stream_window=0)
    peer.connection.send_data(1, b"abc")
    peer.connection.end_stream(1)
    assert peer.sent() == []
    frames = []
    for _ in range(3):
        peer.send(window_update(1, 1))
        frames += peer.sent()
    assert [(each.payload, each.flags) for each in frames] == [(b"a", 0), (b"b", 0), (b"c", END_STREAM)]


def test_settings_can_make_a_window_negative() -> None:
    peer = serving(stream_window=1000)
    peer.connection.send_data(1, bytes(3000))
    assert len(payloads(peer.sent())) == 1000
    peer.send(settings((4, 300)))  # The window is -700 now.
    peer.send(window_update(1, 700))
    assert payloads(peer.sent()) == b""
    peer.send(window_update(1, 1))
    assert len(payloads(peer.sent())) == 1
    peer.send(settings((4, 800)))
    assert len(payloads(peer.sent())) == 500


def test_new_streams_have_the_changed_window() -> None:
    peer = serving(stream_window=1000)
    peer.send(settings((4, 10)))
    peer.request(3, END_STREAM)
    peer.connection.send_headers(3, RESPONSE)
    peer.connection.send_data(3, bytes(100))
    assert len(payloads(peer.sent(), 3)) == 10


def test_the_last_of_several_values_of_a_setting_counts() -> None:
    peer = serving()
    peer.send(settings((4, 1), (4, 70), (4, 7)))
    peer.connection.send_data(1, bytes(100))
    assert len(payloads(peer.sent())) == 7


def test_a_stream_without_window_does_not_hold_back_others() -> None:
    peer = serving(streams=2)
    peer.send(settings((4, 0)), window_update(3, 50))
    peer.connection.send_data(1, bytes(50))
    peer.connection.send_data(3, bytes(50))
    frames = peer.sent()
    assert payloads(frames, 1) == b""
    assert len(payloads(frames, 3)) == 50


def test_streams_take_turns() -> None:
    peer = serving(streams=3, connection_window=WIDE, stream_window=WIDE)
    for number in (1, 3, 5):
        peer.connection.send_data(number, bytes(40_000))
    assert [each.stream_id for each in peer.sent()] == [1, 3, 5, 1, 3, 5, 1, 3, 5]


def test_streams_take_turns_when_the_connection_is_the_limit() -> None:
    peer = serving(streams=3, stream_window=WIDE)
    for number in (1, 3, 5):
        peer.connection.send_data(number, bytes(65_535))
    peer.sent()
    order = []
    for _ in range(6):
        peer.send(window_update(0, 10))
        order += [each.stream_id for each in peer.sent()]
    assert sorted(order) == [1, 1, 3, 3, 5, 5]


def test_an_end_without_data_needs_no_window() -> None:
    peer = serving(stream_window=0)
    peer.connection.end_stream(1)
    assert peer.sent() == [RawFrame(DATA, END_STREAM, 1, b"")]


def test_trailers_follow_all_data_and_need_no_window() -> None:
    peer = serving(stream_window=3)
    peer.connection.send_data(1, b"abcd")
    peer.connection.send_trailers(1, TRAILERS)
    assert [each.kind for each in peer.sent()] == [DATA]
    peer.send(window_update(1, 1))
    last, trailers = peer.sent()
    assert (last.payload, last.flags) == (b"d", 0)
    assert (trailers.kind, trailers.flags) == (HEADERS, END_HEADERS | END_STREAM)


def test_small_pieces_share_a_frame() -> None:
    peer = serving()
    for _ in range(100):
        peer.connection.send_data(1, b"abc")
    peer.connection.end_stream(1)
    assert peer.sent() == [RawFrame(DATA, END_STREAM, 1, b"abc" * 100)]


@pytest.mark.parametrize("largest", [16_384, 20_000])
def test_frames_are_no_larger_than_the_peer_allows(largest: int) -> None:
    peer = serving(connection_window=WIDE, stream_window=WIDE)
    peer.send(settings((5, largest)))
    peer.connection.send_data(1, bytes(50_000))
    peer.connection.send_trailers(1, [("x", "y" * 50_000)])
    frames = peer.sent()
    assert max(len(each.payload) for each in frames) == largest
    trailers = [each for each in frames if each.kind in (HEADERS, CONTINUATION)]
    assert [each.flags for each in trailers] == [END_STREAM, *[0] * (len(trailers) - 2), END_HEADERS]
    block = b"".join(each.payload for each in trailers)
    assert list(peer.decoder.decode(block, raw=True)) == [(b"x", b"y" * 50_000)]


def test_a_large_message_arrives_whole() -> None:
    peer = serving(connection_window=1 << 24, stream_window=1 << 24)
    message = bytes(range(256)) * 20_000
    peer.connection.send_data(1, message)
    assert payloads(peer.sent()) == message


def test_data_that_is_not_taken_stays_in_the_connection() -> None:
    peer = serving(connection_window=1 << 24, stream_window=1 << 24)
    peer.connection.send_data(1, bytes(3_000_000))
    assert len(peer.connection.bytes_to_send()) < 300_000
    assert peer.connection.buffered_bytes == peer.connection.pending_bytes(1) > 2_700_000


# Receiving ----------------------------------------------------------------------------------------------

LIMITS = Http2Limits(stream_window=1000, connection_window=100_000, keepalive_interval=None)


def test_the_windows_are_announced_first() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    first, second = parse(peer.first_bytes)
    assert first.kind == SETTINGS
    assert (4).to_bytes(2, "big") + (1000).to_bytes(4, "big") in first.payload
    assert (second.kind, second.number) == (WINDOW_UPDATE, 100_000 - 65_535)


def test_a_stream_gets_no_window_before_half_of_it_is_acknowledged() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    peer.send(data(1, bytes(1000)))
    peer.connection.acknowledge(1, 499)
    assert peer.sent() == []
    peer.connection.acknowledge(1, 1)
    assert peer.sent() == parse(window_update(1, 500))
    peer.send(data(1, bytes(501)))
    assert [each.number for each in peer.sent()] == [ErrorCode.FLOW_CONTROL_ERROR]


def test_a_consumer_that_pauses_does_not_hold_back_others() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    peer.request(3)
    peer.send(data(1, bytes(1000)))  # The data on stream 1 are never acknowledged.
    received = 0
    for _ in range(300):
        events = peer.send(data(3, bytes(900)))
        received += sum(len(event.data) for event in events if isinstance(event, DataReceived))
        peer.connection.acknowledge(3, 900)
    assert received == 270_000  # in all, more than the window of the connection
    assert {each.stream_id for each in peer.sent()} == {0, 3}


def test_the_connection_window_is_restored_by_halves() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    for number in range(1, 120, 2):
        peer.request(number)
        peer.send(data(number, bytes(1000)))
    assert [each.number for each in peer.sent() if each.stream_id == 0] == [50_000]


def test_data_beyond_the_connection_window_ends_the_connection() -> None:
    # The window is restored while it is used, so that only a stream whose own window is larger can exceed it.
    peer = RawPeer(Role.SERVER, Http2Limits(stream_window=1 << 20, connection_window=65_535, keepalive_interval=None))
    peer.request(1)
    end = end_of(peer.send(data(1, bytes(16_384)) * 5))
    assert end is not None
    assert end.code is ErrorCode.FLOW_CONTROL_ERROR


def test_the_whole_window_of_the_connection_can_be_used() -> None:
    limits = Http2Limits(stream_window=1 << 20, connection_window=65_535, keepalive_interval=None)
    peer = RawPeer(Role.SERVER, limits)
    peer.request(1)
    (event,) = peer.send(data(1, bytes(16_384)) * 3 + data(1, bytes(16_383)))
    assert isinstance(event, DataReceived)
    assert [(each.stream_id, each.number) for each in peer.sent()] == [(0, 65_535)]


def test_padding_uses_the_windows() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    (event,) = peer.send(frame(DATA, 0x8, 1, b"\xff" + b"abc" + bytes(255)))
    assert event == DataReceived(1, b"abc", 259, False)
    (reset,) = peer.send(data(1, bytes(742)))
    assert isinstance(reset, StreamReset)


def test_padding_alone_is_acknowledged_without_a_consumer() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    for _ in range(20):
        assert peer.send(frame(DATA, 0x8, 1, b"\x63" + bytes(99))) == []
    assert sum(each.number for each in peer.sent() if each.stream_id == 1) == 2000


def test_the_default_window_counts_until_settings_are_acknowledged() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    connection = type(peer.connection)(Role.SERVER, LIMITS, 0.0)
    connection.receive(peer.preface + settings() + peer.headers(1), 0.0)
    assert len(connection.receive(data(1, bytes(16_000)) * 4, 0.0)) == 1
    acknowledged = connection.receive(frame(SETTINGS, 1, 0) + data(1, b"x"), 0.0)
    assert [event.code for event in acknowledged if isinstance(event, StreamReset)] == [ErrorCode.FLOW_CONTROL_ERROR]


def test_more_cannot_be_acknowledged_than_was_received() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    peer.send(data(1, bytes(100)))
    peer.connection.acknowledge(1, 60)
    with pytest.raises(InvalidArgument, match="size is 41; allowed is a number of bytes from 0 to 40"):
        peer.connection.acknowledge(1, 41)
    with pytest.raises(InvalidArgument):
        peer.connection.acknowledge(1, -1)


def test_an_ended_stream_needs_no_acknowledgement() -> None:
    peer = RawPeer(Role.SERVER, LIMITS)
    peer.request(1)
    peer.send(data(1, bytes(1000), END_STREAM))
    peer.connection.acknowledge(1, 1000)
    peer.connection.acknowledge(99, 5)
    assert peer.sent() == []


def test_data_of_a_stream_that_was_reset_counts_for_the_connection() -> None:
    peer = RawPeer(Role.CLIENT, LIMITS)
    for _ in range(100):
        number = peer.connection.open_stream(REQUEST)
        peer.connection.reset(number, ErrorCode.CANCEL)
        assert peer.send(peer.headers(number, RESPONSE), data(number, bytes(1000), END_STREAM)) == []
    updates = [each for each in parse(drain(peer.connection)) if each.kind == WINDOW_UPDATE]
    assert [(each.stream_id, each.number) for each in updates] == [(0, 50_000)] * 2


def test_a_server_that_has_answered_needs_no_more_of_the_request() -> None:
    peer = RawPeer(Role.SERVER)
    peer.request(1)
    peer.connection.send_headers(1, RESPONSE)
    peer.connection.send_data(1, b"x")
    peer.connection.send_trailers(1, TRAILERS)
    assert [each.kind for each in peer.sent()] == [HEADERS, DATA, HEADERS, RST_STREAM]
    assert peer.connection.open_streams == 0
    assert peer.send(data(1, b"y", END_STREAM)) == []
    assert peer.is_alive()


def test_trailers_after_data_are_reported() -> None:
    peer = RawPeer(Role.CLIENT)
    peer.connection.open_stream(REQUEST)
    events = peer.send(peer.headers(1, RESPONSE), data(1, b"ab"), data(1, b"cd"), peer.headers(1, TRAILERS, 5))
    assert events[1:] == [DataReceived(1, b"abcd", 4, False), TrailersReceived(1, TRAILERS)]
