"""`publish_to`: write what comes to a stream, and go on with what the server says."""

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
    """What the operator needs of a client."""

    def publish(self, stream: str, events: Any, /, *, expected_version: int = ..., batch_size: int = ...) -> Any:
        """Write an Observable of events in batches; give an Observable of a WriteResult per batch."""


def publish_to(
    client: PublishingClient,
    stream: str,
    *,
    expected_version: int = ExpectedVersion.ANY,
    batch_size: int = 500,
) -> Operator[Any, WriteResult]:
    """Write each NewEvent (or Event, to copy it) to `stream`, in order, in batches of what waits.

        ──a──b──c──────────d──|
        publish_to(client, "out")
        ──────[0..2]───────[3]|      a WriteResult per batch, once it is acknowledged

        late = client.iter("flights").pipe(ops.json(), rx.filter(is_late), ops.to_event("Late"))
        await late.pipe(ops.publish_to(client, "late-flights"), ops.commit_checkpoint(store))

    A copy's id is derived from the event's id and `stream`, so that copying the event to `stream` again is the same
    write. The source is held while two batches wait. Where the client is drained, what was given is written first.

    Errors: those of `client.publish`: a write that fails is the error, and disposes the source; the source's own
    error comes after everything that it gave before is written. InvalidArgument, at the call, for arguments that
    the server could only refuse.
    """
    checks.written_stream(stream)
    version, size = checks.expected_version(expected_version), checks.page_size(batch_size, argument="batch_size")
    checks.client_that_can("publish", client)

    def operator(source: Observable[Any]) -> Observable[WriteResult]:
        def subscribe(
            observer: abc.ObserverBase[WriteResult], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            written = _Written(observer)
            events = source.pipe(rx.do_action(written.begin))
            results: Observable[WriteResult] = client.publish(
                stream, events, expected_version=version, batch_size=size
            )
            subscription = results.subscribe(
                written.acknowledge, written.fail, observer.on_completed, scheduler=scheduler
            )
            return CompositeDisposable(subscription, Disposable(written.abandon))

        return Observable(subscribe)

    return operator


class _Written:
    """The events that are being written, in order. A result is delivered as what comes from the events it is of."""

    def __init__(self, observer: abc.ObserverBase[WriteResult]) -> None:
        self._observer = observer
        self._events: deque[Pending | None] = deque()

    def begin(self, event: Any) -> None:
        """Retain an event that is to be written."""
        above = Upstream.current()
        entry = None if above is None else above.pending
        if entry is not None:
            entry.retain()
        elif above is not None:
            above.stop_tracking()
        self._events.append(entry)

    def acknowledge(self, result: WriteResult) -> None:
        """Deliver a result, and release the events that it is of."""
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
        """Abandon the events that are not written, and pass the error on."""
        self.abandon()
        self._observer.on_error(error)

    def abandon(self) -> None:
        """Abandon the events that are not written."""
        while self._events:
            if (entry := self._events.popleft()) is not None:
                entry.abandon()
