"""Which deliveries of a source are through a pipeline, though it tells nobody.

`ack_each` at the end of a pipeline sees results, and of what a filter drops it sees nothing; yet each delivery has to
be acknowledged, for the server sends no more while enough are not. So the question is asked the other way round:
what between the source and the end still keeps something of a delivery? What nobody does is through.

    source ──1 2 3 4 5──▶ filter ──1 2   5──▶ map_async keeps 5 ──r1 r2──▶ ack_each      through: 1 2 3 4

A passage belongs to one subscription to the source, which tells it each delivery whose `on_next` has returned. It
rides on the source's Upstream, and on those of the stages below, so that whoever keeps an item reports to it (every
`Origins` does); and with each item goes, as `Upstream.since`, the number of the first delivery that it comes of. A
delivery is through when it has been passed on and nobody keeps an item since it, or since one before it: deliveries
get through in order. A keeper that is gone with items unfinished lets none through from there on.

The end finds the passage when the source is subscribed to, so that it is of use also where nothing ever comes to the
end; or, where that is put off (`rx.retry`, `rx.merge`, a subject), with the first item that does.

What an operator of reactivex keeps by itself (`rx.buffer`, `rx.delay`) nobody can see: it counts as dropped.

`commit_checkpoint` asks the same of any source of events, with a `Progress`: a passage that remembers only the last
event that is through. A source makes one where it is at the top of a pipeline that is tracked (`tracking`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, Final, NamedTuple, Protocol

_NO_LIMIT: Final = float("inf")

SEQUENCE: Final = count(1)
"""Numbers what sources deliver, in the order of arrival in this process."""


class Tracked(Protocol):
    """What is to be known of what a source delivers."""

    @property
    def sequence(self) -> int:
        """Its number, of SEQUENCE."""

    @property
    def is_settled(self) -> bool:
        """Whether its fate is decided."""

    @property
    def is_expired(self) -> bool:
        """Whether its fate can no longer be decided."""


class Numbered(NamedTuple):
    """An event on its way through a pipeline; `nth` counts the events of its subscription, from 1."""

    sequence: int
    nth: int
    event: Any
    is_settled: bool = True
    is_expired: bool = False


class Feeding(Protocol):
    """What is to be known of the source's Upstream."""

    knows_origin: bool

    @property
    def is_over(self) -> bool:
        """Whether it delivers no more."""


class Reconnector(Protocol):
    """What is to be known of who keeps items: its accounts, and the delivery that it is delivering, 0 if none."""

    are_known: bool
    delivering: int

    def since(self) -> Iterator[int]:
        """The numbers of the first deliveries that what is kept comes of."""


Adopt = Callable[["Passage"], None]
_awaiting: ContextVar[Adopt | None] = ContextVar("rxpump.backpressure.passage", default=None)

Track = Callable[["Progress"], None]
_tracking: ContextVar[tuple[object, Track] | None] = ContextVar("rxpump.progress", default=None)


@contextmanager
def awaiting_passage(adopt: Adopt) -> Iterator[None]:
    """Subscribe to a pipeline in here: `adopt` is given the passage of the source that is found.

    Contexts are inherited, so it is also given that of a source that is subscribed to anew, as after a failure.
    """
    token = _awaiting.set(adopt)
    try:
        yield
    finally:
        _awaiting.reset(token)


@contextmanager
def tracking(source: object, track: Track) -> Iterator[None]:
    """Subscribe to a pipeline in here: `track` is called with the Progress of `source` when it is subscribed to.

    It may be subscribed to later, by a task that an operator starts, because tasks inherit the context.
    """
    token = _tracking.set((source, track))
    try:
        yield
    finally:
        _tracking.reset(token)


def track_of(source: object) -> Track | None:
    """Return what is to be called with the Progress of `source`; None where it is not tracked."""
    tracked = _tracking.get()
    return tracked[1] if tracked is not None and tracked[0] is source else None


class Passage:
    """The way of one subscription's deliveries to whoever claims it. `on_over`: nobody waits for it any longer.

    is_claimed:  somebody wants to know what is through.
    is_over:     nobody does, any more.
    reached:     the number of the last delivery of which something came to a keeper, or to the end.
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

    def __init__(self, source: Feeding, on_over: Callable[[], None]) -> None:
        self.is_over: bool = False
        self.reached: int = 0
        self._source = source
        self._on_over = on_over
        self._on_through: Callable[[Any], None] | None = None
        self._keepers: set[Reconnector] = set()
        self._current: Tracked | None = None
        self._passed: deque[Tracked] = deque()
        self._first = 0
        self._limit = _NO_LIMIT
        self._is_due = False
        self._announce()

    # What the end does --------------------------------------------------------------------------------

    @property
    def is_claimed(self) -> bool:
        """Whether somebody wants to know what is through."""
        return self._on_through is not None

    @property
    def is_fed(self) -> bool:
        """Whether the source goes on."""
        return not self._source.is_over

    def claim(self, on_through: Callable[[Any], None]) -> bool:
        """Be told of each delivery that is through; False: somebody else is."""
        if self.is_claimed:
            return False
        self._on_through = on_through
        return True

    def complete(self) -> None:
        """The pipeline ended well, maybe with what is just being delivered: what it keeps nothing of is through."""
        self.source_left()
        for keeper in self._keepers:
            if keeper.delivering == self.reached:
                keeper.delivering = 0
        self.look()
        self._end()

    def fail(self, since: float = _NO_LIMIT) -> None:
        """The pipeline failed, at what came of this delivery or a later one, or of what is just being delivered."""
        self._limit = min(self._limit, since)
        self.look()
        self._end()

    # What the source does -----------------------------------------------------------------------------

    def passing(self, delivery: Tracked) -> None:
        """Note what is delivered next."""
        self._first = self._first or delivery.sequence
        self._current = delivery

    def passed(self) -> None:
        """Note that it has been: its `on_next` has returned."""
        if self._current is None:
            return
        passed = self._passed
        passed.append(self._current)
        self._current = None
        if not self.is_claimed:  # whoever acknowledges by hand needs no account of it
            while passed and (passed[0].is_settled or passed[0].is_expired):
                passed.popleft()

    def source_left(self) -> None:
        """Note that the source ended where it was: what it was just delivering counts if it got anywhere."""
        current = self._current
        if current is not None and (not self._source.knows_origin or self.reached == current.sequence):
            self.passed()
            self.moved()

    # What keepers do ----------------------------------------------------------------------------------

    def keep(self, keeper: Reconnector) -> None:
        """Keep items of the source, until gone."""
        self._keepers.add(keeper)

    def gone(self, keeper: Reconnector) -> None:
        """Keep nothing more; what was unfinished never will be."""
        if keeper in self._keepers:
            self._limit = min(self._limit, self._kept_since(keeper))
            self._keepers.discard(keeper)
            self.moved()

    def moved(self) -> None:
        """Note that something was finished: look, once what goes on now is over."""
        if not self._is_due and not self.is_over and self.is_claimed:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self.look)

    # ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let through what can go."""
        self._is_due = False
        if self._on_through is None or self.is_over:
            return
        limit = min((self._limit, *map(self._kept_since, self._keepers)))
        while self._passed and self._passed[0].sequence < limit:
            self._on_through(self._passed.popleft())
        if limit == self._limit < _NO_LIMIT and self._source.is_over:
            self._end()  # nothing more can come through

    def _kept_since(self, keeper: Reconnector) -> float:
        """The first delivery of which this one may keep something; what is of a former source is no matter here."""
        if not keeper.are_known:
            return self._first
        kept = (since for since in (keeper.delivering, *keeper.since()) if since and since >= self._first)
        return min(kept, default=_NO_LIMIT)

    def _announce(self) -> None:
        if (adopt := _awaiting.get()) is not None:
            adopt(self)

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._passed.clear()
            self._keepers.clear()
            self._on_over()

    def __repr__(self) -> str:
        state = "over" if self.is_over else f"{len(self._passed)} deliveries under way, {len(self._keepers)} keepers"
        return f"<Passage, {state}>"


class Progress(Passage):
    """The way of one subscription's events.

    However many events are dropped behind one that is kept, it remembers no more than two for each that is kept.
    """

    __slots__ = ("_count", "_is_last_kept")

    def __init__(self, source: Feeding) -> None:
        super().__init__(source, _ignore)
        self._count = 0
        self._is_last_kept = False

    def numbered(self, event: Any) -> Numbered:
        """Number the next event."""
        self._count += 1
        return Numbered(next(SEQUENCE), self._count, event)

    def passed(self) -> None:
        """Note that an event has been delivered; of several in a row that nobody kept, remember the last."""
        current = self._current
        if current is None:
            return
        self._current = None
        is_kept = self.reached == current.sequence
        if self._passed and not is_kept and not self._is_last_kept:
            self._passed[-1] = current
        else:
            self._passed.append(current)
        self._is_last_kept = is_kept

    def _announce(self) -> None:
        """Leave those alone who await deliveries."""


def _ignore() -> None:
    """Do nothing at the end: the source is not waited for."""
