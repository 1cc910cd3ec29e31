"""Test that photon-pump finds the leader of a cluster by the gossip at HOST PORT, and the next leader after its loss.

The program prints the line `kill` when the leader must be lost, and continues after a line on stdin.
"""

import asyncio
import sys
from typing import Any

from photonpump import connect
from photonpump.discovery import prefer_master
from photonpump.messages import ExpectedVersion, NewEvent

HOST, PORT = sys.argv[1], int(sys.argv[2])


async def main() -> None:
    async with connect(
        discovery_host=HOST, discovery_port=PORT, selector=prefer_master, username="admin", password="changeit"
    ) as conn:
        first = NewEvent("PonyJumped", data={"Height": 1})
        await conn.publish("ponies", [first], expected_version=ExpectedVersion.StreamMustNotExist)
        print("kill", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        await publish_until_it_succeeds(conn, NewEvent("PonyJumped", data={"Height": 2}))
        assert [event.json()["Height"] for event in await asyncio.wait_for(conn.get("ponies"), 20)] == [1, 2]
        print("found the next leader")


async def publish_until_it_succeeds(conn: Any, event: Any) -> None:
    """Publish an event repeatedly with the same id, because photon-pump waits forever for a reply that was lost."""
    for _ in range(20):
        try:
            await asyncio.wait_for(conn.publish("ponies", [event], expected_version=0), 2)
        except TimeoutError:
            continue
        return
    raise AssertionError("no leader was found")


asyncio.run(main())
