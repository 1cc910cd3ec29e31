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

A Upstream also knows its `origin`: the item of the first source, the event, that what is being delivered comes
from. A stage that keeps items and delivers them later from a Upstream of its own passes it on, under one rule:
when a Upstream delivers with origin e, everything that comes of events before e has been delivered by it. So
whoever stands at the end of a pipeline knows how far its work is done, whatever became of the events.

Whether e itself is through is a question of its own, for one event can become many items: `may_bring_more`.
And what a task or a timer started during a delivery delivers later, on its own time, still finds the Upstream (so
it can be held), but nobody can say of which event it comes: then `knows_origin` is False. `rxpump.backpressure.origins`
keeps these accounts for whoever keeps items.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.backpressure.passage import Passage
from rxpump.errors import BufferOverflow

T = TypeVar("T")

SLICE_SECONDS: Final = 0.003
"""How long anything delivers at a stretch before the loop gets a turn."""

_delivering: ContextVar[Upstream | None] = ContextVar("rxpump.backpressure.upstream", default=None)


def _nothing_more(origin: Any) -> bool:
    """Answer for a source: it keeps nothing, so an event is through as soon as it is delivered."""
    return False


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
    """One subscription to one source.

    may_deliver:      nobody holds it and it is not over.
    origin:        what is being delivered comes of this event; None: of no event in particular.
    knows_origin:  a delivery is running, and it is of `origin`.
    continues:     parts of what is being delivered may have come before, in the name of one of these events.
    has_more:      a stage's answer to whether it keeps more that comes of an event.
    runtime:       the owner of the source; what works on its items is under way there as well.
    passage:       the way that a persistent subscription's deliveries have to come through, while they are on it;
    since:         and the number of the first of them that what is being delivered comes of.
    """

    __slots__ = (
        "_cleared",
        "_holders",
        "_is_over",
        "continues",
        "has_more",
        "knows_origin",
        "may_deliver",
        "name",
        "origin",
        "passage",
        "runtime",
        "since",
    )

    def __init__(
        self, name: str, has_more: Callable[[Any], bool] = _nothing_more, runtime: BackgroundTasks | None = None
    ) -> None:
        self.name: str = name
        self.runtime: BackgroundTasks | None = runtime
        if runtime is not None and (owners := _owners.get()) is not None:
            owners.add(runtime)
        self.passage: Passage | None = None
        self.since: int = 0
        self.may_deliver: bool = True
        self.origin: Any = None
        self.knows_origin: bool = False
        self.continues: Sequence[Any] = ()
        self.has_more: Callable[[Any], bool] = has_more
        self._is_over = False
        self._holders: set[Watermarks] = set()
        self._cleared: asyncio.Future[None] | None = None

    @staticmethod
    def current() -> Upstream | None:
        """The Upstream of the source whose `on_next` is running; None where the source knows no demand."""
        return _delivering.get()

    def enter(self) -> None:
        """Call before delivering: from here on, what this task (and what it starts) delivers is this Upstream's."""
        _delivering.set(self)
        self.knows_origin = True

    @staticmethod
    def leave() -> None:
        """Call after delivering, before pulling: what a source pulls from is not its own delivery."""
        flow = _delivering.get()
        if flow is not None:
            flow.knows_origin = False
        _delivering.set(None)

    def deliver(
        self,
        on_next: Callable[[T], None],
        item: T,
        origin: Any,
        *,
        continues: Sequence[Any] = (),
        knows_origin: bool = True,
    ) -> None:
        """Deliver one item that comes of `origin`, also from within another Upstream's delivery, as a stage does."""
        outer = _delivering.get()
        _delivering.set(self)
        self.origin, self.continues, self.knows_origin = origin, continues, knows_origin
        try:
            on_next(item)
        finally:
            self.knows_origin = False
            _delivering.set(outer)

    def entrust(self, task: asyncio.Task[Any], below: Upstream | None = None) -> None:
        """Have `task` count as work of this source's owner, who waits for it when draining; `below` passes it on."""
        if below is not None:
            below.passage = self.passage
        if self.runtime is not None:
            self.runtime.adopt(task)
            if below is not None:
                below.runtime = self.runtime

    def may_bring_more(self, origin: Any) -> bool:
        """Whether something that comes of `origin` may still be delivered; False once a later event was."""
        return (self.knows_origin and self.origin is origin) or self.has_more(origin)

    @property
    def is_over(self) -> bool:
        """Whether the source has ended or was disposed."""
        return self._is_over

    @property
    def holders(self) -> frozenset[Watermarks]:
        """Who holds it now."""
        return frozenset(self._holders)

    def hold(self, holder: Watermarks) -> bool:
        """Ask the source to wait; the same holder counts once. False: it is over, and cannot be asked."""
        if self._is_over:
            return False
        self._holders.add(holder)
        self.may_deliver = False
        return True

    def release(self, holder: Watermarks) -> None:
        """Take a hold back; the last one lets the source go on."""
        self._holders.discard(holder)
        if not self._holders and not self._is_over:
            self.may_deliver = True
            self._wake()

    def end(self) -> None:
        """The source delivers no more: every hold on it is void."""
        self._is_over = True
        self.may_deliver = False
        self._holders.clear()
        self._wake()

    async def until_resumed(self) -> None:
        """Give the loop a turn, then wait until nobody holds the Upstream. One task at a time may wait."""
        knew, self.knows_origin = self.knows_origin, False
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
