"""The counters of one client."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from rxpump.model.metrics import LATENCY_BOUNDS, LatencyHistogram, RequestKind, RequestMetrics
from rxpump.model.status import Closed, Connected, Status
from rxpump.telemetry.instrumentation import Instrumentation
from rxpump.telemetry.probe import SubscriptionProbe


class Telemetry:
    """The counters of a client. All views of its transport share them.

    Attributes:
        in_flight: Number of requests that are not answered.
        reconnects: Number of connections that replaced a lost one.
        bytes_received: Bytes received on all connections.
        bytes_sent: Bytes sent on all connections.
        address: Address of the node of the current or last connection; None before the first one.
        instrumentation: Records spans and measurements; None if the client is not instrumented.
    """

    def __init__(self) -> None:
        self.in_flight: int = 0
        self.reconnects: int = 0
        self.bytes_received: int = 0
        self.bytes_sent: int = 0
        self.address: str | None = None
        self.instrumentation: Instrumentation | None = None
        self._requests = {kind: _Latencies() for kind in RequestKind}
        self._has_been_connected = False
        self._subscriptions: dict[int, tuple[SubscriptionProbe, asyncio.Task[Any]]] = {}
        self._last_id = 0

    # Requests -------------------------------------------------------------------------------------

    def begin_request(self) -> float:
        """Count a request as in flight. Return the time, for `end_request`."""
        self.in_flight += 1
        return perf_counter()

    def end_request(self, kind: RequestKind, begun: float, error: BaseException | None = None) -> None:
        """Count a request as answered or failed.

        Args:
            kind: Kind of the request.
            begun: Result of `begin_request`.
            error: Error with which the request failed; None if it was answered. A cancelled request is not counted.
        """
        self.in_flight -= 1
        if error is None or isinstance(error, Exception):
            seconds = perf_counter() - begun
            self._requests[kind].note(seconds, is_failure=error is not None)
            if self.instrumentation is not None:
                self.instrumentation.note_request(kind, seconds, error)

    @property
    def requests(self) -> Mapping[RequestKind, RequestMetrics]:
        """Latencies and failures of the requests of each kind."""
        return {kind: latencies.snapshot() for kind, latencies in self._requests.items()}

    # Connections ----------------------------------------------------------------------------------

    def note_bytes(self, received: int, sent: int) -> None:
        """Count bytes of a connection."""
        self.bytes_received += received
        self.bytes_sent += sent

    def counting(self, on_status: Callable[[Status], None]) -> Callable[[Status], None]:
        """Return a function that counts the connections that replace a lost one, and calls `on_status`."""

        def note(status: Status) -> None:
            if isinstance(status, Connected):
                self.reconnects += self._has_been_connected
                self._has_been_connected = True
                self.address = status.address
            elif isinstance(status, Closed):
                self._has_been_connected = False
            on_status(status)
            if self.instrumentation is not None and isinstance(status, Connected):
                self.instrumentation.note_connected()

        return note

    # Subscriptions --------------------------------------------------------------------------------

    def add(self, probe: SubscriptionProbe, task: asyncio.Task[Any]) -> None:
        """Include a subscription in the metrics until its task ends."""
        self._last_id = probe.id = self._last_id + 1
        self._subscriptions[probe.id] = probe, task
        task.add_done_callback(lambda _: self._subscriptions.pop(probe.id, None))

    @property
    def subscriptions(self) -> Mapping[int, SubscriptionProbe]:
        """Running subscriptions by their numbers, without those of an event loop that was closed before."""
        for id, (_, task) in tuple(self._subscriptions.items()):
            if task.get_loop().is_closed():
                del self._subscriptions[id]
        return {id: probe for id, (probe, _) in self._subscriptions.items()}

    def __repr__(self) -> str:
        return f"<Telemetry {self.in_flight} in flight, {len(self._subscriptions)} subscriptions>"


class _Latencies:
    """Latencies and failures of the requests of one kind."""

    __slots__ = ("_counts", "_failed", "_total")

    def __init__(self) -> None:
        self._counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self._total = 0.0
        self._failed = 0

    def note(self, seconds: float, *, is_failure: bool) -> None:
        """Count a request."""
        self._counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self._total += seconds
        self._failed += is_failure

    def snapshot(self) -> RequestMetrics:
        """Return the numbers as a value that does not change."""
        return RequestMetrics(LatencyHistogram(LATENCY_BOUNDS, tuple(self._counts), self._total), self._failed)
