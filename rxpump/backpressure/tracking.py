"""Requests to track a source, made while a pipeline is subscribed to.

The end of a pipeline needs the tracker of the source (`rxpump.backpressure.progress`) even if no item ever arrives.
It makes a request in the context in which it subscribes; the source finds the request when it is subscribed to. Tasks
inherit the context, so a source that an operator subscribes to later finds it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rxpump.backpressure.progress import DeliveryTracker, ProgressTracker

Track = Callable[[ProgressTracker], None]
TrackDeliveries = Callable[[DeliveryTracker], None]

_events: ContextVar[tuple[object, Track] | None] = ContextVar("rxpump.tracking", default=None)
_deliveries: ContextVar[TrackDeliveries | None] = ContextVar("rxpump.tracking_deliveries", default=None)


@contextmanager
def tracking(source: object, track: Track) -> Iterator[None]:
    """Request the tracker of a source.

    Args:
        source: The source. It must be subscribed to inside the `with` block.
        track: Function that is called with its tracker.
    """
    token = _events.set((source, track))
    try:
        yield
    finally:
        _events.reset(token)


def track_of(source: object) -> Track | None:
    """Return the function to call with the tracker of `source`; None if the source is not tracked."""
    request = _events.get()
    return request[1] if request is not None and request[0] is source else None


@contextmanager
def tracking_deliveries(track: TrackDeliveries) -> Iterator[None]:
    """Request the tracker of each persistent subscription that is subscribed to inside the `with` block.

    Args:
        track: Function that is called with each tracker.
    """
    token = _deliveries.set(track)
    try:
        yield
    finally:
        _deliveries.reset(token)


def announce(tracker: DeliveryTracker) -> None:
    """Pass the tracker of a persistent subscription to the function that `tracking_deliveries` was given."""
    if (track := _deliveries.get()) is not None:
        track(tracker)
