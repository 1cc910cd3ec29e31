"""WriteEvents: append events as one atomic write (docs/protocol/tcp.md, sections 4.3 and 4.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended, NotCommitted, TimedOut
from rxpump.server.store.group_commit import Outcome
from rxpump.server.tcp.request import (
    NO_NUMBER,
    TIMEOUTS,
    TOO_LARGE,
    Request,
    checked_event,
    checked_name,
    checked_version,
    encode,
    has_room,
)
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import WriteEvents, WriteEventsCompleted

_UNKNOWN_VERSION: Final = -1


class UncommittedWrite:
    """A write that is not committed yet.

    The callbacks of a future would be called in another iteration of the event loop, which takes time on its own.
    """

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: list[Callable[[UncommittedWrite], object]] = []

    def add_done_callback(self, call: Callable[[UncommittedWrite], object], /) -> None:
        """Call a function when the write is answered. Add it before that."""
        self._callbacks.append(call)

    def complete(self) -> None:
        """Call the functions that were added."""
        for call in self._callbacks:
            call(self)


def write_events(request: Request, node: Node) -> UncommittedWrite | None:
    """Answer a WriteEvents when it is committed."""
    message = request.read(WriteEvents)
    append = AppendRequest(
        checked_name(message.event_stream_id),
        checked_version(message.expected_version),
        [checked_event(event) for event in message.events],
        node.strictness,
    )
    if not node.access.may(request.user, Permission.WRITE, append.stream):
        request.reply(Command.WRITE_EVENTS_COMPLETED, _refused(OperationResult.ACCESS_DENIED, "Access denied."))
        return None

    if not all(has_room(event, append.stream) for event in append.events):
        request.reply(Command.WRITE_EVENTS_COMPLETED, _refused(OperationResult.INVALID_TRANSACTION, TOO_LARGE))
        return None

    pending = UncommittedWrite()

    def answer(outcome: Outcome) -> None:
        match outcome:
            case NotCommitted(_, TimedOut() as part):
                request.reply(Command.WRITE_EVENTS_COMPLETED, _refused(TIMEOUTS[part], part.value))
            case NotCommitted(reason):
                request.fail(reason)
            case Unanswered():
                pass
            case decided:
                request.reply(Command.WRITE_EVENTS_COMPLETED, _completed(decided))
        pending.complete()

    node.store.submit(append, answer)
    return pending


def _completed(outcome: Appended | WrongVersion | StreamDeleted) -> bytes:
    match outcome:
        case Appended(first, last, position):
            return encode(
                WriteEventsCompleted(
                    result=OperationResult.SUCCESS,
                    first_event_number=first,
                    last_event_number=last,
                    prepare_position=position,
                    commit_position=position,
                    current_version=0,
                )
            )
        case WrongVersion(current):
            return _refused(OperationResult.WRONG_EXPECTED_VERSION, "Wrong expected version.", current)
        case StreamDeleted():
            return _refused(OperationResult.STREAM_DELETED, "Stream is deleted.")


def _refused(result: OperationResult, text: str, current_version: int = _UNKNOWN_VERSION) -> bytes:
    return encode(
        WriteEventsCompleted(
            result=result,
            message=text,
            first_event_number=NO_NUMBER,
            last_event_number=NO_NUMBER,
            prepare_position=NO_NUMBER,
            commit_position=0,
            current_version=current_version,
        )
    )
