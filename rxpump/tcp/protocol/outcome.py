"""What a reply means for the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxpump.errors import NotHandled, RxPumpError, ServerError
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Success(Generic[T_co]):
    """Done."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Opened:
    """Done, and more will come under the same correlation id: it goes to `channel`."""

    channel: SubscriptionBuffer[Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Done, and it failed."""

    error: RxPumpError


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now, for `error`: ask again after a while."""

    error: ServerError


@dataclass(frozen=True, slots=True)
class Redirect:
    """Not here: the leader listens at `plain`, and with TLS at `secure`, each a host and a port; None: not there."""

    plain: tuple[str, int] | None
    secure: tuple[str, int] | None
    error: NotHandled


Outcome = Success[T_co] | Opened | Failure | Retry | Redirect
