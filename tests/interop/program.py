"""A program for photon-pump. `test_program.py` runs it with rxpump, after a change of its three imports."""

import asyncio
import sys
import uuid
from typing import Any

from photonpump import connect
from photonpump.exceptions import StreamNotFound
from photonpump.messages import ExpectedVersion, NewEvent, StreamDirection

HOST, PORT = sys.argv[1], int(sys.argv[2])


async def one_event(conn: Any) -> None:
    event_id = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    result = await conn.publish_event(
        "ponies",
        "PonyJumped",
        body={"Pony": "Derpy Hooves", "Height": 10, "Distance": 13},
        id=event_id,
        metadata={"judge": "Applejack"},
        expected_version=ExpectedVersion.StreamMustNotExist,
    )
    event = await conn.get_event("ponies", result.last_event_number)
    print(event.stream, event.event_number, event.type, event.id == event_id)
    print(event.json(), event.metadata)


async def batches(conn: Any) -> None:
    jumps = [NewEvent("PonyJumped", data={"Pony": f"Pony {n}", "Height": n}) for n in range(1, 251)]
    result = await conn.publish("ponies", jumps)
    print(result.first_event_number, result.last_event_number)
    await conn.publish("ponies", [NewEvent("PonySlept")], expected_version=result.last_event_number)


async def slices(conn: Any) -> None:
    first = await conn.get("ponies", max_count=3)
    print([event.json()["Height"] for event in first], first.next_event_number, first.is_end_of_stream)
    second = await conn.get("ponies", from_event=2, max_count=2)
    print(second[0].json()["Height"], len(second), second.last_event_number)
    last = await conn.get("ponies", direction=StreamDirection.Backward, from_event=250, max_count=2)
    print([event.event_number for event in last])


async def iterations(conn: Any) -> None:
    print(sum([1 async for _ in conn.iter("ponies", batch_size=40)]))
    print([event.event_number async for event in conn.iter("ponies", from_event=249)])
    newest_first = [event async for event in conn.iter("ponies", direction=StreamDirection.Backward)]
    print(newest_first[0].event_number, newest_first[0].type, newest_first[-1].event_number)


async def feet_to_meters(jumps: Any) -> Any:
    async for jump in jumps:
        yield jump.json()["Height"] * 0.3048


async def comprehensions(conn: Any) -> None:
    jumps = (event async for event in conn.iter("ponies") if event.type == "PonyJumped")
    meters = [height async for height in feet_to_meters(jumps)]
    print(len(meters), max(meters))


async def many_at_once(conn: Any) -> None:
    events = await asyncio.gather(*(conn.get_event("ponies", number) for number in range(1, 200)))
    print([event.json()["Height"] for event in events] == list(range(1, 200)))


async def everything() -> None:
    async with connect(host=HOST, port=PORT, username="admin", password="changeit") as admin:
        print(len([event async for event in admin.iter_all() if event.stream == "ponies"]))
        newest = await admin.get_all(direction=StreamDirection.Backward, max_count=2)
        print([event.type for event in newest], newest[0].position > newest[1].position)


async def consumer_group() -> None:
    async with connect(host=HOST, port=PORT, username="admin", password="changeit") as admin:
        await admin.create_subscription("judges", "ponies", start_from=245, timeout_ms=10000)
        subscription = await admin.connect_subscription("judges", "ponies")
        judged = []
        async for event in subscription.events:
            judged.append((event.event_number, event.type))
            await subscription.ack(event)
            if event.type == "PonySlept":
                break
        print(judged[0], judged[-1], len(judged))


async def missing_events(conn: Any) -> None:
    try:
        await conn.get("unicorns")
    except StreamNotFound as error:
        print("no", error.stream)


async def main() -> None:
    async with connect(host=HOST, port=PORT, name="ponies") as conn:
        print(await conn.ping() > 0)
        await one_event(conn)
        await batches(conn)
        await slices(conn)
        await iterations(conn)
        await comprehensions(conn)
        await many_at_once(conn)
        await missing_events(conn)
    await everything()
    await consumer_group()
    client = connect(host=HOST, port=PORT)
    await client.connect()
    await client.ping()
    await client.close()


asyncio.run(main())
