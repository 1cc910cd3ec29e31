"""A consumer group with one consumer, whose deliveries pass through operators."""

from __future__ import annotations

from typing import Any

from rxpump.streams.persistent import Deliveries
from tests.operators.sources import Seen, settle
from tests.streams.fake_group import FakeConnection, FakeGroup, passed


class Group(FakeGroup):
    """A group with one consumer. `seen` records the results of its pipeline."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self.subscription: Any = None
        self.deliveries: Deliveries = self.consume(buffer_size=1000)

    async def run(self, *operators: Any) -> FakeConnection:
        """Consume, and apply these operators."""
        self.subscription = self.seen.of(self.deliveries.pipe(*operators))
        return await self.connected()


async def acked(connection: FakeConnection) -> list[int]:
    await settle()
    await passed()
    return connection.acked
