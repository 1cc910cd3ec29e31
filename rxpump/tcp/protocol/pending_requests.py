"""Requests that are not settled, across connections.

    submit ──▶ WAITING ──send──▶ IN FLIGHT ──reply, failure──▶ settled
                ▲  ▲                │  │
                │  └── connection ──┘  │ refused for now
                │         lost         ▼
                └──── delay over ─── RETRYING           deadline: settled, from every state
                      or connection lost

Deadlines. A call has a `Deadline`, which runs in every state, also without a connection. A request of a subscription,
a publisher or a relay has none. Each of its attempts must be answered within `Settings.timeout`, which begins again
while a large request or reply is sent or received in parts. The reconnect policy decides how long there may be no
connection, and how often nodes may refuse it because they are not ready.

Lost connections. A request that can be repeated is sent again on the next connection, with the same bytes and a new
correlation id, so that a late reply to the earlier attempt is ignored. For one heartbeat interval a new connection is
on trial: `SendQueue` holds back slow requests until the others that were lost before are answered, and then sends
slow ones one at a time, then two, and so on. So even a short connection answers small requests, and if a connection
is lost again, the request that caused it is known. A request fails after it has caused `MAX_BLAME` losses.

Subscriptions. A request that opens a subscription is settled with its buffer. Later packages with its correlation id
go to the buffer until the subscription or the connection ends. Messages on a subscription have no reply and are sent
before waiting requests. A subscription that the client has cancelled is ended on the server by the unsubscribe
command of its operation, whether or not it was confirmed.

A settled request is not kept here, so that the pages in it can be freed.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Collection
from typing import Any

from rxpump.errors import NotHandled, OperationTimedOut, OutcomeUnknown, RxPumpError, ServerError
from rxpump.settings import Settings
from rxpump.tcp.protocol.lost_connections import why_not_again
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Opened, Redirect, Retry, Success
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.protocol.retries import last_error, pause_before_retry
from rxpump.tcp.protocol.retry_queue import RetryQueue
from rxpump.tcp.protocol.send_queue import SendQueue, is_slow
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package, encode
from rxpump.transport.deadline import Deadline
from rxpump.transport.deadlines import Deadlines

_BURST_BYTES = 128 * 1024
"""Bytes after which `send` returns no further frame, because a waiting request can still be withdrawn."""

_FINAL_COMMANDS = {Command.SUBSCRIPTION_DROPPED, Command.BAD_REQUEST, Command.NOT_HANDLED, Command.NOT_AUTHENTICATED}
"""Replies after which a subscription, or the request for one, has ended on the server."""


class PendingRequests:
    """Requests that are not settled.

    Args:
        settings: Settings of the client.
        chance: Source of random numbers from 0 to 1.
        on_left: Function that is called when the server has confirmed the end of a subscription, or can no longer
            confirm it.
        on_queued: Function that is called when there is something to send, or a new deadline.
        explain: Function that returns the recent experience with each node, for errors.

    Attributes:
        redirect: Host and port of the leader that the server named, or None.
        last_refusal: Last reply of a node that did not handle a request, or could not commit it; None before.
    """

    def __init__(
        self,
        settings: Settings,
        chance: Callable[[], float] = random.random,
        on_left: Callable[[], None] = lambda: None,
        on_queued: Callable[[], None] = lambda: None,
        explain: Callable[[], str] = lambda: "",
    ) -> None:
        self.redirect: tuple[str, int] | None = None
        self.last_refusal: ServerError | None = None
        self._settings = settings
        self._chance = chance
        self._on_left = on_left
        self._on_queued = on_queued
        self._explain = explain
        self._waiting: SendQueue[Request] = SendQueue()
        self._in_flight: dict[bytes, Request] = {}
        self._repeated: set[bytes] = set()  # ids in flight that were lost before
        self._trial_ends: float | None = -math.inf  # None until the next `send`, which starts the trial
        self._window = 1  # requests that were lost before and may be in flight during the trial
        self._retrying = RetryQueue()
        self._deadlines: Deadlines[Request] = Deadlines()
        self._buffers: dict[bytes, tuple[SubscriptionBuffer[Any], Command | None]] = {}
        self._unanswered: list[bytes] = []  # frames of messages without a reply
        self._leaving: set[bytes] = set()  # ids of subscriptions whose end is not confirmed
        self._is_connected = False
        self._submitted = 0
        self._open = 0
        self._id_prefix = os.urandom(8)
        self._ids = 0

    def __len__(self) -> int:
        """Return the number of requests that are not settled."""
        return self._open

    @property
    def is_leaving(self) -> bool:
        """Whether there are subscriptions whose end the server has not confirmed."""
        return bool(self._leaving)

    @property
    def has_one_alone(self) -> bool:
        """Whether exactly one request is waiting and none is in flight, so that it can be sent at once."""
        waiting = self._waiting
        return not self._in_flight and not self._unanswered and not waiting.slow and len(waiting.unsorted) == 1

    @property
    def has_unsent(self) -> bool:
        """Whether requests or messages are waiting to be sent."""
        return bool(self._waiting.unsorted or self._unanswered or self._waiting.slow)

    @property
    def deadline(self) -> float:
        """Time at which `tick` must be called."""
        earliest = min(self._deadlines.next, self._retrying.next)
        if self._waiting.slow and self._trial_ends is not None and self._trial_ends > -math.inf:
            return min(earliest, self._trial_ends)
        return earliest

    def submit(self, operation: Operation[Any], owner: Any = None, deadline: Deadline | None = None) -> Request:
        """Add a request. It is sent by the next `send`.

        Args:
            operation: Operation of the request.
            owner: Object of the caller, which the settled request contains.
            deadline: Deadline of the call. None for a request of a subscription, a publisher or a relay.
        """
        self._submitted += 1
        self._open += 1
        request = Request(operation, owner, self._submitted, deadline)
        if deadline is not None:
            self._deadlines.start(request.sequence, request, deadline.time)
        self._waiting.push(request)
        self._on_queued()
        return request

    def withdraw(self, request: Request) -> None:
        """Settle a request whose caller no longer waits, and end the subscription that it opened on the server."""
        if request.is_settled:
            if isinstance(request.value, SubscriptionBuffer):
                self.unsubscribe(request.value)
            return
        self._settle(request)
        if self._take_in_flight(request.correlation_id) is not None:
            self._unsubscribe_on_server(request.operation.unsubscribe_command, request.correlation_id)
        self._drop_settled()
        self._on_queued()

    def connected(self) -> None:
        """Let `send` return requests, because there is a connection."""
        self._is_connected = True
        self._trial_ends = None
        self._window = 1
        self.redirect = None

    def disconnected(self, error: RxPumpError, interrupted: Collection[bytes] = ()) -> list[Request]:
        """Queue the requests in flight again, because the connection was lost.

        Args:
            error: Reason for the loss.
            interrupted: Correlation ids of frames that were sent or received only in part.

        Returns:
            The requests that are not sent again, each settled with its error.
        """
        self._is_connected = False
        self._trial_ends = -math.inf
        self._count_loss(interrupted)
        lost = [
            self._settle(request, error=reason)
            for request in self._in_flight.values()
            if (reason := why_not_again(request.operation, request.losses, request.blame, error)) is not None
        ]
        for request in (*self._in_flight.values(), *self._retrying):
            if not request.is_settled:
                if request.deadline is None:
                    self._deadlines.stop(request.sequence)
                self._waiting.push(request)
        for buffer, _ in self._buffers.values():
            buffer.end(error)
        self._buffers.clear()
        self._unanswered.clear()
        self._leaving.clear()
        self._on_left()
        self._in_flight.clear()
        self._repeated.clear()
        self._retrying.clear()
        return lost

    def send(self, now: float) -> list[bytes]:
        """Return frames to send now, or none if nothing can be sent."""
        if not self._is_connected:
            return []
        frames, self._unanswered = self._unanswered, []
        size = 0
        if self._trial_ends is None:
            self._trial_ends = now + self._settings.heartbeat_interval
        waiting = self._waiting
        while (
            (waiting.unsorted or waiting.slow)
            and size < _BURST_BYTES
            and len(self._in_flight) < self._settings.max_in_flight
        ):
            request = waiting.pop(with_slow=now >= self._trial_ends or len(self._repeated) < self._window)
            if request is None:
                break
            if self._retrying.key_times and self._retrying.push_after_its_key(request):
                continue  # It must not be sent before earlier requests of its key.
            frame = self._send_request(request, now)
            frames.append(frame)
            size += len(frame)
        return frames

    def receive(self, package: Package, now: float) -> Request | None:
        """Receive a package. Return the request that it settles, or None."""
        request = self._in_flight.pop(package.correlation_id, None)
        if request is None:
            self._deliver(package)
            return None
        if request.losses:
            self._repeated.discard(request.correlation_id)
            self._window += is_slow(request)
        match request.operation.interpret(package):
            case Success(value):
                return self._settle(request, value=value)
            case Opened(buffer):
                buffer.correlation_id = request.correlation_id
                self._buffers[request.correlation_id] = (buffer, request.operation.unsubscribe_command)
                return self._settle(request, value=buffer)
            case Failure(error):
                return self._settle(request, error=error)
            case Retry(refusal):
                return self._retry_later(request, refusal, now)
            case Redirect(error=refusal) if not self._settings.reads_from_leader:
                return self._settle(request, error=refusal)  # Requests for the leader use a second connection.
            case Redirect(plain, secure, refusal):
                # A leader without TLS is ignored by a client with TLS, which then waits for another one.
                self.redirect = (secure if self._settings.tls else plain) or self.redirect
                return self._retry_later(request, refusal, now)

    def note_part(self, correlation_id: bytes, now: float) -> None:
        """Note that a part of a request in flight was sent, or a part of its reply received."""
        request = self._in_flight.get(correlation_id)
        if request is not None:
            request.moved_at = now

    def send_message(self, buffer: SubscriptionBuffer[Any], command: Command, payload: bytes) -> None:
        """Send a message without a reply on a subscription. Do nothing if the subscription has ended."""
        if buffer.correlation_id in self._buffers:
            self._unanswered.append(encode(command, buffer.correlation_id, payload))
            self._on_queued()

    def unsubscribe(self, buffer: SubscriptionBuffer[Any]) -> None:
        """End a subscription here and on the server."""
        _, unsubscribe_command = self._buffers.pop(buffer.correlation_id, (None, None))
        self._unsubscribe_on_server(unsubscribe_command, buffer.correlation_id)
        self._on_queued()

    def leave(self, error: RxPumpError) -> list[Request]:
        """Settle all requests with an error, and end all subscriptions on the server."""
        open_requests = {*self._in_flight.values(), *self._retrying, *self._waiting}
        settled = [request for request in open_requests if not request.is_settled]
        for request in settled:
            self._settle(request, error=error)
            if self._take_in_flight(request.correlation_id) is not None:
                self._unsubscribe_on_server(request.operation.unsubscribe_command, request.correlation_id)
        for buffer, _ in tuple(self._buffers.values()):
            buffer.before_end()
            self.unsubscribe(buffer)
            buffer.end(error)
        return sorted(settled, key=lambda request: request.sequence)

    def fail(self, correlation_id: bytes, error: RxPumpError) -> Request | None:
        """Settle the request in flight with this correlation id. Return it, or None if there is none."""
        request = self._take_in_flight(correlation_id)
        return None if request is None else self._settle(request, error=error)

    def tick(self, now: float) -> list[Request]:
        """Queue retries that are due at the time `now`. Fail and return the requests whose deadline has passed."""
        if self._trial_ends is not None and self._trial_ends <= now:
            self._trial_ends = -math.inf
        while (request := self._retrying.pop(now)) is not None:
            if not request.is_settled:
                self._waiting.push(request)
        expired: list[Request] = []
        while (late := self._deadlines.pop(now)) is not None:
            if late.deadline is None and (end := self._end_of_silence(late)) > now:
                self._deadlines.start(late.sequence, late, end)
                continue
            if self._take_in_flight(late.correlation_id) is not None:
                self._unsubscribe_on_server(late.operation.unsubscribe_command, late.correlation_id)
            expired.append(self._settle(late, error=self._timed_out(late)))
        self._drop_settled()
        return expired

    def close(self, error: RxPumpError) -> list[Request]:
        """Settle all requests with an error, and return them."""
        lost = self.disconnected(error)
        waiting = [request for request in self._waiting if not request.is_settled]
        self._waiting.clear()
        return lost + [self._settle(request, error=error) for request in waiting]

    def _count_loss(self, interrupted: Collection[bytes]) -> None:
        """Count the lost connection for each request in flight, and decide which of them can be the cause."""
        suspects = interrupted or (self._repeated if len(self._repeated) == 1 else ())
        for id, request in self._in_flight.items():
            request.losses += 1
            request.blame += id in suspects

    def _take_in_flight(self, correlation_id: bytes) -> Request | None:
        """Remove and return the request in flight with this correlation id, or None if there is none."""
        self._repeated.discard(correlation_id)
        return self._in_flight.pop(correlation_id, None)

    def _deliver(self, package: Package) -> None:
        """Pass a package to the buffer of its subscription. Ignore it if there is none."""
        if package.command in _FINAL_COMMANDS and package.correlation_id in self._leaving:
            self._leaving.remove(package.correlation_id)
            self._on_left()
        buffer, unsubscribe_command = self._buffers.get(package.correlation_id, (None, None))
        if buffer is None:
            return
        buffer.receive(package)
        if buffer.ending is not None:
            del self._buffers[package.correlation_id]
            if package.command not in _FINAL_COMMANDS:
                self._unsubscribe_on_server(unsubscribe_command, package.correlation_id)

    def _unsubscribe_on_server(self, command: Command | None, correlation_id: bytes) -> None:
        if command is not None and self._is_connected:
            self._unanswered.append(encode(command, correlation_id))
            self._leaving.add(correlation_id)

    def _send_request(self, request: Request, now: float) -> bytes:
        self._ids += 1
        request.correlation_id = id = self._id_prefix + self._ids.to_bytes(8, "little")
        request.attempts += 1
        if request.deadline is None and self._settings.timeout is not None:
            self._deadlines.start(request.sequence, request, now + self._settings.timeout)
        self._in_flight[id] = request
        if request.losses:
            self._repeated.add(id)
        operation = request.operation
        return encode(operation.command, id, operation.payload, operation.credentials)

    def _retry_later(self, request: Request, refusal: ServerError, now: float) -> Request | None:
        request.refusal = refusal
        request.losses = request.blame = 0
        if isinstance(refusal, OutcomeUnknown) and not request.operation.repeatable:
            return self._settle(request, error=refusal)
        if isinstance(refusal, (NotHandled, OutcomeUnknown)):
            self.last_refusal = refusal
        request.refusals += 1
        pause = pause_before_retry(request, refusal, self._settings, self._chance)
        if pause is None:
            return self._settle(request, error=last_error(request, refusal, self._settings, self._explain()))
        if request.deadline is None:
            self._deadlines.stop(request.sequence)  # The node has answered, and the deadline was only for its answer.
        self._retrying.push(request, now, pause)
        self._on_queued()  # The next attempt is a new deadline.
        return None

    def _end_of_silence(self, request: Request) -> float:
        """Return the time at which a request without a deadline fails if no further part of it moves."""
        assert self._settings.timeout is not None
        return request.moved_at + self._settings.timeout

    def _timed_out(self, request: Request) -> OperationTimedOut:
        timeout = self._settings.timeout if request.deadline is None else request.deadline.timeout
        assert timeout is not None
        return OperationTimedOut(
            str(request.operation),
            timeout,
            request.attempts,
            request.refusal,
            is_connected=self._is_connected,
            hint=request.operation.silence_hint,
            nodes=self._explain(),
        )

    def _drop_settled(self) -> None:
        """Drop requests that were settled while they waited, to bound memory during a long outage."""
        if len(self._waiting) > 2 * self._open + 64:
            self._waiting.drop_settled()

    def _settle(self, request: Request, value: Any = None, error: RxPumpError | None = None) -> Request:
        self._open -= 1
        self._deadlines.stop(request.sequence)
        request.is_settled = True
        request.value, request.error = value, error
        return request

    def __repr__(self) -> str:
        counts = f"{len(self._in_flight)} in flight, {len(self._waiting)} waiting, {len(self._retrying)} retrying"
        return f"<PendingRequests {counts}>"
