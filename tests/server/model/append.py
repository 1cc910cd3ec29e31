"""Appends: the decision table and the replies (docs/protocol/tcp.md, sections 4.3 and 4.4).

The comments name the row of the decision table that a branch implements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rxpump.server.strictness import Strictness
from rxpump.tcp.wire import schema
from tests.server.model.access import WRITE, User, may
from tests.server.model.log import MAX64, NEVER, Log
from tests.server.model.metadata import is_metastream, is_soft_deleted, with_truncate_before

ANY, NO_STREAM, EXISTS = -2, -1, -4
SUCCESS, WRONG_VERSION, DELETED, DENIED = 0, 4, 5, 7
TEXTS = {WRONG_VERSION: "Wrong expected version.", DELETED: "Stream is deleted.", DENIED: "Access denied."}
NO_NUMBER = -(2**31)


class BadRequest(Exception):
    """A request that no server accepts."""


class Unanswered(Exception):
    """A request to which a real server never replies."""


class Decision(NamedTuple):
    """The numbers of events that are already in the stream; None if the events must be written."""

    result: int
    first: int | None = None
    last: int | None = None


WRITE_THEM = Decision(SUCCESS)


def decide(log: Log, stream: str, expected: int, ids: Sequence[bytes]) -> Decision:
    last = log.last_for_writers(stream)
    if last == MAX64:
        return Decision(DELETED)  # row 1 of the table
    if expected == EXISTS:
        if is_soft_deleted(log, stream):
            return Decision(DELETED)  # row 2 of the table
        if last == NEVER and log.last(f"$${stream}") == NEVER:
            return Decision(WRONG_VERSION)  # row 3 of the table
    if expected in (ANY, EXISTS):
        return _by_recent(log, stream, ids)
    if expected == last:
        return WRITE_THEM  # row 12 of the table
    if expected > last or not ids:
        return Decision(WRONG_VERSION)  # row 11 of the table, and appends without events
    stored = [record.event.event_id for record in log.streams[stream][expected + 1 :]]
    if stored[: len(ids)] == list(ids):
        return Decision(SUCCESS, expected + 1, expected + len(ids))  # row 8 of the table
    if stored[0] != ids[0] and expected == NO_STREAM and is_soft_deleted(log, stream):
        return WRITE_THEM  # row 9 of the table
    return Decision(WRONG_VERSION)  # rows 9 and 10 of the table


def _by_recent(log: Log, stream: str, ids: Sequence[bytes]) -> Decision:
    numbers = [_recent(log, stream, each) for each in ids]
    if not numbers or numbers[0] is None:
        return WRITE_THEM  # row 4 of the table
    if None in numbers or numbers[-1] is None:
        return Decision(WRONG_VERSION)  # row 5 of the table
    if numbers[-1] < numbers[0] - 1:  # row 7 of the table
        if log.strictness is Strictness.REAL:
            raise Unanswered
        return Decision(WRONG_VERSION)
    return Decision(SUCCESS, numbers[0], numbers[-1])  # row 6 of the table


def _recent(log: Log, stream: str, event_id: bytes) -> int | None:
    placed = log.placed.get(event_id, [])
    looked_at = placed[:1] if log.strictness is Strictness.REAL else placed
    return next((number for name, number in looked_at if name == stream), None)


def write_and_undelete(log: Log, stream: str, events: Sequence[Any], prepares: Sequence[int] = ()) -> int:
    """Append events, undelete the stream if it is soft-deleted, and return the commit position.

    See docs/protocol/tcp.md, section 4.5.
    """
    first = log.last_for_writers(stream) + 1
    original = stream.removeprefix("$$")
    was_deleted = is_soft_deleted(log, original)
    position = log.write(stream, events, prepares)
    if was_deleted:
        _undelete(log, original, log.last(original) + 1 if is_metastream(stream) else first)
    return position


def _undelete(log: Log, stream: str, first: int) -> None:
    data = with_truncate_before(log.last_event(f"$${stream}").data, first)
    if data is not None:
        write_metadata(log, stream, data)


def write_metadata(log: Log, stream: str, data: bytes) -> int:
    return log.write(f"$${stream}", [schema.NewEvent(event_type="$metadata", data_content_type=1, data=data)])


def check_version(expected: int, *, is_write: bool = False) -> None:
    if expected < ANY and not (is_write and expected == EXISTS):
        raise BadRequest


def write_events(log: Log, user: User, request: Any) -> Any:
    stream, events = request.event_stream_id, request.events
    if not stream or not all(event.event_type for event in events):
        raise BadRequest
    check_version(request.expected_version, is_write=True)
    if not may(log, user, WRITE, stream):
        return _refusal(DENIED)
    decision = decide(log, stream, request.expected_version, [event.event_id for event in events])
    if decision.result != SUCCESS:
        return _refusal(decision.result, log.last_for_writers(stream) if decision.result == WRONG_VERSION else -1)
    if decision.first is not None:
        return _completed(decision.first, decision.last, -1)
    first = log.last_for_writers(stream) + 1
    return _completed(first, first + len(events) - 1, write_and_undelete(log, stream, events))


def _completed(first: int, last: int | None, position: int) -> Any:
    return schema.WriteEventsCompleted(
        result=SUCCESS,
        first_event_number=first,
        last_event_number=last,
        prepare_position=position,
        commit_position=position,
        current_version=0,
    )


def _refusal(result: int, current: int = -1) -> Any:
    return schema.WriteEventsCompleted(
        result=result,
        message=TEXTS[result],
        first_event_number=NO_NUMBER,
        last_event_number=NO_NUMBER,
        prepare_position=NO_NUMBER,
        commit_position=0,
        current_version=current,
    )
