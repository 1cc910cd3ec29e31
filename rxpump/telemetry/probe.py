"""The state of a subscription, as metrics show it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple


class Distance(NamedTuple):
    """The distance from the last delivered event to the last event on the server; a part that is not known is None.

    Attributes:
        events: Number of events.
        bytes: Bytes of the log.
        seconds: Seconds between the times at which the server stored the two events.
    """

    events: int | None = None
    bytes: int | None = None
    seconds: float | None = None


class SubscriptionProbe(ABC):
    """The figures of one running subscription for metrics.

    Attributes:
        id: Number of the subscription in its client, from 1; 0 before it is counted.
        stream: Name of the stream, or `$all`.
        group: Name of the consumer group, or None.
        login: Login of the subscriber; None if it is not known.
    """

    def __init__(self, stream: str, group: str | None = None) -> None:
        self.id: int = 0
        self.stream: str = stream
        self.group: str | None = group
        self.login: str | None = None

    @property
    @abstractmethod
    def events(self) -> int:
        """Number of events that were delivered."""

    @property
    @abstractmethod
    def buffered(self) -> int:
        """Number of events that have arrived and are not delivered."""

    @property
    @abstractmethod
    def is_paused(self) -> bool:
        """Whether a consumer pauses the subscription."""

    @property
    @abstractmethod
    def is_live(self) -> bool:
        """Whether new events arrive as they are written."""

    @property
    @abstractmethod
    def unacknowledged(self) -> int | None:
        """Number of deliveries that are neither acknowledged nor refused; None without a group."""

    @abstractmethod
    async def find_head(self, timeout: float) -> Any:
        """Find the last event on the server, as a value for `distance_to`; None if it is not needed or not known.

        Args:
            timeout: Seconds to wait for the server.
        """

    @abstractmethod
    def distance_to(self, head: Any) -> Distance:
        """Return the distance from the event that was delivered last to a result of `find_head`."""
