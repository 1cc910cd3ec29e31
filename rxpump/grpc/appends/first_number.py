"""Find the number of the first event of an append that has an id more than once.

A server returns only the number of the last event. It writes all events of a new append, so the number of the first
event follows from it. If the server recognizes a repeated append, it returns the number of the first event in the
stream with the id of the last one. Then that number can be lower than the number of events of the append
(docs/protocol/tcp.md, section 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rxpump.errors import RxPumpError
from rxpump.grpc.caller import Caller
from rxpump.grpc.reads.pages import read_stream_page
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import StreamDirection
from rxpump.model.results import WriteResult


def has_repeated_id(events: Sequence[NewEvent], expected_version: int) -> bool:
    """Return whether an append has an id more than once, and the server compares only ids to recognize it."""
    return expected_version < 0 and len(events) > 1 and len({event.id_bytes for event in events}) < len(events)


async def with_first_number(caller: Caller, result: WriteResult, events: Sequence[NewEvent]) -> WriteResult:
    """Return a result with the number of the first event, which is read from the stream.

    If not all events before the last one can be read, the number is the one of a new append, but at least 0.
    """
    count, last = len(events), result.last_event_number
    try:
        page = await read_stream_page(
            caller, result.stream, last, count, StreamDirection.BACKWARD, resolve_links=False
        )
    except RxPumpError:
        numbers: list[int] = []
    else:
        is_whole = len(page) == min(count, last + 1)
        id = events[0].id
        numbers = [event.number for event in page if is_whole and event.id == id]
    first = min(numbers, default=max(0, result.first_event_number))
    return replace(result, first_event_number=first)
