"""Test that photon-pump reconnects through a proxy at HOST PORT.

The program prints the line `cut` when the proxy must cut the connection, and continues after a line on stdin.
"""

import asyncio
import sys
from typing import Any

from photonpump import NewEvent, connect

HOST, PORT = sys.argv[1], int(sys.argv[2])
HEIGHTS = range(10)


async def main() -> None:
    async with connect(HOST, PORT, username="admin", password="changeit") as conn:
        await conn.publish("ponies", [NewEvent("PonyJumped", data={"Height": height}) for height in HEIGHTS])
        subscription = await conn.subscribe_to("ponies")
        await conn.create_subscription("judges", "ponies", start_from=0)
        consumer = await conn.connect_subscription("judges", "ponies")
        acked = await ack_until(consumer, 2)
        print("cut", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

        assert await asyncio.wait_for(conn.ping(), 20) > 0
        assert len(await asyncio.wait_for(conn.get("ponies"), 20)) == 10
        await wait_for_an_event(conn, subscription)
        acked += await asyncio.wait_for(ack_until(consumer, 10), 20)
        assert set(acked) >= set(HEIGHTS), acked  # Events can be delivered twice.
        print("came back")


async def ack_until(consumer: Any, number: int) -> Any:
    """Acknowledge events up to the one with this number. Return the numbers."""
    acked = []
    async for event in consumer.events:
        await consumer.ack(event)
        acked.append(event.event_number)
        if event.event_number == number:
            return acked


async def wait_for_an_event(conn: Any, subscription: Any) -> None:
    """Publish events until the subscription delivers one. It misses events that are published while it reconnects."""
    for height in range(10, 100):
        await conn.publish_event("ponies", "PonyJumped", body={"Height": height})
        try:
            event = await asyncio.wait_for(subscription.events.anext(), 0.2)
        except TimeoutError:
            continue
        assert event.json()["Height"] <= height
        return
    raise AssertionError("the subscription did not come back")


asyncio.run(main())
