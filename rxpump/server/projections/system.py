"""The system projections: functions that return a link to an event, in another stream, or None.

    $streams             all streams                       in $streams        a link to the first event of each
    $stream_by_category  the streams x-1, x-2, ...         in $category-x     a reference to each stream
    $by_category         events of x-1, x-2, ...           in $ce-x           a link to each event
    $by_event_type       events of type T                  in $et-T           a link to each event
    $by_correlation_id   events whose metadata name C      in $bc-C           a link to each event

The names and formats are those of a real server. The category of a stream is the part of its name before the first
dash; without a dash there is none. System streams, whose names start with `$`, have no category, so that `$ce-x`
holds only events of users. They are linked by type (for example `$metadata`) and listed in `$streams`.

Events that projections wrote are not linked, because each link would cause another one without end. By category and
by correlation id, a link of a user is linked as its target; by type it is not linked. Tombstones are not linked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rxpump.model.system_names import LINK_EVENT_TYPE, METADATA_PREFIX, SYSTEM_PREFIX, TOMBSTONE_EVENT_TYPE

REFERENCE_EVENT_TYPE: Final = "$@"
"""Type of an event whose data are the name of a stream."""

_OWN_STREAM: Final = "$streams"
_OWN_PREFIXES: Final = ("$ce-", "$et-", "$bc-", "$category-", "$projections-")
_CORRELATION_ID: Final = "$correlationId"


class Link(NamedTuple):
    """An event to append to `stream`, with this type and data."""

    stream: str
    event_type: str
    data: bytes


Projection = Callable[[Any], Link | None]
"""Function that returns the link to a `Record`; None if the event is not linked."""


def by_category(event: Any) -> Link | None:
    """Return the link to an event in the stream of its category."""
    category = _category(event.event_stream_id)
    if category is None or event.event_type == TOMBSTONE_EVENT_TYPE:
        return None
    return Link(f"$ce-{category}", LINK_EVENT_TYPE, _target(event))


def by_event_type(event: Any) -> Link | None:
    """Return the link to an event in the stream of its type."""
    if event.event_type in _NOT_BY_TYPE or is_own(event.event_stream_id):
        return None
    return Link(f"$et-{event.event_type}", LINK_EVENT_TYPE, _address(event))


def streams(event: Any) -> Link | None:
    """Return the link to an event in `$streams` if it is the first of its stream."""
    if event.event_number != 0 or is_own(event.event_stream_id):
        return None
    return Link("$streams", LINK_EVENT_TYPE, _address(event))


def stream_by_category(event: Any) -> Link | None:
    """Return the reference to a stream in its category if the event is the first of the stream."""
    category = _category(event.event_stream_id)
    if event.event_number != 0 or category is None:
        return None
    return Link(f"$category-{category}", REFERENCE_EVENT_TYPE, event.event_stream_id.encode())


def by_correlation_id(event: Any) -> Link | None:
    """Return the link to an event in the stream of the `$correlationId` in its metadata, if that is a text."""
    if not event.metadata or is_own(event.event_stream_id) or event.event_type == TOMBSTONE_EVENT_TYPE:
        return None
    try:
        metadata = json.loads(event.metadata)
    except (ValueError, RecursionError):
        return None
    correlation_id = metadata.get(_CORRELATION_ID) if isinstance(metadata, dict) else None
    if not isinstance(correlation_id, str):
        return None
    return Link(f"$bc-{correlation_id}", LINK_EVENT_TYPE, _target(event))


SYSTEM_PROJECTIONS: Final[Mapping[str, Projection]] = {
    "$streams": streams,
    "$stream_by_category": stream_by_category,
    "$by_category": by_category,
    "$by_event_type": by_event_type,
    "$by_correlation_id": by_correlation_id,
}
"""The projections by their names, in the order in which a real server lists them."""


def is_own(stream: str) -> bool:
    """Return whether projections write to the stream or to the stream that it is the metadata of."""
    stream = stream.removeprefix(METADATA_PREFIX)
    return stream == _OWN_STREAM or stream.startswith(_OWN_PREFIXES)


_NOT_BY_TYPE: Final = {LINK_EVENT_TYPE, REFERENCE_EVENT_TYPE, TOMBSTONE_EVENT_TYPE}


def _category(stream: str) -> str | None:
    category, dash, _ = stream.partition("-")
    return category if dash and category and not stream.startswith(SYSTEM_PREFIX) else None


def _target(event: Any) -> bytes:
    """Return the data of a link to an event; for a link, those of a link to its target."""
    return bytes(event.data) if event.event_type == LINK_EVENT_TYPE else _address(event)


def _address(event: Any) -> bytes:
    return f"{event.event_number}@{event.event_stream_id}".encode()
