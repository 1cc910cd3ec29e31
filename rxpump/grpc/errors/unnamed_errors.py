"""Errors that a server cannot send, because metadata would contain a name that is not printable ASCII.

A server then answers with HTTP status 500 and without a gRPC status (docs/protocol/grpc.md, section 4.1). Many
methods have only one error with a name, which is therefore known. For the other methods, see `rxpump.grpc.refusals`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rxpump.errors import (
    PersistentSubscriptionNotFound,
    RxPumpError,
    ServerFailed,
    StreamDeleted,
    UserConflict,
    UserNotFound,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.messages import persistent_subscriptions as groups
from rxpump.grpc.messages import streams, users
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import CallStatus

_REASON: Final = "a server sends this answer if it refuses the request and the name is not printable ASCII"


def is_unnamed(error: ServerFailed) -> bool:
    """Return whether an error means that the server could not send the reason of its refusal."""
    return error.reason.endswith(f"({_REASON})")


def unnamed_error(status: CallStatus, call: CallContext) -> RxPumpError | None:
    """Return the error of a call about a name that cannot be sent, None if the status has another cause."""
    name = call.stream_or_all + call.group + call.name
    if status.http_status != "500" or (name.isascii() and name.isprintable()):
        return None
    make = _BY_METHOD.get(call.method, _refusal)
    return make(call, f"{status.message} ({_REASON})")


def _refusal(call: CallContext, reason: str) -> RxPumpError:
    return ServerFailed(call.operation, reason)


def _deleted(call: CallContext, _: str) -> RxPumpError:
    return StreamDeleted(call.stream_or_all)


def _no_group(call: CallContext, _: str) -> RxPumpError:
    return PersistentSubscriptionNotFound(call.stream_or_all, call.group)


def _no_user(call: CallContext, _: str) -> RxPumpError:
    return UserNotFound(call.name)


def _conflict(call: CallContext, reason: str) -> RxPumpError:
    return UserConflict(call.name, reason)


_BY_METHOD: Final[dict[Method, Callable[[CallContext, str], RxPumpError]]] = {
    **dict.fromkeys((streams.READ, streams.APPEND), _deleted),
    **dict.fromkeys(
        (groups.GET_INFO, groups.LIST, groups.DELETE, groups.REPLAY_PARKED, groups.TRUNCATE_PARKED), _no_group
    ),
    users.CREATE: _conflict,
    **dict.fromkeys(
        (
            users.UPDATE,
            users.DELETE,
            users.DISABLE,
            users.ENABLE,
            users.DETAILS,
            users.CHANGE_PASSWORD,
            users.RESET_PASSWORD,
        ),
        _no_user,
    ),
}
"""Function that makes the only error with a name that a method has."""
