"""Errors of one batch of BatchAppend, sent as a status in its response (docs/protocol/grpc.md, section 4.3)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages import streams
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.leadership import NOT_READY
from rxpump.server.grpc.services.append_outcome import wrong_version_of_batch
from rxpump.server.grpc.services.proposed_events import (
    MAX_APPEND_BYTES,
    MAX_EVENT_BYTES,
    BadRequestField,
    EventTooLarge,
    MissingMetadata,
    MissingVersion,
)

_TYPE_URL: Final = "type.googleapis.com/event_store.client."
_STATUS: Final = 'Status(StatusCode="InvalidArgument", Detail="{}")'
_EMPTY_URL: Final = "type.googleapis.com/google.protobuf.Empty"


def _error(code: StatusCode, name: str, detail: Any = None) -> dict[str, Any]:
    value = b"" if detail is None else detail.SerializeToString()
    return {"code": code.value, "message": name, "details": [{"type_url": _TYPE_URL + name, "value": value}]}


def batch_wrong_version(current: int, expected: int) -> dict[str, Any]:
    """Return the error of a batch that found its stream at another version."""
    detail = streams.WrongExpectedVersion(**wrong_version_of_batch(current, expected))
    return _error(StatusCode.ALREADY_EXISTS, "WrongExpectedVersion", detail)


def batch_stream_deleted(stream: str) -> dict[str, Any]:
    """Return the error of a batch for a tombstoned stream."""
    detail = streams.StreamDeleted(stream_identifier={"stream_name": stream.encode()})
    return _error(StatusCode.NOT_FOUND, "StreamDeleted", detail)


def batch_access_denied() -> dict[str, Any]:
    """Return the error of a batch of a user who may not write to the stream."""
    return _error(StatusCode.PERMISSION_DENIED, "AccessDenied")


def batch_timed_out() -> dict[str, Any]:
    """Return the error of a batch whose last part arrived too late."""
    return _error(StatusCode.DEADLINE_EXCEEDED, "Timeout")


def batch_too_large() -> dict[str, Any]:
    """Return the error of a batch whose events are too large together."""
    detail = streams.MaximumAppendSizeExceeded(max_append_size=MAX_APPEND_BYTES)
    return _error(StatusCode.INVALID_ARGUMENT, "MaximumAppendSizeExceeded", detail)


def batch_refused(error: BadRequestField) -> dict[str, Any]:
    """Return the error of a batch with a field that cannot be used."""
    match error:
        case EventTooLarge():
            detail = streams.MaximumAppendEventSizeExceeded(
                event_id=error.event_id, proposed_event_size=error.size, max_append_event_size=MAX_EVENT_BYTES
            )
            return _error(StatusCode.INVALID_ARGUMENT, "MaximumAppendEventSizeExceeded", detail)
        case MissingMetadata():
            reason = _STATUS.format(f"Required Metadata Property '{error.key}' is missing")
        case MissingVersion():
            reason = _STATUS.format(error.reason)
        case _:
            reason = error.reason
    return _error(StatusCode.INVALID_ARGUMENT, "BadRequest", streams.BadRequest(message=reason))


def batch_not_ready() -> dict[str, Any]:
    """Return the error of a batch that a node without a leader does not serve. As on a real server, its code is 0."""
    return {"message": NOT_READY, "details": [{"type_url": _EMPTY_URL}]}


def batch_failed(reason: str) -> dict[str, Any]:
    """Return the error of a batch that the store could not write."""
    return {"code": StatusCode.INTERNAL.value, "message": reason, "details": [{"type_url": _EMPTY_URL}]}
