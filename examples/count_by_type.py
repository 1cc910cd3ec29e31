"""Count the events of each type in a stream, and resume from a checkpoint.

    python examples/count_by_type.py [FOLDER]

The checkpoint is a file. A second run in the same folder resumes after the last counted event. A real program would
store its counts as well, together with the checkpoint.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.checkpoints import FileCheckpoint


async def count(client: rxpump.Client, checkpoint: FileCheckpoint, events: int) -> Counter[str]:
    """Count the next `events` events after the checkpoint by type."""
    counts: Counter[str] = Counter()

    def note(event: rxpump.Event) -> None:
        counts[event.type] += 1

    done = await checkpoint.load()
    await client.stream("orders", from_event=done.number + 1 if done else 0).pipe(
        rx.take(events),
        rx.do_action(note),
        ops.commit_checkpoint(checkpoint, every=100),
    )
    return counts


async def main(folder: str) -> None:
    checkpoint = FileCheckpoint(Path(folder) / "orders.checkpoint")
    async with rxpump.connect(f"sqlite:///{folder}/orders.db") as client:
        for day in ("monday", "tuesday"):
            placed = [rxpump.NewEvent("OrderPlaced", {"day": day, "order": order}) for order in range(40)]
            await client.publish("orders", [*placed, rxpump.NewEvent("OrderPaid"), rxpump.NewEvent("OrderPaid")])
            print(day, sorted((await count(client, checkpoint, 42)).items()))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else temporary))
