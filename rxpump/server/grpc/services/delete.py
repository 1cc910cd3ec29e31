"""Streams.Delete and Streams.Tombstone: delete a stream (docs/protocol/grpc.md, section 5.4)."""

from __future__ import annotations

from typing import Final

from rxpump.grpc.messages.streams import DeleteResponse
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import (
    access_denied,
    handler_failed,
    invalid_argument,
    not_committed,
    stream_deleted,
    wrong_version_of_delete,
)
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.services.proposed_events import BadRequestField, expected_version, stream_name
from rxpump.server.membership import Demand
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.deletion import Deleted, DeleteRequest

_NO_VERSION: Final = (
    "'None' is not a valid EventStore.Client.Streams.{}Req+Types+Options+ExpectedStreamRevisionOneofCase"
)


async def delete(call: Call) -> None:
    """Answer a Delete: hide the events of a stream until the next write."""
    await _delete(call, hard=False)


async def tombstone(call: Call) -> None:
    """Answer a Tombstone: delete a stream permanently."""
    await _delete(call, hard=True)


async def _delete(call: Call, *, hard: bool) -> None:
    request = await call.request()
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    options = request.options
    try:
        expected = expected_version(options.WhichOneof("expected"), options.revision)
        if expected is None:
            raise invalid_argument(_NO_VERSION.format(call.method))
        stream = stream_name(options.stream_identifier)
    except BadRequestField as error:
        raise handler_failed(error.reason) from None
    if not call.node.access.may(call.user, Permission.DELETE, stream):
        raise access_denied()
    check_leadership(call, Demand.WRITE)
    match await call.node.store.append(DeleteRequest(stream, expected, hard, must_exist=not hard)):
        case Deleted(position):
            call.reply(DeleteResponse(position={"commit_position": position, "prepare_position": position}))
        case WrongVersion(current):
            raise wrong_version_of_delete(stream, expected, current)
        case StreamDeleted():
            raise stream_deleted(stream)
        case NotCommitted() as outcome:
            raise not_committed(outcome)
