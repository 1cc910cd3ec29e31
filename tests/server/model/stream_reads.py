"""Reads of a stream and of one event (docs/protocol/tcp.md, section 4.6)."""

from __future__ import annotations

from typing import Any, NamedTuple

from rxpump.tcp.wire import schema
from tests.server.model.access import READ, User, may
from tests.server.model.append import BadRequest
from tests.server.model.links import may_read_all, readable, resolve
from tests.server.model.log import MAX64, NEVER, Log, Record
from tests.server.model.metadata import first_readable, is_expired, is_soft_deleted

SUCCESS, NOT_FOUND, ONE_NO_STREAM, ONE_DELETED, ONE_DENIED = 0, 1, 2, 3, 5
NO_STREAM, DELETED, ERROR, DENIED = 1, 2, 4, 5
MOST = 4096


class Window(NamedTuple):
    """The records of a page, and where the next page starts."""

    records: list[Record]
    next: int
    is_end: bool


def read_event(log: Log, user: User, request: Any) -> Any:
    stream, number = request.event_stream_id, request.event_number
    if not stream or number < -1:
        raise BadRequest
    if not may(log, user, READ, stream):
        return _one(ONE_DENIED)
    last = log.last(stream)
    if last == MAX64:
        return _one(ONE_DELETED)
    if last == NEVER or is_soft_deleted(log, stream):
        return _one(SUCCESS if has_original(log, stream) else ONE_NO_STREAM)
    record = readable(log, stream, number)
    if record is None:
        return _one(SUCCESS if has_original(log, stream) else NOT_FOUND)
    page = list(resolve(log, [record], links=request.resolve_link_tos))
    if not may_read_all(log, user, page):
        return _one(ONE_DENIED)
    return _one(SUCCESS, **page[0].fields())


def has_original(log: Log, stream: str) -> bool:
    """Return whether the stream exists whose metadata this stream would hold."""
    return stream.startswith("$") and log.last(stream[2:]) not in (NEVER, MAX64)


def _one(result: int, **fields: Any) -> Any:
    return schema.ReadEventCompleted(result=result, event=schema.ResolvedIndexedEvent(**fields))


def read_forward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=False)


def read_backward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=True)


def _read(log: Log, user: User, request: Any, *, backward: bool) -> Any:
    stream, start, count = request.event_stream_id, request.from_event_number, request.max_count
    if not stream or start < -1:
        raise BadRequest
    if count > MOST:
        return _nothing(log, ERROR, error=f"Read size too big, should be less than {MOST} items")
    if not may(log, user, READ, stream):
        return _nothing(log, DENIED)
    if start == -1 and not backward:
        return _nothing(log, ERROR, error="fromEventNumber should be non negative.\nParameter name: fromEventNumber")
    if count <= 0:
        return _nothing(log, ERROR, error="maxCount should be positive.\nParameter name: maxCount")
    last = log.last(stream)
    if last == MAX64:
        return _nothing(log, DELETED, last)
    if last == NEVER or is_soft_deleted(log, stream):
        return _nothing(log, NO_STREAM, last)
    window = (_backward if backward else _forward)(log, stream, start, count)
    page = list(resolve(log, window.records, links=request.resolve_link_tos))
    if not may_read_all(log, user, page):
        return _nothing(log, DENIED)
    return schema.ReadStreamEventsCompleted(
        events=[schema.ResolvedIndexedEvent(**each.fields()) for each in page],
        result=SUCCESS,
        next_event_number=window.next,
        last_event_number=last,
        is_end_of_stream=window.is_end,
        last_commit_position=log.last_commit,
        error="",
    )


def _forward(log: Log, stream: str, start: int, count: int) -> Window:
    first, last, end = first_readable(log, stream), log.last(stream), start + count - 1
    if end < first:
        return Window([], first, False)
    records = _fresh(log, log.streams[stream][max(start, first) : end + 1])
    return Window(records, records[-1].number + 1 if records else min(end, last) + 1, end >= last)


def _backward(log: Log, stream: str, start: int, count: int) -> Window:
    first, last = first_readable(log, stream), log.last(stream)
    end = last if start == -1 else start
    low = max(0, end - count + 1)
    if end < first:
        return Window([], -1, True)
    records = _fresh(log, log.streams[stream][max(low, first) : end + 1])[::-1]
    has_low = bool(records) and records[-1].number == low
    if low <= first or (low <= last and not has_low):
        return Window(records, -1, True)
    return Window(records, min(low - 1, last), False)


def _fresh(log: Log, records: list[Record]) -> list[Record]:
    return [record for record in records if not is_expired(log, record)]


def _nothing(log: Log, result: int, last: int = -1, error: str = "") -> Any:
    return schema.ReadStreamEventsCompleted(
        result=result,
        next_event_number=-1,
        last_event_number=last,
        is_end_of_stream=True,
        last_commit_position=log.last_commit,
        error=error,
    )
