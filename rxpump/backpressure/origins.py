"""How far the work on what a keeper keeps is done, told in events.

A keeper (a stage, a sink) notes each item as it arrives, `begin`, and when its work is done, `finish` (or `release`,
if something is delivered for it). Events are accounted for in the order of arrival, however many items each
became and in whichever order these finish:

    begun      1  2a 2b 3          2b finished, 3 finished: nothing is done beyond 1, for 2a is not
    finished   1     2b 3          2a finished: everything up to 3 is done

An event is done when all its items are finished and no more of it can come from above: it is not being
delivered right now, and the stages above keep nothing of it (`Upstream.may_bring_more`).

A result goes out in the name of the last event that is done, or of the oldest that is not, if it is of that
one; so the names that those below hear never go back. What went out in the name of one event may go on in that of
a later one (as a batch of the end of one and the start of the next): the Upstream `continues` the former, and those
below count the two as one.

All items must come through one Upstream at a time. Of two that are merged, of a source without a Upstream, and of what
is delivered by a task or timer that a delivery has started (`rx.delay`, `rx.flat_map` to something asynchronous)
there is no one "everything before": then `are_known` becomes False for good.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from rxpump.backpressure.passage import Passage
from rxpump.backpressure.upstream import Upstream


class Entry:
    """One event (or several that are counted as one), and how many of its items are not finished.

    `names` are those in which results of it went out, while it is not done; `since` is the number of the first
    delivery that its items come of (`rxpump.backpressure.passage`).
    """

    __slots__ = ("is_done", "names", "open", "origin", "since")

    def __init__(self, origin: Any, since: int) -> None:
        self.origin: Any = origin
        self.since: int = since
        self.open: int = 0
        self.is_done: bool = False
        self.names: list[Any] = []


class Origins:
    """The accounts of one keeper, in one subscription.

    count:      items that are not finished.
    delivering: the number of the first delivery that it comes of, while something is being delivered.
    done:       everything that comes of this event, and of all before it, is finished; None: of none yet.
    are_known:  whether these accounts can be kept at all.
    """

    __slots__ = ("_entries", "_flow", "_passage", "are_known", "count", "delivering", "done")

    def __init__(self) -> None:
        self.count: int = 0
        self.delivering: int = 0
        self.done: Any = None
        self.are_known: bool = True
        self._flow: Upstream | None = None
        self._passage: Passage | None = None
        self._entries: deque[Entry] = deque()

    @property
    def unfinished(self) -> int:
        """Events that are begun and not done."""
        return len(self._entries)

    def begin(self) -> Entry:
        """Note an item; call in `on_next`."""
        flow = Upstream.current()
        if flow is not self._flow:
            self._follow(flow)
        if flow is None or not flow.knows_origin:
            self.are_known = False
        origin = flow.origin if flow is not None and self.are_known else None
        since = 0 if flow is None else flow.since
        entry = self._entries[-1] if self._entries else None
        if entry is None or entry.origin is not origin:
            if entry is not None and flow is not None and _is_among(flow.continues, entry.origin):
                entry.origin = origin
            else:
                entry = Entry(origin, since)
                self._entries.append(entry)
        entry.open += 1
        self.count += 1
        if self._passage is not None:
            self._passage.reached = since
            entry.since = min(entry.since, since)
        return entry

    def finish(self, entry: Entry) -> None:
        """Note that an item's work is done."""
        entry.open -= 1
        self.count -= 1
        self.settle()
        if self._passage is not None:
            self._passage.moved()

    def close(self) -> None:
        """Keep nothing more: what is not finished by now never will be."""
        if self._passage is not None:
            self._passage.gone(self)

    def since(self) -> Iterator[int]:
        """The numbers of the first deliveries that the items come of, entry by entry."""
        return (entry.since for entry in self._entries if entry.open)

    def release(self, entries: Sequence[Entry]) -> tuple[Any, Sequence[Any]]:
        """Finish the items that one result was made of; give its Upstream's `origin`, and what it `continues`."""
        self.settle()
        names = self._entries[0].names
        for entry in entries:
            self.finish(entry)
        if entry.is_done:
            origin = self.done
        elif entry is self._entries[0]:
            origin = entry.origin
            if not _is_among(entry.names, origin):
                entry.names.append(origin)
        else:  # out of order
            origin = names[-1] if names else self.done
        return origin, names

    def settle(self) -> None:
        """Bring `done` up to date with what has happened above since the last item."""
        entries = self._entries
        while entries and not entries[0].open and not self._may_get_more(entries[0].origin):
            entry = entries.popleft()
            entry.is_done = True
            self.done = entry.origin

    def has_more(self, origin: Any) -> bool:
        """Whether something is kept here, or may still come from above, of what went out in this event's name."""
        self.settle()
        return bool(self._entries) and _is_among(self._entries[0].names, origin)

    def _may_get_more(self, origin: Any) -> bool:
        return self._flow is not None and self._flow.may_bring_more(origin)

    def _follow(self, flow: Upstream | None) -> None:
        """Go on with another Upstream, as after a retry; what the old one broke off in is never called done."""
        if self._flow is not None and not self._flow.is_over:
            self.are_known = False
        elif self._entries:
            self._entries[-1].origin = None
        self._flow = flow
        self._passage = None if flow is None else flow.passage
        if self._passage is not None:
            self._passage.keep(self)

    def __repr__(self) -> str:
        return f"<Origins {self.count} items of {len(self._entries)} events unfinished, done up to {self.done!r}>"


def _is_among(events: Sequence[Any], event: Any) -> bool:
    """Look for this very event: events are views, whose equality is not asked."""
    return any(each is event for each in events)
