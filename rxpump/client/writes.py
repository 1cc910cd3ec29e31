"""Methods that append: one event, many events, or the events of an Observable."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sized
from functools import partial
from types import MappingProxyType
from typing import Any, Final, overload
from uuid import UUID

import reactivex

from rxpump.client.reads import ReadClient
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.limits import Limits
from rxpump.model.new_events import UNSET, NewEvent, as_new_event, fitting, new_link
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.streams.instrumented import append, append_many
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.publisher import Publisher
from rxpump.streams.single import Single
from rxpump.streams.source import IterableSource
from rxpump.streams.write_buffer import DEFAULT_BATCH_BYTES, Batching
from rxpump.streams.writes import Writes
from rxpump.transport import Capability

_NO_VERSIONS: Final[Mapping[str, int]] = MappingProxyType({})


class WriteClient(ReadClient):
    """A client that also appends events to streams."""

    def publish_event(
        self,
        stream: str,
        type: str,
        data: Any = UNSET,
        *,
        metadata: Any = None,
        id: UUID | None = None,
        expected_version: int = ExpectedVersion.ANY,
        body: Any = UNSET,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Append one event to a stream.

        Args:
            stream: Name of the stream. It is created if it does not exist.
            type: Type of the event.
            data: Data of the event; see NewEvent. `Settings.encoder` encodes objects that JSON cannot express.
            metadata: Metadata of the event; see NewEvent.
            id: Id of the event. Default: a random one.
            expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion.
            body: Another name of `data`.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result: number and position of the event.

        Raises:
            WrongExpectedVersion: The stream is at another version. Nothing was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream.

        Example:
            `await client.publish_event("orders", "Placed", {"price": 5})`
        """
        stream = checks.written_stream(stream)
        event = NewEvent(type, data, metadata=metadata, id=id, body=body, encoder=self._settings.encoder)
        event = fitting(event, stream, self._transport.limits)
        return self._append("publish_event", stream, [event], expected_version, timeout)

    @overload
    def publish(
        self,
        stream: str,
        events: list[NewEvent] | tuple[NewEvent, ...],
        *,
        expected_version: int = ...,
        timeout: float | None = ...,
    ) -> Single[WriteResult]: ...
    @overload
    def publish(
        self,
        stream: str,
        events: Any,
        *,
        expected_version: int = ...,
        batch_size: int = ...,
        timeout: float | None = ...,
    ) -> Writes: ...

    def publish(
        self,
        stream: str,
        events: Any,
        *,
        expected_version: int = ExpectedVersion.ANY,
        batch_size: int = UNSET,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult] | Writes:
        """Append events to a stream, in order.

        A collection with a length (a list, a page) is one atomic write. An iterator, an async iterable or an
        Observable can be endless: it is written in batches, and is read only as fast as it is written.

        An Event that was read is copied. The id of the copy is derived from the id of the event and from `stream`, so
        that copying it to `stream` again is the same write, which the server recognizes.

        Args:
            stream: Name of the stream. It is created if it does not exist.
            events: NewEvents, or Events to copy.
            expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion. A
                number or NO_STREAM applies to the first batch. Each later batch expects the version after the one
                before.
            batch_size: Largest number of events of a batch, for an iterator or Observable. Default: 500.
            timeout: Seconds until the write of a list, or of one batch, fails. None: no deadline. Default for a list:
                that of the settings. By default, batches wait for a connection as long as the reconnect policy
                allows.

        Returns:
            A Single of one WriteResult for a list; otherwise an Observable of one WriteResult for each batch, which
            returns the last result when it is awaited.

        Raises:
            InvalidArgument: An item is not an event, or `batch_size` is given for a list.
            WrongExpectedVersion: The stream is at another version. Nothing of the batch was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream.
            ClientClosed: The client was closed; or it was drained before an iterator was read to its end, whose first
                events are written.

        Example:
            `await client.publish("orders", [NewEvent("Placed", {"price": 5}), NewEvent("Paid")])`
        """
        source: Observable[Any]
        if isinstance(events, reactivex.Observable):
            source = events if isinstance(events, Observable) else Piped(events)
        elif isinstance(events, Sized) and isinstance(events, Iterable):
            if batch_size is not UNSET:
                raise InvalidArgument("batch_size", batch_size, "no value for a list, which is one write")
            stream = checks.written_stream(stream)
            limits = self._transport.limits
            new = [as_new_event(event, stream, limits) for event in events]
            return self._append("publish", stream, new, expected_version, timeout)
        elif isinstance(events, (Iterable, AsyncIterable)):
            source = IterableSource(self._runtime, events)
        else:
            raise InvalidArgument("events", events, "NewEvents in a list, an (async) iterable or an Observable")
        stream = checks.written_stream(stream)
        transport = self._transport if timeout is UNSET else self._within(timeout)
        return Writes(
            self._runtime,
            stream,
            source,
            lambda: transport.appender(stream),
            expected_version=checks.expected_version(expected_version),
            batching=Batching() if batch_size is UNSET else Batching(batch_size),
            transport=transport,
        )

    def publish_many(
        self,
        events: Mapping[str, Iterable[NewEvent | Event]],
        *,
        expected_versions: Mapping[str, int] = _NO_VERSIONS,
        timeout: float | None = UNSET,
    ) -> Single[Mapping[str, WriteResult]]:
        """Append events to several streams as one atomic write: all are written, or none.

        Over gRPC, the metadata of each event must be a JSON object. The server stores its keys as properties of the
        event, and adds `$schema.name` and `$schema.format` to the metadata that are read.

        Args:
            events: NewEvents, or Events to copy, for each stream; at least one.
            expected_versions: Number of the last event that a stream must have, or NO_STREAM or STREAM_EXISTS. A
                stream that is not named can be at any version. A stream that gets no events is only checked.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result for each stream of `events`.

        Raises:
            InvalidArgument: An item is not an event, or its metadata are not a JSON object.
            ConsistencyCheckFailed: Streams are at other versions; `violations` names each. Nothing was written.
            WrongExpectedVersion: The same, from a server that names only one stream.
            StreamDeleted: A stream was deleted permanently.
            AccessDenied: The user may not write to a stream.
            AppendTooLarge: The server does not accept so many bytes in one write.
            NotSupported: The protocol or the server cannot append to several streams.

        Example:
            moved = {"stock-1": [NewEvent("Removed")], "stock-2": [NewEvent("Added")]}
            await client.publish_many(moved, expected_versions={"stock-1": 7})
        """
        transport = self._within(timeout)
        transport.require(Capability.MULTI_STREAM_APPEND)
        if not isinstance(events, Mapping) or not events:
            raise InvalidArgument("events", events, "the events for each stream, by its name")
        new = {
            checks.written_stream(stream): _new_events(stream, items, transport.limits)
            for stream, items in events.items()
        }
        versions = {checks.stream_name(each): checks.expected_version(n) for each, n in expected_versions.items()}
        for stream, version in versions.items():
            if stream not in new and version == ExpectedVersion.ANY:
                raise InvalidArgument("expected_versions", {stream: version}, "a version for a stream without events")
        return Single(
            self._runtime,
            "publish_many",
            lambda: append_many(transport, new, lambda events: transport.append_many(events, versions)),
        )

    def link_to(
        self,
        stream: str,
        event: Event,
        *,
        expected_version: int = ExpectedVersion.ANY,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Append a link to an event. A read with `resolve_links` returns the event instead of the link.

        The id of the link is derived from the event and the stream, so the server recognizes a link that is written
        again (with ANY, as best effort).

        Args:
            stream: Name of the stream that gets the link.
            event: Event that the link refers to.
            expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result: number and position of the link.

        Raises:
            WrongExpectedVersion: The stream is at another version. Nothing was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream.

        Example:
            `await client.link_to("large-orders", event)`
        """
        stream = checks.written_stream(stream)
        link = fitting(new_link(event, stream), stream, self._transport.limits)
        return self._append("link_to", stream, [link], expected_version, timeout)

    def publisher(
        self,
        stream: str,
        *,
        expected_version: int = ExpectedVersion.ANY,
        max_batch: int = 500,
        max_bytes: int = DEFAULT_BATCH_BYTES,
        linger: float = 0.0,
        max_in_flight: int = 4,
    ) -> Publisher:
        """Return an observer that appends the events it receives to a stream, in order.

        Its writes wait for a connection as long as the reconnect policy allows, and for a reply as long as the
        `timeout` of the settings allows on any one connection.

        With `ExpectedVersion.ANY`, a write can be overtaken by the next ones if the server refuses only this write
        for now, for example because it is too busy. An exact `expected_version`, or `max_in_flight=1`, prevents that.

        Args:
            stream: Name of the stream. It is created if it does not exist.
            expected_version: Number of the last event the stream must have before the first write, or a constant of
                ExpectedVersion.
            max_batch: Largest number of events of one write.
            max_bytes: Largest size in bytes of one write.
            linger: Seconds to wait for more events after the first of a batch.
            max_in_flight: Largest number of writes that are in flight at the same time.

        Example:
            `client.stream("orders").pipe(rx.map(to_invoice)).subscribe(client.publisher("invoices"))`
        """
        stream = checks.written_stream(stream)
        return Publisher(
            self._runtime,
            stream,
            lambda: self._transport.appender(stream),
            expected_version=checks.expected_version(expected_version),
            batching=Batching(max_batch, max_bytes, linger, max_in_flight),
            transport=self._transport,
        )

    def _append(
        self, name: str, stream: str, events: list[NewEvent], expected_version: int, timeout: float | None
    ) -> Single[WriteResult]:
        version = checks.expected_version(expected_version)
        transport = self._within(timeout)
        return Single(self._runtime, name, partial(append, transport, stream, events, version))


def _new_events(stream: str, events: object, limits: Limits) -> list[NewEvent]:
    """Return the events for one stream, at least one."""
    new = []
    if isinstance(events, Iterable) and not isinstance(events, (str, bytes)):
        new = [as_new_event(event, stream, limits) for event in events]
    if not new:
        raise InvalidArgument(f"events of {stream!r}", events, "a list of at least one event")
    return new
