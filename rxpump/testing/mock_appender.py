"""Appends to one stream of a mock transport that keep their order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rxpump.model.new_events import NewEvent
from rxpump.model.results import WriteResult
from rxpump.transport import Appender, Transport


class MockAppender(Appender):
    """Appends in the order of the calls: one append begins when the one before it has ended."""

    def __init__(self, transport: Transport, stream: str) -> None:
        self._transport = transport
        self._stream = stream
        self._turn = asyncio.Lock()  # tasks acquire it in the order of their calls

    async def append(self, events: Sequence[NewEvent], expected_version: int) -> WriteResult:
        """Append events."""
        async with self._turn:
            return await self._transport.append(self._stream, events, expected_version)

    def close(self) -> None:
        """Do nothing, because an appender has no resources."""
