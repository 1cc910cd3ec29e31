"""Writing: one event, many, or what another stream brings."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Sized
from typing import Any, overload
from uuid import UUID

import reactivex

from rxpump.client.reads import ReadClient
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.model.new_events import UNSET, NewEvent, as_new_event, fitting, new_link
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.streams.observable import Observable, Piped
from rxpump.streams.publisher import Publisher
from rxpump.streams.single import Single
from rxpump.streams.source import from_iterable
from rxpump.streams.write_buffer import DEFAULT_BATCH_BYTES, Batching
from rxpump.streams.writes import Writes


class WriteClient(ReadClient):
    """A client that also appends events to streams, and writes in transactions."""

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
        """Write one event. `data`, `metadata`, `id` and `body` are those of NewEvent.

        `Settings.encoder` is the encoder.
        """
        stream = checks.written_stream(stream)
        event = NewEvent(type, data, metadata=metadata, id=id, body=body, encoder=self._settings.encoder)
        event = fitting(event, stream)
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
        """Write many events, in order.

        What has a length (a list, a page) is one atomic write with one WriteResult. An iterator, an async
        iterable (also an endless one) or an Observable is written in batches of up to `batch_size` (500) events,
        with a WriteResult each; awaiting it gives the last. The source is read no faster than it is written.
        A version >= 0 or NO_STREAM is expected by the first batch, each later one expects what the one
        before it left. An Event that was read is copied: the copy's id is derived from the event's id and `stream`,
        so that copying the event to `stream` again makes the same write.

        `timeout` bounds the write of a list, and each single batch of a source. Where it is not set, the batches of a
        source wait for a connection as long as the reconnect policy allows.
        """
        source: Observable[Any]
        if isinstance(events, reactivex.Observable):
            source = events if isinstance(events, Observable) else Piped(events)
        elif isinstance(events, Sized) and isinstance(events, Iterable):
            if batch_size is not UNSET:
                raise InvalidArgument("batch_size", batch_size, "given for an iterator; a list is one write")
            stream = checks.written_stream(stream)
            return self._append(
                "publish", stream, [as_new_event(event, stream) for event in events], expected_version, timeout
            )
        elif isinstance(events, (Iterable, AsyncIterable)):
            source = from_iterable(self._runtime, events)
        else:
            raise InvalidArgument("events", events, "NewEvents in a list, an (async) iterable or an Observable")
        stream = checks.written_stream(stream)
        transport = self._transport if timeout is UNSET else self._within(timeout)
        return Writes(
            self._runtime,
            stream,
            source,
            lambda batch, version: transport.append(stream, batch, version),
            expected_version=checks.expected_version(expected_version),
            batching=Batching() if batch_size is UNSET else Batching(batch_size),
        )

    def link_to(
        self,
        stream: str,
        event: Event,
        *,
        expected_version: int = ExpectedVersion.ANY,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Write a link to `event` to `stream`; who reads that with `resolve_links` reads the event.

        The link's id is derived from the event and the stream, so the same link written again is recognised (as
        best effort, under ANY; see `rxpump.model.new_events.new_link`). Errors: those of `publish`.
        """
        stream = checks.written_stream(stream)
        link = fitting(new_link(event, stream), stream)
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
        """Make a sink for `source.subscribe(...)`: it writes what it is given, in order; see Publisher, Batching.

        It waits for a connection as long as the reconnect policy allows, and for the answer to a write as long as the
        `timeout` of the settings allows on any one connection.
        """
        stream = checks.written_stream(stream)
        return Publisher(
            self._runtime,
            stream,
            lambda batch, version: self._transport.append(stream, batch, version),
            expected_version=checks.expected_version(expected_version),
            batching=Batching(max_batch, max_bytes, linger, max_in_flight),
        )

    def _append(
        self, verb: str, stream: str, events: list[NewEvent], expected_version: int, timeout: float | None
    ) -> Single[WriteResult]:
        stream, version = checks.written_stream(stream), checks.expected_version(expected_version)
        transport = self._within(timeout)
        return Single(self._runtime, verb, lambda: transport.append(stream, events, version))
