"""States of a connection: opening, streams, shutdown, keepalive, and calls that are not allowed."""

from __future__ import annotations

import math

import pytest

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.error_codes import CannotOpenStream, CannotSend
from rxpump.grpc.http2.frames import MAX_STREAM_ID
from rxpump.grpc.http2.http2_connection import ConnectionState
from rxpump.grpc.http2.http2_events import (
    DataReceived,
    GoAwayReceived,
    HeadersReceived,
    Http2Event,
    SettingsReceived,
    StreamReset,
    TrailersReceived,
)
from tests.grpc.http2.raw_peer import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    SETTINGS,
    TRAILERS,
    RawFrame,
    RawPeer,
    data,
    drain,
    frame,
    goaway,
    parse,
    ping,
    rst_stream,
    settings,
    window_update,
)

BOTH = END_HEADERS | END_STREAM


def calling(*, streams: int = 1) -> RawPeer:
    """Return a server on which a client has opened streams 1, 3, ..."""
    peer = RawPeer(Role.CLIENT)
    for _ in range(streams):
        peer.connection.open_stream(REQUEST)
    peer.sent()
    return peer


# Opening ------------------------------------------------------------------------------------------------


def test_a_client_begins_with_the_preface_and_settings() -> None:
    first = drain(Http2Connection(Role.CLIENT, Http2Limits(connection_window=65_535), 0.0))
    assert first.startswith(PREFACE)
    (sent,) = parse(first.removeprefix(PREFACE))
    assert (sent.kind, sent.flags, sent.stream_id) == (SETTINGS, 0, 0)
    assert b"\0\x02\0\0\0\0" in sent.payload  # no push


def test_a_server_begins_with_settings() -> None:
    (sent,) = parse(drain(Http2Connection(Role.SERVER, Http2Limits(65, connection_window=65_535), 0.0)))
    assert b"\0\x03\0\0\0\x41" in sent.payload  # 65 streams


def test_larger_frames_are_announced() -> None:
    peer = RawPeer(Role.SERVER, Http2Limits(max_frame_bytes=20_000, keepalive_interval=None))
    assert b"\0\x05" + (20_000).to_bytes(4, "big") in peer.first_bytes
    peer.request(1)
    (event,) = peer.send(data(1, bytes(20_000)))
    assert isinstance(event, DataReceived)


def test_settings_are_acknowledged_and_reported() -> None:
    peer = RawPeer(Role.CLIENT)
    assert peer.send(settings((3, 5), (6, 777))) == [SettingsReceived()]
    assert peer.sent() == [RawFrame(SETTINGS, ACK, 0, b"")]
    assert peer.connection.stream_limit == 5


def test_a_ping_is_answered_with_its_bytes() -> None:
    peer = RawPeer(Role.CLIENT)
    peer.send(ping(b"abcdefgh"))
    assert peer.sent() == [RawFrame(PING, ACK, 0, b"abcdefgh")]


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("max_concurrent_streams", -1),
        ("stream_window", 0),
        ("stream_window", 2**31),
        ("connection_window", 65_534),
        ("max_frame_bytes", 16_383),
        ("max_frame_bytes", 2**24),
        ("max_header_list_bytes", 0),
        ("max_cheap_frames", 1.5),
        ("cheap_frames_per_second", 0),
        ("keepalive_interval", 0),
        ("settings_timeout", -1.0),
    ],
)
def test_limits_out_of_range_are_refused(limit: str, value: float) -> None:
    with pytest.raises(InvalidArgument, match=f"^{limit} is {value}; allowed is a"):
        Http2Limits(**{limit: value})  # type: ignore[arg-type]


# Streams ------------------------------------------------------------------------------------------------


def test_a_request_is_sent_and_its_response_reported() -> None:
    peer = RawPeer(Role.CLIENT)
    number = peer.connection.open_stream(REQUEST)
    peer.connection.send_data(number, b"abc")
    peer.connection.end_stream(number)
    headers, body = peer.sent()
    assert (headers.kind, headers.flags, headers.stream_id) == (HEADERS, END_HEADERS, 1)
    assert peer.decoded(headers) == list(REQUEST)
    assert body == RawFrame(DATA, END_STREAM, 1, b"abc")
    events = peer.send(peer.headers(1, RESPONSE), data(1, b"xyz"), peer.headers(1, TRAILERS, BOTH))
    assert events == [
        HeadersReceived(1, RESPONSE, False),
        DataReceived(1, b"xyz", 3, False),
        TrailersReceived(1, TRAILERS),
    ]
    assert peer.connection.open_streams == 0


def test_a_response_can_consist_of_trailers_only() -> None:
    peer = RawPeer(Role.SERVER)
    peer.request(1, END_STREAM)
    peer.connection.send_trailers(1, [*RESPONSE, *TRAILERS])
    (headers,) = peer.sent()
    assert (headers.kind, headers.flags) == (HEADERS, BOTH)
    assert peer.decoded(headers) == [*RESPONSE, *TRAILERS]
    assert peer.connection.open_streams == 0


def test_values_beyond_utf_8_are_kept() -> None:
    peer = RawPeer(Role.SERVER)
    block = peer.encoder.encode([*((n.encode(), v.encode()) for n, v in REQUEST), (b"x", b"\xff\xc3\xa9")])
    (event,) = peer.send(frame(HEADERS, END_HEADERS, 1, block))
    assert isinstance(event, HeadersReceived)
    assert event.headers[-1] == ("x", "\udcffé")
    peer.connection.send_headers(1, [(":status", "200"), event.headers[-1]])
    (sent,) = peer.sent()
    assert list(peer.decoder.decode(sent.payload, raw=True))[-1] == (b"x", b"\xff\xc3\xa9")


def test_a_reset_by_the_peer_ends_the_stream() -> None:
    peer = calling()
    peer.connection.send_data(1, bytes(100_000))
    peer.sent()
    assert peer.send(rst_stream(1, 0xB)) == [
        StreamReset(1, ErrorCode.ENHANCE_YOUR_CALM, "the peer reset the stream", is_unprocessed=False)
    ]
    assert peer.send(window_update(0, 100_000)) == []
    assert peer.sent() == []
    assert (peer.connection.open_streams, peer.connection.buffered_bytes) == (0, 0)
    with pytest.raises(CannotSend, match="stream 1: this side of the stream has ended"):
        peer.connection.send_data(1, b"x")


def test_a_refused_stream_is_unprocessed() -> None:
    peer = calling()
    (reset,) = peer.send(rst_stream(1, ErrorCode.REFUSED_STREAM))
    assert isinstance(reset, StreamReset)
    assert reset.is_unprocessed


def test_unknown_error_codes_are_kept() -> None:
    peer = calling()
    (reset,) = peer.send(rst_stream(1, 0xFFFF))
    assert isinstance(reset, StreamReset)
    assert reset.code == 0xFFFF


def test_a_local_reset_discards_unsent_data() -> None:
    peer = calling()
    peer.connection.send_data(1, bytes(1_000_000))
    peer.sent()
    assert peer.connection.is_open(1)
    peer.connection.reset(1, ErrorCode.CANCEL)
    assert peer.sent() == [RawFrame(RST_STREAM, 0, 1, b"\0\0\0\x08")]
    assert (peer.connection.buffered_bytes, peer.connection.is_open(1)) == (0, False)
    peer.send(window_update(0, 100_000))
    assert peer.sent() == []
    peer.connection.reset(1, ErrorCode.CANCEL)
    assert peer.sent() == []


def test_header_blocks_of_closed_streams_are_decoded() -> None:
    """Otherwise the dynamic tables of the two sides would differ from then on."""
    peer = calling(streams=2)
    peer.connection.reset(1, ErrorCode.CANCEL)
    assert peer.send(peer.headers(1, [*RESPONSE, ("new", "field")])) == []
    events = peer.send(peer.headers(3, [*RESPONSE, ("new", "field")]))
    assert events == [HeadersReceived(3, (*RESPONSE, ("new", "field")), False)]


def test_misuse_is_refused() -> None:
    server = RawPeer(Role.SERVER)
    server.request(1)
    with pytest.raises(CannotSend, match="no headers were sent"):
        server.connection.send_data(1, b"x")
    with pytest.raises(CannotSend, match="no headers were sent"):
        server.connection.end_stream(1)
    server.connection.send_headers(1, RESPONSE)
    with pytest.raises(CannotSend, match="headers were sent already"):
        server.connection.send_headers(1, RESPONSE)
    server.connection.end_stream(1)
    with pytest.raises(CannotSend) as caught:
        server.connection.send_trailers(1, TRAILERS)
    assert caught.value.stream_id == 1
    with pytest.raises(CannotSend):
        server.connection.send_data(7, b"x")
    with pytest.raises(CannotOpenStream, match="servers open none"):
        server.connection.open_stream(REQUEST)


# Limits of the peer ------------------------------------------------------------------------------------------


def test_the_limit_of_streams_is_kept() -> None:
    peer = RawPeer(Role.CLIENT, settings_frame=settings((3, 2)))
    assert [peer.connection.open_stream(REQUEST) for _ in range(2)] == [1, 3]
    assert not peer.connection.may_open
    with pytest.raises(CannotOpenStream, match="2 streams are open, and the peer allows 2") as caught:
        peer.connection.open_stream(REQUEST)
    assert caught.value.reason == "2 streams are open, and the peer allows 2"
    peer.send(rst_stream(1))
    assert peer.connection.open_stream(REQUEST) == 5
    peer.send(settings((3, 1)))  # fewer than the open streams
    assert not peer.connection.may_open


def test_before_settings_a_hundred_streams_can_be_opened() -> None:
    client = Http2Connection(Role.CLIENT, Http2Limits(), 0.0)
    for _ in range(100):
        client.open_stream(REQUEST)
    assert not client.may_open
    client.receive(settings(), 0.0)
    assert client.may_open


def test_the_numbers_of_streams_can_be_used_up() -> None:
    peer = RawPeer(Role.CLIENT)
    peer.connection._streams.last_id = MAX_STREAM_ID - 2  # like a connection that is very old
    assert peer.connection.open_stream(REQUEST) == MAX_STREAM_ID
    with pytest.raises(CannotOpenStream, match="the numbers of streams are used up"):
        peer.connection.open_stream(REQUEST)


def test_a_smaller_header_table_is_announced_to_the_decoder() -> None:
    peer = RawPeer(Role.CLIENT)
    peer.connection.open_stream(REQUEST)
    peer.decoded(peer.sent()[0])
    peer.send(settings((1, 0)), settings((1, 100)))
    peer.decoder.max_allowed_table_size = 100
    peer.connection.open_stream(REQUEST)
    headers = peer.sent()[-1]
    assert headers.payload.startswith(b"\x20")  # First 0, the smallest size in between, is announced.
    assert peer.decoded(headers) == list(REQUEST)
    peer.connection.open_stream(REQUEST)
    assert peer.decoded(peer.sent()[0]) == list(REQUEST)


# Ends ---------------------------------------------------------------------------------------------------


def unprocessed(events: list[Http2Event]) -> list[int]:
    """Return the streams that ended unprocessed. Fail if an event reports anything else."""
    resets = [event for event in events if isinstance(event, StreamReset) and event.is_unprocessed]
    assert resets == events
    return [event.stream_id for event in resets]


def test_goaway_ends_the_streams_above_the_last() -> None:
    peer = calling(streams=3)
    for stream_id in (1, 3, 5):
        peer.connection.send_data(stream_id, bytes(30_000))
    peer.sent()
    peer.connection.send_data(5, bytes(30_000))
    events = peer.send(goaway(3, ErrorCode.NO_ERROR, b"maintenance"))
    assert events[0] == GoAwayReceived(3, ErrorCode.NO_ERROR, b"maintenance")
    assert unprocessed(events[1:]) == [5]
    assert peer.connection.pending_bytes(5) == 0
    peer.send(window_update(0, 100_000))
    assert 5 not in {each.stream_id for each in peer.sent()}
    with pytest.raises(CannotOpenStream, match="GOAWAY"):
        peer.connection.open_stream(REQUEST)
    lower = peer.send(peer.headers(1, RESPONSE), peer.headers(3, [*RESPONSE, *TRAILERS], BOTH))
    assert [event.stream_id for event in lower if isinstance(event, HeadersReceived)] == [1, 3]
    peer.connection.send_data(1, b"goes on")
    assert [each.kind for each in peer.sent()] == [DATA]


def test_a_second_goaway_can_lower_the_last_stream() -> None:
    peer = calling(streams=3)
    assert len(peer.send(goaway(2**31 - 1))) == 1
    assert unprocessed(peer.send(goaway(1))[1:]) == [3, 5]
    assert len(peer.send(goaway(5))) == 1


def test_the_debug_data_of_goaway_is_cut() -> None:
    event = calling().send(goaway(1, 0x99, bytes(10_000)))[0]
    assert event == GoAwayReceived(1, 0x99, bytes(1024))


def test_a_server_that_shuts_down_finishes_its_streams() -> None:
    peer = RawPeer(Role.SERVER)
    peer.request(1)
    peer.connection.shut_down()
    assert peer.connection.state is ConnectionState.SHUTTING_DOWN
    assert peer.sent() == [RawFrame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0")]
    assert peer.request(3) == []  # sent before the GOAWAY arrived
    assert peer.send(data(3, b"x", END_STREAM)) == []
    assert len(peer.send(data(1, b"x", END_STREAM))) == 1
    peer.connection.send_trailers(1, [*RESPONSE, *TRAILERS])
    assert [each.stream_id for each in peer.sent()] == [1]
    assert peer.connection.open_streams == 0
    peer.connection.shut_down()
    assert peer.sent() == []


def test_a_client_that_shuts_down_opens_no_more_streams() -> None:
    peer = calling()
    peer.connection.shut_down()
    assert peer.sent() == [RawFrame(GOAWAY, 0, 0, bytes(8))]
    with pytest.raises(CannotOpenStream, match="the connection is shutting down"):
        peer.connection.open_stream(REQUEST)


def test_abort_ends_the_connection_and_all_streams() -> None:
    peer = calling()
    peer.connection.send_data(1, bytes(10_000))
    peer.connection.abort(ErrorCode.INTERNAL_ERROR, "out of order")
    (last,) = peer.sent()
    assert (last.kind, last.payload) == (GOAWAY, b"\0\0\0\0\0\0\0\x02out of order")
    assert (peer.connection.open_streams, peer.connection.buffered_bytes) == (0, 0)
    assert peer.connection.deadline == math.inf
    assert peer.send(ping()) == []
    assert peer.connection.tick(1e9) == []
    peer.connection.abort(ErrorCode.NO_ERROR, "again")
    peer.connection.acknowledge(1, 5)
    peer.connection.reset(1, ErrorCode.CANCEL)
    assert peer.sent() == []
    with pytest.raises(CannotOpenStream, match="the connection is ended"):
        peer.connection.open_stream(REQUEST)
    with pytest.raises(CannotSend):
        peer.connection.send_data(1, b"x")


def test_the_repr_shows_the_state() -> None:
    peer = calling(streams=2)
    peer.connection.send_data(1, bytes(100_000))
    peer.sent()
    assert repr(peer.connection) == "<Http2Connection of a client, open, 2 streams, 34465 bytes buffered>"
    assert repr(peer.connection._streams) == "<StreamTable of a client, 2 open, last 3>"
    assert repr(peer.connection._streams.open[1]) == (
        "<Http2Stream 1 open, 34465 bytes pending, windows 0 to send, 1048576 to receive>"
    )
    assert repr(peer.connection._sender) == (
        "<Sender with 0 bytes of control frames and 0 streams waiting, window 0>"
    )
    assert repr(peer.connection._receiver) == "<Receiver holding 0 bytes>"
    peer.connection.abort(ErrorCode.NO_ERROR, "enough")
    assert repr(peer.connection).startswith("<Http2Connection of a client, ended, 0 streams")
