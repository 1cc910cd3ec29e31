"""Errors of a status whose metadata has the name of the error under the key `exception`.

Other keys have the numbers of the error. The names of streams and groups are taken from the call, because metadata
values can only contain ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rxpump.errors import (
    AccessDenied,
    AppendTooLarge,
    BadRequest,
    EventTooLarge,
    IndexNotFound,
    InvalidTransaction,
    NotLeader,
    PersistentSubscriptionError,
    PersistentSubscriptionExists,
    PersistentSubscriptionFailed,
    PersistentSubscriptionNotFound,
    RxPumpError,
    ScavengeNotFound,
    StreamDeleted,
    StreamNotFound,
    SubscriberLimitReached,
    SubscriptionDropped,
    TooBusy,
    UserConflict,
    UserNotFound,
    WrongExpectedVersion,
)
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Refusal:
    """A status whose metadata names an error.

    Args:
        status: CallStatus of the call.
        call: Description of the call.

    Attributes:
        message: Text of the server.
    """

    def __init__(self, status: CallStatus, call: CallContext) -> None:
        self.call: CallContext = call
        self.code: StatusCode = status.code
        self.message: str = status.message
        self._metadata = dict(status.metadata)

    def text(self, key: str) -> str | None:
        """Return the value of a key, None if there is none."""
        value = self._metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """Return the value of a key as a number, None if it is not a number."""
        value = self.text(key) or ""
        return int(value) if re.fullmatch(r"-?[0-9]{1,19}", value) else None

    def error(self) -> RxPumpError | None:
        """Return the error that the metadata names, None if it names none that is known."""
        make = _BY_NAME.get((self.text("exception") or "").strip().lower())
        return None if make is None else make(self)

    def leader(self) -> tuple[str, int] | None:
        """Return host and port of the leader, None if they are unknown."""
        host, port = self.text("leader-endpoint-host"), self.number("leader-endpoint-port")
        return (host, port) if host and port and 0 < port < 1 << 16 else None

    def __repr__(self) -> str:
        return f"<Refusal {self.code.name} {self.text('exception')}>"


def _wrong_expected_version(refusal: Refusal) -> WrongExpectedVersion:
    call = refusal.call
    expected = refusal.number("expected-version")
    current = refusal.number("actual-version")  # Servers before version 22.6 send no number.
    return WrongExpectedVersion(call.stream_or_all, call.expected_version if expected is None else expected, current)


def _event_too_large(refusal: Refusal) -> EventTooLarge:
    rendering = refusal.text("event-id") or ""  # The errors of Append have other text around the id.
    found = _UUID.search(rendering.lower())
    return EventTooLarge(
        refusal.call.stream_or_all,
        refusal.number("maximum-append-event-size"),
        refusal.number("proposed-append-event-size"),
        found[0] if found else rendering,
    )


def _user_conflict(refusal: Refusal) -> UserConflict | TooBusy:
    if refusal.code is StatusCode.DEADLINE_EXCEEDED:  # The text of the server ends with "Try again."
        return TooBusy(refusal.call.operation)
    return UserConflict(refusal.call.name, refusal.message)


def _group_error(error: type[PersistentSubscriptionError]) -> Callable[[Refusal], RxPumpError]:
    return lambda refusal: error(refusal.call.stream_or_all, refusal.call.group, refusal.text("reason") or "")


_BY_NAME: Final[dict[str, Callable[[Refusal], RxPumpError]]] = {
    "access-denied": lambda each: AccessDenied(each.call.action, each.call.stream_or_all, each.call.login),
    "stream-deleted": lambda each: StreamDeleted(each.call.stream_or_all),
    "wrong-expected-version": _wrong_expected_version,
    "not-leader": lambda each: NotLeader(each.call.operation),
    "maximum-append-size-exceeded": lambda each: AppendTooLarge(
        each.call.stream_or_all, each.number("maximum-append-size")
    ),
    "maximum-append-event-size-exceeded": _event_too_large,
    "missing-required-metadata-property": lambda each: BadRequest(each.call.operation, each.message),
    "invalid-transaction": lambda each: InvalidTransaction(each.call.stream_or_all),
    "stream-not-found": lambda each: StreamNotFound(each.call.stream_or_all),
    "index-not-found": lambda each: IndexNotFound(each.text("index-name") or each.call.stream_or_all),
    "persistent-subscription-does-not-exist": _group_error(PersistentSubscriptionNotFound),
    "persistent-subscription-exists": _group_error(PersistentSubscriptionExists),
    "persistent-subscription-failed": _group_error(PersistentSubscriptionFailed),
    "persistent-subscription-dropped": lambda each: SubscriptionDropped(each.call.stream_or_all, each.message),
    "maximum-subscribers-reached": _group_error(SubscriberLimitReached),
    "user-not-found": lambda each: UserNotFound(each.call.name),
    "user-conflict": _user_conflict,
    "scavenge-not-found": lambda each: ScavengeNotFound(each.message, each.text("scavenge-id")),
}
