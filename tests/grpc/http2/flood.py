"""Low limits, and floods of frames that exceed them."""

from __future__ import annotations

from collections.abc import Callable

from rxpump.grpc.http2 import ErrorCode, Http2Limits
from rxpump.grpc.http2.http2_events import ConnectionEnded, Http2Event
from tests.grpc.http2.raw_peer import RawPeer, end_of

CALM = ErrorCode.ENHANCE_YOUR_CALM
BURST = 50
LIMITS = Http2Limits(
    max_cheap_frames=BURST, cheap_frames_per_second=10.0, keepalive_interval=None, settings_timeout=1e9
)
GENEROUS = Http2Limits(max_cheap_frames=10**9, keepalive_interval=None, settings_timeout=1e9)


def flood(peer: RawPeer, make: Callable[[int], bytes], times: int = 10 * BURST) -> tuple[list[Http2Event], int]:
    """Send frames until the connection ends; return all events, and the number of frames it took."""
    events: list[Http2Event] = []
    for number in range(times):
        events += peer.send(make(number))
        if end_of(events):
            return events, number + 1
    return events, times


def reason(events: list[Http2Event]) -> str:
    end = events[-1]
    assert isinstance(end, ConnectionEnded)
    assert end.code is CALM
    return end.reason
