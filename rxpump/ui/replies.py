"""Replies in JSON: values, and errors with their HTTP status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLostRepeatedly,
    EventNotFound,
    InvalidArgument,
    NotAuthenticated,
    NotConnected,
    NotSupported,
    OperationTimedOut,
    PersistentSubscriptionExists,
    PersistentSubscriptionNotFound,
    RxPumpError,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.model.positions import Position, position_text

STATUSES: Final[tuple[tuple[int, tuple[type[RxPumpError], ...]], ...]] = (
    (400, (InvalidArgument,)),
    (403, (AccessDenied, NotAuthenticated)),  # With 401, a browser requests the password of the page.
    (404, (StreamNotFound, EventNotFound, PersistentSubscriptionNotFound)),
    (409, (WrongExpectedVersion, PersistentSubscriptionExists)),
    (410, (StreamDeleted,)),
    (413, (AppendTooLarge,)),
    (501, (NotSupported,)),
    (503, (ConnectionFailed, ConnectionClosed, ConnectionLostRepeatedly, NotConnected)),
    (504, (OperationTimedOut,)),
)
"""HTTP status for classes of errors. The status for any other error is OTHER_STATUS."""

_KINDS: Final = {404: "NotFound", 405: "MethodNotAllowed", 413: "BodyTooLarge"}

OTHER_STATUS: Final = 502
"""HTTP status for an error of the event store that is not in STATUSES."""


_LONGEST_SHOWN: Final = 1000
"""Largest number of characters of an attribute, which can be the data of an event."""


def encode(value: object) -> bytes:
    """Return a value as JSON in one line of ASCII.

    Everything beyond ASCII is escaped, because the text of an event can contain half of a surrogate pair, which UTF-8
    cannot encode.
    """
    return json.dumps(value, separators=(",", ":")).encode()


class JsonReply(Response):
    """A reply of one JSON value, which a browser does not store."""

    media_type = "application/json"

    def __init__(self, value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(value, status, {"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return encode(content)


def error_values(error: RxPumpError) -> dict[str, Any]:
    """Return an error as plain values: its kind, its message, and its attributes that JSON can express.

    The login is left out, because it belongs to the connection string.
    """
    attributes = {field.name: getattr(error, field.name) for field in fields(error) if field.name != "login"}
    plain = {name: _plain(value) for name, value in attributes.items() if isinstance(value, (str, int, Position))}
    return {**plain, "kind": type(error).__name__, "message": _message(error), "retryable": error.retryable}


def _message(error: RxPumpError) -> str:
    match error:
        case NotAuthenticated():
            return f"the login of the connection string was refused: {error.reason}"
        case AccessDenied():
            return f"the login of the connection string may not {error.operation} {error.stream!r}"
        case _:
            return str(error)


def _plain(value: str | int | Position) -> str | int:
    if isinstance(value, Position):
        return position_text(value)
    return value[:_LONGEST_SHOWN] if isinstance(value, str) else value


def error_reply(error: RxPumpError) -> JsonReply:
    """Return the reply for an error."""
    status = next((status for status, kinds in STATUSES if isinstance(error, kinds)), OTHER_STATUS)
    return JsonReply({"error": error_values(error)}, status)


def refusal(
    status: int, kind: str, message: str, headers: Mapping[str, str] | None = None, **attributes: Any
) -> JsonReply:
    """Return the reply to a request that the page refuses itself.

    Args:
        status: HTTP status.
        kind: Kind of the error.
        message: Message for the user.
        headers: Headers of the reply.
        **attributes: Further values of the error.
    """
    return JsonReply({"error": {**attributes, "kind": kind, "message": message}}, status, headers)


async def on_rxpump_error(_request: Request, error: Exception) -> Response:
    """Handle an error of rxpump that a route raises."""
    assert isinstance(error, RxPumpError)
    return error_reply(error)


async def on_http_error(_request: Request, error: Exception) -> Response:
    """Handle a request for which there is no route."""
    assert isinstance(error, HTTPException)
    kind = _KINDS.get(error.status_code, "BadRequest")
    return refusal(error.status_code, kind, error.detail, error.headers)
