"""Two streams as one: plain reactivex merges them, and the slow end of the pipe holds both.

python examples/merge.py
"""

from __future__ import annotations

import asyncio

import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import NewEvent


def change(event: rxpump.Event) -> int:
    """Tell what an event does to the balance."""
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
