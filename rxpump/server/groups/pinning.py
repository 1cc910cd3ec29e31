"""What keeps events together for the pinned strategies: a bucket, by the stream that they are from.

A real server hashes with xxHash. Buckets are given out when they are first used, so all that a consumer
can see of the hash is which streams share a bucket; CRC-32 of the standard library does as well.
"""

from __future__ import annotations

import json
from typing import Any, Final
from zlib import crc32

from rxpump.model.system_names import LINK_EVENT_TYPE

BUCKETS: Final = 1024

_CORRELATION_ID: Final = "$correlationId"


def unpinned(resolved: Any) -> int:
    """Put every ResolvedIndexedEvent in one bucket."""
    return 0


def by_stream(resolved: Any) -> int:
    """Put a ResolvedIndexedEvent where its stream belongs, a link where the stream that it leads to does."""
    return _bucket(_stream_of(resolved))


def by_correlation(resolved: Any) -> int:
    """Put a ResolvedIndexedEvent where its `$correlationId` belongs; one without is put by its stream."""
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
