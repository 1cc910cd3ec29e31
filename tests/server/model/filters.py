"""Filters and filtered pages (docs/protocol/tcp.md, sections 3.4, 4.7 and 4.15).

The document does not say which error comes first if access is denied and the request has another error.
"""

from __future__ import annotations

import re
from typing import Any

from rxpump.tcp.wire import schema
from tests.server.model.access import ALL, READ, User, may
from tests.server.model.all_reads import (
    ERROR,
    INVALID_POSITION,
    TOO_MANY,
    after,
    before,
    denied,
    place_of,
    resolved_event,
)
from tests.server.model.links import may_read_all, resolve
from tests.server.model.log import Log, Record
from tests.server.model.stream_reads import MOST

BY_TYPE, PREFIX = 1, 1


def lets_through(wanted: Any, record: Record) -> bool:
    """Return whether an event passes a filter, as it was written and without its target."""
    text = record.event.event_type if wanted.context == BY_TYPE else record.stream
    if not wanted.data:
        return True
    if wanted.type == PREFIX:
        return text.startswith(tuple(wanted.data))
    return re.search(wanted.data[0], text) is not None


def filtered_read_forward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=False)


def filtered_read_backward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=True)


def _read(log: Log, user: User, request: Any, *, backward: bool) -> Any:
    position = request.commit_position, request.prepare_position
    if position == (-1, -1):
        position = log.end, log.end
    if not may(log, user, READ, ALL):
        return denied(position)
    if request.max_count > MOST:
        return _failed(position, TOO_MANY)
    if min(position) < 0:
        return _failed(position, INVALID_POSITION)
    place = place_of(log, position)
    if backward:
        ahead = [record for record in reversed(log.records) if record.position < place]
    else:
        ahead = [record for record in log.records if record.position >= place]
    found, examined = _examine(ahead, request)
    page = list(resolve(log, found, links=request.resolve_link_tos))
    if not may_read_all(log, user, page):
        return denied(position)
    is_end = examined == len(ahead)
    then = (before if backward else after)(ahead[examined - 1]) if examined else position
    if is_end and not backward:
        then = max(then, (log.end, 0))  # as in all_reads
    return schema.FilteredReadAllEventsCompleted(
        commit_position=position[0],
        prepare_position=position[1],
        events=map(resolved_event, page),
        next_commit_position=then[0],
        next_prepare_position=then[1],
        is_end_of_stream=is_end,
        result=0,
    )


def _examine(ahead: list[Record], request: Any) -> tuple[list[Record], int]:
    """Return the events that pass, and the number of examined events."""
    count = max(0, request.max_count)
    window = request.max_search_window if request.max_search_window > 0 else count
    looked_at = ahead[: window if count else 0]
    matching = [place for place, record in enumerate(looked_at) if lets_through(request.filter, record)][:count]
    is_full = count > 0 and len(matching) == count
    return [ahead[place] for place in matching], matching[-1] + 1 if is_full else len(looked_at)


def _failed(position: tuple[int, int], error: str) -> Any:
    return schema.FilteredReadAllEventsCompleted(
        commit_position=position[0],
        prepare_position=position[1],
        next_commit_position=-1,
        next_prepare_position=-1,
        is_end_of_stream=False,
        result=ERROR,
        error=error,
    )
