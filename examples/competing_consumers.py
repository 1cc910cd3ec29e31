"""Two consumers of one consumer group share the billing of orders.

    python examples/competing_consumers.py

The server sends each order to one consumer, and again to the other if the first disconnects without acknowledging it.
Orders that cannot be billed are parked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from reactivex import operators as rx

import rxpump
from rxpump import NackAction, NewEvent
from rxpump import operators as ops
from rxpump.server import EmbeddedServer, SqliteStore

ORDERS = 200
GOOD = 196
PARKED = "$persistentsubscription-orders::billing-parked"


async def bill(order: dict[str, int]) -> int:
    """Bill an order. One of 50 has no address, and fails."""
    await asyncio.sleep(0.001)
    if order["n"] % 50 == 49:
        raise ValueError("the order has no address")
    return order["n"]


class Bills:
    """Numbers of the billed orders, by consumer."""

    def __init__(self) -> None:
        self.by: dict[str, set[int]] = {"one": set(), "other": set()}
        self._changed = asyncio.Event()

    def consume(self, client: rxpump.Client, name: str) -> None:
        """Bill up to eight orders at a time. Acknowledge billed orders, and park orders that failed."""
        client.connect_subscription("billing", "orders", buffer_size=16).pipe(
            ops.of_type("OrderPlaced"),
            ops.nack_on_error(NackAction.PARK, ops.json(), ops.map_async(bill), max_concurrent=8),
            ops.ack_each(),
        ).subscribe(lambda order: self._note(name, order))

    def _note(self, name: str, order: int) -> None:
        self.by[name].add(order)
        self._changed.set()

    @property
    def all(self) -> set[int]:
        return self.by["one"] | self.by["other"]

    async def until(self, is_enough: Callable[[], bool]) -> None:
        while not is_enough():
            self._changed.clear()
            await self._changed.wait()


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
        print("one consumer has disconnected before the end:", len(bills.all) < GOOD)
        await bills.until(lambda: len(bills.all) == GOOD)
        print(f"{len(bills.all)} billed by two: {all(bills.by.values())}")
        parked = admin.stream(PARKED).pipe(rx.take(ORDERS - GOOD), ops.json())
        print("parked:", sorted([order["n"] async for order in parked]))


if __name__ == "__main__":
    asyncio.run(main())
