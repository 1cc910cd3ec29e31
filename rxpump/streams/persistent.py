"""A persistent subscription as an Observable of deliveries, across connections.

    CONNECTING ──confirmed──▶ DELIVERING ──connection lost · dropped by the server──▶ wait, CONNECTING again
        │                        │
        └── not found, denied ───┴── drained ──▶ SEEING OFF ── all settled ──▶ unsubscribed
            (ends with the error)

What was delivered on a connection can be acknowledged on that one only; when it is lost, the server gives its
unacknowledged events to whoever is there, so nothing is remembered here. An update of the group drops everybody for
no reason given, and so does its deletion (docs/protocol/tcp.md, section 4.18): asking again tells which it was.

The server sends no more than `buffer_size` events beyond those that are acknowledged, so demand needs no mechanism
here. While the Upstream is held nothing is passed on, what is not passed on is not acknowledged, and the server
stops; never more than `buffer_size` wait here. The server does not wait for ever, though: what is not acknowledged
within the group's message timeout is delivered again, here or elsewhere. Keep `buffer_size` under what is handled in
that time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Iterator
from typing import Any

from reactivex import abc

from rxpump.backoff import Backoff, Failures
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
from rxpump.streams.acknowledger import AckDesk
from rxpump.streams.source import TaskObservable, TaskSubscription
from rxpump.transport import Transport

_log = logging.getLogger("rxpump.persistent")


class Deliveries(TaskObservable[Delivery]):
    """Each subscriber connects to consumer group `group` of `stream` by itself, and competes with the others."""

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
        """Itself, as photon-pump's subscriptions name it."""
        return self

    async def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery, as photon-pump's subscriptions do. Raises DeliveryExpired."""
        if not isinstance(delivery, Delivery):
            raise InvalidArgument("delivery", delivery, "what this subscription delivered")
        delivery.ack()

    def __await__(self) -> Generator[Any, None, Deliveries]:  # type: ignore[override]
        """Give itself: what never ends has no last value to wait for."""
        return self._itself().__await__()

    async def _itself(self) -> Deliveries:
        return self

    def _begin(self, observer: abc.ObserverBase[Delivery]) -> Consumption:
        return Consumption(self._runtime, self.name, self._connect, self._settings.retry, observer)

    async def _connect(self) -> AckDesk:
        subscription = await self._transport.connect_group(self._source, self.group, self.buffer_size)
        # Half of what may be open at once: whoever waits for all of it to be sent would have the server wait too.
        batch = min(max(self.buffer_size // 2, 1), self._transport.limits.ack_ids)
        return AckDesk(subscription, self.group, batch, self._settings.ack_interval)


class Consumption(TaskSubscription[Delivery]):
    """One subscriber's part, from one connection to the next; `connect` makes each.

    It stays connected beyond its end while something that it passed on is under way and may still be settled: when it
    is drained, and when it is disposed while an `ack_each` waits for what came before (as with `rx.take` above it).
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        name: str,
        connect: Callable[[], Awaitable[AckDesk]],
        retry: Backoff,
        observer: abc.ObserverBase[Delivery],
    ) -> None:
        self._runtime = runtime
        self._name = name
        self._connect = connect
        self._retry = retry
        self._desk: AckDesk | None = None
        super().__init__(runtime, name, self._deliveries(), observer)
        self._deliveries_tracker = DeliveryTracker(self._close_desk)
        self._tracker = self._deliveries_tracker
        self.upstream.track(self._tracker)
        announce(self._deliveries_tracker)

    async def _deliveries(self) -> AsyncGenerator[Iterable[Delivery], None]:
        failures = Failures(self._retry)
        while True:
            try:
                self._desk = desk = await self._connect()
                failures.reset()
                while True:
                    yield self._hand_out(desk, await desk.next())
            except RxPumpError as error:
                if self._desk is not None:
                    self._desk.close()
                    if isinstance(error, PersistentSubscriptionNotFound):
                        raise PersistentSubscriptionDeleted(error.stream, error.group) from error
                if not error.retryable:
                    raise
                delay = failures.next_endless_delay()
                _log.info("%s: %s; connects again in %.3f s", self._name, error, delay)
                await asyncio.sleep(delay)

    def _hand_out(self, desk: AckDesk, batch: Iterable[Delivery]) -> Iterator[Delivery]:
        """Give the batch, as long as it can be acknowledged; what is left then comes again."""
        for delivery in batch:
            if desk.closed is not None:
                return
            desk.handed_out()
            yield delivery

    def _ended(self, task: asyncio.Task[None]) -> None:
        super()._ended(task)
        if self._desk is None:
            return
        is_awaited = self._deliveries_tracker.is_claimed and not self._deliveries_tracker.is_over
        if task.cancelled() and (self._is_finishing or is_awaited):
            self._runtime.start(self._see_off(self._desk), f"{self._name}, seeing off")
        else:
            self._desk.close()

    def _close_desk(self) -> None:
        """Unsubscribe: no further delivery will be acknowledged."""
        if self._desk is not None:
            self._desk.close()

    async def _see_off(self, desk: AckDesk) -> None:
        """Stay until what was passed on is settled."""
        discarding = self._runtime.start(desk.discard(), f"{self._name}, discarding")
        try:
            await desk.until_settled()
        finally:
            discarding.cancel()
            desk.close()
