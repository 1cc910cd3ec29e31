"""Parts of a transport that last longer than one request: subscriptions, group sessions and appenders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.group_settings import NackAction
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import Position
from rxpump.model.results import WriteResult
from rxpump.model.signals import CaughtUp, Examined, FellBehind


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A server has confirmed a subscription.

    Attributes:
        last: Place of the last event that the server had then: a number (-1 for a stream without events), or a
            Position. If it is lower than the place of an event that was delivered before, the server has lost that
            event. None if the protocol does not provide it, for example over gRPC for a soft-deleted stream.
    """

    last: int | Position | None


@dataclass(frozen=True, slots=True)
class ServerEnd:
    """The end of a stream or of `$all` on the server.

    Attributes:
        last: Place of the last event that the server has, as in `Confirmed`. None if it is not known.
        readable: Place of the last event that can be read; None if there is no such event.
    """

    last: int | Position | None
    readable: int | Position | None


class Subscription(ABC):
    """One attempt to follow a stream or `$all`: first the existing events, then new events.

    The attempt delivers every event after its start, in order. It may deliver events twice, and events at or before
    its start. The caller removes them by comparing places. It buffers a bounded number of events; if they
    are not pulled in time, it ends with SubscriptionDropped.
    """

    @abstractmethod
    async def next(self) -> Sequence[Event] | Confirmed | CaughtUp | FellBehind | Examined:
        """Wait for the next batch of events or the next signal.

        Once CaughtUp was returned, a caller may cancel the wait (for a timeout) and call `next` again; no event is
        lost. Before that, a cancelled attempt can only be closed.

        Returns:
            A batch of events, which may be empty;
            Confirmed, once, before CaughtUp: the server accepted the subscription;
            CaughtUp, when every event that was there at the confirmation has been returned;
            FellBehind, after CaughtUp: the server delivers existing events again, and CaughtUp follows once more;
            Examined(position), if there is a filter: every event up to `position` that matches was returned.

        Raises:
            ConnectionClosed: The connection that the attempt used was lost. No other error of an attempt means this,
                and the next attempt uses another connection. The caller emits Reconnected before the first item of
                that attempt.
            SubscriptionDropped: The server ended the subscription on a connection that goes on, or the buffer was
                full. Try again.
            StreamDeleted: The stream was deleted permanently.
            RxPumpError: The attempt failed otherwise; `retryable` is True if another attempt can succeed.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Unsubscribe, and drop the buffered events. Closing twice does nothing."""

    @property
    def buffered(self) -> int:
        """Number of live events that have arrived and were not returned; 0 if the transport buffers none."""
        return 0

    @property
    def incomplete_bytes(self) -> int:
        """Bytes that have arrived of an event that is not complete; 0 if the transport cannot know them."""
        return 0


class GroupSession(ABC):
    """One connection to a consumer group.

    Events are delivered in batches; each is acknowledged (`ack`) or refused (`nack`) through the session that
    delivered it. Neither is confirmed by the server. Once `ending` is set, nothing can be acknowledged any more.
    """

    @property
    @abstractmethod
    def ending(self) -> RxPumpError | None:
        """The error that ended the session; None while it is open."""

    @property
    def buffered(self) -> int:
        """Number of deliveries that have arrived and were not returned; 0 if the transport buffers none."""
        return 0

    @abstractmethod
    def before_end(self, act: Callable[[], None]) -> None:
        """Register a function to call just before the client closes, when acknowledgements can still be sent."""

    @abstractmethod
    async def next(self) -> Sequence[tuple[Event, int]]:
        """Wait for deliveries.

        Returns:
            Events, each with the number of earlier deliveries.

        Raises:
            PersistentSubscriptionDeleted: The group was deleted, and the server reported this.
            SubscriptionDropped: The server ended the session: the group was updated or restarted, or it was deleted
                and the server did not report this. Then `connect_group` raises PersistentSubscriptionNotFound.
            ConnectionClosed: The connection of the session was lost.
            RxPumpError: The session ended otherwise. Events that were not pulled are delivered again.
        """

    @abstractmethod
    def ack(self, events: Sequence[Event]) -> None:
        """Acknowledge events. Acknowledgements and refusals are sent soon, in the order of the calls."""

    @abstractmethod
    def nack(self, events: Sequence[Event], action: NackAction, reason: str) -> None:
        """Refuse events. The server applies `action` to them, and stores `reason` with parked events."""

    @abstractmethod
    def close(self) -> None:
        """Send pending acknowledgements, then unsubscribe. Events that are not acknowledged are delivered again."""


class Appender(ABC):
    """Appends to one stream that keep their order while several are in flight."""

    @abstractmethod
    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events as one atomic write; like `Transport.append`.

        The server executes the appends of one appender in the order in which these calls begin, even if some of
        them have to be repeated. If one fails, those after it may still succeed, unless they expect a version.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the resources of the appender. Appends in flight end with an unknown outcome."""
