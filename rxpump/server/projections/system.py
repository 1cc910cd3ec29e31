"""What each system projection makes of an event: a link to it in a stream of its own, or nothing.

    $by_category         what is in x-1, x-2, ...          in $ce-x           a link to each event
    $by_event_type       what is of type T                 in $et-T           a link to each event
    $streams             the streams that there are        in $streams        a link to the first event of each
    $stream_by_category  the streams x-1, x-2, ...         in $category-x     a reference to each stream

The names and forms are a real server's. A category is what a stream's name has before its first dash; without
one a stream has none. System streams (their names begin with `$`) have none either, so that `$ce-x` holds what
users wrote. By type they are linked too, `$metadata` for one, and they are among the streams.

What projections themselves write nobody links, else one link would draw another without end. An event that is a
link is linked as what it leads to; by type it is not linked at all. The end of a stream (its tombstone) is not
linked: there is nothing to lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rxpump.model.system_names import LINK_EVENT_TYPE, METADATA_PREFIX, SYSTEM_PREFIX, TOMBSTONE_EVENT_TYPE

REFERENCE_EVENT_TYPE: Final = "$@"
"""Type of an event whose data is a stream's name."""

_OWN_STREAM: Final = "$streams"
_OWN_PREFIXES: Final = ("$ce-", "$et-", "$category-", "$projections-")


class Link(NamedTuple):
    """An event of this type and data, for the end of `stream`."""

    stream: str
    event_type: str
    data: bytes


Projection = Callable[[Any], Link | None]
"""Makes a link of an EventRecord, or nothing."""


def by_category(event: Any) -> Link | None:
    """Link the event in its stream's category."""
    category = _category(event.event_stream_id)
    if category is None or event.event_type == TOMBSTONE_EVENT_TYPE:
        return None
    data = event.data if event.event_type == LINK_EVENT_TYPE else _address(event)
    return Link(f"$ce-{category}", LINK_EVENT_TYPE, data)


def by_event_type(event: Any) -> Link | None:
    """Link the event by its type."""
    if event.event_type in _NOT_BY_TYPE or is_own(event.event_stream_id):
        return None
    return Link(f"$et-{event.event_type}", LINK_EVENT_TYPE, _address(event))


def streams(event: Any) -> Link | None:
    """Link the first event of each stream."""
    if event.event_number != 0 or is_own(event.event_stream_id):
        return None
    return Link("$streams", LINK_EVENT_TYPE, _address(event))


def stream_by_category(event: Any) -> Link | None:
    """Refer to each stream in its category."""
    category = _category(event.event_stream_id)
    if event.event_number != 0 or category is None:
        return None
    return Link(f"$category-{category}", REFERENCE_EVENT_TYPE, event.event_stream_id.encode())


SYSTEM_PROJECTIONS: Final[Mapping[str, Projection]] = {
    "$by_category": by_category,
    "$by_event_type": by_event_type,
    "$streams": streams,
    "$stream_by_category": stream_by_category,
}


def is_own(stream: str) -> bool:
    """Tell whether projections write `stream`, or what is its metadata."""
    stream = stream.removeprefix(METADATA_PREFIX)
    return stream == _OWN_STREAM or stream.startswith(_OWN_PREFIXES)


_NOT_BY_TYPE: Final = {LINK_EVENT_TYPE, REFERENCE_EVENT_TYPE, TOMBSTONE_EVENT_TYPE}


def _category(stream: str) -> str | None:
    category, dash, _ = stream.partition("-")
    return category if dash and category and not stream.startswith(SYSTEM_PREFIX) else None


def _address(event: Any) -> bytes:
    return f"{event.event_number}@{event.event_stream_id}".encode()
