"""Demand: a consumer whose buffer is full pauses the source that delivers to it.

reactivex only pushes. An `Upstream` stands for a subscription to a source. The source enters its `Upstream` in a
context variable before it delivers. Because `on_next` runs synchronously through every plain operator, an operator
that buffers an item finds the `Upstream` of the item in its own `on_next`:

    source ──on_next──▶ filter ──▶ map ──▶ merge ──▶ buffer        Upstream.current() in the buffer
      ▲                                                │           is the source's
      └──────────────── pause / resume ────────────────┘

A source delivers nothing while an operator pauses it. `rxpump.backpressure.watermarks` decides when to pause. A pause
ends with the operator (`Watermarks.close`) and with the source: an `Upstream` whose source has ended cannot be
paused.

An `Upstream` also has the event from which the delivered item comes, so that the progress of work can be tracked
(`rxpump.backpressure.progress`). The event is not known where a task or a timer that was started in a delivery
delivers later: it finds the `Upstream`, and can pause it, but no delivery is running.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.progress import Pending, ProgressTracker
from rxpump.model.signals import CaughtUp, FellBehind, Reconnected

T = TypeVar("T")

SLICE_SECONDS: Final = 0.003
"""Seconds for which a source delivers before it lets the event loop run other tasks."""

_delivering: ContextVar[Upstream | None] = ContextVar("rxpump.backpressure.upstream", default=None)


_owners: ContextVar[set[BackgroundTasks] | None] = ContextVar("rxpump.owners", default=None)


@contextmanager
def watch_owners() -> Iterator[set[BackgroundTasks]]:
    """Collect the clients that own the sources of a pipeline.

    Yields:
        A set. The owner of each source that is subscribed to inside the `with` block is added to it.
    """
    outer = _owners.get()
    owners: set[BackgroundTasks] = set()
    token = _owners.set(owners)
    try:
        yield owners
    finally:
        _owners.reset(token)
        if outer is not None:
            outer |= owners


class Upstream:
    """The subscription to one source, for the operators below it.

    Attributes:
        name: Name of the source, for error messages.
        runtime: Tasks of the client that owns the source; None if no client does.
        may_deliver: Whether no operator pauses the source, and the source has not ended.
        has_origin: Whether a delivery is running and its event is known.
        origin: Event of the running delivery. In a delivery of an operator: the newest event that, with all before
            it, has left the operator; None if there is none yet.
    """

    __slots__ = (
        "_cleared",
        "_is_over",
        "_newest",
        "_own",
        "_own_origin",
        "_pauses",
        "_pending",
        "_tracker",
        "has_origin",
        "may_deliver",
        "name",
        "origin",
        "runtime",
    )

    def __init__(self, name: str, runtime: BackgroundTasks | None = None) -> None:
        self.name: str = name
        self.runtime: BackgroundTasks | None = runtime
        if runtime is not None and (owners := _owners.get()) is not None:
            owners.add(runtime)
        self.may_deliver: bool = True
        self.origin: Any = None
        self.has_origin: bool = False
        self._pending: Pending | None = None
        self._newest: Pending | None = None
        self._tracker: ProgressTracker | None = None
        self._own: Pending | None = None
        self._own_origin: Any = None
        self._is_over = False
        self._pauses: set[object] = set()
        self._cleared: asyncio.Future[None] | None = None

    @staticmethod
    def current() -> Upstream | None:
        """Return the Upstream of the source whose `on_next` is running; None if the source cannot be paused."""
        return _delivering.get()

    def enter(self) -> None:
        """Begin to deliver. Items that this task delivers from now on belong to this Upstream."""
        _delivering.set(self)
        self.has_origin = True

    @staticmethod
    def leave() -> None:
        """Leave the context of this delivery before a source pulls from another source."""
        upstream = _delivering.get()
        if upstream is not None:
            upstream.has_origin = False
            if upstream._own is not None:
                upstream._release_own()
        _delivering.set(None)

    # Progress -----------------------------------------------------------------------------------------

    @property
    def pending(self) -> Pending | None:
        """Entry of the oldest event from which the delivered item comes; None if the event is not known.

        An operator may read it only in its `on_next`. The first read creates a tracker for a source that has none.
        Such a source has entries only for the events for which this property was read.
        """
        if not self.has_origin:
            return None
        if self._pending is not None:
            return self._pending
        if self._own is None or self._own_origin is not self.origin:
            return self._begin_own()
        return self._own

    def _begin_own(self) -> Pending:
        if self._own is not None:
            self._own.release()
        tracker = self._tracker
        if tracker is None:
            self._tracker = tracker = ProgressTracker()
            tracker.source_is_over = self._is_over
        self._own_origin = origin = self.origin
        self._own = own = tracker.begin(item_of(origin))
        return own

    @property
    def source_item(self) -> Any:
        """Item of the source from which the delivered item comes, the oldest if there are several; None if unknown.

        Reading it does not start to track the source.
        """
        if not self.has_origin:
            return None
        return self.origin if self._pending is None else self._pending.item

    @property
    def newest(self) -> Pending | None:
        """Entry of the newest event that, with all before it, has left the operator above; None if there is none.

        It belongs to the entry that `pending` returned last.
        """
        return self._own if self._pending is None else self._newest

    def track(self, tracker: ProgressTracker) -> None:
        """Set the tracker of the source, which creates an entry in it for each event that it delivers."""
        self._tracker = tracker

    def begin(self, entry: Pending) -> None:
        """Set the entry of the event that the source delivers next."""
        self._pending = self._newest = entry

    def deliver(self, on_next: Callable[[T], None], item: T, pending: Pending | None, newest: Pending | None) -> None:
        """Deliver one item that comes from earlier events. Another delivery, also of this Upstream, may be running.

        Args:
            on_next: Function to call with the item.
            item: Item to deliver.
            pending: Entry of the oldest event from which it comes; None if that is not known.
            newest: Entry of the newest event that, with all before it, has been delivered after this.
        """
        outer = _delivering.get()
        before = self.origin, self._pending, self._newest, self.has_origin
        _delivering.set(self)
        self.origin = None if newest is None else newest.item
        self._pending, self._newest, self.has_origin = pending, newest, pending is not None
        try:
            on_next(item)
        finally:
            self.origin, self._pending, self._newest, self.has_origin = before
            _delivering.set(outer)

    def stop_tracking(self) -> None:
        """Stop recording events as finished, because an item was delivered whose event is not known."""
        if self._tracker is not None:
            self._tracker.stop()

    def _release_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.release()

    # Owner --------------------------------------------------------------------------------------------

    def entrust(self, task: asyncio.Task[Any], below: Upstream | None = None) -> None:
        """Add a task to the tasks of the client that owns the source, so that the client waits for it when draining.

        Args:
            task: The task.
            below: Upstream of the operator that runs the task; it receives the same owner.
        """
        if self.runtime is not None:
            self.runtime.adopt(task)
            if below is not None:
                below.runtime = self.runtime

    # Demand -------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the source has ended or was disposed."""
        return self._is_over

    @property
    def paused_by(self) -> frozenset[object]:
        """The operators that pause it."""
        return frozenset(self._pauses)

    def pause(self, by: object) -> bool:
        """Pause the source. Return False if the source has ended. A repeated pause has no effect."""
        if self._is_over:
            return False
        self._pauses.add(by)
        self.may_deliver = False
        return True

    def resume(self, by: object) -> None:
        """End the pause of an operator. The source resumes when no operator pauses it."""
        self._pauses.discard(by)
        if not self._pauses and not self._is_over:
            self.may_deliver = True
            self._wake()

    def end(self) -> None:
        """Record that the source has ended, so that it can no longer be paused."""
        self._is_over = True
        self.may_deliver = False
        self._pauses.clear()
        if self._tracker is not None:
            self._tracker.end_source()
        self._wake()

    async def until_resumed(self) -> None:
        """Let the event loop run other tasks, then wait until nothing pauses the source.

        Only one task at a time may wait.
        """
        had_origin, self.has_origin = self.has_origin, False
        self._release_own()
        await asyncio.sleep(0)
        while self._pauses:
            self._cleared = asyncio.get_running_loop().create_future()
            await self._cleared
        self.has_origin = had_origin

    def _wake(self) -> None:
        if self._cleared is not None and not self._cleared.done():
            self._cleared.set_result(None)

    def __repr__(self) -> str:
        state = "over" if self._is_over else f"paused by {len(self._pauses)}" if self._pauses else "running"
        return f"<Upstream {self.name}, {state}>"


_NO_PLACE: Final = frozenset((CaughtUp, FellBehind, Reconnected))


def item_of(origin: Any) -> Any:
    """Return the item that an entry records: `origin`, or None for a signal that marks no place in the stream."""
    return None if origin.__class__ in _NO_PLACE else origin
