"""Write an invoice for each large order to another stream, exactly once, with a relay.

    python examples/relay.py

The relay is stopped twice and started again. No invoice is missing, and none is written twice, because the target
stream itself records how far the relay has come.
"""

from __future__ import annotations

import asyncio
from typing import Any

import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import NewEvent
from rxpump import operators as ops


def is_large(order: Any) -> bool:
    """Return whether the amount of an order is over 100."""
    large: bool = order["amount"] > 100
    return large


def invoice(order: Any) -> NewEvent:
    """Return the invoice for an order."""
    return NewEvent("InvoiceSent", {"order": order["order"], "amount": order["amount"]})


def invoices(orders: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[NewEvent]:
    """Return an Observable of invoices, one for each order over 100."""
    return orders.pipe(ops.json(), rx.filter(is_large), rx.map(invoice))


async def main() -> None:
    async with rxpump.connect("memory://") as client:
        orders = [NewEvent("OrderPlaced", {"order": number, "amount": number % 200}) for number in range(2_000)]
        await client.publish("orders", orders)
        for _ in range(2):
            written = await client.relay("orders", invoices, "invoices", batch_size=100).pipe(rx.take(1))
            print(f"stopped with invoice {written.last_event_number} written")
        async for written in client.relay("orders", invoices, "invoices"):
            if written.last_event_number == 989:
                break
        sent = [invoice["order"] async for invoice in client.iter("invoices").pipe(ops.json())]
        print(f"{len(sent)} invoices, each once and in order: {sent == sorted(set(sent))}")


if __name__ == "__main__":
    asyncio.run(main())
