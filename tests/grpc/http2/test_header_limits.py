"""Hostile header blocks: endless, too large, or much larger when decoded."""

from __future__ import annotations

import tracemalloc

import pytest

from rxpump.grpc.http2 import Http2Limits, Role
from rxpump.grpc.http2.block_cache import MAX_ENTRIES, BlockCache, is_reusable
from rxpump.grpc.http2.header_decoder import MAX_FRAGMENTS
from rxpump.grpc.http2.http2_events import HeadersReceived, StreamReset
from tests.grpc.http2.flood import CALM, GENEROUS, flood, reason
from tests.grpc.http2.raw_peer import (
    CONTINUATION,
    END_HEADERS,
    HEADERS,
    REQUEST,
    RESPONSE,
    RST_STREAM,
    RawPeer,
    frame,
)


@pytest.mark.parametrize(
    ("size", "expected", "most"),
    [
        (1, "in more than 32 frames", 33),
        (1000, "in more than 32 frames", 33),
        (16_384, "of more than 65,536 bytes", 4),
    ],
)
def test_a_header_block_without_end_is_cut_off(size: int, expected: str, most: int) -> None:
    peer = RawPeer(Role.SERVER, GENEROUS)
    peer.send(frame(HEADERS, 0, 1, bytes(size)))
    for number in range(1, 10_000):
        assert peer.connection.buffered_bytes == number * size
        events = peer.send(frame(CONTINUATION, 0, 1, bytes(size)))
        if events:
            break
    assert reason(events) == f"a header block {expected}"
    assert number <= most


def test_a_header_block_of_the_largest_size_is_read() -> None:
    block = RawPeer(Role.SERVER).block(REQUEST)
    for most, is_read in ((len(block), True), (len(block) - 1, False)):
        peer = RawPeer(Role.SERVER, Http2Limits(max_header_block_bytes=most, keepalive_interval=None))
        (event,) = peer.send(frame(HEADERS, END_HEADERS, 1, block))
        assert isinstance(event, HeadersReceived) is is_read


def test_headers_of_the_largest_size_are_served() -> None:
    size = sum(len(name) + len(value) + 32 for name, value in REQUEST)
    for most, is_too_large in ((size, False), (size - 1, True)):
        peer = RawPeer(Role.SERVER, Http2Limits(max_header_list_bytes=most, keepalive_interval=None))
        (event,) = peer.request(1)
        assert isinstance(event, HeadersReceived)
        assert event.is_too_large is is_too_large


def test_response_headers_of_the_largest_size_are_read() -> None:
    size = sum(len(name) + len(value) + 32 for name, value in RESPONSE)
    for most, kind in ((size, HeadersReceived), (size - 1, StreamReset)):
        peer = RawPeer(Role.CLIENT, Http2Limits(max_header_list_bytes=most, keepalive_interval=None))
        peer.connection.open_stream(REQUEST)
        (event,) = peer.send(peer.headers(1, RESPONSE))
        assert isinstance(event, kind)


def test_fragments_without_bytes_are_counted() -> None:
    peer = RawPeer(Role.SERVER, GENEROUS)
    peer.send(frame(HEADERS, 0, 1))
    events, taken = flood(peer, lambda _: frame(CONTINUATION, 0, 1))
    assert reason(events) == f"a header block in more than {MAX_FRAGMENTS} frames"
    assert taken == MAX_FRAGMENTS


def test_large_headers_are_reported_so_that_431_can_answer() -> None:
    peer = RawPeer(Role.SERVER)
    (event,) = peer.send(*split(peer, [*REQUEST, ("x", "y" * 40_000)]))
    assert isinstance(event, HeadersReceived)
    assert event.is_too_large
    peer.connection.send_trailers(1, [(":status", "431")])
    assert [each.kind for each in peer.sent()] == [HEADERS, RST_STREAM]
    (event,) = peer.send(peer.headers(3))
    assert event == HeadersReceived(3, REQUEST, is_end=False)


def test_headers_of_twice_the_limit_end_the_connection() -> None:
    peer = RawPeer(Role.SERVER, Http2Limits(max_header_block_bytes=10**6, keepalive_interval=None))
    events = peer.send(*split(peer, [*REQUEST, ("x", "y" * 70_000)]))
    assert reason(events) == "headers of more than 65,536 bytes"


def test_a_small_block_cannot_become_large_headers() -> None:
    """A block of one-byte references to one large field would be 4,000 times as large."""
    peer = RawPeer(Role.SERVER)
    peer.send(peer.headers(1, [*REQUEST, ("x", "y" * 3_900)]))
    bomb = b"\xbe" * 60_000
    tracemalloc.start()
    try:
        events = peer.send(*in_frames(3, bomb))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reason(events) == "headers of more than 65,536 bytes"
    assert peak < 10 * len(bomb)


def test_responses_with_large_headers_end_their_stream() -> None:
    peer = RawPeer(Role.CLIENT)
    peer.connection.open_stream(REQUEST)
    (event,) = peer.send(*split(peer, [*RESPONSE, ("x", "y" * 40_000)]))
    assert isinstance(event, StreamReset)
    assert event.code is CALM
    assert "at most 32,768 are allowed" in event.reason
    assert peer.is_alive()


def test_the_cache_of_blocks_is_bounded() -> None:
    cache: BlockCache[int, int] = BlockCache()
    for number in range(10 * MAX_ENTRIES):
        cache.keep(number, number)
        assert len(cache._results) <= MAX_ENTRIES
    assert (cache.get(number), cache.get(number - 1)) == (number, number - 1)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"", False),
        (b"\x82\x86\xfe", True),
        (b"\x7f", False),  # adds a field to the table
        (b"\x82\x20", False),  # changes the size of the table
        (b"\xff\x80", False),  # an index of several bytes
    ],
)
def test_only_blocks_of_indexed_fields_are_reused(block: bytes, expected: bool) -> None:
    assert is_reusable(block) is expected


def in_frames(stream_id: int, block: bytes) -> list[bytes]:
    parts = [block[start : start + 16_384] for start in range(0, len(block), 16_384)]
    kinds = [HEADERS, *[CONTINUATION] * (len(parts) - 1)]
    flags = [0] * (len(parts) - 1) + [END_HEADERS]
    return [frame(*each[:2], stream_id, each[2]) for each in zip(kinds, flags, parts, strict=True)]


def split(peer: RawPeer, headers: list[tuple[str, str]]) -> list[bytes]:
    return in_frames(1, peer.encoder.encode(headers, huffman=False))
