"""photon-pump loses its connection and comes back: at HOST PORT stands a proxy, which cuts when told `cut`.

Says `cut` on a line of its own to have the connection cut.
"""

import asyncio
import sys

from photonpump import NewEvent, connect

HOST, PORT = sys.argv[1], int(sys.argv[2])
HEIGHTS = range(10)


async def main():
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
        await hear_of_what_is_written(conn, subscription)
        acked += await asyncio.wait_for(ack_until(consumer, 10), 20)
        assert set(acked) >= set(HEIGHTS), acked  # some may have come twice
        print("came back")


async def ack_until(consumer, number):
    """Acknowledge what comes up to the event of this number, and give the numbers."""
    acked = []
    async for event in consumer.events:
        await consumer.ack(event)
        acked.append(event.event_number)
        if event.event_number == number:
            return acked


async def hear_of_what_is_written(conn, subscription):
    """Write until the subscription tells of it; before it is back, what is written passes it by."""
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
