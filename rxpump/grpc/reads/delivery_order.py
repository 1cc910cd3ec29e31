"""Restore the order of live events of servers that repeat events, or leave some out, if the consumer is slow."""

from __future__ import annotations

from collections.abc import Sequence

from rxpump.errors import SubscriptionDropped
from rxpump.grpc.reads.log_places import place_of
from rxpump.model.events import Event
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.positions import Position


def ordered_by_number(events: Sequence[Event], last: int, stream: str, *, allows_gaps: bool) -> Sequence[Event]:
    """Return the events of a stream that were not received before.

    Args:
        events: Events in the order of their arrival.
        last: Number of the last event that was received before them.
        stream: Name of the stream, for the error.
        allows_gaps: Whether numbers may be missing, because the first events of the stream were truncated.

    Raises:
        SubscriptionDropped: A number is missing.
    """
    ordered: list[Event] = []
    for event in events:
        number = event.received_number
        if not allows_gaps and last + 1 < number < MAX_EVENT_NUMBER:
            raise SubscriptionDropped(stream, f"events before the one with number {number} did not arrive")
        if number > last:
            ordered.append(event)
            last = number
    return ordered


def ordered_by_position(events: Sequence[Event], last: Position) -> Sequence[Event]:
    """Return the events of `$all` that were not received before. Positions do not show whether an event is missing.

    Args:
        events: Events in the order of their arrival.
        last: Position of the last event that was received before them.
    """
    ordered: list[Event] = []
    for event in events:
        if place_of(event) > last:
            ordered.append(event)
            last = place_of(event)
    return ordered
