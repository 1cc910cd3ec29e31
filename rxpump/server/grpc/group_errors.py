"""Errors of calls about consumer groups (docs/protocol/grpc.md, section 4.1)."""

from __future__ import annotations

from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.call_errors import CallError, named_error


def group_not_found(stream: str, group: str) -> CallError:
    """Return the error of a group that does not exist."""
    message = f"Subscription group {group} on stream {stream} does not exist."
    return _named(StatusCode.NOT_FOUND, message, "persistent-subscription-does-not-exist", stream, group)


def group_exists(stream: str, group: str) -> CallError:
    """Return the error of a group that exists already."""
    message = f"Subscription group {group} on stream {stream} exists."
    return _named(StatusCode.ALREADY_EXISTS, message, "persistent-subscription-exists", stream, group)


def group_failed(stream: str, group: str, reason: str) -> CallError:
    """Return the error for a request to manage a group that cannot be fulfilled."""
    message = f"Subscription group {group} on stream {stream} failed: '{reason}'"
    name = "persistent-subscription-failed"
    return named_error(StatusCode.INTERNAL, message, name, stream_name=stream, group_name=group, reason=reason)


def group_dropped(stream: str, group: str) -> CallError:
    """Return the error of a consumer whose group was changed, deleted or stopped."""
    message = f"Subscription group {group} on stream {stream} was dropped."
    return _named(StatusCode.CANCELLED, message, "persistent-subscription-dropped", stream, group)


def group_is_full(stream: str, group: str) -> CallError:
    """Return the error of a consumer of a group that may not have more."""
    message = f"Maximum subscriptions reached for subscription group {group} on stream {stream}."
    return _named(StatusCode.FAILED_PRECONDITION, message, "maximum-subscribers-reached", stream, group)


def _named(code: StatusCode, message: str, exception: str, stream: str, group: str) -> CallError:
    return named_error(code, message, exception, stream_name=stream, group_name=group)
