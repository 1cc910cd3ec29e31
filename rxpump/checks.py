"""Arguments of verbs, refused here before anything is sent if the server could only refuse them."""

from __future__ import annotations

from collections.abc import Iterable

from rxpump.errors import InvalidArgument
from rxpump.limits import MAX_EVENT_NUMBER, MAX_FRAME_BYTES, MAX_PAGE_EVENTS
from rxpump.new_event import NewEvent, as_new_event

_FRAME_OVERHEAD_PER_EVENT = 64  # tags, lengths and the id of one event, rounded up


def stream_name(value: object) -> str:
    """A stream's name: any text but the empty one."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument("stream", value, "a non-empty string")
    return value


def event_number(value: object, *, argument: str = "event_number") -> int:
    """An event number: from 0, or -1 for the last."""
    if not isinstance(value, int) or isinstance(value, bool) or not -1 <= value <= MAX_EVENT_NUMBER:
        raise InvalidArgument(argument, value, "a number from 0, or -1 for the last event")
    return value


def page_size(value: object, *, argument: str = "max_count") -> int:
    """How many events one read asks for."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_PAGE_EVENTS:
        raise InvalidArgument(argument, value, f"a number from 1 to {MAX_PAGE_EVENTS}")
    return value


def expected_version(value: object) -> int:
    """A version >= 0, or one of ExpectedVersion's names."""
    if not isinstance(value, int) or isinstance(value, bool) or value == -3 or not -4 <= value <= MAX_EVENT_NUMBER:
        raise InvalidArgument(
            "expected_version", value, "a number from 0, or ExpectedVersion.ANY, NO_STREAM or STREAM_EXISTS"
        )
    return int(value)


def atomic_batch(items: Iterable[object]) -> list[NewEvent]:
    """Events that fit one write; Events that were read are copied."""
    events = [as_new_event(item) for item in items]
    size = sum(event.size + _FRAME_OVERHEAD_PER_EVENT for event in events)
    if size > MAX_FRAME_BYTES:
        raise InvalidArgument(
            "events",
            f"{len(events)} events of {size} bytes",
            f"at most {MAX_FRAME_BYTES} bytes in one atomic write; pass an iterator to write in batches",
        )
    return events
