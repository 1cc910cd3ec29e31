"""DeleteStream: a soft or a hard delete (docs/protocol/tcp.md, section 4.5)."""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.server.access.access import Permission
from rxpump.server.node import Node
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion
from rxpump.server.store.changes import NotCommitted, TimedOut
from rxpump.server.store.deletion import Deleted, DeleteRequest, DeleteResult
from rxpump.server.tcp.request import TIMEOUTS, Request, checked_name, checked_version, encode
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import DeleteStream, DeleteStreamCompleted

_NOWHERE: Final = -1


def delete_stream(request: Request, node: Node) -> asyncio.Future[DeleteResult | NotCommitted] | None:
    """Answer a DeleteStream, once it is committed."""
    message = request.read(DeleteStream)
    delete = DeleteRequest(
        checked_name(message.event_stream_id),
        checked_version(message.expected_version),
        message.hard_delete,
    )
    if not node.access.may(request.user, Permission.DELETE, delete.stream):
        denied = _completed(OperationResult.ACCESS_DENIED, "Access denied.")
        request.reply(Command.DELETE_STREAM_COMPLETED, denied)
        return None

    def answer(pending: asyncio.Future[DeleteResult | NotCommitted]) -> None:
        match pending.result():
            case NotCommitted(_, TimedOut() as part):
                request.reply(Command.DELETE_STREAM_COMPLETED, _completed(TIMEOUTS[part], part.value))
            case NotCommitted(reason):
                request.fail(reason)
            case decided:
                request.reply(Command.DELETE_STREAM_COMPLETED, _answer(decided))

    pending = node.store.append(delete)
    pending.add_done_callback(answer)
    return pending


def _answer(outcome: DeleteResult) -> bytes:
    match outcome:
        case Deleted(position):
            return _completed(OperationResult.SUCCESS, None, position)
        case WrongVersion():
            return _completed(OperationResult.WRONG_EXPECTED_VERSION, "Wrong expected version.")
        case StreamDeleted():
            return _completed(OperationResult.STREAM_DELETED, "Stream is deleted.")


def _completed(result: OperationResult, text: str | None, position: int = _NOWHERE) -> bytes:
    return encode(
        DeleteStreamCompleted(result=result, message=text, prepare_position=position, commit_position=position)
    )
