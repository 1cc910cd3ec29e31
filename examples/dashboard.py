"""Show running totals of a stream in the terminal, while events are written.

python examples/dashboard.py
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from reactivex import operators as rx
from rich.live import Live

import rxpump
from rxpump import operators as ops


async def sell(client: rxpump.Client, sales: int) -> None:
    """Append an event for each of `sales` sales."""
    for _ in range(sales):
        await client.publish_event("sales", "Sold", {"amount": random.randint(1, 50)})
        await asyncio.sleep(0.005)


def add(total: tuple[int, int], sale: Any) -> tuple[int, int]:
    """Return the totals (number of sales, amount of all) with one sale added."""
    return total[0] + 1, total[1] + sale["amount"]


async def main(sales: int = 200) -> None:
    async with rxpump.connect("memory://") as client:
        totals = client.stream("sales").pipe(
            ops.json(),
            rx.scan(add, (0, 0)),
            rx.take(sales),
        )
        watching = asyncio.ensure_future(show(totals))
        await sell(client, sales)
        await watching


async def show(totals: rxpump.Observable[tuple[int, int]]) -> None:
    with Live("waiting for the first sale", auto_refresh=False) as line:
        async for count, amount in totals:
            line.update(f"{count} sales, {amount} in all, {amount / count:.2f} each", refresh=True)


if __name__ == "__main__":
    asyncio.run(main())
