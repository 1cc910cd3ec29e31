"""Stopping well: on SIGTERM take nothing more in, finish what is under way, commit, and only then go.

python examples/drain_on_sigterm.py & sleep 2; kill %1
"""

from __future__ import annotations

import asyncio
import signal
from tempfile import TemporaryDirectory

import rxpump
from rxpump import NewEvent
from rxpump import operators as ops
from rxpump.checkpoints import FileCheckpoint


async def book(event: rxpump.Event) -> int:
    """Take some time over an event."""
    await asyncio.sleep(0.01)
    return event.number


async def main(folder: str) -> None:
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    checkpoint = FileCheckpoint(f"{folder}/booked")
    booked: list[int] = []
    is_booking = asyncio.Event()

    def note(number: int) -> None:
        booked.append(number)
        is_booking.set()

    async with rxpump.connect("memory://") as client:
        await client.publish("orders", [NewEvent("OrderPlaced", {"n": n}) for n in range(100_000)])
        client.stream("orders").pipe(ops.map_async(book, 8), ops.commit_checkpoint(checkpoint)).subscribe(
            note, on_completed=lambda: print("the subscription has completed")
        )
        await is_booking.wait()
        print("booking; kill me", flush=True)
        await told_to_stop.wait()
        print("drained in time:", await client.drain(timeout=10))
    done = await checkpoint.load()
    print("every event taken in is booked and committed:", done is not None and done.number == booked[-1])


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(temporary))
