"""Attempts at one request, and their common time limit.

A request such as an append or a read has a deadline, which can also pass while there is no connection. A request of a
subscription, a publisher or a relay has none; the server must answer each attempt within `Settings.timeout`. If the
server refuses such a request for now, it is repeated as long as the reconnect policy allows. Attempts whose calls the
server ends without a status have one time limit together.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self

from rxpump.errors import OperationTimedOut, RxPumpError, ServerError
from rxpump.grpc.call import Call
from rxpump.grpc.channel import Channel
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.retry_rules import LongWork, delay_after, restarts_time_limit
from rxpump.grpc.silence import SilenceWatch
from rxpump.settings import Settings


class Attempts:
    """Attempts at one request. Use it as `async with attempts:`, in which the request is made.

    Args:
        channel: Connections to the server, which count the request as pending.
        settings: Settings of the client.
        context: Description of the request.
        timeout: Seconds until the deadline; infinite for no deadline. None for a request of a subscription, a
            publisher or a relay.

    Attributes:
        count: Number of attempts that were begun.
        refusal: Last refusal of the server, or None.

    Raises:
        OperationTimedOut: The deadline has passed, or the server did not answer in time.
    """

    __slots__ = (
        "_begun",
        "_channel",
        "_context",
        "_limit",
        "_refusals",
        "_settings",
        "_timeout",
        "count",
        "refusal",
    )

    def __init__(
        self,
        channel: Channel,
        settings: Settings,
        context: CallContext,
        timeout: float | None,
    ) -> None:
        self.count: int = 0
        self.refusal: ServerError | None = None
        self._channel = channel
        self._settings = settings
        self._context = context
        self._timeout = timeout
        self._limit: asyncio.Timeout
        self._begun = 0.0
        self._refusals = 0

    async def __aenter__(self) -> Self:
        has_deadline = self._timeout is not None and self._timeout < math.inf
        self._limit = asyncio.timeout(self._timeout if has_deadline else None)
        await self._limit.__aenter__()
        self._begun = self._channel.begin_request()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError:
            failure = self._timed_out()
            self._channel.end_request(self._context.kind, self._begun, failure)
            raise failure from None
        else:
            self._channel.end_request(self._context.kind, self._begun, error)

    def begin(self) -> None:
        """Count an attempt, and start its time limit if the request has no deadline."""
        self.count += 1
        if self._timeout is None and self._limit.when() is None and self._settings.timeout is not None:
            self._limit.reschedule(asyncio.get_running_loop().time() + self._settings.timeout)

    async def next(self, call: Call, most: int | None = None, *, is_search: bool = False) -> list[bytes]:
        """Wait for the next messages of a call; see `Call.next`.

        The time limit of a request without a deadline begins again whenever bytes of the call arrive or are sent.

        Args:
            call: The call.
            most: Largest number of messages to return; None for all that have arrived.
            is_search: Whether the server searches for events, and can send nothing for a long time. The time limit
                then begins again whenever the connection receives bytes.
        """
        ends_at, seconds = self._limit.when(), self._seconds
        if ends_at is None or seconds is None or (self._timeout is not None and not is_search):
            return await call.next(most)
        watch = SilenceWatch(self._limit, ends_at, seconds, call, is_search=is_search)
        try:
            messages = await call.next(most)
            watch.note_received()
        finally:
            watch.stop()
        return messages

    @property
    def _seconds(self) -> float | None:
        """Seconds of the time limit; None for no limit."""
        return self._settings.timeout if self._timeout is None else self._timeout

    async def wait_after(self, error: RxPumpError) -> None:
        """Wait until the next attempt may begin.

        Args:
            error: Failure of the last attempt.

        Raises:
            RxPumpError: No further attempt is made. It is `error`.
        """
        work = None
        if isinstance(error, ServerError):
            self.refusal = error
            self._refusals += 1
        if self._timeout is None:
            if restarts_time_limit(error):
                self._limit.reschedule(None)
            work = LongWork(self._refusals, self._settings.reconnect, self._channel.explain)
        delay = delay_after(error, self.count, self._settings.retry, self._context, work)
        if delay:
            await asyncio.sleep(delay)

    def _timed_out(self) -> OperationTimedOut:
        timeout = self._seconds
        assert timeout is not None
        return OperationTimedOut(
            self._context.operation,
            timeout,
            self.count,
            self.refusal,
            is_connected=self._channel.is_connected,
            hint=self._context.silence_hint,
            nodes=self._channel.explain(),
        )

    def __repr__(self) -> str:
        return f"<Attempts at {self._context.operation}: {self.count}, last refusal {self.refusal}>"
