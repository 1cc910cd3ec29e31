"""Buckets for the pinned strategies: events of one bucket go to the same consumer.

A real server computes buckets with xxHash. Consumers can only observe which streams share a bucket, because a bucket
gets its consumer when it is first used. So this server uses CRC-32 of the standard library.
"""

from __future__ import annotations

import json
from typing import Any, Final
from zlib import crc32

from rxpump.model.system_names import LINK_EVENT_TYPE

BUCKETS: Final = 1024
"""Number of buckets."""

_CORRELATION_ID: Final = "$correlationId"


def unpinned(resolved: Any) -> int:
    """Return the same bucket for every `StreamEntry`."""
    return 0


def by_stream(resolved: Any) -> int:
    """Return the bucket of the stream of a `StreamEntry`; for a link, of the target's stream."""
    return _bucket(_stream_of(resolved))


def by_correlation(resolved: Any) -> int:
    """Return the bucket of the `$correlationId` in the metadata of a `StreamEntry`; without one, of its stream."""
    event = resolved.event if resolved.HasField("event") else resolved.link
    try:
        metadata = json.loads(event.metadata)
    except ValueError:
        metadata = None
    correlation_id = metadata.get(_CORRELATION_ID) if isinstance(metadata, dict) else None
    return _bucket(str(correlation_id) if correlation_id is not None else _stream_of(resolved))


def _stream_of(resolved: Any) -> str:
    event = resolved.event if resolved.HasField("event") else resolved.link
    if event.event_type == LINK_EVENT_TYPE:
        _, at, target = event.data.decode(errors="replace").partition("@")
        if at:
            return str(target)
    return str(event.event_stream_id)


def _bucket(key: str) -> int:
    return crc32(key.encode(errors="surrogatepass")) % BUCKETS
