"""The acknowledgements of one connection to a persistent subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

from rxpump.backpressure.background_tasks import LoopCaller
from rxpump.errors import RxPumpError
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction
from rxpump.transport import GroupSession

_sequence = count(1)
"""Numbers of deliveries, in the order of their arrival in this process."""


class BatchingAcknowledger:
    """Sends the acknowledgements for the deliveries of one connection, in batches.

    An acknowledgement is sent after `interval` seconds, or as soon as `batch` of them are buffered. A nack is sent at
    once, after the buffered acknowledgements. Other threads can acknowledge too.

    Args:
        subscription: The connection's subscription to the consumer group.
        group: Name of the consumer group.
        batch: Number of acknowledgements to send together.
        interval: Longest time in seconds for which an acknowledgement is buffered.
    """

    def __init__(self, subscription: GroupSession, group: str, batch: int, interval: float) -> None:
        self.group = group
        self._subscription = subscription
        self._batch = batch
        self._interval = interval
        self._buffered: list[Delivery] = []
        self._timer: asyncio.TimerHandle | None = None
        self._unsettled = 0
        self._is_closed = False
        self._change = asyncio.Event()
        self._loop_caller = LoopCaller()
        subscription.before_end(self._flush)

    @property
    def closed(self) -> str | None:
        """The reason why deliveries cannot be acknowledged any more, or None if they can."""
        if self._subscription.ending is not None:
            return str(self._subscription.ending)
        return "its subscription has ended" if self._is_closed else None

    @property
    def unsettled(self) -> int:
        """Number of deliveries that were passed to the subscriber and are neither acknowledged nor refused."""
        return self._unsettled

    @property
    def buffered(self) -> int:
        """Number of deliveries that have arrived and were not returned by `next`."""
        return self._subscription.buffered

    async def next(self) -> Sequence[Delivery]:
        """Wait for deliveries.

        Raises:
            RxPumpError: The subscription has ended.
        """
        return [
            Delivery(event, retry_count, self, next(_sequence))
            for event, retry_count in await self._subscription.next()
        ]

    def note_delivered(self) -> None:
        """Count a delivery that was passed to the subscriber, so that `until_settled` waits for it."""
        self._unsettled += 1

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery with the next batch."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.ack, delivery)
            return
        self._buffered.append(delivery)
        self._settled()
        if len(self._buffered) >= self._batch:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._flush)

    def nack(self, delivery: Delivery, action: NackAction, reason: str) -> None:
        """Send the action for a delivery that was not handled, and its reason."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.nack, delivery, action, reason)
            return
        self._flush()
        self._subscription.nack([delivery], action, reason)
        self._settled()

    def release(self, delivery: Delivery) -> None:
        """Count a delivery as settled without sending anything, because the subscriber has dropped it."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.release, delivery)
            return
        self._settled()

    def close(self) -> None:
        """Send the buffered acknowledgements and unsubscribe. The server delivers unsettled events again."""
        if not self._is_closed:
            self._flush()
            self._is_closed = True
            self._subscription.close()
            self._change.set()

    async def until_settled(self) -> None:
        """Wait until the subscriber has settled its deliveries, or the subscription has ended.

        The end of the subscription is noticed only while `discard` is running.
        """
        while self._unsettled and self.closed is None:
            self._change.clear()
            await self._change.wait()

    async def discard(self) -> None:
        """Discard further deliveries until the subscription ends. The server delivers them again."""
        try:
            while True:
                await self._subscription.next()
        except RxPumpError:
            self._change.set()

    def _settled(self) -> None:
        self._unsettled -= 1
        if not self._unsettled:
            self._change.set()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._buffered:
            buffered, self._buffered = self._buffered, []
            self._subscription.ack(buffered)

    def __repr__(self) -> str:
        counts = f"{self._unsettled} unsettled, {len(self._buffered)} buffered"
        state = f"closed: {self.closed}" if self.closed else counts
        return f"<BatchingAcknowledger of {self.group}, {state}>"
