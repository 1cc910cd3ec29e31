"""Methods that subscribe to streams."""

from __future__ import annotations

from typing import Final

from rxpump.client.base import READ_BATCH, checked_filter
from rxpump.client.starting_points import number_before, position_before
from rxpump.client.transactions import TransactionClient
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.filters import EventFilter
from rxpump.model.positions import END, START, Edge, Position, StreamDirection
from rxpump.pipeline_root import root_of
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import FollowedAll, FollowedStream
from rxpump.streams.reading import StreamReading
from rxpump.streams.relay import Pipeline, Relay

_INSTEAD: Final = "to subscribe to the events of all streams, use stream_all()"


class SubscriptionClient(TransactionClient):
    """A client that also subscribes to streams. A subscription has no end: it is disposed, or fails."""

    def stream(
        self,
        stream: str,
        from_event: int | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
    ) -> CatchUp:
        """Subscribe to a stream: deliver its events from `from_event` on, then each new event as it is written.

        Each event is delivered exactly once, in order, also after lost connections. The stream need not exist.

        Args:
            stream: Name of the stream.
            from_event: Number of the first event that is delivered, or START. To resume after an event, pass its
                number plus 1. END starts with the events that are written from now on.
            batch_size: Largest number of events of a page, 1 to 4096, while existing events are read.
            resolve_links: Whether to deliver the targets of links.

        Returns:
            An Observable of the events. It fails only with an error after which a retry cannot succeed.

        Raises:
            AccessDenied: The user may not read the stream.
            StreamDeleted: The stream was deleted permanently.
            ClientClosed: The client was closed.
            StreamRolledBack: The server has lost events that were delivered.

        Example:
            client.stream("orders", last_number + 1).subscribe(print)
        """
        stream, count = checks.one_stream(stream, _INSTEAD), self._page_size(batch_size, argument="batch_size")
        checks.flag("resolve_links", resolve_links)
        followed = FollowedStream(self._transport, stream, count, resolve_links=resolve_links)
        return CatchUp(self._runtime, f"stream {stream}", self._settings, followed, number_before(from_event))

    def stream_all(
        self,
        from_position: Position | Edge = START,
        *,
        batch_size: int = READ_BATCH,
        resolve_links: bool = True,
        where: EventFilter | None = None,
    ) -> CatchUp:
        """Subscribe to `$all`, the events of all streams, after `from_position`.

        By default only admins may read `$all`.

        Args:
            from_position: Position after which to start, or START. The event at this position is not delivered, so
                the position of the last processed event resumes after it (`iter_all` would begin with that event).
                END starts with the events that are written from now on.
            batch_size: Largest number of events of a page, 1 to 4096, while existing events are read.
            resolve_links: Whether to deliver the targets of links.
            where: Filter that the events must match: the result of `ops.where(...)`. The server filters where it can;
                see `iter_all`. Events that do not match are not read again after a lost connection. With
                `ops.with_signals()`, Examined reports from time to time the position up to which events were
                compared.

        Returns:
            An Observable of the events. It fails only with an error after which a retry cannot succeed.

        Raises:
            AccessDenied: The user may not read `$all`.
            ClientClosed: The client was closed.
            StreamRolledBack: The server has lost events that were delivered.

        Example:
            client.stream_all(last_event.position).subscribe(print)
        """
        count, wanted = self._page_size(batch_size, argument="batch_size"), checked_filter(where)
        checks.flag("resolve_links", resolve_links)
        after = position_before(from_position)
        followed = FollowedAll(self._transport, count, resolve_links=resolve_links, where=wanted)
        return CatchUp(self._runtime, "stream_all", self._settings, followed, after)

    def live(self, stream: str, *, resolve_links: bool = True) -> CatchUp:
        """Subscribe to the events of a stream that are written after the subscription starts.

        Args:
            stream: Name of the stream. It need not exist.
            resolve_links: Whether to deliver the targets of links.

        Returns:
            An Observable of the events; its errors are those of `stream`.

        Example:
            client.live("orders").subscribe(print)
        """
        return self.stream(stream, END, resolve_links=resolve_links)

    def subscribe_to(
        self, stream: str, start_from: int = -1, *, batch_size: int = READ_BATCH, resolve_links: bool = True
    ) -> CatchUp:
        """Subscribe to a stream, like `stream`, under the name of photon-pump.

        Args:
            stream: Name of the stream. It need not exist.
            start_from: Number of the first event that is delivered; -1 starts with the events that are written from
                now on.
            batch_size: Largest number of events of a page, 1 to 4096, while existing events are read.
            resolve_links: Whether to deliver the targets of links.

        Returns:
            An Observable of the events; its errors are those of `stream`.

        Example:
            subscription = await client.subscribe_to("orders", start_from=0)
        """
        start = END if start_from == -1 else start_from
        return self.stream(stream, start, batch_size=batch_size, resolve_links=resolve_links)

    def relay(
        self, source: str | CatchUp | StreamReading, pipeline: Pipeline, target: str, *, batch_size: int = READ_BATCH
    ) -> Relay:
        """Append the results of a pipeline over one stream to another stream, each exactly once.

        The target records how far the relay has come. After a crash or a lost connection, the relay resumes there.

        Args:
            source: Name of the stream that is subscribed to. Or a subscription to one stream, or a read of one, also
                of a client for another server; the relay of a read ends with the read.
            pipeline: Function that takes the Observable of the events and returns an Observable of NewEvents: any
                number for each event, in the order of the events.
            target: Name of the stream that is written to.
            batch_size: Largest number of events of a page, 1 to 4096, while existing events are read.

        Returns:
            An Observable of one WriteResult for each batch. Each subscription runs the relay.

        Raises:
            InvalidArgument: The pipeline changes the order of its events.
            AccessDenied: The user may not read the source or write to the target.
            StreamDeleted: The source or the target was deleted permanently.

        Example:
            client.relay("orders", lambda orders: orders.pipe(rx.map(to_invoice)), "invoices").subscribe()
        """
        if isinstance(source, str):
            source = self.stream(checks.one_stream(source, _INSTEAD, argument="source"), batch_size=batch_size)
        elif not isinstance(source, (CatchUp, StreamReading)) or _is_backward(source):
            raise InvalidArgument("source", source, "the name of a stream, client.stream(...) or client.iter(...)")
        name = checks.one_stream(source.stream, _INSTEAD, argument="source")
        target = checks.written_stream(target)
        checks.function("pipeline", pipeline)
        return Relay(
            self._runtime,
            self._transport,
            name,
            target,
            follow=source.resume_at,
            pipeline=pipeline,
            root_of=root_of,
            retry=self._settings.retry,
        )


def _is_backward(source: CatchUp | StreamReading) -> bool:
    return isinstance(source, StreamReading) and source.direction is StreamDirection.BACKWARD
