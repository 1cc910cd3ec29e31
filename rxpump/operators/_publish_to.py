"""`publish_to`: write what comes to a stream, and go on with what the server says."""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from reactivex import Observable, abc
from reactivex import operators as rx

from rxpump.backpressure.origins import Entry, Origins
from rxpump.backpressure.passage import Passage
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
            written = _Written()
            events = source.pipe(rx.do_action(written.begin))
            results: Observable[WriteResult] = client.publish(
                stream, events, expected_version=version, batch_size=size
            )
            named = results.pipe(rx.do_action(written.acknowledge))
            return named.subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    return operator


class _Written:
    """Which events the writes come of: a batch that is acknowledged goes out in the name of its last."""

    def __init__(self) -> None:
        self._origins = Origins()
        self._entries: deque[Entry] = deque()
        self._passage: Passage | None = None

    def begin(self, event: Any) -> None:
        """Note an event that is to be written."""
        if self._passage is None and (flow := Upstream.current()) is not None:
            self._passage = flow.passage
        self._entries.append(self._origins.begin())

    def acknowledge(self, result: WriteResult) -> None:
        """Say of what events this result is."""
        flow = Upstream.current()
        count = result.last_event_number - result.first_event_number + 1
        if flow is None or not count:
            return
        entries = [self._entries.popleft() for _ in range(count)]
        flow.since = min(entry.since for entry in entries)
        flow.origin, flow.continues = self._origins.release(entries)
        flow.knows_origin = self._origins.are_known
        flow.has_more = self._origins.has_more
        flow.passage = self._passage
