"""Merge two streams with an operator of reactivex. A slow consumer of the result pauses both.

python examples/merge.py
"""

from __future__ import annotations

import asyncio

import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import NewEvent


def change(event: rxpump.Event) -> int:
    """Return the amount by which an event changes the balance."""
    amount: int = event.json()["amount"]
    return amount if event.type == "Deposited" else -amount


async def main() -> None:
    async with rxpump.connect("memory://") as client:
        await client.publish("deposits", [NewEvent("Deposited", {"amount": amount}) for amount in (50, 70, 30)])
        await client.publish("withdrawals", [NewEvent("Withdrawn", {"amount": amount}) for amount in (20, 40)])

        both = reactivex.merge(client.iter("deposits"), client.iter("withdrawals"))
        balance = both.pipe(rx.map(change), rx.sum())
        print("balance:", await balance)


if __name__ == "__main__":
    asyncio.run(main())
