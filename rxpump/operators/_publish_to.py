"""`publish_to`: write each item to a stream and emit the results."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from reactivex import Observable, abc
from reactivex import operators as rx
from reactivex.disposable import CompositeDisposable, Disposable

from rxpump.backpressure.progress import Pending
from rxpump.backpressure.upstream import Upstream
from rxpump.model import checks
from rxpump.model.positions import ExpectedVersion
from rxpump.model.results import WriteResult
from rxpump.operators.machinery.stage import Operator


class PublishingClient(Protocol):
    """The methods of a client that the operator uses."""

    def publish(self, stream: str, events: Any, /, *, expected_version: int = ..., batch_size: int = ...) -> Any:
        """Write an Observable of events in batches and return an Observable of a WriteResult for each batch."""


def publish_to(
    client: PublishingClient,
    stream: str,
    *,
    expected_version: int = ExpectedVersion.ANY,
    batch_size: int = 500,
) -> Operator[Any, WriteResult]:
    """Write each event to `stream`, in order, in batches of the events that are buffered.

        ──a──b──c──────────d──|
        publish_to(client, "out")
        ──────[0..2]───────[3]|      a WriteResult for each batch, when it is acknowledged

        late = client.iter("flights").pipe(ops.json(), rx.filter(is_late), ops.to_event("Late"))
        await late.pipe(ops.publish_to(client, "late-flights"), ops.commit_checkpoint(store))

    Items are NewEvents, or Events to copy. The id of a copy is derived from the id of the event and `stream`, so that
    copying an event again to the same stream repeats the same write. The source is paused while two batches are
    buffered. If the client is drained, buffered events are written first.

    Args:
        client: The client that writes the events.
        stream: Name of the stream to write to.
        expected_version: Version of the stream that the first batch expects. If it is NO_STREAM or a number, each
            later batch expects the version that the previous batch left.
        batch_size: Largest number of events in a batch.

    Returns:
        An operator that emits a WriteResult for each batch. If a write fails, it disposes the source and fails with
        the error of `client.publish`. If the source fails, the events before the error are written first.

    Raises:
        InvalidArgument: The server would refuse an argument.
    """
    checks.written_stream(stream)
    version, size = checks.expected_version(expected_version), checks.count("batch_size", batch_size)
    checks.client_that_can("publish", client)

    def operator(source: Observable[Any]) -> Observable[WriteResult]:
        def subscribe(
            observer: abc.ObserverBase[WriteResult], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            in_flight = _WritesInFlight(observer)
            events = source.pipe(rx.do_action(in_flight.begin))
            results: Observable[WriteResult] = client.publish(
                stream, events, expected_version=version, batch_size=size
            )
            subscription = results.subscribe(
                in_flight.acknowledge, in_flight.fail, observer.on_completed, scheduler=scheduler
            )
            return CompositeDisposable(subscription, Disposable(in_flight.abandon))

        return Observable(subscribe)

    return operator


class _WritesInFlight:
    """The events that are being written, in order. A result is traced to the events of its batch."""

    def __init__(self, observer: abc.ObserverBase[WriteResult]) -> None:
        self._observer = observer
        self._events: deque[Pending | None] = deque()

    def begin(self, event: Any) -> None:
        """Retain the event of an item that will be written."""
        above = Upstream.current()
        entry = None if above is None else above.pending
        if entry is not None:
            entry.retain()
        elif above is not None:
            above.stop_tracking()
        self._events.append(entry)

    def acknowledge(self, result: WriteResult) -> None:
        """Deliver the result of a batch, and release its events."""
        count = result.last_event_number - result.first_event_number + 1
        events = [self._events.popleft() for _ in range(count)]
        results = Upstream.current()
        if results is None or not events:
            self._observer.on_next(result)
            return
        known = [entry for entry in events if entry is not None]
        is_traceable = len(known) == count and len({entry.tracker for entry in known}) == 1
        oldest, newest = (known[0], known[-1]) if is_traceable else (None, None)
        try:
            results.deliver(self._observer.on_next, result, oldest, newest)
        except BaseException:
            for entry in known:
                entry.abandon()
            raise
        for entry in known:
            entry.release()

    def fail(self, error: Exception) -> None:
        """Abandon the events of all items that are not acknowledged, and forward the error."""
        self.abandon()
        self._observer.on_error(error)

    def abandon(self) -> None:
        """Abandon the events of all items that are not acknowledged."""
        while self._events:
            if (entry := self._events.popleft()) is not None:
                entry.abandon()
