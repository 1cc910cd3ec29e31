"""An Observable of snapshots of the metrics of a client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any, Final

from reactivex import abc

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.clock import Clock, clock_of, sleep
from rxpump.model.metrics import Metrics, SubscriptionMetrics
from rxpump.model.status import Closed, Status
from rxpump.streams.source import TaskObservable, TaskSubscription
from rxpump.telemetry import SubscriptionProbe, Telemetry

HEAD_SECONDS: Final = 1.0
"""Longest time in seconds for which a snapshot waits for the ends of streams on the server."""


class Snapshots(TaskObservable[Metrics]):
    """A snapshot at once, then one in each interval, until the client is closed.

    A paused subscription takes no snapshots. The next one then covers a longer period.

    Args:
        runtime: Background tasks of the client.
        telemetry: Counters of the client.
        status: Function that returns the status of the connection.
        interval: Seconds between two snapshots.
        scheduler: Scheduler of the timers; None: the one that `subscribe` is given, or else the event loop.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        telemetry: Telemetry,
        status: Callable[[], Status],
        interval: float,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        super().__init__(runtime, "metrics")
        self._telemetry = telemetry
        self._status = status
        self._interval = interval
        self._scheduler = scheduler

    def _begin(
        self, observer: abc.ObserverBase[Metrics], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[Metrics]:
        clock = clock_of(self._scheduler, scheduler)
        return TaskSubscription(self._runtime, self.name, self._snapshots(clock), observer)

    async def _snapshots(self, clock: Clock) -> AsyncGenerator[tuple[Metrics], None]:
        earlier: Mapping[int, int] = {}
        taken_at: float | None = None
        while True:
            now = clock.now()
            period = 0.0 if taken_at is None else now - taken_at
            probes = tuple(self._telemetry.subscriptions.values())
            heads = await asyncio.gather(*(probe.find_head(HEAD_SECONDS) for probe in probes))
            snapshot = self._snapshot(zip(probes, heads, strict=True), earlier, period)
            yield (snapshot,)
            if isinstance(snapshot.status, Closed):
                return
            earlier, taken_at = {each.id: each.events for each in snapshot.subscriptions}, now
            await sleep(clock, self._interval)

    def _snapshot(
        self, heads: Iterable[tuple[SubscriptionProbe, Any]], earlier: Mapping[int, int], period: float
    ) -> Metrics:
        """Return a snapshot.

        Args:
            heads: Running subscriptions, each with the end of its stream on the server.
            earlier: Numbers of delivered events in the snapshot before this, by subscription.
            period: Seconds since that snapshot; 0 for the first one.
        """
        telemetry = self._telemetry
        return Metrics(
            status=self._status(),
            in_flight=telemetry.in_flight,
            requests=telemetry.requests,
            reconnects=telemetry.reconnects,
            bytes_received=telemetry.bytes_received,
            bytes_sent=telemetry.bytes_sent,
            subscriptions=tuple(
                _state(probe, head, (probe.events - earlier.get(probe.id, 0)) / period if period else 0.0)
                for probe, head in heads
            ),
        )


def _state(probe: SubscriptionProbe, head: Any, rate: float) -> SubscriptionMetrics:
    distance = probe.distance_to(head)
    return SubscriptionMetrics(
        id=probe.id,
        stream=probe.stream,
        group=probe.group,
        events=probe.events,
        rate=rate,
        buffered=probe.buffered,
        is_paused=probe.is_paused,
        is_live=probe.is_live,
        events_behind=distance.events,
        bytes_behind=distance.bytes,
        seconds_behind=distance.seconds,
        unacknowledged=probe.unacknowledged,
    )
