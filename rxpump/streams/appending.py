"""Batches written in order, several under way at once.

Writes that follow each other on one connection are done in that order (docs/protocol/tcp.md, section 4.1), so there
is no need to wait for one before sending the next, except for the first: until a write has succeeded it is not known
that the server takes any.

With an exact expected version each batch expects what the one before it will leave. That makes a repeated
write recognisable for ever, and keeps the order through anything: a batch whose predecessor is being retried
is refused by its version. Such a refusal is no conflict: when the predecessor is done, the batch is sent again.
A batch that is refused on a version which the server has confirmed is one, and ends the writing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from rxpump.errors import WrongExpectedVersion
from rxpump.expected_version import ExpectedVersion
from rxpump.new_event import NewEvent
from rxpump.runtime import Runtime
from rxpump.streams.inbox import Inbox
from rxpump.write_result import WriteResult

Append = Callable[[Sequence[NewEvent], int], Coroutine[Any, Any, WriteResult]]


class _Sent:
    """A batch under way; `is_certain`: it was sent on a version that the server has confirmed."""

    def __init__(
        self, events: list[NewEvent], expected: int, is_certain: bool, work: asyncio.Task[WriteResult]
    ) -> None:
        self.events = events
        self.expected = expected
        self.is_certain = is_certain
        self.work = work


class _Writing:
    """The batches under way, oldest first, and the version that the next one expects."""

    def __init__(self, runtime: Runtime, append: Append, expected_version: int) -> None:
        self.sent: deque[_Sent] = deque()
        self.has_succeeded = False
        self._runtime = runtime
        self._append = append
        self._is_exact = expected_version not in (ExpectedVersion.ANY, ExpectedVersion.STREAM_EXISTS)
        self._next_version = self._confirmed = expected_version

    def send(self, events: list[NewEvent]) -> None:
        """Write a batch after those under way."""
        self.sent.append(self._start(events, self._next_version))
        if self._is_exact:
            self._next_version += len(events)

    def settle_oldest(self) -> WriteResult | None:
        """Take the oldest batch's end in; None where it had to be sent again. Raises what the server refuses."""
        oldest = self.sent[0]
        try:
            result = oldest.work.result()
        except WrongExpectedVersion:
            if oldest.is_certain:
                raise
            self.sent[0] = self._start(oldest.events, self._confirmed)
            return None
        self.sent.popleft()
        self.has_succeeded = True
        if self._is_exact:
            self._confirmed = result.last_event_number
            if not self.sent:
                self._next_version = self._confirmed
        return result

    def cancel(self) -> None:
        """Wait for nothing more."""
        for each in self.sent:
            each.work.cancel()

    def _start(self, events: list[NewEvent], version: int) -> _Sent:
        work = self._runtime.start(self._append(events, version), "append")
        work.add_done_callback(_note_failure)
        return _Sent(events, version, version == self._confirmed, work)


async def append_in_order(
    runtime: Runtime, inbox: Inbox, append: Append, expected_version: int, max_in_flight: int
) -> AsyncGenerator[list[WriteResult], None]:
    """Write what arrives in `inbox` until it is over; give each batch's result, in order."""
    writing = _Writing(runtime, append, expected_version)
    gathering: asyncio.Task[list[NewEvent]] | None = None
    is_over = False
    try:
        while not is_over or writing.sent:
            room = max_in_flight if writing.has_succeeded else 1
            if gathering is None and not is_over and len(writing.sent) < room:
                gathering = runtime.start(inbox.next_batch(), "gather a batch")
            oldest = writing.sent[0].work if writing.sent else None
            await asyncio.wait([work for work in (gathering, oldest) if work], return_when=asyncio.FIRST_COMPLETED)
            if oldest is not None and oldest.done() and (result := writing.settle_oldest()):
                yield [result]
            if gathering is not None and gathering.done():
                batch, gathering = gathering.result(), None
                if batch:
                    writing.send(batch)
                else:
                    is_over = True
        if inbox.failure is not None:
            raise inbox.failure
    finally:
        writing.cancel()
        if gathering is not None:
            gathering.cancel()


def _note_failure(work: asyncio.Task[WriteResult]) -> None:
    """The oldest batch's failure is met when its turn comes; those behind it may have nobody left to ask."""
    if not work.cancelled():
        work.exception()
