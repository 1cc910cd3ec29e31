"""Deletes of streams (docs/protocol/tcp.md, section 4.5)."""

from __future__ import annotations

from typing import Any

from rxpump.tcp.wire import schema
from tests.server.model.access import DELETE, User, may
from tests.server.model.append import DENIED, SUCCESS, TEXTS, BadRequest, check_version, decide, write_metadata
from tests.server.model.log import Log

NEW_ID = b"?"  # id of the record of a delete, which no written event has


def delete_stream(log: Log, user: User, request: Any) -> Any:
    stream = request.event_stream_id
    if not stream:
        raise BadRequest
    check_version(request.expected_version, is_write=True)
    if not may(log, user, DELETE, stream):
        return _refusal(DENIED)
    decision = decide(log, stream, request.expected_version, [NEW_ID])
    if decision.result != SUCCESS:
        return _refusal(decision.result)
    if request.hard_delete:
        position = log.tombstone(stream)
    else:
        position = write_metadata(log, stream, b'{"$tb":9223372036854775807}')
    return schema.DeleteStreamCompleted(result=SUCCESS, prepare_position=position, commit_position=position)


def _refusal(result: int) -> Any:
    return schema.DeleteStreamCompleted(result=result, message=TEXTS[result], prepare_position=-1, commit_position=-1)
