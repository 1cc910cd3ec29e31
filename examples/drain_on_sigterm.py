"""Drain the client on SIGTERM: finish the work in progress and store the checkpoint before the program ends.

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
    """Book an event, which takes 10 ms, and return its number."""
    await asyncio.sleep(0.01)
    return event.number


async def main(folder: str) -> None:
    stop_requested = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop_requested.set)
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
        print("booking; send SIGTERM to stop", flush=True)
        await stop_requested.wait()
        print("drained in time:", await client.drain(timeout=10))
    done = await checkpoint.load()
    print("all delivered events are booked and in the checkpoint:", done is not None and done.number == booked[-1])


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        asyncio.run(main(temporary))
