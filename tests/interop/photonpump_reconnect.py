"""photon-pump loses its connection and comes back: at HOST PORT stands a proxy, which cuts when told `cut`.

Says `cut` on a line of its own to have the connection cut.
"""

import asyncio
import sys

from photonpump import NewEvent, connect

HOST, PORT = sys.argv[1], int(sys.argv[2])


async def main():
    async with connect(HOST, PORT) as conn:
        await conn.publish("ponies", [NewEvent("PonyJumped", data={"Height": height}) for height in range(10)])
        subscription = await conn.subscribe_to("ponies")
        print("cut", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

        assert await asyncio.wait_for(conn.ping(), 20) > 0
        assert len(await asyncio.wait_for(conn.get("ponies"), 20)) == 10
        for height in range(10, 100):  # until its subscription is back, what is written passes it by
            await conn.publish_event("ponies", "PonyJumped", body={"Height": height})
            try:
                event = await asyncio.wait_for(subscription.events.anext(), 0.2)
            except TimeoutError:
                continue
            assert event.json()["Height"] <= height
            print("came back")
            return


asyncio.run(main())
