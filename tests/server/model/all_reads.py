"""Reading $all (docs/protocol/tcp.md, section 4.7).

One rule differs from the document: the next position of a forward page that reaches the end of the log is the end,
and not the position after the last event or, for an empty page, the requested position. With the documented rule, a
client that subscribes after an empty write would wait forever, because no page reaches the commit of that write.
"""

from __future__ import annotations

from typing import Any

from rxpump.tcp.wire import schema
from tests.server.model.access import ALL, READ, User, may
from tests.server.model.links import Resolved, may_read_all, resolve
from tests.server.model.log import Log, Record
from tests.server.model.stream_reads import MOST

ERROR, DENIED = 2, 3
TOO_MANY = f"Read size too big, should be less than {MOST} items"
INVALID_POSITION = "Invalid position."
Position = tuple[int, int]


def read_all_forward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=False)


def read_all_backward(log: Log, user: User, request: Any) -> Any:
    return _read(log, user, request, backward=True)


def _read(log: Log, user: User, request: Any, *, backward: bool) -> Any:
    position = request.commit_position, request.prepare_position
    if request.max_count > MOST:
        return _nothing(position, ERROR, TOO_MANY)
    if position == (-1, -1):
        position = log.end, log.end
    if min(position) < 0:
        return _nothing(position, ERROR, INVALID_POSITION)
    if not may(log, user, READ, ALL):
        return denied(position)
    count = max(0, request.max_count)
    place = place_of(log, position)
    if backward:
        records = [record for record in reversed(log.records) if record.position < place][:count]
    else:
        records = [record for record in log.records if record.position >= place][:count]
    page = list(resolve(log, records, links=request.resolve_link_tos))
    if not may_read_all(log, user, page):
        return denied(position)
    then = (before if backward else after)(records[-1]) if records else position
    if not backward and len(records) < count:
        then = max(then, (log.end, 0))
    return schema.ReadAllEventsCompleted(
        commit_position=position[0],
        prepare_position=position[1],
        events=map(resolved_event, page),
        next_commit_position=then[0],
        next_prepare_position=then[1],
    )


def resolved_event(resolved: Resolved) -> Any:
    record = resolved.record
    return schema.ResolvedEvent(commit_position=record.commit, prepare_position=record.prepare, **resolved.fields())


def denied(position: Position) -> Any:
    return _nothing(position, DENIED)


def after(record: Record) -> Position:
    return (record.commit, record.prepare + 1) if record.is_of_transaction else (record.commit + 1, 0)


def before(record: Record) -> Position:
    return (record.commit + 1, record.prepare) if record.is_of_transaction else record.position


def place_of(log: Log, position: Position) -> Position:
    """Return the place at which a read from a position starts.

    A server accepts every position that it has returned, also the next position before an event of a transaction,
    whose two halves together would be after the transaction.
    """
    return next((record.position for record in log.records if before(record) == position), position)


def _nothing(position: Position, result: int, error: str | None = None) -> Any:
    return schema.ReadAllEventsCompleted(
        commit_position=position[0],
        prepare_position=position[1],
        next_commit_position=-1,
        next_prepare_position=-1,
        result=result,
        error=error,
    )
