"""Measure the write rates of an event store by a subscription to `$all`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import reactivex
from reactivex import operators as rx

from rxpump.blocking import BlockingClient
from rxpump.errors import AccessDenied, NotSupported
from rxpump.model.events import Event
from rxpump.model.metrics import Metrics
from rxpump.model.positions import END, Position, StreamDirection, position_text

Rates = tuple[dict[str, Any], list[dict[str, Any]]]
"""The rates of a store by name, and those of each stream."""


@dataclass
class Written:
    """Numbers of events and bytes.

    Attributes:
        events: Number of events.
        bytes: Bytes of their data and metadata.
    """

    events: int = 0
    bytes: int = 0

    def per_second(self, seconds: float) -> dict[str, Any]:
        """Return the rates by name."""
        return {
            "events_per_second": round(self.events / seconds, 1),
            "bytes_per_second": round(self.bytes / seconds),
        }


class Sampler:
    """Measures the events that are written to a store, once for each snapshot of `client.metrics()`.

    The rate of all events is that of the subscription to `$all` in the metrics. The metrics have no numbers for each
    stream, and no bytes of events, so these are counted here.

    Args:
        store: The store. By default only admins may read its `$all`.
        interval: Seconds between two samples.
    """

    def __init__(self, store: BlockingClient, interval: float) -> None:
        self._by_stream: dict[str, Written] = {}
        last = store.get_all(direction=StreamDirection.BACKWARD, max_count=1)
        self._end: Position | None = last[0].position if len(last) else None
        self._began = monotonic()
        written = store.client.stream_all(END, resolve_links=False)
        counted = written.pipe(rx.do_action(self._note), rx.ignore_elements())
        samples = store.client.metrics(interval).pipe(rx.map(self._sample), rx.skip(1))
        merged: reactivex.Observable[Rates] = reactivex.merge(counted, samples)
        self._samples = store.iterate(merged)

    def sample(self) -> Rates:
        """Wait for the end of the interval, and return the rates of writes in it.

        Returns:
            The rates of the whole store by name, and the rates of each stream, the busiest first.

        Raises:
            AccessDenied: The user may not read `$all`.
        """
        return next(self._samples)

    def close(self) -> None:
        """Stop counting."""
        self._samples.close()

    def _note(self, event: Event) -> None:
        written = self._by_stream.setdefault(event.stream, Written())
        written.events += 1
        written.bytes += len(event.data) + len(event.metadata)
        self._end = event.position

    def _sample(self, snapshot: Metrics) -> Rates:
        """Return the rates since the previous snapshot. It runs in the event loop, as `_note` does."""
        by_stream, self._by_stream = self._by_stream, {}
        now = monotonic()
        seconds, self._began = now - self._began, now
        whole = {
            "events_per_second": round(sum(each.rate for each in snapshot.subscriptions), 1),
            "bytes_per_second": round(sum(written.bytes for written in by_stream.values()) / seconds),
            "streams_written": len(by_stream),
            "log_end": position_text(self._end),
        }
        by_rate = sorted(by_stream.items(), key=lambda item: (-item[1].events, item[0]))
        return whole, [{"stream": name, **written.per_second(seconds)} for name, written in by_rate]


def round_trip_ms(store: BlockingClient) -> float | None:
    """Return the milliseconds that the server takes to reply; None if the protocol has no ping."""
    try:
        return round(store.ping() * 1000, 3)
    except NotSupported:
        return None


def statistics_of_server(store: BlockingClient) -> Mapping[str, str] | None:
    """Return the statistics of the node by name; None if the protocol has none, or the user may not read them."""
    try:
        return store.statistics()
    except (NotSupported, AccessDenied):
        return None
