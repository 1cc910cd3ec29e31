"""Errors that end a call: a status, and metadata that clients read (docs/protocol/grpc.md, section 4.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.server.store.changes import NotCommitted
from rxpump.server.strictness import Strictness

_EXCEPTION: Final = "exception"
_MOST_CHARACTERS: Final = 4_096
"""Characters of a value in the metadata, so that a long name does not exceed the header limit of a client."""


class CallError(Exception):
    """The call must end with a status that is not OK.

    Args:
        status: Status of the call, as a real server sends it.
        reason: Sentence for a person, which a real server does not send; empty if there is none.

    Attributes:
        status: Status of the call, with the reason behind its text.
    """

    def __init__(self, status: CallStatus, reason: str = "") -> None:
        self._real = status
        self.status: CallStatus = status
        if reason:
            self.status = replace(status, message=f"{status.message.removesuffix('.')}. {reason}")
        super().__init__(f"{status.code.name}: {self.status.message}")

    def status_for(self, strictness: Strictness) -> CallStatus:
        """Return the status to send: without the reason if the server imitates a real one exactly."""
        return self._real if strictness is Strictness.REAL else self.status


def named_error(code: StatusCode, message: str, exception: str, **values: str) -> CallError:
    """Return an error with a name in its metadata, by which clients recognize it.

    Args:
        code: Status code.
        message: Text of the status.
        exception: Name of the error.
        **values: Further metadata. An underscore in a name stands for a hyphen.
    """
    metadata = tuple((name.replace("_", "-"), metadata_value(value)) for name, value in values.items() if value)
    return CallError(CallStatus(code, message, ((_EXCEPTION, exception), *metadata)))


def metadata_value(value: str) -> str:
    """Return a text in the form that a header field allows.

    Printable ASCII stays as it is. All other characters are percent-encoded as UTF-8. A real server would answer with
    HTTP status 500 instead of the error.
    """
    value = value[:_MOST_CHARACTERS]
    is_plain = value.isascii() and value.isprintable() and value == value.strip(" ")
    return value if is_plain else quote(value)[:_MOST_CHARACTERS]


def plain_error(code: StatusCode, message: str) -> CallError:
    """Return an error that has only a code and a text."""
    return CallError(CallStatus(code, message))


def handler_failed(reason: str) -> CallError:
    """Return the error of a request that makes the handler of a real server fail.

    Args:
        reason: Sentence about the request, which a real server does not send.
    """
    return CallError(HANDLER_FAILED, reason)


def not_protobuf() -> CallError:
    """Return the error of a request that cannot be parsed."""
    return handler_failed("The message is not valid protobuf.")


def invalid_argument(message: str) -> CallError:
    """Return the error of a request that is refused."""
    return plain_error(StatusCode.INVALID_ARGUMENT, message)


def access_denied() -> CallError:
    """Return the error of a user who lacks a permission."""
    return named_error(StatusCode.PERMISSION_DENIED, "Access Denied", "access-denied")


def unauthenticated() -> CallError:
    """Return the error of wrong credentials."""
    return plain_error(StatusCode.UNAUTHENTICATED, "Unauthenticated")


def stream_deleted(stream: str) -> CallError:
    """Return the error of a call on a tombstoned stream."""
    message = f"Event stream '{stream}' is deleted."
    return named_error(StatusCode.FAILED_PRECONDITION, message, "stream-deleted", stream_name=stream)


def index_not_found(index: str) -> CallError:
    """Return the error of a secondary index that does not exist. This server has none."""
    return named_error(StatusCode.NOT_FOUND, f"Index '{index}' not found.", "index-not-found", index_name=index)


def wrong_version_of_delete(stream: str, expected: int, actual: int) -> CallError:
    """Return the error of a deletion that expected another version of the stream."""
    message = (
        f"Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected},"
        f" Actual version: {actual}"
    )
    return named_error(
        StatusCode.FAILED_PRECONDITION,
        message,
        "wrong-expected-version",
        stream_name=stream,
        expected_version=str(expected),
        actual_version=str(actual),
    )


def append_too_large(limit: int) -> CallError:
    """Return the error of an append whose events together are too large."""
    return named_error(
        StatusCode.INVALID_ARGUMENT,
        f"Maximum Append Size of {limit} Exceeded.",
        "maximum-append-size-exceeded",
        maximum_append_size=str(limit),
    )


def event_too_large(event_id: str, size: int, limit: int) -> CallError:
    """Return the error of an append with an event that is too large."""
    return named_error(
        StatusCode.INVALID_ARGUMENT,
        f"Event with Id: {event_id}, Size: {size}, exceeds Maximum Append Event Size of {limit}.",
        "maximum-append-event-size-exceeded",
        maximum_append_event_size=str(limit),
        proposed_append_event_size=str(size),
        event_id=event_id,
    )


def metadata_missing(key: str) -> CallError:
    """Return the error of a proposed event that lacks a key of its metadata."""
    return named_error(
        StatusCode.INVALID_ARGUMENT,
        f"Required Metadata Property '{key}' is missing",
        "missing-required-metadata-property",
        required_metadata_properties="type,content-type",
    )


def store_failed(reason: str) -> CallError:
    """Return the error of a server whose store cannot be read or written."""
    return plain_error(StatusCode.INTERNAL, f"The store of the server failed: {reason}")


def not_committed(outcome: NotCommitted) -> CallError:
    """Return the error of a write that was not committed, or not confirmed in time."""
    if outcome.timed_out is None:
        return store_failed(outcome.reason)
    return plain_error(StatusCode.ABORTED, f"Operation timed out: {outcome.timed_out.value}")


def shutting_down() -> CallError:
    """Return the error of a call that is open when the server stops."""
    return plain_error(StatusCode.UNAVAILABLE, "SERVER_SHUTTING_DOWN")


def too_busy() -> CallError:
    """Return the error of a call that must be repeated later."""
    return plain_error(StatusCode.UNAVAILABLE, "Server Is Too Busy")


def not_leader(host: str, port: int) -> CallError:
    """Return the error of a call that only the leader serves.

    Args:
        host: Host of the leader.
        port: Port of the leader.
    """
    return named_error(
        StatusCode.NOT_FOUND,
        "Leader info available",
        "not-leader",
        leader_endpoint_host=host,
        leader_endpoint_port=str(port),
    )
