"""Programs that write while a test watches the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import rxpump
from tests.browser.harness import Site

BATCHES_PER_SECOND = 20
TYPES = ("OrderPlaced", "OrderPaid", "OrderShipped", "InvoiceSent", "StockReserved")


@asynccontextmanager
async def publishing(site: Site, per_second: int, stream: str = "orders") -> AsyncIterator[None]:
    """Write events of five types during the block."""

    async def run() -> None:
        number = 0
        while True:
            count = max(1, per_second // BATCHES_PER_SECOND)
            events = [rxpump.NewEvent(TYPES[n % len(TYPES)], {"order": n}) for n in range(number, number + count)]
            await site.client.publish(stream, events)
            number += count
            await asyncio.sleep(count / per_second)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write_large(site: Site, stream: str, count: int, size: int) -> None:
    """Write events whose data have `size` bytes."""
    for start in range(0, count, 50):
        numbers = range(start, min(start + 50, count))
        await site.client.publish(stream, [rxpump.NewEvent("Large", {"n": n, "fill": "x" * size}) for n in numbers])
