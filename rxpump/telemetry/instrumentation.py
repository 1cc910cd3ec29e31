"""The interface of an instrumentation, which records spans and measurements of a client.

A client has none by default. `rxpump.otel` implements it for OpenTelemetry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from rxpump.model.metrics import RequestKind
from rxpump.model.new_events import NewEvent
from rxpump.telemetry.probe import SubscriptionProbe

Events = Mapping[str, Sequence[NewEvent]]
"""Events to write to each stream."""


class Instrumentation(ABC):
    """Records the appends and deliveries of a client. Its methods are called in the event loop of the client."""

    @abstractmethod
    def buffering(self, event: NewEvent) -> NewEvent:
        """Return an event that waits to be written later, with the trace in which it arrived."""

    @abstractmethod
    def appending(self, events: Events, login: str | None, *, is_buffered: bool) -> AbstractContextManager[Events]:
        """Return a context manager for the span of an append. It returns the events to write instead of `events`.

        Args:
            events: Events to write to each stream. Their ids must not change.
            login: Login of the user who writes them; None if it is not known.
            is_buffered: Whether the events were passed to `buffering`.
        """

    @abstractmethod
    def delivering(self, on_next: Callable[[Any], object], probe: SubscriptionProbe) -> Callable[[Any], object]:
        """Return a function that delivers an item of a subscription as `on_next` does, in a span.

        Args:
            on_next: Function that delivers an item.
            probe: State of the subscription.
        """

    @abstractmethod
    def note_request(self, kind: RequestKind, seconds: float, error: BaseException | None) -> None:
        """Record a request that was answered, or that failed with `error`."""

    @abstractmethod
    def note_connected(self) -> None:
        """Record that the client has a new connection."""
