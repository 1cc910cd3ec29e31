"""Events that a consumer group delivers, each to be acknowledged."""

from __future__ import annotations

from typing import Final, NoReturn, Protocol, SupportsIndex

from rxpump.errors import DeliveryExpired, InvalidArgument
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction


class Acknowledger(Protocol):
    """Sends the acknowledgements for the deliveries of one connection."""

    @property
    def group(self) -> str:
        """Name of the consumer group."""

    @property
    def closed(self) -> str | None:
        """Reason why deliveries can no longer be acknowledged; None while they can."""

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery."""

    def nack(self, delivery: Delivery, action: NackAction, reason: str) -> None:
        """Report that a delivery could not be handled. The server applies `action` to its event."""

    def release(self, delivery: Delivery) -> None:
        """Stop waiting for a delivery that will be neither acknowledged nor refused."""


_ACKNOWLEDGED: Final = "acknowledged"


class Delivery(Event):
    """An event to be acknowledged, which can be used like any other event.

    The first `ack` or `nack` counts, and later ones do nothing. If the connection is lost before, the delivery
    expires: the server delivers the event again, to any consumer of the group, and this delivery can no longer be
    acknowledged.

    Two deliveries are never equal. A delivery cannot be pickled or copied, because it belongs to its connection; its
    `event` can.

    Attributes:
        retry_count: Times that the event was delivered before without being acknowledged; 0 also if the server does
            not send it.
        sequence: Number of the delivery, in the order of arrival in this process.
    """

    __slots__ = ("_acknowledger", "_outcome", "retry_count", "sequence")

    def __init__(self, event: Event, retry_count: int, acknowledger: Acknowledger, sequence: int) -> None:
        if not isinstance(event, Event):
            raise InvalidArgument("event", event, "an Event")
        super().__init__(event.type, event.number, event.data, event._records, event._index)
        self.retry_count: int = retry_count
        self.sequence: int = sequence
        self._acknowledger = acknowledger
        self._outcome: str | None = None

    @property
    def event(self) -> Event:
        """The event without its delivery."""
        return Event(self.type, self.number, self.data, self._records, self._index)

    @property
    def is_settled(self) -> bool:
        """Whether `ack` or `nack` was called."""
        return self._outcome is not None

    @property
    def is_acknowledged(self) -> bool:
        """Whether it was settled by `ack`."""
        return self._outcome == _ACKNOWLEDGED

    @property
    def is_expired(self) -> bool:
        """Whether the delivery was not acknowledged, and can no longer be."""
        return self._outcome is None and self._acknowledger.closed is not None

    def ack(self) -> None:
        """Report that the event was handled.

        The acknowledgement is sent within `Settings.ack_interval`, together with others. The server does not confirm
        it. If the connection is lost before it arrives, the server delivers the event again.

        Raises:
            DeliveryExpired: The connection was lost since the event was delivered.
        """
        if self._is_open():
            self._outcome = _ACKNOWLEDGED
            self._acknowledger.ack(self)

    def nack(self, action: NackAction = NackAction.RETRY, reason: str = "") -> None:
        """Report that the event could not be handled.

        Args:
            action: Action of the server for the event.
            reason: Text that the server keeps with a parked event.

        Raises:
            DeliveryExpired: The connection was lost since the event was delivered.
            InvalidArgument: `action` is not a NackAction.
        """
        if not isinstance(action, NackAction):
            raise InvalidArgument("action", action, "a NackAction")
        if self._is_open():
            self._outcome = action.value
            self._acknowledger.nack(self, action, reason)

    def _release(self) -> None:
        """Let the subscription end without this delivery, because the program will not see it.

        Nothing is sent. When the subscription ends, the server delivers the event again.
        """
        if self._outcome is None and self._acknowledger.closed is None:
            self._outcome = "released"
            self._acknowledger.release(self)

    def _is_open(self) -> bool:
        if self._outcome is not None:
            return False
        if self._acknowledger.closed is not None:
            received = self.received
            raise DeliveryExpired(
                received.stream, received.number, self._acknowledger.group, self._acknowledger.closed
            )
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
