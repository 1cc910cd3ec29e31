"""Answer requests that fail because of the store and not because of the client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rxpump.server.tcp.request import Request, encode
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult, ReadEventResult, ReadStreamResult
from rxpump.tcp.wire.commands import Command


def answer_failure(request: Request, command: int, reason: str) -> None:
    """Reply to a request that the server cannot serve because its store failed.

    The reply to a read has an error result and `reason`. Other replies have no result for a failure of the server, so
    those requests are answered by `Request.fail`.

    Args:
        request: The request.
        command: Command of the request.
        reason: Description of the failure.
    """
    reply = _REPLIES.get(command)
    if reply is None:
        request.fail(reason)
    else:
        request.reply(reply.command, encode(reply.make(reason)))


class _Reply(NamedTuple):
    command: Command
    make: Callable[[str], Any]


def _event(reason: str) -> Any:
    nothing = schema.ResolvedIndexedEvent()
    return schema.ReadEventCompleted(result=ReadEventResult.ERROR, event=nothing, error=reason)


def _stream(reason: str) -> Any:
    return schema.ReadStreamEventsCompleted(
        result=ReadStreamResult.ERROR,
        next_event_number=-1,
        last_event_number=-1,
        is_end_of_stream=True,
        last_commit_position=-1,
        error=reason,
    )


def _all(reason: str) -> Any:
    return schema.ReadAllEventsCompleted(**_NO_POSITIONS, result=ReadAllResult.ERROR, error=reason)


def _filtered(reason: str) -> Any:
    return schema.FilteredReadAllEventsCompleted(
        **_NO_POSITIONS, is_end_of_stream=False, result=ReadAllResult.ERROR, error=reason
    )


_NO_POSITIONS: Final = {
    "commit_position": -1,
    "prepare_position": -1,
    "next_commit_position": -1,
    "next_prepare_position": -1,
}

_REPLIES: Final[Mapping[int, _Reply]] = {
    Command.READ_EVENT: _Reply(Command.READ_EVENT_COMPLETED, _event),
    Command.READ_STREAM_EVENTS_FORWARD: _Reply(Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, _stream),
    Command.READ_STREAM_EVENTS_BACKWARD: _Reply(Command.READ_STREAM_EVENTS_BACKWARD_COMPLETED, _stream),
    Command.READ_ALL_EVENTS_FORWARD: _Reply(Command.READ_ALL_EVENTS_FORWARD_COMPLETED, _all),
    Command.READ_ALL_EVENTS_BACKWARD: _Reply(Command.READ_ALL_EVENTS_BACKWARD_COMPLETED, _all),
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: _Reply(Command.FILTERED_READ_ALL_EVENTS_FORWARD_COMPLETED, _filtered),
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: _Reply(Command.FILTERED_READ_ALL_EVENTS_BACKWARD_COMPLETED, _filtered),
}
