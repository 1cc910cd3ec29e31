"""What can go wrong with persistent subscriptions (docs/protocol/tcp.md, section 4.18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rxpump.errors.root import RxPumpError
from rxpump.errors.server import ServerError


@dataclass(eq=False)
class PersistentSubscriptionError(ServerError):
    """Consumer group `group` of `stream` is not to be had; `reason` is the server's text, if it gave one."""

    what: ClassVar[str] = "is not to be had"

    stream: str
    group: str
    reason: str = ""

    def __str__(self) -> str:
        text = f"the persistent subscription {self.group!r} of {self.stream!r} {self.what}"
        return f"{text}: {self.reason}" if self.reason else text


class PersistentSubscriptionExists(PersistentSubscriptionError):
    """A group of that name was made on the stream before."""

    what: ClassVar[str] = "exists already"


class PersistentSubscriptionNotFound(PersistentSubscriptionError):
    """No group of that name was made on the stream, or it was deleted."""

    what: ClassVar[str] = "does not exist"


class PersistentSubscriptionDeleted(PersistentSubscriptionError):
    """The group was deleted while we were connected to it."""

    what: ClassVar[str] = "was deleted"


class PersistentSubscriptionFailed(PersistentSubscriptionError):
    """The server could not make, change or delete the group: a setting, or the stream's name, is none it takes."""

    what: ClassVar[str] = "was refused"


class SubscriberLimitReached(PersistentSubscriptionError):
    """The group has as many consumers connected as it may have."""

    retryable: ClassVar[bool] = True
    what: ClassVar[str] = "has all the subscribers it may have"


@dataclass(eq=False)
class DeliveryExpired(RxPumpError):
    """Event `number` of `stream` can no longer be acknowledged to `group`, for `reason`; it comes again."""

    stream: str
    number: int
    group: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.number}@{self.stream} can no longer be acknowledged to {self.group!r}: {self.reason}"
