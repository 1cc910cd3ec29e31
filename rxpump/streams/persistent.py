"""A persistent subscription as an Observable of deliveries, across connections.

    CONNECTING ──confirmed──▶ DELIVERING ──connection lost · dropped by the server──▶ wait, CONNECTING again
        │                        │
        └── not found, denied ───┴── drained ──▶ SETTLING ── all settled ──▶ unsubscribed
            (ends with the error)

A delivery can be acknowledged only on the connection on which it arrived. When that connection is lost, the server
delivers its unacknowledged events to other consumers, so this module does not keep them. A session that the
server ended is followed by another attempt to connect. Some servers end a session with the same reply when its group
is updated and when it is deleted (docs/protocol/tcp.md, section 4.18), so a group that was connected to before, and
is not found now, was deleted.

The server sends at most `buffer_size` events beyond those that are acknowledged, so backpressure needs no mechanism
here. While the Upstream is paused, nothing is delivered or acknowledged, so the server stops sending, and at most
`buffer_size` deliveries are buffered. The server delivers an event again, to any consumer, if it is not acknowledged
within the message timeout of the group. So choose a `buffer_size` that the subscriber can handle in that time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
from typing import Any

from reactivex import abc

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.progress import DeliveryTracker
from rxpump.backpressure.tracking import announce
from rxpump.errors import (
    InvalidArgument,
    PersistentSubscriptionDeleted,
    PersistentSubscriptionNotFound,
    RxPumpError,
)
from rxpump.model.deliveries import Delivery
from rxpump.model.system_names import ALL_STREAM
from rxpump.settings import Settings
from rxpump.streams.acknowledger import BatchingAcknowledger
from rxpump.streams.probes import ConsumerProbe
from rxpump.streams.retries import Retries
from rxpump.streams.source import TaskObservable, TaskSubscription
from rxpump.transport import Transport

_log = logging.getLogger("rxpump.persistent")


class Deliveries(TaskObservable[Delivery]):
    """The deliveries of a consumer group. Each subscriber connects as another consumer of the group."""

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        settings: Settings,
        stream: str | None,
        group: str,
        buffer_size: int,
    ) -> None:
        self.stream: str = ALL_STREAM if stream is None else stream
        super().__init__(runtime, f"persistent subscription {group} of {self.stream}")
        self._source = stream
        self.group = group
        self.buffer_size = buffer_size
        self._transport = transport
        self._settings = settings

    @property
    def events(self) -> Deliveries:
        """This Observable itself, for programs that were written for photon-pump."""
        return self

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery, for programs that were written for photon-pump.

        Raises:
            InvalidArgument: `delivery` is not a Delivery.
            DeliveryExpired: The connection on which the delivery arrived is lost.
        """
        if not isinstance(delivery, Delivery):
            raise InvalidArgument("delivery", delivery, "a Delivery of this subscription")
        delivery.ack()

    def __await__(self) -> Generator[Any, None, Deliveries]:  # type: ignore[override]
        """Return this Observable when awaited, because a subscription that never ends has no last value."""
        return self._itself().__await__()

    async def _itself(self) -> Deliveries:
        return self

    def _begin(
        self, observer: abc.ObserverBase[Delivery], scheduler: abc.SchedulerBase | None = None
    ) -> ConsumerSession:
        session = ConsumerSession(self._runtime, self.name, self._connect, self._settings.retry, observer)
        probe = ConsumerProbe(self._transport, self._source, self.group, session)
        session.measure(self._transport, probe)
        return session

    async def _connect(self) -> BatchingAcknowledger:
        subscription = await self._transport.connect_group(self._source, self.group, self.buffer_size)
        # A batch as large as the buffer would wait for deliveries while the server waits for acknowledgements.
        batch = min(max(self.buffer_size // 2, 1), self._transport.limits.ack_ids)
        return BatchingAcknowledger(subscription, self.group, batch, self._settings.ack_interval)


class ConsumerSession(TaskSubscription[Delivery]):
    """The session of one subscriber, across its connections.

    It stays connected after its end while deliveries are in flight that can still be settled: when it is drained, and
    when it is disposed while an `ack_each` waits for earlier deliveries (as with `rx.take` above it).

    Args:
        runtime: Owner of the task.
        name: Name of the subscription in logs and names of tasks.
        connect: Coroutine function that connects to the group.
        retry: Delays between attempts to connect.
        observer: The subscriber.

    Attributes:
        delivered: Number of events that were delivered.
        arrived: Number of events that were delivered or are part of the current batch.
        acknowledger: Acknowledgements of the current or last connection; None before the first one.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        name: str,
        connect: Callable[[], Awaitable[BatchingAcknowledger]],
        retry: Backoff,
        observer: abc.ObserverBase[Delivery],
    ) -> None:
        self._runtime = runtime
        self._name = name
        self._connect = connect
        self._retry = retry
        self.delivered: int = 0
        self.arrived: int = 0
        self.acknowledger: BatchingAcknowledger | None = None
        super().__init__(runtime, name, self._deliveries(), observer)
        self._deliveries_tracker = DeliveryTracker(self._close_acknowledger)
        self._tracker = self._deliveries_tracker
        self.upstream.track(self._tracker)
        announce(self._deliveries_tracker)

    async def _deliveries(self) -> AsyncGenerator[Iterable[Delivery], None]:
        retries = Retries(self._retry, _log, f"the {self._name}")
        while True:
            try:
                self.acknowledger = acknowledger = await self._connect()
                retries.reset()
                while True:
                    batch = await acknowledger.next()
                    self.arrived = self.delivered + len(batch)
                    yield self._until_closed(acknowledger, batch)
            except RxPumpError as error:
                if self.acknowledger is not None:
                    self.acknowledger.close()
                    if isinstance(error, PersistentSubscriptionNotFound):
                        raise PersistentSubscriptionDeleted(error.stream, error.group) from error
                if not error.retryable:
                    raise
                await retries.wait_after(error)

    def _until_closed(self, acknowledger: BatchingAcknowledger, batch: Iterable[Delivery]) -> Iterator[Delivery]:
        """Yield deliveries until they can no longer be acknowledged. The server delivers the rest again."""
        for delivery in batch:
            if acknowledger.closed is not None:
                return
            acknowledger.note_delivered()
            self.delivered += 1
            yield delivery

    def _ended(self, task: asyncio.Task[None]) -> None:
        super()._ended(task)
        if self.acknowledger is None:
            return
        is_awaited = self._deliveries_tracker.is_claimed and not self._deliveries_tracker.is_over
        if task.cancelled() and (self._is_finishing or is_awaited):
            self._runtime.start(self._settle(self.acknowledger), f"{self._name}, settling")
        else:
            self.acknowledger.close()

    def _close_acknowledger(self) -> None:
        """Unsubscribe. Further deliveries cannot be acknowledged."""
        if self.acknowledger is not None:
            self.acknowledger.close()

    async def _settle(self, acknowledger: BatchingAcknowledger) -> None:
        """Wait until the subscriber has settled its deliveries, then unsubscribe."""
        discarding = self._runtime.start(acknowledger.discard(), f"{self._name}, discarding")
        try:
            await acknowledger.until_settled()
        finally:
            discarding.cancel()
            acknowledger.close()
