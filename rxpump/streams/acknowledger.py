"""Acknowledgements of what one connection to a persistent subscription brought, gathered and sent in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

from rxpump.errors import RxPumpError
from rxpump.model.deliveries import Delivery
from rxpump.model.group_settings import NackAction
from rxpump.transport import GroupSession

_sequence = count(1)
"""Numbers of deliveries, in the order of their arrival in this process."""


class AckDesk:
    """Settles the deliveries of one connection, for as long as that lasts.

    An acknowledgement waits up to `interval` seconds for others to go with it, but goes at once with the one that
    makes them `batch`; a negative one goes at once, after those that wait.
    """

    def __init__(self, subscription: GroupSession, group: str, batch: int, interval: float) -> None:
        self.group = group
        self._subscription = subscription
        self._batch = batch
        self._interval = interval
        self._waiting: list[Delivery] = []
        self._timer: asyncio.TimerHandle | None = None
        self._open = 0
        self._is_left = False
        self._news = asyncio.Event()
        subscription.before_end(self._flush)

    @property
    def closed(self) -> str | None:
        """Why nothing can be acknowledged any more."""
        if self._subscription.ending is not None:
            return str(self._subscription.ending)
        return "its subscriber has left" if self._is_left else None

    async def next(self) -> Sequence[Delivery]:
        """Wait for deliveries. Raises why the connection ended."""
        return [
            Delivery(record, retry_count, self, next(_sequence))
            for record, retry_count in await self._subscription.next()
        ]

    def handed_out(self) -> None:
        """One of them is somebody's to settle now."""
        self._open += 1

    def ack(self, delivery: Delivery) -> None:
        """Acknowledge a delivery, with the next batch."""
        self._waiting.append(delivery)
        self._settled()
        if len(self._waiting) >= self._batch:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._flush)

    def nack(self, delivery: Delivery, action: NackAction, reason: str) -> None:
        """Say what is to become of a delivery."""
        self._flush()
        self._subscription.nack([delivery], action, reason)
        self._settled()

    def close(self) -> None:
        """Send what waits, and unsubscribe; what is not settled is delivered again."""
        if not self._is_left:
            self._flush()
            self._is_left = True
            self._subscription.close()
            self._news.set()

    async def until_settled(self) -> None:
        """Wait until all that was handed out is settled, or nothing can be any more (`discard` hears of that)."""
        while self._open and self.closed is None:
            self._news.clear()
            await self._news.wait()

    async def discard(self) -> None:
        """Take what still comes, for nobody: when we have left, the server delivers it again."""
        try:
            while True:
                await self._subscription.next()
        except RxPumpError:
            self._news.set()

    def _settled(self) -> None:
        self._open -= 1
        if not self._open:
            self._news.set()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._subscription.ack(waiting)

    def __repr__(self) -> str:
        state = f"closed: {self.closed}" if self.closed else f"{self._open} open, {len(self._waiting)} to be sent"
        return f"<AckDesk of {self.group}, {state}>"
