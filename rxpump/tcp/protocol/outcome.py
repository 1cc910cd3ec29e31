"""Meanings of replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rxpump.errors import NotHandled, RxPumpError, ServerError
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer

T_co = TypeVar("T_co", covariant=True)


@dataclass(slots=True)
class Success(Generic[T_co]):
    """The request succeeded.

    Attributes:
        value: Result of the request.
    """

    value: T_co


@dataclass(slots=True)
class Opened:
    """The request opened a subscription.

    Attributes:
        buffer: Buffer for further packages with the same correlation id.
    """

    buffer: SubscriptionBuffer[Any]


@dataclass(slots=True)
class Failure:
    """The request failed."""

    error: RxPumpError


@dataclass(slots=True)
class Retry:
    """The server does not serve the request now, and it is sent again after a delay.

    Attributes:
        error: Reason of the server.
    """

    error: ServerError


@dataclass(slots=True)
class Redirect:
    """Only the leader serves the request.

    Attributes:
        plain: Host and port of the leader without TLS, or None.
        secure: Host and port of the leader with TLS, or None.
        error: The refusal.
    """

    plain: tuple[str, int] | None
    secure: tuple[str, int] | None
    error: NotHandled


Outcome = Success[T_co] | Opened | Failure | Retry | Redirect
