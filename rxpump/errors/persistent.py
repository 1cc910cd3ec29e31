"""Errors of consumer groups, which Event Store calls persistent subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError
from rxpump.errors.server import ServerError


@dataclass(eq=False)
class PersistentSubscriptionError(ServerError):
    """Base class of refusals that concern a consumer group.

    Attributes:
        stream: Name of the stream that the group reads.
        group: Name of the group.
        reason: Text of the server; empty if it sent none.
    """

    what: ClassVar[str] = "cannot be used"
    """Predicate of the message, whose subject is the group."""

    stream: str
    group: str
    reason: str = ""

    def __str__(self) -> str:
        text = f"the persistent subscription {self.group!r} of {self.stream!r} {self.what}"
        return f"{text}: {self.reason}" if self.reason else text


class PersistentSubscriptionExists(PersistentSubscriptionError):
    """The stream already has a group of this name."""

    what: ClassVar[str] = "already exists"


class PersistentSubscriptionNotFound(PersistentSubscriptionError):
    """The stream has no group of this name."""

    what: ClassVar[str] = "does not exist"


class PersistentSubscriptionDeleted(PersistentSubscriptionError):
    """The group was deleted while the consumer was connected to it."""

    what: ClassVar[str] = "was deleted"


class PersistentSubscriptionFailed(PersistentSubscriptionError):
    """The server refused to create, update or delete the group, because of a setting or the name of the stream."""

    what: ClassVar[str] = "was refused"


class SubscriberLimitReached(PersistentSubscriptionError):
    """The group has as many connected consumers as its settings allow."""

    retryable: ClassVar[bool] = True
    what: ClassVar[str] = "has as many consumers as it allows"


@dataclass(eq=False)
class DeliveryExpired(RxPumpError):
    """A delivery can no longer be acknowledged. The server delivers the event again, to any consumer of the group.

    Attributes:
        stream: Name of the stream that the event was received from.
        number: Number of the event in that stream.
        group: Name of the group.
        reason: Why it is too late, for example that the connection was lost.
    """

    stream: str
    number: int
    group: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.number}@{self.stream} can no longer be acknowledged to {self.group!r}: {self.reason}"
