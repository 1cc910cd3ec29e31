"""Programs that write while a test watches the page."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import rxpump
from tests.browser.harness import Site

BATCHES_PER_SECOND = 20
TYPES = ("OrderPlaced", "OrderPaid", "OrderShipped", "InvoiceSent", "StockReserved")


@asynccontextmanager
async def publishing(site: Site, per_second: int, stream: str = "orders") -> AsyncIterator[None]:
    """Write events of five types during the block."""

    async def run() -> None:
        size = max(1, per_second // BATCHES_PER_SECOND)
        start = time.monotonic()
        for first in count(0, size):
            events = [rxpump.NewEvent(TYPES[n % len(TYPES)], {"order": n}) for n in range(first, first + size)]
            await site.client.publish(stream, events)
            await asyncio.sleep(start + (first + size) / per_second - time.monotonic())

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def trading(site: Site) -> AsyncIterator[None]:
    """Write events of orders at irregular times during the block, about ten in a second, the same in each run."""

    async def run() -> None:
        chance = random.Random(7)
        for number in count(1050):
            type = chance.choices(TYPES, weights=(6, 4, 3, 2, 5))[0]
            order = {"order": number, "items": chance.randint(1, 5), "total": chance.randint(8, 240)}
            await site.client.publish(f"order-{number % 7 + 1040}", [rxpump.NewEvent(type, order)])
            await asyncio.sleep(chance.expovariate(12))

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write_large(site: Site, stream: str, number: int, size: int) -> None:
    """Write events whose data have `size` bytes."""
    for start in range(0, number, 50):
        numbers = range(start, min(start + 50, number))
        await site.client.publish(stream, [rxpump.NewEvent("Large", {"n": n, "fill": "x" * size}) for n in numbers])
