"""Progress of work: the prefix of a sequence whose work is finished.

A `ProgressTracker` holds one `Pending` entry for each item of a sequence, in order. An entry counts its users. It is
finished when it has none, and it is passed when it and every entry before it are finished:

    entries    1   2   3   4   5
    users      0   0   1   0   2        passed: 1 and 2; entry 4 is finished and waits for 3

The rules for a sequence of events that a source delivers:

1. The source uses an entry while it delivers the event. An event that every operator drops is passed right after.
2. An operator that keeps an item retains the entry of the event that the item comes from, and releases it when the
   result of the item has been delivered. An item that is made of several events retains the entry of each.
3. An item that an operator delivers later belongs to the oldest of these events: the operators below retain
   that entry, and the operator itself retains the others until they return.
4. An operator that ends with unfinished items abandons their entries. They are never passed, nor is any later one.
   The same happens to the entries of a delivery that raises an exception. It also happens if a subscription ends
   during a delivery that has not arrived at an operator of rxpump, because then an operator between has failed. If
   the source is shared and continues for other subscribers, entries of events that need no acknowledgement are
   released instead.
5. An item whose event is unknown, because a timer or two merged sources delivered it, has no entry. The ends of
   pipelines (the operators `commit_checkpoint` and `ack_each`, and a relay) refuse such items.
6. An end passes items on as a sequence of its own, so operators below it retain nothing that the end counts.

Operators of reactivex retain nothing. `rxpump.pipeline_root` finds out whether one may keep items
for later. Below such an operator, an end counts only events up to the newest that has arrived at it. For that purpose
a delivery also names the `newest` event: it and all events before it have left the operator above. An operator finds
this name with a tracker of its own, whose sequence is the items that it keeps.

Memory is bounded by the unfinished entries, however many were finished since: of adjacent finished entries that are
not passed yet only the last is kept, because passing the last passes all. Deliveries must be acknowledged one by one,
so a `DeliveryTracker` keeps them all; the server bounds their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from rxpump.model.deliveries import Delivery


class Pending:
    """One item of a sequence, until it and all items before it are finished.

    Attributes:
        tracker: The tracker of the sequence.
        item: The item. None for an item that has no event, such as a signal of a subscription.
        number: Number of the item in its sequence, from 1.
        users: Number of operators that work on the item. The creator of the entry is the first. The entry is finished
            when the number is 0. A user that abandons the entry is never removed.
        retentions: Number of users that were added since the entry was created.
        is_abandoned: Whether a user has abandoned the entry. Neither it nor a later entry is then reported as
            finished.
        origin: The entry of the event from which the item comes, if the sequence is the items of an operator.
    """

    __slots__ = (
        "following",
        "is_abandoned",
        "item",
        "number",
        "origin",
        "preceding",
        "retentions",
        "tracker",
        "users",
    )

    def __init__(self, tracker: ProgressTracker, item: Any, number: int) -> None:
        self.tracker: ProgressTracker = tracker
        self.item: Any = item
        self.number: int = number
        self.users: int = 1
        self.retentions: int = 0
        self.is_abandoned: bool = False
        self.origin: Pending | None = None
        self.preceding: Pending | None = None
        self.following: Pending | None = None

    def retain(self) -> None:
        """Add a user."""
        self.users += 1
        self.retentions += 1

    def release(self) -> None:
        """Remove a user. With the last one the entry is finished."""
        self.users = users = self.users - 1
        if not users:
            self.tracker.finish(self)

    def abandon(self) -> None:
        """Record that a user ends without finishing its work. The entry is then never passed."""
        self.tracker.abandon(self)

    @property
    def is_finished(self) -> bool:
        """Whether it has no users."""
        return not self.users

    @property
    def is_passed(self) -> bool:
        """Whether it and every entry before it are finished."""
        return self.number <= self.tracker.passed

    def __repr__(self) -> str:
        state = "abandoned" if self.is_abandoned else f"{self.users} users" if self.users else "finished"
        return f"<Pending {self.number}, {state}>"


class ProgressTracker:
    """The entries of one sequence that are not passed.

    Attributes:
        count: Number of entries that are not finished.
        passed: Number of the last entry that is passed, 0 if none is.
        done: Item of the last entry with an item that is passed, None if none is.
        source_is_over: Whether the source has ended, so that no more entries are created.
        on_passed: Function that is called with each entry that is passed, in order.
    """

    __slots__ = (
        "_first",
        "_is_stopped",
        "_last",
        "_number",
        "count",
        "done",
        "on_passed",
        "passed",
        "source_is_over",
    )

    def __init__(self) -> None:
        self.count: int = 0
        self.passed: int = 0
        self.done: Any = None
        self.source_is_over: bool = False
        self.on_passed: Callable[[Pending], None] | None = None
        self._number = 0
        self._is_stopped = False
        self._first: Pending | None = None
        self._last: Pending | None = None

    def begin(self, item: Any) -> Pending:
        """Create the entry of the next item, with one user. The caller must release it."""
        self._number = number = self._number + 1
        entry = Pending(self, item, number)
        last = self._last
        if last is None:
            self._first = entry
        else:
            entry.preceding, last.following = last, entry
        self._last = entry
        self.count += 1
        return entry

    def finish(self, entry: Pending) -> None:
        """Note that an entry has no users, and pass all entries that can be passed now."""
        self.count -= 1
        if entry is not self._first:
            self._compact(entry)
        elif not self._is_stopped:  # `_advance`, inlined for the usual case that the next entry is not finished
            self._first = following = entry.following
            if following is None:
                self._last = None
            else:
                following.preceding = None
            self.passed = entry.number
            if entry.item is not None:
                self.done = entry.item
                if self.on_passed is not None:
                    self.on_passed(entry)
            if following is not None and not following.users:
                self._advance()

    def abandon(self, entry: Pending) -> None:
        """Mark an entry as never finished, so that neither it nor a later entry is passed."""
        entry.is_abandoned = True
        entry.users += 1

    def detach(self, entry: Pending) -> None:
        """Release an entry for a user that has ended, although its source continues for other subscribers."""
        entry.release()

    def stop(self) -> None:
        """Stop passing entries."""
        self._is_stopped = True

    def end_source(self) -> None:
        """Record that no more entries are created."""
        self.source_is_over = True

    def unfinished(self) -> list[Pending]:
        """Return the entries that have users, in order."""
        entries = []
        entry = self._first
        while entry is not None:
            if not entry.is_finished:
                entries.append(entry)
            entry = entry.following
        return entries

    def _advance(self) -> None:
        """Pass the finished entries at the front."""
        while (first := self._first) is not None and not first.users and not self._is_stopped:
            self._first = following = first.following
            if following is None:
                self._last = None
            else:
                following.preceding = None
            self.passed = first.number
            if first.item is not None:
                self.done = first.item
                if self.on_passed is not None:
                    self.on_passed(first)

    def _compact(self, entry: Pending) -> None:
        """Remove adjacent finished entries except for the last one. If the last one is passed, so are the others."""
        preceding, following = entry.preceding, entry.following
        is_superseded = following is not None and following.is_finished
        if preceding is not None and preceding.is_finished and (is_superseded or entry.item is not None):
            self._remove(preceding)
        if is_superseded or entry.item is None:
            self._remove(entry)

    def _remove(self, entry: Pending) -> None:
        preceding, following = entry.preceding, entry.following
        if preceding is None:
            self._first = following
        else:
            preceding.following = following
        if following is None:
            self._last = preceding
        else:
            following.preceding = preceding

    def __len__(self) -> int:
        """Return the number of entries that are kept."""
        length, entry = 0, self._first
        while entry is not None:
            length, entry = length + 1, entry.following
        return length

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self.count} unfinished, passed {self.passed}>"


class DeliveryTracker(ProgressTracker):
    """The deliveries of one persistent subscription that are not passed.

    One end of the pipeline, such as `ack_each`, can `claim` the deliveries. Until then the tracker keeps the
    deliveries that were passed and are not settled, because the claim can come late, for example if a subject is in
    the pipeline.

    Args:
        on_over: Function to call when no further delivery can be passed to an end.

    Attributes:
        is_over: Whether no further delivery can be passed to an end.
        is_claimed: Whether an end is notified of each delivery that is passed.
    """

    __slots__ = ("_on_over", "_unclaimed", "is_claimed", "is_over")

    def __init__(self, on_over: Callable[[], None]) -> None:
        super().__init__()
        self.is_over: bool = False
        self._on_over = on_over
        self._unclaimed: deque[Pending] = deque()
        self.is_claimed: bool = False
        self.on_passed: Callable[[Pending], None] | None = self._keep_for_end

    def claim(self, on_passed: Callable[[Pending], None]) -> bool:
        """Call `on_passed` with each delivery that is passed, also with those that were passed before.

        Returns:
            False if another end of the pipeline has claimed the deliveries; then `on_passed` is never called.
        """
        if self.is_claimed:
            return False
        self.is_claimed = True
        self.on_passed = on_passed
        while self._unclaimed:
            on_passed(self._unclaimed.popleft())
        return True

    def end(self) -> None:
        """Stop tracking, because the end of the pipeline needs no further entries."""
        if not self.is_over:
            self.is_over = True
            self.stop()
            self._unclaimed.clear()
            self._on_over()

    def finish(self, entry: Pending) -> None:
        """Note that an entry has no users, and pass all entries that can be passed now."""
        super().finish(entry)
        self._end_if_stuck()

    def abandon(self, entry: Pending) -> None:
        """Mark an entry as never finished, so that neither it nor a later entry is passed."""
        super().abandon(entry)
        self._end_if_stuck()

    def detach(self, entry: Pending) -> None:
        """Abandon the entry: its delivery must not be acknowledged."""
        self.abandon(entry)

    def end_source(self) -> None:
        """Note that no more entries are created."""
        super().end_source()
        self._end_if_stuck()

    def _keep_for_end(self, entry: Pending) -> None:
        unclaimed = self._unclaimed
        unclaimed.append(entry)
        while unclaimed and _needs_nothing(unclaimed[0].item):
            unclaimed.popleft()

    def _compact(self, entry: Pending) -> None:
        if _needs_nothing(entry.item):
            self._remove(entry)

    def _end_if_stuck(self) -> None:
        """End if the source has ended and the first entry is abandoned, because no later delivery can be passed."""
        first = self._first
        if self.source_is_over and self.is_claimed and first is not None and first.is_abandoned:
            self.end()


def _needs_nothing(delivery: Delivery) -> bool:
    return delivery.is_settled or delivery.is_expired
