"""Batches that are not settled, across BatchAppend calls.

    submit ──▶ WAITING ──take──▶ IN FLIGHT ──response, failure──▶ settled
                 ▲  ▲                │  │
                 │  └─── call ends ──┘  │ refused for now, or in doubt
                 └───── pause over ─────┘                       deadline: settled, from every state

Order. Batches are taken in the order of their submission, and a server executes the batches of a call in the order in
which they arrive (docs/protocol/grpc.md, section 5.3). If a call ends, all its batches wait again at their places in
that order. If a batch or the call is refused for now, no batch is taken for the length of a pause, so that batches
which were submitted later do not overtake it, and a server that is not ready does not get calls without end. A lost
connection ends the pause, because the next connection can be to another node.

Repetition. A repeated batch has the same events with the same ids, so the server writes it once. Its number is new,
so a late response to an earlier attempt is ignored.

Lost connections. A batch during which two connections were lost is a suspect. It is sent when nothing else is in
flight, and nothing else is sent until it is answered, so it is known if it causes another loss. It fails after it has
caused `MAX_BLAME` losses.

Deadlines. A batch of a call has a `Deadline`, which runs in every state. A batch of a publisher or a relay has none.
The server must answer each attempt within `timeout`. A batch that the server refuses for now is repeated as long as
the reconnect policy allows.

Silence. If a batch is not answered in time, and no other batch either since it was sent, the server may no longer
serve the call (`is_silent`). Then the batches need another call, because otherwise none of them would be answered.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Any, Final

from rxpump.backoff import Backoff
from rxpump.errors import (
    AccessDenied,
    BadRequest,
    CallInterrupted,
    ConnectionClosed,
    ConnectionLostRepeatedly,
    OperationTimedOut,
    OutcomeUnknown,
    RxPumpError,
    ServerError,
    ServerFailed,
)
from rxpump.grpc.calls.batch_append import Batch, correlation_id
from rxpump.grpc.retry_rules import LongWork, delay_after, restarts_time_limit
from rxpump.model.results import WriteResult
from rxpump.transport.deadline import Deadline
from rxpump.transport.deadlines import Deadlines

MAX_BLAME: Final = 4
"""Number of lost connections after which a batch that was alone in flight fails, because other causes are
unlikely."""

_SUSPECT_LOSSES: Final = 2
"""Lost connections after which a batch is sent alone. One connection can be lost for many reasons."""

_NOT_PAUSED: Final = -math.inf

_SILENT_SHARE: Final = 0.5
"""Share of the time limit for which a call must have been silent. A batch can have been sent shortly before its
deadline.
"""


class PendingBatch:
    """A batch and its attempts.

    Attributes:
        batch: The batch.
        owner: Object of the caller.
        deadline: Deadline of the call, or None.
        sequence: Number of the batch, in the order of submission.
        attempts: Number of times that it was sent.
        refusal: Last refusal of the server, or None.
        refusals: Number of refusals of the server.
        losses: Connections that were lost while it was in flight, since its last response.
        blame: Those of them during which nothing else was in flight, on the whole connection.
        number: Correlation id of the latest attempt; 0 before the first.
        sent_at: Time of the latest attempt.
        is_settled: Whether it is completed, with `result` or `error`.
        result: Result of the append, or None.
        error: Error of the append, or None.
    """

    __slots__ = (
        "attempts",
        "batch",
        "blame",
        "deadline",
        "error",
        "is_settled",
        "losses",
        "number",
        "owner",
        "refusal",
        "refusals",
        "result",
        "sent_at",
        "sequence",
    )

    def __init__(self, batch: Batch, owner: Any, deadline: Deadline | None, sequence: int) -> None:
        self.batch: Batch = batch
        self.owner: Any = owner
        self.deadline: Deadline | None = deadline
        self.sequence: int = sequence
        self.attempts: int = 0
        self.refusal: ServerError | None = None
        self.refusals: int = 0
        self.losses: int = 0
        self.blame: int = 0
        self.number: int = 0
        self.sent_at: float = -math.inf
        self.is_settled: bool = False
        self.result: WriteResult | None = None
        self.error: RxPumpError | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether the batch may be the cause of lost connections."""
        return self.losses >= _SUSPECT_LOSSES

    def __repr__(self) -> str:
        state = "settled" if self.is_settled else f"attempt {self.attempts}"
        return f"<PendingBatch {self.batch!r}, {state}>"


class PendingBatches:
    """Batches that are not settled.

    Args:
        retry: Delays after refusals of the server.
        timeout: Seconds in which a batch without a deadline must be answered; None for no limit.
        max_in_flight: Largest number of batches in flight.
        reconnect: Delays between attempts to connect, which limit the refusals of a batch without a deadline.
        explain: Function that returns the recent experience with each node, for errors.

    Attributes:
        is_silent: Whether the call has answered no batch for so long that the server may no longer serve it.
    """

    def __init__(
        self,
        retry: Backoff,
        timeout: float | None,
        max_in_flight: int,
        reconnect: Backoff,
        explain: Callable[[], str],
    ) -> None:
        self._reconnect = reconnect
        self._explain = explain
        self._retry = retry
        self._timeout = timeout
        self._max_in_flight = max_in_flight
        self._waiting: list[tuple[int, PendingBatch]] = []  # a heap; the number is the order of submission
        self._in_flight: dict[int, PendingBatch] = {}
        self._deadlines: Deadlines[PendingBatch] = Deadlines()
        self._paused_until = _NOT_PAUSED
        self._is_open = False
        self.is_silent: bool = False
        self._answered_at = -math.inf
        self._submitted = 0
        self._numbers = 0
        self._open_batches = 0

    def __len__(self) -> int:
        """Return the number of batches that are not settled."""
        return self._open_batches

    @property
    def deadline(self) -> float:
        """Time at which `tick` must be called."""
        pause_ends = self._paused_until if self._waiting and self._paused_until > _NOT_PAUSED else math.inf
        return min(self._deadlines.next, pause_ends)

    @property
    def is_paused(self) -> bool:
        """Whether `take` returns nothing for some time, because the server refused a batch for now."""
        return self._paused_until > _NOT_PAUSED

    @property
    def has_waiting(self) -> bool:
        """Whether batches wait to be taken."""
        return bool(self._waiting)

    def pause_left(self, now: float) -> float:
        """Return the seconds until the end of the pause, 0 if there is none."""
        return max(0.0, self._paused_until - now)

    def submit(self, batch: Batch, owner: Any, deadline: Deadline | None) -> PendingBatch:
        """Add a batch, to be returned by `take`.

        Args:
            batch: The batch.
            owner: Object of the caller, which the settled batch contains.
            deadline: Deadline of the call; None for a batch of a publisher or a relay.
        """
        self._submitted += 1
        self._open_batches += 1
        pending = PendingBatch(batch, owner, deadline, self._submitted)
        if deadline is not None:
            self._deadlines.start(pending.sequence, pending, deadline.time)
        heapq.heappush(self._waiting, (pending.sequence, pending))
        return pending

    def withdraw(self, pending: PendingBatch) -> None:
        """Settle a batch whose caller no longer waits. If it is in flight, the server may still write it."""
        if not pending.is_settled:
            self._in_flight.pop(pending.number, None)
            self._settle(pending)
            self._drop_settled()

    def opened(self) -> None:
        """Note that a BatchAppend call is open. From now on `take` returns batches, after the current pause."""
        self._is_open = True
        self.is_silent = False

    def take(self, now: float, most_bytes: int) -> list[bytes]:
        """Return encoded requests to send now.

        Args:
            now: Current time.
            most_bytes: Bytes after which no further request is returned.
        """
        requests: list[bytes] = []
        size = 0
        waiting = self._waiting
        if not self._is_open or self.is_paused:
            return requests
        while waiting and size < most_bytes:
            pending = waiting[0][1]
            if not pending.is_settled:
                if not self._has_room_for(pending):
                    break
                requests.append(self._request(pending, now))
                size += len(requests[-1])
            heapq.heappop(waiting)
        return requests

    def receive(self, response: Any, now: float) -> PendingBatch | None:
        """Apply a response. Return the batch that it settles, or None.

        A response to a batch that is not in flight is ignored. A server answers some refused batches twice.
        """
        self._answered_at = now
        pending = self._in_flight.pop(correlation_id(response), None)
        if pending is None:
            return None
        outcome = pending.batch.result(response)
        if isinstance(outcome, WriteResult):
            return self._settle(pending, outcome)
        return self._wait_or_fail(pending, outcome, now)

    def ended(self, error: RxPumpError, now: float, *, is_suspect: bool = True) -> list[PendingBatch]:
        """Move the batches in flight back among the waiting ones, because the call ended before they were answered.

        Args:
            error: Reason for the end of the call.
            now: Current time.
            is_suspect: Whether the call can be the cause of a lost connection, because no other call was running.

        Returns:
            The batches that are not sent again, each settled with its error.
        """
        self._is_open = False
        interrupted = list(self._in_flight.values())
        self._in_flight.clear()
        is_lost = isinstance(error, ConnectionClosed) and not isinstance(error, CallInterrupted)
        if is_lost:
            for pending in interrupted:
                pending.losses += 1
                pending.blame += is_suspect and len(interrupted) == 1
        settled = [self._wait_or_fail(pending, _error_of(pending, error), now) for pending in interrupted]
        if is_lost:
            self._paused_until = _NOT_PAUSED
        return [pending for pending in settled if pending is not None]

    def tick(self, now: float) -> list[PendingBatch]:
        """Apply the current time. Return the batches whose deadline has passed."""
        if self._paused_until <= now:
            self._paused_until = _NOT_PAUSED
        expired: list[PendingBatch] = []
        while (late := self._deadlines.pop(now)) is not None:
            if self._in_flight.pop(late.number, None) is not None:
                self._note_silence(late, now)
            expired.append(self._settle(late, error=self._timed_out(late)))
        self._drop_settled()
        return expired

    def _note_silence(self, late: PendingBatch, now: float) -> None:
        if self._timeout is not None and late.sent_at > self._answered_at:
            self.is_silent = self.is_silent or now - late.sent_at >= _SILENT_SHARE * self._timeout

    def close(self, error: RxPumpError) -> list[PendingBatch]:
        """Settle all batches with an error, and return them in the order of their submission."""
        self._is_open = False
        pending = sorted([*self._in_flight.values(), *(each for _, each in self._waiting)], key=_sequence)
        self._in_flight.clear()
        self._waiting.clear()
        return [self._settle(each, error=error) for each in pending if not each.is_settled]

    def _has_room_for(self, pending: PendingBatch) -> bool:
        """Return whether a batch may be in flight together with those that are."""
        in_flight = self._in_flight
        if not in_flight:
            return True
        if pending.is_suspect or (len(in_flight) == 1 and next(iter(in_flight.values())).is_suspect):
            return False  # While a suspect is in flight, no other batch may be.
        return len(in_flight) < self._max_in_flight

    def _request(self, pending: PendingBatch, now: float) -> bytes:
        self._numbers += 1
        pending.number = self._numbers
        pending.attempts += 1
        pending.sent_at = now
        if pending.deadline is None and self._timeout is not None:
            self._deadlines.start(pending.sequence, pending, now + self._timeout)
        self._in_flight[pending.number] = pending
        return pending.batch.request(pending.number)

    def _wait_or_fail(self, pending: PendingBatch, error: RxPumpError, now: float) -> PendingBatch | None:
        """Put a batch back to its place in the order. Return it if it is not sent again, settled with its error."""
        if isinstance(error, ServerError):
            pending.refusal = error
            pending.refusals += 1
            pending.losses = pending.blame = 0
        work = None
        if pending.deadline is None:
            if restarts_time_limit(error):
                self._deadlines.stop(pending.sequence)
            work = LongWork(pending.refusals, self._reconnect, self._explain)
        if pending.blame >= MAX_BLAME:
            operation = pending.batch.context.operation
            return self._settle(pending, error=ConnectionLostRepeatedly(operation, pending.blame, str(error)))
        try:
            delay = delay_after(error, pending.attempts, self._retry, pending.batch.context, work)
        except RxPumpError as final:
            return self._settle(pending, error=final)
        heapq.heappush(self._waiting, (pending.sequence, pending))
        if delay and not self.is_paused:
            self._paused_until = now + delay
        return None

    def _timed_out(self, pending: PendingBatch) -> OperationTimedOut:
        timeout = self._timeout if pending.deadline is None else pending.deadline.timeout
        assert timeout is not None, "a batch without a limit does not expire"
        context = pending.batch.context
        return OperationTimedOut(
            context.operation,
            timeout,
            pending.attempts,
            pending.refusal,
            is_connected=self._is_open,
            hint=context.silence_hint,
            nodes=self._explain(),
        )

    def _drop_settled(self) -> None:
        """Drop batches that were settled while they waited, to bound memory during a long outage."""
        if len(self._waiting) > 2 * self._open_batches + 64:
            # A sorted list is a valid heap.
            self._waiting = sorted(entry for entry in self._waiting if not entry[1].is_settled)

    def _settle(
        self, pending: PendingBatch, result: WriteResult | None = None, error: RxPumpError | None = None
    ) -> PendingBatch:
        self._open_batches -= 1
        self._deadlines.stop(pending.sequence)
        pending.is_settled = True
        pending.result, pending.error = result, error
        return pending

    def __repr__(self) -> str:
        state = "paused" if self.is_paused else "open" if self._is_open else "not open"
        return f"<PendingBatches {state}, {len(self._in_flight)} in flight, {len(self._waiting)} waiting>"


def _error_of(pending: PendingBatch, error: RxPumpError) -> RxPumpError:
    """Return the error of a batch whose call ended with an error."""
    context = pending.batch.context
    match error:
        case CallInterrupted():
            return CallInterrupted(error.address, error.reason, context.operation)
        case OutcomeUnknown():
            return type(error)(context.stream_or_all, error.reason)
        case AccessDenied():
            return AccessDenied(context.action, context.stream_or_all, error.login)
        case BadRequest() | ServerFailed():
            return type(error)(context.operation, error.reason)
    return error


def _sequence(pending: PendingBatch) -> int:
    return pending.sequence
