"""A stage: an operator that buffers items, works on them, and delivers the results from a task of its own.

    source ──on_next──▶ waiting ──▶ work ──results──▶ one task ──on_next──▶ below
      ▲                    │                             │
      └─paused by Watermarks                  paused by operators below

To the operators above, a stage is a buffer: it pauses the source at `high` unfinished items and resumes it at `low`.
A source that cannot be paused overflows the buffer. To the operators below, a stage is a source with an `Upstream` of
its own: while that is paused the stage delivers nothing. So demand passes through any number of stages.

The work of a stage is an async generator over the stage. It yields each result with the items it was made of. A stage
ends as follows, and leaves no pause, task or timer:

    the source completes         the stage works on the buffered items, delivers the results, and completes
    the source fails             the stage fails at once with the same error; buffered items are dropped
    the work raises              the stage fails with that error, cancels the rest and disposes the source
    a subscriber's on_next       the error goes to the subscriber's on_error and ends its subscription alone
      raises
    it is disposed               the stage ends at once and delivers nothing more
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from operator import attrgetter
from time import monotonic
from typing import Any, Final, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.backpressure.background_tasks import BackgroundTasks, LoopCaller, tasks_of_running_loop
from rxpump.backpressure.progress import Pending, ProgressTracker
from rxpump.backpressure.upstream import SLICE_SECONDS, Upstream, watch_owners
from rxpump.backpressure.watermarks import Watermarks
from rxpump.errors import BufferOverflow, ClientClosed, RxPumpError, WorkCancelled
from rxpump.errors.root import as_exception
from rxpump.model import checks

HIGH_MARK: Final = 64
"""Number of unfinished items at which a stage pauses its source by default."""

T = TypeVar("T")
R = TypeVar("R")


class Kept(Generic[T]):
    """A buffered item, and its entry in the progress tracker of the stage.

    It is not a tuple, because creating one with names takes twice as long, and there is one for each item.
    """

    __slots__ = ("entry", "item")

    def __init__(self, item: T, entry: Pending) -> None:
        self.item: T = item
        self.entry: Pending = entry

    def __repr__(self) -> str:
        return f"<Kept {self.item!r}, {self.entry!r}>"


Result = tuple[R, Sequence[Kept[T]]]
Work = Callable[["Stage[T, R]"], AsyncGenerator[Result[R, T], None]]
Operator = Callable[[Observable[T]], Observable[R]]


class Stage(abc.ObserverBase[T], abc.DisposableBase, Generic[T, R]):
    """One subscription to a stage.

    The work receives the items in one of two ways: it iterates over the stage, or it awaits `changed` and reads
    `waiting` (the items that arrived) and `is_over` (whether the source has ended). The source can deliver from
    another thread.

    Attributes:
        name: Name of the operator.
        waiting: Items that arrived and wait for the work.
        is_over: Whether the source has ended.
        scheduler: Scheduler that `subscribe` was given; None if it was given none.
    """

    def __init__(
        self, name: str, work: Work[T, R], observer: abc.ObserverBase[R], high: int, low: int | None
    ) -> None:
        self.name = name
        self.waiting: deque[Kept[T]] = deque()
        self.is_over: bool = False
        self.scheduler: abc.SchedulerBase | None = None
        self._loop_caller = LoopCaller()
        self._progress = ProgressTracker()
        self._is_traceable = True
        self._watermarks = Watermarks(name, high=high, low=low)
        self._flow = Upstream(name)
        self._work = work
        self._observer = observer
        self._source = SingleAssignmentDisposable()
        self._above: Upstream | None = None
        self._change = asyncio.Event()
        self._is_done = False
        self._owners: set[BackgroundTasks] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def attach(self, source: Observable[T], scheduler: abc.SchedulerBase | None) -> Stage[T, R]:
        """Start the work and subscribe to the source."""
        self.scheduler = scheduler
        self._task = self._start(self._run())
        self._task.add_done_callback(self._ended)
        with watch_owners() as self._owners:
            self._source.disposable = source.subscribe(self, scheduler=scheduler)
        return self

    # Called by the source -----------------------------------------------------------------------------

    def on_next(self, value: T) -> None:
        """Buffer an item. Called from another thread, it does so in the event loop soon afterwards."""
        if self._loop_caller.is_in_loop():
            self.receive(value)
        else:
            self._loop_caller.call(self.on_next, value)

    def receive(self, value: T) -> None:
        """Buffer an item, and pause the source if there are too many."""
        try:
            self._watermarks.added(self._progress.count + 1)
        except BufferOverflow as error:
            self.on_error(error)
        else:
            self.keep(value, self.begin())

    def on_error(self, error: Exception) -> None:
        """Fail at once with `error`."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.on_error, error)
            return
        self.dispose()
        self._observer.on_error(error)

    def on_completed(self) -> None:
        """Complete when all items are processed and delivered."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.on_completed)
            return
        self.is_over = True
        self._change.set()

    # Called by the work -------------------------------------------------------------------------------

    def begin(self) -> Pending:
        """Create the entry of an item that arrives, and retain the event from which the item comes."""
        above = Upstream.current()
        if above is not self._above:
            self._follow(above)
        event = above.pending if above is not None and self._is_traceable else None
        if above is None or event is None:
            self._is_traceable = False
            if above is not None:
                above.stop_tracking()
            return self._progress.begin(None)
        event.users += 1
        event.retentions += 1
        entry = self._progress.begin(above.newest)
        entry.origin = event
        return entry

    def _follow(self, above: Upstream | None) -> None:
        """Use the Upstream of another source, as after a retry. Stop tracing if the previous one is still active."""
        if self._above is not None and not self._above.is_over:
            self._is_traceable = False
        self._above = above
        if above is not None:
            above.entrust(self._task, self._flow)

    def keep(self, item: T, entry: Pending) -> None:
        """Buffer an item for the work."""
        self.waiting.append(Kept(item, entry))
        self._change.set()

    def drop(self, entry: Pending) -> None:
        """Finish an item without a result."""
        entry.release()
        if entry.origin is not None:
            entry.origin.release()

    def __aiter__(self) -> Stage[T, R]:
        return self

    async def __anext__(self) -> Kept[T]:
        while not self.waiting:
            if self.is_over:
                raise StopAsyncIteration
            await self.changed()
        return self.waiting.popleft()

    async def changed(self) -> None:
        """Wait until an item has arrived, the source has completed, a `start`ed call is done, or `wake` is called."""
        await self._change.wait()
        self._change.clear()

    def wake(self) -> None:
        """Wake the work that waits in `changed`, for example for a timer. It can be called from another thread."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.wake)
            return
        self._change.set()

    async def until_resumed(self) -> None:
        """Wait until no operator below pauses the stage."""
        if not self._flow.may_deliver:
            await self._flow.until_resumed()

    def start(self, fn: Callable[[T], Awaitable[R]], item: T) -> asyncio.Task[R]:
        """Call `fn` in a new task, which is cancelled when the stage ends."""

        async def call() -> R:
            return await fn(item)

        task = self._start(call())
        task.add_done_callback(self._note)
        return task

    # End ----------------------------------------------------------------------------------------------

    def dispose(self) -> None:
        """Unsubscribe and cancel the work. Called from another thread, do so in the event loop soon afterwards."""
        if not self._loop_caller.is_in_loop():
            self._loop_caller.call(self.dispose)
            return
        self._is_done = True
        self._flow.end()
        self._watermarks.close()
        self._source.dispose()
        self._leave_unfinished()
        for task in self._tasks:
            task.cancel()

    def _leave_unfinished(self) -> None:
        goes_on = self._above is not None and not self._above.is_over
        for entry in self._progress.unfinished():
            event, entry.origin = entry.origin, None
            if event is None:
                continue
            if goes_on:
                event.tracker.detach(event)
            else:
                event.abandon()

    async def _run(self) -> None:
        Upstream.leave()  # The task inherits the context of a delivery that does not concern it.
        turn_ends = monotonic() + SLICE_SECONDS
        async with aclosing(self._work(self)) as results:
            async for value, made_of in results:
                if not self._flow.may_deliver or monotonic() > turn_ends:
                    await self._flow.until_resumed()
                    turn_ends = monotonic() + SLICE_SECONDS
                self.deliver(value, made_of)

    def deliver(self, value: R, made_of: Sequence[Kept[T]]) -> None:
        """Deliver a result, and finish the items from which it was made."""
        origins = []
        for kept in made_of:
            entry = kept.entry
            entry.release()
            if entry.origin is not None:
                origins.append(entry.origin)
        self._watermarks.removed(self._progress.count)
        oldest = None
        if self._is_traceable and origins:
            oldest = origins[0] if len(origins) == 1 else min(origins, key=_number)
        retentions = 0 if oldest is None else oldest.retentions
        try:
            self._flow.deliver(self._observer.on_next, value, oldest, self._progress.done)
        except BaseException:
            for origin in origins:
                origin.abandon()
            raise
        has_failed = self._is_done and oldest is not None and oldest.retentions == retentions
        for origin in origins:
            if has_failed:
                origin.abandon()
            else:
                origin.release()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Complete or fail when the work has ended, unless the stage is disposed."""
        error = why_cancelled(self.name, task, self._owners) if task.cancelled() else task.exception()
        if self._is_done:
            return
        self.dispose()
        if error is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(as_exception(error))

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = tasks_of_running_loop().start(work, self.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _note(self, task: asyncio.Task[Any]) -> None:
        """Wake the work when a call is done. The work raises the call's error, so asyncio must not report it."""
        if not task.cancelled():
            task.exception()
        self._change.set()

    def __repr__(self) -> str:
        state = "done" if self._is_done else "source over" if self.is_over else "open"
        return f"<Stage {self.name}, {state}, {self._progress.count} unfinished, {self._watermarks!r}>"


_number: Final = attrgetter("number")


def why_cancelled(name: str, task: asyncio.Task[Any], owners: Collection[BackgroundTasks]) -> RxPumpError:
    """Return the error for a task of an operator that was cancelled from outside its pipeline.

    Where the events come from a client, the client was closed, or its event loop is ending: in both cases its
    subscribers get ClientClosed, whichever of the tasks of a pipeline is cancelled first.

    Args:
        name: Name of the operator.
        task: The task. If it was not cancelled itself, a coroutine of the user was cancelled.
        owners: The owners of the sources of the pipeline, as far as they belong to clients.
    """
    if owners and task.cancelling():
        return ClientClosed(next(iter(owners)).peer, "the client was closed")
    return WorkCancelled(name)


def stage(
    name: str, work: Work[T, R], *, at_once: int = 1, high: int | None = None, low: int | None = None
) -> Operator[T, R]:
    """Return an operator whose stages process items with a work function.

    Args:
        name: Name of the operator in errors and names of tasks.
        work: The work of each subscription.
        at_once: Number of items that the work can process at a time.
        high: Number of unfinished items at which the source is paused. None: 64, or twice `at_once` if that is more.
        low: Number of unfinished items at which the source is resumed. None: half of `high`.

    Raises:
        InvalidArgument: `high` is less than `at_once`, or `low` is not less than `high`.
    """
    high = max(HIGH_MARK, 2 * at_once) if high is None else checks.count("high", high, least=at_once)
    if low is not None:
        checks.count("low", low, least=0, most=high - 1)

    def operator(source: Observable[T]) -> Observable[R]:
        def subscribe(
            observer: abc.ObserverBase[R], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            return Stage(name, work, observer, high, low).attach(source, scheduler)

        return Observable(subscribe)

    return operator
