"""Keepalive: PING frames, silent peers, and settings that are not acknowledged."""

from __future__ import annotations

import math

import pytest

from rxpump.grpc.http2 import ErrorCode, Http2Connection, Http2Limits, Role
from rxpump.grpc.http2.http2_connection import ConnectionState
from rxpump.grpc.http2.http2_events import ConnectionEnded
from tests.grpc.http2.raw_peer import ACK, GOAWAY, PING, RawFrame, RawPeer, ping, settings, window_update

KEEPALIVE = Http2Limits(keepalive_interval=10.0, keepalive_timeout=5.0, settings_timeout=30.0)


def test_a_silent_peer_gets_a_ping_and_then_a_goaway() -> None:
    peer = RawPeer(Role.CLIENT, KEEPALIVE)
    assert peer.connection.deadline == 10.0
    peer.now = 4.0
    peer.send(window_update(0, 1))
    assert peer.connection.tick(10.0) == []
    assert peer.connection.deadline == 14.0
    peer.connection.tick(14.0)
    assert peer.sent() == [RawFrame(PING, 0, 0, bytes(8))]
    assert peer.connection.deadline == 19.0
    assert peer.connection.tick(18.9) == []
    assert peer.connection.tick(19.0) == [ConnectionEnded(ErrorCode.NO_ERROR, "no bytes were received for 15 s")]
    assert peer.sent()[-1].kind == GOAWAY


@pytest.mark.parametrize("sign", ["the answer", "any bytes", "bytes that leave"])
def test_received_or_sent_bytes_keep_the_connection(sign: str) -> None:
    peer = RawPeer(Role.CLIENT, KEEPALIVE)
    for now in range(10, 200, 10):
        peer.now = float(now)
        peer.connection.tick(peer.now)
        if sign == "bytes that leave":
            peer.connection.note_progress()
        else:
            peer.send(ping(bytes(8), ACK) if sign == "the answer" else window_update(0, 1))
    assert peer.connection.state is ConnectionState.OPEN


def test_without_an_interval_no_ping_is_sent() -> None:
    peer = RawPeer(Role.CLIENT, Http2Limits(keepalive_interval=None))
    assert peer.connection.deadline == math.inf
    assert peer.connection.tick(1e9) == []
    assert peer.sent() == []


def test_settings_that_are_not_acknowledged_end_the_connection() -> None:
    client = Http2Connection(Role.CLIENT, Http2Limits(settings_timeout=3.0), 100.0)
    client.receive(settings(), 101.0)
    assert client.deadline == 103.0
    assert client.tick(102.9) == []
    (end,) = client.tick(103.0)
    assert end == ConnectionEnded(ErrorCode.SETTINGS_TIMEOUT, "SETTINGS not acknowledged within 3 s")
