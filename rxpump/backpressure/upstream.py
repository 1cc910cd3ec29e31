"""Demand: how what is full tells what delivers to wait.

reactivex only pushes. A `Upstream` stands for the source that is delivering right now: a source enters its Upstream
(a context variable) before it delivers, and because `on_next` runs synchronously through every plain
operator, whoever keeps an item for later finds, in its own `on_next`, the Upstream that brought it.

    source ──on_next──▶ filter ──▶ map ──▶ merge ──▶ buffer        Upstream.current() in the buffer
      ▲                                                │           is the source's
      └────────────────── hold / release ──────────────┘

`Watermarks` is the keeper's side: it takes a hold when too much is kept, and lets go when enough has left. A
source delivers nothing while anybody holds its Upstream. Holds end with the keeper (`Watermarks.close`) and with the
source (a Upstream that is over can be held by nobody).

An `Upstream` also knows the event from which the delivered item comes, so that the progress of work can be tracked
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
from rxpump.errors import BufferOverflow
from rxpump.model.signals import CaughtUp, FellBehind, Reconnected

T = TypeVar("T")

SLICE_SECONDS: Final = 0.003
"""How long anything delivers at a stretch before the loop gets a turn."""

_delivering: ContextVar[Upstream | None] = ContextVar("rxpump.backpressure.upstream", default=None)


_watching: ContextVar[list[Watermarks] | None] = ContextVar("rxpump.brakes", default=None)


@contextmanager
def watch_watermarks() -> Iterator[list[Watermarks]]:
    """Give a list of the Brakes made meanwhile: those of a pipeline, if it is subscribed to here."""
    watermarks_made: list[Watermarks] = []
    token = _watching.set(watermarks_made)
    try:
        yield watermarks_made
    finally:
        _watching.reset(token)


_owners: ContextVar[set[BackgroundTasks] | None] = ContextVar("rxpump.owners", default=None)


@contextmanager
def watch_owners() -> Iterator[set[BackgroundTasks]]:
    """Yield a set of the owners of the sources that are subscribed to meanwhile: those of a pipeline."""
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
    """One subscription to one source, as the operators below it see it.

    Attributes:
        name: Name of the source, for error messages.
        runtime: Tasks of the client that owns the source; None if no client does.
        may_deliver: Whether no operator pauses the source and it is not over.
        knows_origin: Whether a delivery is running and its event is known.
        origin: Event of the running delivery. In a delivery of an operator: the newest event that, with all before
            it, has left the operator; None if there is none yet.
    """

    __slots__ = (
        "_cleared",
        "_holders",
        "_is_over",
        "_newest",
        "_own",
        "_own_origin",
        "_pending",
        "_tracker",
        "knows_origin",
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
        self.knows_origin: bool = False
        self._pending: Pending | None = None
        self._newest: Pending | None = None
        self._tracker: ProgressTracker | None = None
        self._own: Pending | None = None
        self._own_origin: Any = None
        self._is_over = False
        self._holders: set[Watermarks] = set()
        self._cleared: asyncio.Future[None] | None = None

    @staticmethod
    def current() -> Upstream | None:
        """Return the Upstream of the source whose `on_next` is running; None if the source cannot be paused."""
        return _delivering.get()

    def enter(self) -> None:
        """Begin to deliver: everything that this task delivers from now on is of this Upstream."""
        _delivering.set(self)
        self.knows_origin = True

    @staticmethod
    def leave() -> None:
        """Stop delivering, before pulling: the source from which a source pulls is another one."""
        upstream = _delivering.get()
        if upstream is not None:
            upstream.knows_origin = False
            upstream._release_own()
        _delivering.set(None)

    # Progress -----------------------------------------------------------------------------------------

    @property
    def pending(self) -> Pending | None:
        """Entry of the oldest event from which the delivered item comes; None if the event is not known.

        Only an operator that is being delivered to may read it. A source that is not tracked gets a tracker with
        the first entry, and has entries only for the events that somebody asks for.
        """
        if not self.knows_origin:
            return None
        if self._pending is not None:
            return self._pending
        if self._own is None or self._own_origin is not self.origin:
            return self._begin_own()
        return self._own

    def _begin_own(self) -> Pending:
        self._release_own()
        tracker = self._tracker
        if tracker is None:
            self._tracker = tracker = ProgressTracker()
            tracker.source_is_over = self._is_over
        self._own_origin = origin = self.origin
        self._own = own = tracker.begin(item_of(origin))
        return own

    @property
    def newest(self) -> Pending | None:
        """Entry of the newest event that, with all before it, has left the operator above; None if there is none.

        It belongs to the entry that `pending` returned last.
        """
        return self._own if self._pending is None else self._newest

    def track(self, tracker: ProgressTracker) -> None:
        """Use a tracker for which the source creates the entries."""
        self._tracker = tracker

    def begin(self, entry: Pending) -> None:
        """Note that the source delivers the event of this entry next."""
        self._pending = self._newest = entry

    def deliver(self, on_next: Callable[[T], None], item: T, pending: Pending | None, newest: Pending | None) -> None:
        """Deliver one item that comes from earlier events, also within the delivery of another Upstream, or of this.

        Args:
            on_next: Function to call with the item.
            item: Item to deliver.
            pending: Entry of the oldest event from which it comes; None if that is not known.
            newest: Entry of the newest event that, with all before it, has been delivered after this.
        """
        outer = _delivering.get()
        before = self.origin, self._pending, self._newest, self.knows_origin
        _delivering.set(self)
        self.origin = None if newest is None else newest.item
        self._pending, self._newest, self.knows_origin = pending, newest, pending is not None
        try:
            on_next(item)
        finally:
            self.origin, self._pending, self._newest, self.knows_origin = before
            _delivering.set(outer)

    def stop_tracking(self) -> None:
        """Let no further event be passed: an item was delivered whose event is not known."""
        if self._tracker is not None:
            self._tracker.stop()

    def _release_own(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.release()

    # Owner --------------------------------------------------------------------------------------------

    def entrust(self, task: asyncio.Task[Any], below: Upstream | None = None) -> None:
        """Count a task as work of the source's owner, who waits for it when draining; `below` passes the owner on."""
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
    def holders(self) -> frozenset[Watermarks]:
        """The operators that pause it."""
        return frozenset(self._holders)

    def hold(self, holder: Watermarks) -> bool:
        """Pause the source. Return False if it is over. A second pause by the same holder has no effect."""
        if self._is_over:
            return False
        self._holders.add(holder)
        self.may_deliver = False
        return True

    def release(self, holder: Watermarks) -> None:
        """End a pause. The source resumes with the last one."""
        self._holders.discard(holder)
        if not self._holders and not self._is_over:
            self.may_deliver = True
            self._wake()

    def end(self) -> None:
        """Note that the source delivers no more. It cannot be paused from now on."""
        self._is_over = True
        self.may_deliver = False
        self._holders.clear()
        if self._tracker is not None:
            self._tracker.end_source()
        self._wake()

    async def until_resumed(self) -> None:
        """Give the loop a turn, then wait until nothing pauses the source. One task at a time may wait."""
        knew, self.knows_origin = self.knows_origin, False
        self._release_own()
        await asyncio.sleep(0)
        while self._holders:
            self._cleared = asyncio.get_running_loop().create_future()
            await self._cleared
        self.knows_origin = knew

    def _wake(self) -> None:
        if self._cleared is not None and not self._cleared.done():
            self._cleared.set_result(None)

    def __repr__(self) -> str:
        state = "over" if self._is_over else f"held by {len(self._holders)}" if self._holders else "clear"
        return f"<Upstream {self.name}, {state}>"


_NO_PLACE: Final = frozenset((CaughtUp, FellBehind, Reconnected))


def item_of(origin: Any) -> Any:
    """Return what an entry records of a delivered item: None for a signal that marks no place in the stream."""
    return None if origin.__class__ in _NO_PLACE else origin


class Watermarks:
    """Bounds what one keeper keeps.

    At `high` items it holds the Upstream that brought the last one, at `low` it lets every Upstream go. A source
    without a Upstream cannot be asked to wait: beyond `capacity` items of it, BufferOverflow. `name` says in
    that error what was full. `count` is how many items are kept.
    """

    __slots__ = ("_held", "_is_closed", "capacity", "count", "high", "low", "name")

    def __init__(self, name: str, *, high: int, low: int | None = None, capacity: int = 10_000) -> None:
        self.name: str = name
        self.high: int = high
        self.low: int = high // 2 if low is None else low
        self.capacity: int = max(capacity, high)
        self.count: int = 0
        self._held: set[Upstream] = set()
        self._is_closed = False
        watchers = _watching.get()
        if watchers is not None:
            watchers.append(self)

    def kept(self, count: int) -> None:
        """Call in `on_next` once an item is kept: `count` are kept now."""
        self.count = count
        if count < self.high or self._is_closed:
            return
        flow = _delivering.get()
        if flow is not None and flow.hold(self):
            self._held.add(flow)
        elif count > self.capacity:
            raise BufferOverflow(self.name, self.capacity)

    def left(self, count: int) -> None:
        """Call when items have left: `count` are still kept, or are still being delivered."""
        self.count = count
        if self._held and count <= self.low:
            self._let_go()

    def close(self) -> None:
        """Let go for good."""
        self._is_closed = True
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, set()
        for flow in held:
            flow.release(self)

    def __repr__(self) -> str:
        return f"<Watermarks {self.name}, holding {len(self._held)}, marks {self.low} to {self.high}>"
