"""A subscription, which reads pages of the store until it has caught up, and then follows committed events.

CATCHING UP ──end reached──▶ LIVE
     ▲                        │
     └──client does not read──┘

Nothing is buffered for a client that does not read: the subscription leaves the live state, and reads the events from
the store later. So no event is lost or delivered twice, and the server never ends a subscription for slowness.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, access_denied, store_failed, stream_deleted
from rxpump.server.grpc.event_encoder import joined
from rxpump.server.grpc.page_sources import PAGE, PageSource
from rxpump.server.grpc.subscription_messages import confirmation_message
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import EVERYTHING

_LARGEST_BATCH: Final = 1024 * 1024
"""Size in bytes of the largest committed batch that is sent at once. A larger one is read in pages."""


class Subscription:
    """A subscription of one call. It receives committed batches from the feed of the store.

    Args:
        call: The call.
        stream: Name of the stream, or EVERYTHING.
        source: Source of the events.
        at_end: Function that returns the messages to send when the subscription has caught up.
        may_read: Function that returns whether the user may still read.
    """

    def __init__(
        self,
        call: Call,
        stream: str,
        source: PageSource,
        at_end: Callable[[], Sequence[bytes]],
        may_read: Callable[[], bool],
    ) -> None:
        self._call = call
        self._stream = stream
        self._source = source
        self._at_end = at_end
        self._may_read = may_read
        self._is_live = False
        self._failure: CallError | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Deliver events until the call is cancelled.

        Raises:
            CallError: The subscription cannot continue.
        """
        feed = self._call.node.store.feed
        feed.follow(self._stream, self)
        try:
            while True:
                await self._catch_up()
                await self._news.wait()
                if self._failure is not None:
                    raise self._failure
        finally:
            feed.leave(self._stream, self)

    async def _catch_up(self) -> None:
        """Send pages until the end is reached and the client reads.

        The end is reached and the live state begins in one iteration of the event loop, so that no batch is missed.
        """
        while True:
            if not self._may_read():
                raise access_denied()
            page = self._source.page(PAGE)
            if not self._call.has_answered:
                self._call.write(confirmation_message())
            self._call.write(joined(page.messages))
            if page.is_end and self._call.has_room:
                break
            await self._call.drained()
        self._call.write(joined(self._at_end()))
        self._news.clear()
        self._is_live = True

    def receive(self, batch: CommittedBatch) -> None:
        """Send a committed batch, or leave the live state."""
        if not self._is_live:
            return
        try:
            if not self._may_read():
                raise access_denied()
            if not self._call.has_room or batch.size > _LARGEST_BATCH:
                self._leave_live()
                return
            self._call.write(joined(self._source.committed(batch)))
            if self._stream != EVERYTHING and batch.events[-1].entry.event.event_number == MAX_EVENT_NUMBER:
                raise stream_deleted(self._stream)
        except CallError as failure:
            self._failure = failure
            self._leave_live()

    def drop(self) -> None:
        """End the subscription, because the feed could not deliver a batch."""
        self._failure = store_failed("an event could not be delivered; see the log of the server")
        self._leave_live()

    def _leave_live(self) -> None:
        self._is_live = False
        self._news.set()

    def __repr__(self) -> str:
        state = "live" if self._is_live else "catching up"
        return f"<Subscription to {self._stream or 'everything'}, {state}, {self._source!r}>"
