"""Work shared among consumers, each order done at least once: a persistent subscription with two of them.

Both connect to one consumer group. The server gives each what it has room for, remembers what is done, gives what a
consumer that was cut off had not acknowledged to the other, and puts aside what nobody can do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import rxpump
from rxpump import NackAction, NewEvent
from rxpump import operators as ops
from rxpump.server import EmbeddedServer, SqliteStore

ORDERS = 200
GOOD = 196
PARKED = "$persistentsubscription-orders::billing-parked"


async def bill(order: dict[str, int]) -> int:
    """Take some time over an order; some cannot be billed."""
    await asyncio.sleep(0.001)
    if order["n"] % 50 == 49:
        raise ValueError("there is no address")
    return order["n"]


class Bills:
    """Who billed what."""

    def __init__(self) -> None:
        self.by: dict[str, set[int]] = {"one": set(), "other": set()}
        self._news = asyncio.Event()

    def consume(self, client: rxpump.Client, name: str) -> None:
        """Bill eight orders at a time; what fails is parked, what is done acknowledged."""
        client.connect_subscription("billing", "orders", buffer_size=16).pipe(
            ops.of_type("OrderPlaced"),
            ops.nack_on_error(NackAction.PARK, ops.json(), ops.map_async(bill), max_concurrent=8),
            ops.ack_each(),
        ).subscribe(lambda order: self._note(name, order))

    def _note(self, name: str, order: int) -> None:
        self.by[name].add(order)
        self._news.set()

    @property
    def all(self) -> set[int]:
        return self.by["one"] | self.by["other"]

    async def until(self, is_enough: Callable[[], bool]) -> None:
        while not is_enough():
            self._news.clear()
            await self._news.wait()


async def main() -> None:
    bills = Bills()
    async with (
        EmbeddedServer(SqliteStore.in_memory()) as server,
        rxpump.connect(server.uri, username="admin", password="changeit") as admin,
        rxpump.connect(server.uri) as one,
    ):
        await admin.create_subscription("billing", "orders", start_from=0)
        await admin.publish("orders", [NewEvent("OrderPlaced", {"n": n}) for n in range(ORDERS)])
        bills.consume(one, "one")
        async with rxpump.connect(server.uri) as other:
            bills.consume(other, "other")
            await bills.until(lambda: len(bills.by["other"]) >= 30)
        print("one consumer is drained and gone:", len(bills.all) < GOOD)
        await bills.until(lambda: len(bills.all) == GOOD)
        print(f"{len(bills.all)} billed by two: {all(bills.by.values())}")
        print("parked:", sorted([event.json()["n"] async for event in admin.iter(PARKED)]))


if __name__ == "__main__":
    asyncio.run(main())
