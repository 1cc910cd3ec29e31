"""`commit_checkpoint`: save the last event up to which all work is finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.backpressure.background_tasks import BackgroundTasks, tasks_of_running_loop
from rxpump.backpressure.progress import DeliveryTracker, Pending, ProgressTracker
from rxpump.backpressure.tracking import tracking
from rxpump.backpressure.upstream import Upstream, watch_owners
from rxpump.checkpoints.checkpoint import Checkpoint, CheckpointStore
from rxpump.clock import Clock, check_scheduler, clock_of, wait_within
from rxpump.errors import InvalidArgument
from rxpump.errors.root import as_exception
from rxpump.model import checks
from rxpump.operators.machinery.outages import outlast
from rxpump.operators.machinery.stage import why_cancelled
from rxpump.pipeline_root import root_of

T = TypeVar("T")

_TRACEABLE: Final = (
    "items that come from one source of events, through operators that deliver at once and those of "
    "rxpump.operators; merged sources, and operators that deliver later from a task or timer "
    "of their own (delay, observe_on, flat_map to something asynchronous), cannot be traced: put "
    "commit_checkpoint before them, or use map_async"
)


def commit_checkpoint(
    store: CheckpointStore, every: int = 100, interval: float = 1.0, scheduler: abc.SchedulerBase | None = None
) -> Callable[[Observable[T]], Observable[T]]:
    """Pass items on, and save the last event up to which all work above is finished.

        ──r1──r2──r3──r4───────|
          commit_checkpoint(store, every=2)
        ──r1──r2──r3──r4───────|        saved: 2, 4

        done = await store.load()
        client.stream("orders", from_event=done.number + 1 if done else 0).pipe(
            ops.map_async(book, max_concurrent=8), ops.commit_checkpoint(store)
        )

    An event is finished when everything that the operators above made of it has been delivered through this operator,
    and every event before it is finished. `on_next` below must have returned. Dropped events are finished too, even
    if every event is dropped. With `client.stream_all(where=...)` the same holds for the positions up to which the
    filter has examined the log. So after a restart from the checkpoint no event is missing. Events that were finished
    after the last save are delivered again.

    An operator of reactivex above that may keep events (`rx.buffer`, `rx.scan`, `rx.flat_map`) does not show
    whether it dropped an event or keeps it. Below such an operator, a dropped event is finished when a later one
    arrives.
    `docs/operators.md` lists the operators that are known to keep nothing.

    One save runs at a time, in a task. When the source completes, the last event is saved before the operator
    completes. When the source fails or the subscription is disposed, the event loop must still run for the last save;
    an event that is being delivered then is not saved. A last save that fails is reported to the exception handler of
    the event loop.

    Args:
        store: Where to save.
        every: Number of events after which a save begins.
        interval: Seconds since the last save after which a save begins, if it is earlier.
        scheduler: Scheduler of the timers, for example a virtual-time scheduler in a test. None: the one that
            `subscribe` is given, or else the event loop.

    Returns:
        An operator. It fails with the error of `store.save`, or with InvalidArgument if the event of an item is not
        known.

    Raises:
        InvalidArgument: An argument is out of range, or `store` is not a checkpoint store.
    """
    every, interval = checks.count("every", every), checks.seconds("interval", interval)
    if not callable(getattr(store, "save", None)):
        raise InvalidArgument("store", store, "a checkpoint store, such as checkpoints.FileCheckpoint")
    check_scheduler(scheduler)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], subscribers: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            clock = clock_of(scheduler, subscribers)
            return _Committing(store, every, interval, clock, observer).attach(source, subscribers)

        return Observable(subscribe)

    return operator


class _Committing(abc.ObserverBase[T], abc.DisposableBase, Generic[T]):
    """One subscription, and the task that saves checkpoints for it.

    The task ends after at most one save once the subscription has ended.
    """

    def __init__(
        self, store: CheckpointStore, every: int, interval: float, clock: Clock, observer: abc.ObserverBase[T]
    ) -> None:
        self._store = store
        self._every = every
        self._interval = interval
        self._clock = clock
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._progress = _Progress(self._look, every)
        self._final: Any = None
        self._saved_number = 0
        self._saved: Any = None
        self._above: Upstream | None = None
        self._is_due = asyncio.Event()
        self._is_over = False
        self._is_left = False
        self._is_completed = False
        self._owners: set[BackgroundTasks] = set()

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> _Committing[T]:
        """Start the task and subscribe to the source.

        Raises:
            RuntimeError: No event loop is running.
        """
        self._task = tasks_of_running_loop().start(self._run(), "commit_checkpoint")
        self._task.add_done_callback(self._ended)
        with tracking(root_of(source), self._progress.count_dropped), watch_owners() as self._owners:
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    def on_next(self, value: T) -> None:
        """Deliver an item, and save if `every` more events are finished."""
        above = Upstream.current()
        is_traceable = above is self._above or self._above is None or self._above.is_over
        entry = above.pending if above is not None and is_traceable else None
        if above is None or entry is None or not self._progress.follows(entry.tracker):
            self.dispose()
            self._observer.on_error(InvalidArgument("source of commit_checkpoint", above, _TRACEABLE))
            return
        if above is not self._above:
            self._above = above
            above.entrust(self._task)
        self._progress.deliver(above, entry, self._observer.on_next, value)
        self._look()

    def _look(self) -> None:
        if self._progress.number - self._saved_number >= self._every:
            self._is_due.set()

    def on_error(self, error: Exception) -> None:
        """Fail. The events that were finished before the error are still saved."""
        self._leave()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Save the last event, then complete."""
        self._is_over = self._is_completed = True
        self._is_due.set()

    def dispose(self) -> None:
        """Unsubscribe. The events that are finished are still saved."""
        self._leave()
        self._source.dispose()

    def _leave(self) -> None:
        if not self._is_over:
            self._final = self._progress.done
        self._is_over = self._is_left = True
        self._is_due.set()

    async def _run(self) -> None:
        Upstream.leave()
        is_last = False
        while not is_last:
            await wait_within(self._clock, self._interval, self._is_due)
            self._is_due.clear()
            is_last = self._is_over
            await self._save()

    async def _save(self) -> None:
        done = self._final if self._is_left and not self._is_completed else self._progress.done
        if done is not None and done is not self._saved:
            self._saved_number = self._progress.done_number
            self._progress.due_number = self._saved_number + self._every
            checkpoint = Checkpoint.of(done)
            await outlast(lambda: self._store.save(checkpoint))
            self._saved = done

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Complete or fail with the task. A failure after the end of the subscription goes to the event loop."""
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
            self._observer.on_error(as_exception(error))

    def __repr__(self) -> str:
        return f"<Committing to {self._store!r}, saved {self._saved!r}, {self._progress!r}>"


class _Progress:
    """The events of the source that are finished.

    If an operator above may keep events, only events up to the newest that has arrived are regarded as finished.

    Args:
        on_due: Function to call when the dropped events up to `due_number` are finished.
        due_number: Initial value of that attribute.

    Attributes:
        due_number: Number of events at which the next save begins.
    """

    def __init__(self, on_due: Callable[[], None], due_number: int) -> None:
        self.due_number = due_number
        self._on_due = on_due
        self._tracker: ProgressTracker | None = None
        self._counts_dropped = False
        self._newest: Pending | None = None
        self._done_before: Any = None
        self._number_before = 0
        self._below = ProgressTracker()

    def count_dropped(self, tracker: ProgressTracker) -> None:
        """Use the tracker of the source from the start, so that dropped events are regarded as finished.

        It is called only if no operator above keeps events.
        """
        if self._tracker is None:
            self._tracker = tracker
            self._counts_dropped = True
            tracker.on_passed = self._note_passed

    def _note_passed(self, entry: Pending) -> None:
        if entry.number >= self.due_number:
            self._on_due()

    def follows(self, tracker: ProgressTracker) -> bool:
        """Use the tracker of an event that arrives, and return True. Return False if another source has not ended."""
        if tracker is self._tracker:
            return True
        if self._tracker is not None:
            if self._newest is not None and not self._tracker.source_is_over:
                return False
            self._done_before, self._number_before = self.done, self.number
        self._tracker, self._newest, self._counts_dropped = tracker, None, False
        return True

    def deliver(self, above: Upstream, entry: Pending, on_next: Callable[[T], None], value: T) -> None:
        """Deliver an item, and mark its event as finished when `on_next` has returned.

        Operators below that keep the item do not delay this, except for a delivery, which they can still acknowledge.
        """
        newest = above.newest
        entry.retain()
        try:
            if isinstance(entry.tracker, DeliveryTracker):
                on_next(value)
            else:
                below = self._below.begin(None if newest is None else newest.item)
                above.deliver(on_next, value, below, below)
                below.release()
        except BaseException:
            entry.abandon()
            raise
        if newest is not None and newest.item is not None:
            self._newest = newest
        entry.release()

    @property
    def done(self) -> Any:
        """The last event that is finished together with all events before it, or None."""
        if self._tracker is None:
            return None
        if self._counts_dropped:
            done = self._tracker.done
        elif self._newest is None:
            done = None
        else:
            done = self._newest.item if self._newest.is_passed else self._tracker.done
        return self._done_before if done is None else done

    @property
    def number(self) -> int:
        """Number of events that are finished or, if dropped events do not count, have arrived."""
        if self._counts_dropped and self._tracker is not None:
            return self._tracker.passed
        return self._number_before + (0 if self._newest is None else self._newest.number)

    @property
    def done_number(self) -> int:
        """Number of events that are finished."""
        return self.number if self._tracker is None else min(self.number, self._number_before + self._tracker.passed)

    def __repr__(self) -> str:
        return f"<_Progress, {self.number} events, done {self.done!r}>"
