from __future__ import annotations

from typing import Any

import pytest

from rxpump.server.groups.pinning import BUCKETS, by_correlation, by_stream, unpinned
from rxpump.tcp.wire import schema


def resolved(
    stream: str = "s", *, link: str | None = None, type: str = "T", data: bytes = b"", metadata: bytes = b""
) -> Any:
    record = schema.EventRecord(event_stream_id=stream, event_type=type, data=data, metadata=metadata)
    found = schema.ResolvedIndexedEvent(event=record)
    if link is not None:
        found.link.CopyFrom(schema.EventRecord(event_stream_id=link, event_type="$>", data=b"0@" + stream.encode()))
    return found


def broken(target: str) -> Any:
    link = schema.EventRecord(event_stream_id="links", event_type="$>", data=b"0@" + target.encode())
    return schema.ResolvedIndexedEvent(link=link)


def test_events_and_links_of_a_stream_share_a_bucket() -> None:
    bucket = by_stream(resolved("pony@1"))
    assert 0 <= bucket < BUCKETS
    assert by_stream(resolved("pony@1", link="links")) == bucket
    assert by_stream(resolved("links", type="$>", data=b"7@pony@1")) == bucket
    assert by_stream(broken("pony@1")) == bucket


def test_streams_are_spread() -> None:
    assert len({by_stream(resolved(f"pony-{number}")) for number in range(1000)}) > 500


def test_a_bad_link_has_the_bucket_of_its_own_stream() -> None:
    assert by_stream(resolved("links", type="$>", data=b"\xff")) == by_stream(resolved("links"))


def test_a_correlation_is_one_bucket() -> None:
    metadata = b'{"$correlationId": "c-1"}'
    assert by_correlation(resolved("a", metadata=metadata)) == by_correlation(resolved("b", metadata=metadata))


@pytest.mark.parametrize("metadata", [b"", b"{}", b"[1]", b"{", b"\xff\xff", b'{"$correlationId": null}'])
def test_without_a_correlation_the_stream_decides(metadata: bytes) -> None:
    assert by_correlation(resolved("a", metadata=metadata)) == by_stream(resolved("a"))


def test_a_broken_link_has_the_bucket_of_its_target() -> None:
    assert by_correlation(broken("a")) == by_stream(resolved("a"))


def test_unpinned_is_one_bucket() -> None:
    assert unpinned(resolved("a")) == unpinned(resolved("b"))
