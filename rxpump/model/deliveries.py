"""An event as a persistent subscription delivers it: it wants to be acknowledged."""

from __future__ import annotations

from typing import NoReturn, Protocol, SupportsIndex

from rxpump.errors import DeliveryExpired, InvalidArgument
from rxpump.model.events import Event, ResolvedRecord
from rxpump.model.group_settings import NackAction


class Desk(Protocol):
    """Where what one connection brought is settled; `closed` says why that is over, once it is."""

    @property
    def group(self) -> str:
        """The consumer group's name."""

    @property
    def closed(self) -> str | None:
        """Why nothing can be settled here any more; None: it can."""

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge it."""

    def nack(self, delivery: Delivery, action: NackAction, reason: str) -> None:
        """Say that it could not be handled, and what is to become of it."""


class Delivery(Event):
    """One event, to be acknowledged; all that works on events works on it.

    retry_count:  how often it was delivered before and not acknowledged (0: not told, or never).
    sequence:     deliveries are numbered in the order of their arrival in this process.

    The first word counts: `ack` and `nack` on what was acknowledged (or nacked) before do nothing. Where the
    subscription was lost since, the server delivers the event again, to us or to another, and this delivery can no
    longer be acknowledged: DeliveryExpired.

    Two deliveries are never equal, and a delivery cannot be pickled or copied, because it belongs to its
    connection; its `event` can.
    """

    __slots__ = ("_desk", "_outcome", "retry_count", "sequence")

    def __init__(self, resolved: ResolvedRecord, retry_count: int, desk: Desk, sequence: int) -> None:
        super().__init__(resolved)
        self.retry_count: int = retry_count
        self.sequence: int = sequence
        self._desk = desk
        self._outcome: str | None = None

    @property
    def event(self) -> Event:
        """The event alone."""
        return Event(self._resolved)

    @property
    def is_settled(self) -> bool:
        """Whether it was acknowledged or nacked."""
        return self._outcome is not None

    @property
    def is_expired(self) -> bool:
        """Whether it was not, and can no longer be."""
        return self._outcome is None and self._desk.closed is not None

    def ack(self) -> None:
        """Say that it is done, and need not come again. Raises DeliveryExpired.

        It is sent within milliseconds, with others (Settings.ack_interval), and there is no answer to it: where the
        connection is lost before it is there, the event comes again all the same.
        """
        if self._is_open():
            self._outcome = "acknowledged"
            self._desk.ack(self)

    def nack(self, action: NackAction = NackAction.RETRY, reason: str = "") -> None:
        """Say that it could not be handled, and what is to become of it; `reason` is kept with what is parked.

        What was acknowledged before is sent before it. Raises DeliveryExpired, InvalidArgument.
        """
        if not isinstance(action, NackAction):
            raise InvalidArgument("action", action, "a NackAction")
        if self._is_open():
            self._outcome = action.value
            self._desk.nack(self, action, reason)

    def _is_open(self) -> bool:
        if self._outcome is not None:
            return False
        if self._desk.closed is not None:
            received = self.received
            raise DeliveryExpired(received.stream, received.number, self._desk.group, self._desk.closed)
        return True

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Delivery belongs to its connection and cannot be pickled or copied; use delivery.event")

    def __repr__(self) -> str:
        state = self._outcome or ("expired" if self.is_expired else "open")
        return f"<Delivery of {super().__repr__()}, retry {self.retry_count}, {state}>"
