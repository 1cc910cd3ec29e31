"""Append events, either in a BatchAppend call that many appends share or in a separate Append call.

A BatchAppend call has many appends in flight, and is about twice as fast as a call for each. A large append gets a
separate call, so that small ones do not wait until it is sent. Servers before version 21.6 do not have BatchAppend.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from rxpump.errors import NotSupported
from rxpump.grpc.appends.batch_sender import BatchSender
from rxpump.grpc.appends.first_number import has_repeated_id, with_first_number
from rxpump.grpc.appends.pending_batches import PendingBatch
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.append import append
from rxpump.grpc.calls.batch_append import Batch
from rxpump.model.new_events import NewEvent
from rxpump.model.results import WriteResult
from rxpump.transport import Appender

LARGE_BYTES: Final = 1024 * 1024
"""Size in bytes above which an append gets a separate call."""


class Appends:
    """Appends of a client, with a BatchAppend call for each user."""

    def __init__(self) -> None:
        self._senders: dict[object, BatchSender] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def append(
        self, caller: Caller, stream: str, events: Sequence[NewEvent], expected_version: int
    ) -> WriteResult:
        """Append events to a stream as one atomic write.

        Args:
            caller: Makes calls with the credentials of the user.
            stream: Name of the stream.
            events: The events.
            expected_version: Version that the stream must have.
        """
        batch = Batch(stream, events, expected_version, caller.login)
        result = None
        if len(batch.content) <= LARGE_BYTES:
            sender = self.sender(caller)
            with suppress(NotSupported):  # Append works on every server.
                result = await sender.result(sender.begin(batch, caller.timeout))
        if result is None:
            result = await caller.request(append(stream, events, expected_version))
        if has_repeated_id(events, expected_version):
            return await with_first_number(caller, result, events)
        return result

    def sender(self, caller: Caller) -> BatchSender:
        """Return the sender of batches of a user."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # The senders belong to the event loop of an earlier connection.
            self._senders.clear()
            self._loop = loop
        key = caller.metadata
        sender = self._senders.get(key)
        if sender is None:
            self._senders = {user: each for user, each in self._senders.items() if not each.is_idle}
            sender = self._senders[key] = BatchSender(caller)
        return sender

    def __repr__(self) -> str:
        return f"<Appends {list(self._senders.values())!r}>"


class GrpcAppender(Appender):
    """Appends to one stream in the order of the calls.

    A server executes the batches of one BatchAppend call in order. A separate Append call is made when all earlier
    appends are completed, and later appends begin when it is completed.

    Args:
        appends: Appends of the client.
        caller: Makes calls with the credentials of the user.
        stream: Name of the stream.
    """

    def __init__(self, appends: Appends, caller: Caller, stream: str) -> None:
        self._appends = appends
        self._caller = caller
        self._stream = stream
        self._turn = asyncio.Lock()  # tasks acquire it in the order in which they wait for it
        self._in_flight: set[PendingBatch] = set()
        self._has_batches = True

    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events as one atomic write, after the events of all earlier calls of this method."""
        result = await self._append(events, expected_version)
        if has_repeated_id(events, expected_version):
            return await with_first_number(self._caller, result, events)
        return result

    async def _append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        batch = Batch(self._stream, events, expected_version, self._caller.login)
        if len(batch.content) <= LARGE_BYTES and self._has_batches:
            try:
                return await self._append_batch(batch)
            except NotSupported:
                self._has_batches = False
        async with self._turn:
            await self._settled()
            return await self._caller.request(append(self._stream, events, expected_version))

    async def _append_batch(self, batch: Batch) -> WriteResult:
        sender = self._appends.sender(self._caller)
        async with self._turn:
            pending = sender.begin(batch, self._caller.timeout)
            self._in_flight.add(pending)
        try:
            return await sender.result(pending)
        finally:
            self._in_flight.discard(pending)

    async def _settled(self) -> None:
        """Wait until the server has replied to the batches in flight."""
        if futures := [pending.owner for pending in self._in_flight]:
            await asyncio.wait(futures)

    def close(self) -> None:
        """Do nothing, because the BatchAppend call is shared by all appends of the user."""

    def __repr__(self) -> str:
        return f"<GrpcAppender to {self._stream!r}, {len(self._in_flight)} in flight>"
