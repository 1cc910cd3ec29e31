"""`commit_checkpoint`: remember how far the work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.origins import Entry, Origins
from rxpump.backpressure.passage import Numbered, Progress, tracking
from rxpump.backpressure.upstream import Upstream, watch_owners
from rxpump.checkpoints.checkpoint import Checkpoint, CheckpointStore
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.signals import Signal
from rxpump.operators._outages import outlast
from rxpump.operators._roots import root_of
from rxpump.operators.machinery.stage import RUNTIME, why_cancelled

T = TypeVar("T")

_TRACEABLE: Final = (
    "items that come straight from one source of events, through plain operators and those of rxpump.operators; "
    "sources that are merged, and what is delivered later by another's task or timer (delay, observe_on, flat_map "
    "to something asynchronous), have no one progress: commit before it, or use map_async"
)


def commit_checkpoint(
    store: CheckpointStore, every: int = 100, interval: float = 1.0
) -> Callable[[Observable[T]], Observable[T]]:
    """Pass items on, and save in `store` with which event everything above this is done.

        ──r1──r2──r3──r4───────|
          commit_checkpoint(store, every=2)
        ──r1──r2──r3──r4───────|        saved: 2, 4

        done = await store.load()
        client.stream("orders", from_event=done.number + 1 if done else 0).pipe(
            ops.map_async(book, max_concurrent=8), ops.commit_checkpoint(store)
        )

    An event is done when all that came of it has been delivered through here (and taken: `on_next` below has
    returned), and so has all that came of the events before it, in whichever order that finished. An event that was
    dropped above is done as well, also if every event is. So after a restart from the checkpoint nothing is missing;
    what was not saved yet is done once more.

    An operator of reactivex that may keep events (`rx.buffer`, `rx.scan`, `rx.flat_map`) cannot be asked whether it
    dropped an event or keeps it. Above this operator it has the effect that dropped events are done only as soon as a
    later one arrives. `docs/operators.md` lists the operators that are known to keep nothing.

    A save begins after `every` events, or `interval` seconds after the last one, whichever is first; one at a time,
    outside of the loop's way, the latest if there are several. When the source completes, the last one is saved
    before this completes. When it fails or is disposed that is too late: then what is done (of an event that was
    just being delivered: not that one) is saved by a task that the loop still has to run; if the program ends first,
    the save before it counts. Let a program end by completing its sources.

    Errors: what `store.save` raises; InvalidArgument where nobody can tell what an item comes of, or that is no
    Event. A last save that fails when nobody listens any more goes to the loop's exception handler.
    """
    every, interval = checks.count("every", every), checks.seconds("interval", interval)
    if not callable(getattr(store, "save", None)):
        raise InvalidArgument("store", store, "a checkpoint store, such as checkpoints.FileCheckpoint")

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return _Committing(store, every, interval, observer).attach(source, scheduler)

        return Observable(subscribe)

    return operator


class _Committing(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription, and the task that saves for it; that task outlives it by at most one save."""

    def __init__(self, store: CheckpointStore, every: int, interval: float, observer: abc.ObserverBase[T]) -> None:
        self._store = store
        self._every = every
        self._interval = interval
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._origins = Origins()
        self._newest: Entry | None = None
        self._unsaved = 0
        self._saved: Any = None
        self._above: Upstream | None = None
        self._progress: Progress | None = None
        self._through: Numbered | None = None
        self._saved_nth = 0
        self._is_due = asyncio.Event()
        self._is_over = False
        self._is_left = False
        self._owners: set[BackgroundTasks] = set()

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> _Committing[T]:
        """Begin. Raises RuntimeError where no loop runs."""
        self._task = RUNTIME.start(self._run(), "commit_checkpoint")
        self._task.add_done_callback(self._ended)
        with tracking(root_of(source), self._track), watch_owners() as self._owners:
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    def on_next(self, value: T) -> None:
        """Pass an item on; what it came of may be done with it."""
        flow = Upstream.current()
        if flow is not None and isinstance(flow.origin, Signal):
            self._deliver(value, flow)
            return
        if flow is not self._above and flow is not None:
            self._above = flow
            flow.entrust(self._task)
        entry = self._origins.begin()
        if not self._origins.are_known:
            self.dispose()
            self._observer.on_error(InvalidArgument("source of commit_checkpoint", flow, _TRACEABLE))
            return
        if entry is not self._newest:
            self._newest = entry
            self._unsaved += 1
        self._deliver(value, flow)
        self._origins.finish(entry)
        if self._progress is None and self._unsaved >= self._every:
            self._is_due.set()

    def _deliver(self, value: T, flow: Upstream | None) -> None:
        """Pass an item on; what is kept below here is through, so nothing below reports to the progress."""
        progress = self._progress
        if progress is None or flow is None or flow.passage is not progress:
            self._progress = None  # where an item comes past it, only what arrives can be counted
            self._observer.on_next(value)
            return
        flow.passage = None
        try:
            self._observer.on_next(value)
        finally:
            flow.passage = progress

    def _track(self, progress: Progress) -> None:
        """Follow the source's progress, from its first subscription on."""
        if self._progress is None and progress.claim(self._note_through):
            self._progress = progress

    def _note_through(self, numbered: Numbered) -> None:
        self._through = numbered
        if numbered.nth - self._saved_nth >= self._every:
            self._is_due.set()

    def on_error(self, error: Exception) -> None:
        """Fail; what was done before the last event, which may be what failed, is still saved."""
        if self._progress is not None:
            self._progress.fail()
        self._leave()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Save, then complete."""
        if self._progress is not None:
            self._progress.complete()
        self._origins.settle()
        self._is_over = True
        self._is_due.set()

    def dispose(self) -> None:
        """End; what is done is still saved."""
        if not self._is_over:
            self._origins.settle()
            if self._progress is not None:
                self._progress.complete()
        self._leave()
        self._source.dispose()

    def _leave(self) -> None:
        self._is_over = self._is_left = True
        self._is_due.set()

    async def _run(self) -> None:
        Upstream.leave()
        is_last = False
        while not is_last:
            try:
                async with asyncio.timeout(self._interval):
                    await self._is_due.wait()
            except TimeoutError:
                pass
            self._is_due.clear()
            is_last = self._is_over
            await self._save()

    async def _save(self) -> None:
        done = self._done()
        if done is not None and done is not self._saved:
            self._unsaved = self._origins.unfinished
            self._saved_nth = 0 if self._through is None else self._through.nth
            checkpoint = Checkpoint.of(done)
            await outlast(lambda: self._store.save(checkpoint))
            self._saved = done

    def _done(self) -> Any:
        """Return the last event that is done with all before it; None if there is none."""
        if self._progress is not None:
            self._progress.look()
            return None if self._through is None else self._through.event
        if not self._is_over:
            self._origins.settle()
        return self._origins.done

    def _ended(self, task: asyncio.Task[None]) -> None:
        """All is saved, or saving failed: the observer is told, if it is still there."""
        error = why_cancelled("commit_checkpoint", task, self._owners) if task.cancelled() else task.exception()
        if self._is_left:
            if error is not None and not task.cancelled():
                message = "the last checkpoint could not be saved"
                task.get_loop().call_exception_handler({"message": message, "exception": error, "task": task})
            return
        self._leave()
        self._source.dispose()
        if error is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def __repr__(self) -> str:
        return f"<Committing to {self._store!r}, saved {self._saved!r}, {self._origins!r}>"
