"""Which deliveries of a persistent subscription are through a pipeline, though it tells nobody.

`ack_each` at the end of a pipeline sees results, and of what a filter drops it sees nothing; yet each delivery has to
be acknowledged, for the server sends no more while enough are not. So the question is asked the other way round:
what between the source and the end still keeps something of a delivery? What nobody does is through.

    source ──1 2 3 4 5──▶ filter ──1 2   5──▶ map_async keeps 5 ──r1 r2──▶ ack_each      through: 1 2 3 4

The source finds the passage when it is subscribed to, and tells it each delivery whose `on_next` has returned. It
rides on the source's Flow, and on those of the stages below, so that whoever keeps an item reports to it (every
`Origins` does). A delivery is through when it has been passed on, and every keeper's oldest item comes of a later
one; for the names that items go by never run ahead of what they come of (`rxpump.flow`). So deliveries get through in
order. A keeper that is gone with items unfinished lets nothing more through, until the source is subscribed to anew.

What an operator of reactivex keeps by itself (`rx.buffer`, `rx.delay`) nobody can see: it counts as dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

from rxpump.delivery import Delivery

_NO_LIMIT: Final = float("inf")


class Feeding(Protocol):
    """What is to be known of the source's Flow."""

    knows_origin: bool

    @property
    def is_over(self) -> bool:
        """Whether it delivers no more."""


class Keeper(Protocol):
    """What is to be known of who keeps items: its accounts."""

    are_known: bool

    def unfinished_origins(self) -> Iterator[Any]:
        """What the items kept come of, oldest first; None: of no one delivery."""


_awaiting: ContextVar[Passage | None] = ContextVar("rxpump.passage", default=None)


class Passage:
    """The way from one source to one `ack_each`; `on_through` is called with each delivery that is through.

    reached:  the last delivery of which something came to a keeper, or to the end.
    """

    __slots__ = (
        "_current",
        "_first",
        "_is_due",
        "_keepers",
        "_limit",
        "_on_over",
        "_on_through",
        "_passed",
        "_source",
        "is_over",
        "reached",
    )

    def __init__(self, on_through: Callable[[Delivery], None]) -> None:
        self.is_over = False
        self.reached: Any = None
        self._on_through = on_through
        self._on_over: Callable[[], None] = _nothing
        self._source: Feeding | None = None
        self._keepers: set[Keeper] = set()
        self._current: Delivery | None = None
        self._passed: deque[Delivery] = deque()
        self._first = 0
        self._limit: float = _NO_LIMIT
        self._is_due = False

    # What the end does --------------------------------------------------------------------------------

    @staticmethod
    def awaiting() -> Passage | None:
        """The passage that a source is looked for now, if any."""
        return _awaiting.get()

    @contextmanager
    def attaching(self) -> Iterator[None]:
        """Subscribe to the pipeline in here. A retry within it finds the passage too: contexts are inherited."""
        token = _awaiting.set(self)
        try:
            yield
        finally:
            _awaiting.reset(token)

    @property
    def has_source(self) -> bool:
        """Whether a persistent subscription has been found."""
        return self._source is not None

    def complete(self) -> None:
        """The pipeline ended well: what it keeps nothing of is through. Then it is over."""
        self.source_left()
        self.look()
        self._close()

    def fail(self, at: Any = None) -> None:
        """The pipeline failed with what came of `at` (None: with what is being delivered, if anything is)."""
        if isinstance(at, Delivery):
            self._limit = min(self._limit, at.sequence)
        self.look()
        self._close()

    # What the source does -----------------------------------------------------------------------------

    def begin(self, source: Feeding, on_over: Callable[[], None]) -> bool:
        """Deliver from now on; False: another one does, or it is over. `on_over`: nobody waits any longer."""
        if self.is_over or (self._source is not None and not self._source.is_over):
            return False
        self._on_over()  # what a former source delivered has nobody to wait for it any more
        self._source, self._on_over = source, on_over
        self._passed.clear()
        self._current, self._first, self._limit = None, 0, _NO_LIMIT
        return True

    def passing(self, delivery: Delivery) -> None:
        """Note what is delivered next."""
        self._first = self._first or delivery.sequence
        self._current = delivery

    def passed(self) -> None:
        """Note that it has been: its `on_next` has returned."""
        if self._current is not None:
            self._passed.append(self._current)
            self._current = None

    def source_left(self) -> None:
        """Note that the source ended where it was: what it was just delivering counts if it got anywhere."""
        is_delivering = self._source is not None and self._source.knows_origin
        if self._current is not None and (not is_delivering or self.reached is self._current):
            self.passed()
            self.moved()

    # What keepers do ----------------------------------------------------------------------------------

    def keep(self, keeper: Keeper) -> None:
        """Keep items of the source, until gone."""
        self._keepers.add(keeper)

    def gone(self, keeper: Keeper) -> None:
        """Keep nothing more; what was unfinished never will be."""
        if keeper in self._keepers:
            self._limit = min(self._limit, self._oldest(keeper))
            self._keepers.discard(keeper)
            self.moved()

    def moved(self) -> None:
        """Note that something was finished: look, once what goes on now is over."""
        if not self._is_due and not self.is_over:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self.look)

    # ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let through what can go."""
        self._is_due = False
        limit = min((self._limit, *map(self._oldest, self._keepers)))
        while self._passed and self._passed[0].sequence < limit:
            self._on_through(self._passed.popleft())

    def _oldest(self, keeper: Keeper) -> float:
        """The first delivery that this one may keep something of."""
        if keeper.are_known:
            for origin in keeper.unfinished_origins():
                if origin is None:
                    return self._first
                if isinstance(origin, Delivery) and origin.sequence >= self._first:  # else of a former source
                    return origin.sequence
        return _NO_LIMIT

    def _close(self) -> None:
        self.is_over = True
        self._passed.clear()
        self._keepers.clear()
        self._on_over()

    def __repr__(self) -> str:
        state = "over" if self.is_over else f"{len(self._passed)} deliveries under way, {len(self._keepers)} keepers"
        return f"<Passage, {state}>"


def _nothing() -> None:
    pass
