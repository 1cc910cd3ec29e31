"""A checkpoint store whose saves a test can record, delay and let fail."""

from __future__ import annotations

from rxpump.checkpoints import Checkpoint
from tests.operators.sources import Gates


class Store:
    """A store that records every saved number. If it has a gate, each save waits for the gate."""

    def __init__(self, gates: Gates | None = None) -> None:
        self.saved: list[int] = []
        self.checkpoints: list[Checkpoint] = []
        self.failure: Exception | None = None
        self.under_way = 0
        self._gates = gates

    async def load(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    async def save(self, checkpoint: Checkpoint) -> None:
        assert self.under_way == 0, "one at a time"
        self.under_way += 1
        try:
            if self._gates is not None:
                await self._gates(checkpoint.number)
            if self.failure is not None:
                raise self.failure
        finally:
            self.under_way -= 1
        self.saved.append(checkpoint.number)
        self.checkpoints.append(checkpoint)
