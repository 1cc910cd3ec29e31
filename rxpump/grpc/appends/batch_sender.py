"""The BatchAppend call of one user, which is opened when there are batches, and opened again when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import CallInterrupted, ClientClosed, RxPumpError
from rxpump.grpc.appends.pending_batches import PendingBatch, PendingBatches
from rxpump.grpc.call import SEND_AHEAD_BYTES, Call
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.batch_append import Batch
from rxpump.grpc.calls.operation import parse
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import streams
from rxpump.model.results import WriteResult
from rxpump.network.earliest_timer import EarliestTimer
from rxpump.transport.deadline import Deadline

IDLE_SECONDS: Final = 10.0
"""Seconds without batches after which the call is cancelled, because a connection allows only about 100 calls."""

SEND_AT: Final = 32
"""Number of batches that are sent before the end of an iteration of the event loop, so that the server already works
on them while the client makes more."""

_CONTEXT: Final = CallContext(streams.BATCH_APPEND, "write to", Effect.WRITE)
_KIND: Final = _CONTEXT.kind


class BatchSender:
    """Appends batches of one user by one BatchAppend call.

    Args:
        caller: Makes calls with the credentials of the user.
    """

    def __init__(self, caller: Caller) -> None:
        settings = caller.settings
        self._loop = asyncio.get_running_loop()
        self._caller = caller
        self._tasks = BackgroundTasks(f"{settings.name} appends")
        self._pending = PendingBatches(
            settings.retry, settings.timeout, settings.max_in_flight, settings.reconnect, caller.channel.explain
        )
        self._call: Call | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._is_send_due = False
        self._begun = 0  # batches that were begun after the last call of `_send`
        self._malformed: RxPumpError | None = None
        self._timer = EarliestTimer(self._on_timer)
        self._idle: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is no call and no batch."""
        return self._keeper is None or self._keeper.done()

    def begin(self, batch: Batch, timeout: float | None) -> PendingBatch:
        """Begin to append a batch. The server executes the batches in the order of the calls of this method.

        Args:
            batch: The batch.
            timeout: Seconds until the deadline of the append; None for a batch of a publisher or a relay.

        Returns:
            The batch, to pass to `result`.
        """
        deadline = None if timeout is None else Deadline(timeout, self._loop.time())
        pending = self._pending.submit(batch, self._loop.create_future(), deadline)
        if self.is_idle:
            self._keeper = self._tasks.start(self._keep_open(), "append batches")
        self._begun += 1
        if len(self._pending) == 1 or self._begun >= SEND_AT:
            self._send()  # No other batch can join these, or they are enough.
        elif not self._is_send_due:
            self._is_send_due = True
            self._loop.call_soon(self._send_if_due)
        return pending

    async def result(self, pending: PendingBatch) -> WriteResult:
        """Wait for the result of a batch. Cancellation withdraws the batch.

        Raises:
            NotSupported: The server does not have BatchAppend.
            RxPumpError: The append failed.
        """
        channel = self._caller.channel
        begun = channel.begin_request()
        try:
            result: WriteResult = await pending.owner
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                self._pending.withdraw(pending)
                self._note_idle()
            channel.end_request(_KIND, begun, error)
            raise
        channel.end_request(_KIND, begun)
        return result

    async def _keep_open(self) -> None:
        """Keep a call open until no batch is pending for some time."""
        loop = self._loop
        ending: RxPumpError = ClientClosed(self._caller.channel.address, "the client was closed")
        try:
            while len(self._pending):
                # A server that refused the last call would refuse the next one, too.
                await asyncio.sleep(self._pending.pause_left(loop.time()))
                call = await self._caller.open(_CONTEXT, ends_on_goaway=True)
                error = await self._serve(call)
                _settle(*self._pending.ended(error, loop.time(), is_suspect=call.is_suspect))
                if isinstance(error, ClientClosed):
                    raise error
                self._timer.set(self._pending.deadline)
        except RxPumpError as error:
            ending = error
        finally:
            self._cancel_timers()
            _settle(*self._pending.close(ending))

    async def _serve(self, call: Call) -> RxPumpError:
        """Send batches and receive responses until the call ends. Return the reason."""
        self._call = call
        self._malformed = None
        self._pending.opened()
        self._note_idle()
        self._send()
        call.on_messages = partial(self._receive, call)
        try:
            while encoded := await call.next():
                self._receive(call, encoded)
            ending: RxPumpError = CallInterrupted(
                call.context.address, "the server ended the call", call.context.operation
            )
        except RxPumpError as error:
            ending = error
        finally:
            self._call = None
            call.cancel()
        return self._malformed or ending

    def _receive(self, call: Call, encoded: Sequence[bytes]) -> None:
        """Pass responses to the callers of their batches, and send batches that had to wait for these responses.

        A response that cannot be parsed ends the call.
        """
        now = self._loop.time()
        try:
            for message in encoded:
                settled = self._pending.receive(parse(_CONTEXT, streams.BatchAppendResponse, message), now)
                if settled is not None:
                    _settle(settled)
        except RxPumpError as error:
            self._malformed = error
            call.cancel()
            return
        self._note_idle()
        if self._pending.is_paused:  # The node has refused a batch for now, or did not commit it in time.
            call.note_refusal()
        if self._pending.has_waiting:
            self._send()

    def _send(self) -> None:
        """Send the waiting batches, as far as the limits on batches in flight and on pending bytes allow."""
        self._is_send_due = False
        self._begun = 0
        call = self._call
        if call is not None and self._draining is None:
            room = SEND_AHEAD_BYTES - call.pending_bytes
            requests = self._pending.take(self._loop.time(), room)
            if requests:
                call.send_now(requests)
            if self._pending.has_waiting and call.pending_bytes >= SEND_AHEAD_BYTES:
                self._draining = self._tasks.start(self._resume(call), "wait for the server to read")
        self._timer.set(self._pending.deadline)

    def _send_if_due(self) -> None:
        """Send all batches of one iteration of the event loop together, unless they were sent sooner."""
        if self._is_send_due:
            self._send()

    async def _resume(self, call: Call) -> None:
        """Wait until few bytes of the call are pending, then send more batches."""
        try:
            await call.drain()
        finally:
            self._draining = None
        self._send()

    def _on_timer(self) -> None:
        _settle(*self._pending.tick(self._loop.time()))
        self._note_idle()
        if self._pending.is_silent and self._call is not None and not self._call.pending_bytes:
            self._end_call(self._call)
        self._send()

    def _note_idle(self) -> None:
        """Start the timer that cancels the call after IDLE_SECONDS, if no batch is pending now."""
        if self._idle is None and self._call is not None and not len(self._pending):
            self._idle = self._loop.call_later(IDLE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        self._idle = None
        call = self._call
        if call is not None and not len(self._pending):
            self._end_call(call)

    def _end_call(self, call: Call) -> None:
        """Cancel the call. Batches that are submitted from now on are sent in the next call."""
        self._call = None
        call.cancel()

    def _cancel_timers(self) -> None:
        self._timer.cancel()
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def __repr__(self) -> str:
        return f"<BatchSender of {self._caller.login}, {self._pending!r}>"


def _settle(*settled: PendingBatch) -> None:
    """Pass results and errors to the callers of batches."""
    for pending in settled:
        future: asyncio.Future[WriteResult] = pending.owner
        if future.done():
            continue
        if pending.error is not None:
            future.set_exception(pending.error)
        elif pending.result is not None:
            future.set_result(pending.result)
