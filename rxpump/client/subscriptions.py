"""Following: what is there and what is written, for ever."""

from __future__ import annotations

from typing import Final

from rxpump.client.base import READ_BATCH, checked_filter
from rxpump.client.starts import before_first, before_position
from rxpump.client.transactions import TransactionClient
from rxpump.model import checks
from rxpump.model.filters import EventFilter
from rxpump.model.positions import END, START, Edge, Position
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import FollowedAll, FollowedStream
from rxpump.streams.relay import Pipeline, Relay

_INSTEAD: Final = "to follow the whole database, use stream_all()"


class SubscriptionClient(TransactionClient):
    """A client that also subscribes to streams."""

    def stream(
        self,
        stream: str,
        from_event: int | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> CatchUp:
        """Follow a stream for ever: everything from `from_event` on, then what is written, exactly once, in order.

        `from_event` is the number of the first event that is delivered: to resume after an event, pass its number
        plus 1. END starts with what is written from now on. The stream need not exist yet. It ends with an error only
        where asking again cannot help: AccessDenied, StreamDeleted (for good), ClientClosed, StreamRolledBack (the
        server came back with less than was delivered).
        """
        stream, count = checks.one_stream(stream, _INSTEAD), checks.page_size(batch_size, argument="batch_size")
        checks.flag("resolve_links", resolve_links)
        followed = FollowedStream(self._transport, stream, count, resolve_links=resolve_links)
        return CatchUp(self._runtime, f"stream {stream}", self._settings, followed, before_first(from_event))

    def stream_all(
        self,
        from_position: Position | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
        where: EventFilter | None = None,
    ) -> CatchUp:
        """Follow the whole database for ever, from the event after `from_position` on; by default only admins may.

        The event at `from_position` is not delivered (`iter_all` would deliver it), so the position of the last event
        that was handled resumes after that event.

        `where` (what `ops.where(...)` gives) lets through what that operator would; the server is asked to do it
        where it can, see `iter_all`. What does not match is passed over once: it is not read again after a lost
        connection, and `ops.with_signals()` tells from time to time how far was looked (Examined), whoever filters.
        Errors: AccessDenied, ClientClosed, StreamRolledBack.
        """
        count, wanted = checks.page_size(batch_size, argument="batch_size"), checked_filter(where)
        checks.flag("resolve_links", resolve_links)
        after = before_position(from_position)
        followed = FollowedAll(self._transport, count, resolve_links=resolve_links, where=wanted)
        return CatchUp(self._runtime, "stream_all", self._settings, followed, after)

    def live(self, stream: str, *, resolve_links: bool = True) -> CatchUp:
        """Follow a stream with no history: what is written from the moment of subscribing on, and all of that."""
        return self.stream(stream, END, resolve_links=resolve_links)

    def subscribe_to(
        self, stream: str, start_from: int = -1, *, batch_size: int = READ_BATCH, resolve_links: bool = True
    ) -> CatchUp:
        """Follow a stream under photon-pump's name.

        `start_from` is the number of the first event that is delivered; -1 starts with what is written from now on.
        """
        start = END if start_from == -1 else start_from
        return self.stream(stream, start, batch_size=batch_size, resolve_links=resolve_links)

    def relay(self, source: str, pipeline: Pipeline, target: str, *, batch_size: int = READ_BATCH) -> Relay:
        """Write what `pipeline` makes of each event of `source` to `target`, exactly once, for ever.

        `pipeline` takes the Observable of events and gives one of NewEvents (any number per event, in order).
        Stopped, killed or cut off, it goes on where the target says it was. Emits a WriteResult per batch.
        """
        source = checks.one_stream(source, _INSTEAD, argument="source")
        target = checks.written_stream(target)
        checks.function("pipeline", pipeline)
        events = self.stream(source, batch_size=batch_size)
        return Relay(
            self._runtime,
            self._transport,
            source,
            target,
            follow=events.resume_at,
            pipeline=pipeline,
            retry=self._settings.retry,
        )
