"""Check the methods of photon-pump against the server at HOST PORT and HTTP_PORT.

The program runs in an environment without rxpump. Each function checks one behavior that users of photon-pump rely
on. The first failure ends the program with a traceback.
"""

import asyncio
import sys
import uuid
from contextlib import contextmanager
from typing import Any

from photonpump import (
    AccessDenied,
    EventNotFound,
    ExpectedVersion,
    NewEvent,
    StreamDirection,
    StreamNotFound,
    connect,
)
from photonpump.exceptions import SubscriptionCreationFailed

HOST, PORT, HTTP_PORT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
WRONG_EXPECTED_VERSION = 4
HEIGHTS = list(range(250))
CHECKS: list[Any] = []


def check(function: Any) -> Any:
    CHECKS.append(function)
    return function


@contextmanager
def refused(error: type[Exception]) -> Any:
    try:
        yield
    except error:
        return
    raise AssertionError(f"there was no {error.__name__}")


def new_stream() -> Any:
    return f"ponies-{uuid.uuid4().hex}"


def jump(height: int) -> Any:
    return NewEvent("PonyJumped", data={"Pony": "Derpy Hooves", "Height": height})


async def stream_of_jumps(conn: Any) -> Any:
    """Publish a stream with more events than a page, and return its name."""
    stream = new_stream()
    await conn.publish(stream, [jump(height) for height in HEIGHTS])
    return stream


@check
async def connect_by_hand(_: Any) -> None:
    client = connect(HOST, PORT)
    await client.connect()
    assert await client.ping() > 0
    await client.close()


@check
async def find_the_server_by_gossip(_: Any) -> None:
    async with connect(discovery_host=HOST, discovery_port=HTTP_PORT) as found:
        assert await found.ping() > 0


@check
async def ping(conn: Any) -> None:
    assert 0 < await conn.ping() < 10


@check
async def many_pings_at_once(conn: Any) -> None:
    assert all(await asyncio.gather(*(conn.ping() for _ in range(100))))


@check
async def publish_event_and_get_event(conn: Any) -> None:
    stream, event_id = new_stream(), uuid.uuid4()
    body = {"Pony": "Derpy Hooves", "Height": 10, "Distance": 13}
    result = await conn.publish_event(stream, "PonyJumped", body=body, id=event_id, metadata={"by": "hand"})
    event = await conn.get_event(stream, result.last_event_number)
    assert event.json() == body
    assert event.id == event_id
    assert (event.type, event.stream, event.event_number) == ("PonyJumped", stream, 0)
    assert event.metadata == b'{"by": "hand"}'


@check
async def publish_batch(conn: Any) -> None:
    stream = new_stream()
    result = await conn.publish(stream, [jump(9), jump(12), jump(11)])
    assert (result.first_event_number, result.last_event_number) == (0, 2)
    assert [event.json()["Height"] for event in await conn.get(stream)] == [9, 12, 11]


@check
async def publish_twice_is_once(conn: Any) -> None:
    stream, events = new_stream(), [jump(1), jump(2)]
    first = await conn.publish(stream, events, expected_version=ExpectedVersion.StreamMustNotExist)
    again = await conn.publish(stream, events, expected_version=ExpectedVersion.StreamMustNotExist)
    assert (
        (again.first_event_number, again.last_event_number)
        == (0, 1)
        == (
            first.first_event_number,
            first.last_event_number,
        )
    )
    assert len(await conn.get(stream)) == 2


@check
async def publish_with_a_wrong_version(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    result = await conn.publish_event(stream, "PonyJumped", expected_version=3)
    assert result.result == WRONG_EXPECTED_VERSION


@check
async def get_a_slice_forward(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    events = await conn.get(stream, from_event=7, max_count=3)
    assert [event.event_number for event in events] == [7, 8, 9]
    assert (events.next_event_number, events.last_event_number) == (10, HEIGHTS[-1])
    assert not events.is_end_of_stream


@check
async def get_a_slice_backward(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    events = await conn.get(stream, direction=StreamDirection.Backward, from_event=5, max_count=10)
    assert [event.event_number for event in events] == [5, 4, 3, 2, 1, 0]
    assert events.is_end_of_stream


@check
async def iter_forward(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    assert [event.json()["Height"] async for event in conn.iter(stream)] == HEIGHTS


@check
async def iter_backward(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    numbers = [event.event_number async for event in conn.iter(stream, direction=StreamDirection.Backward)]
    assert numbers == HEIGHTS[::-1]


@check
async def iter_from_the_middle(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    numbers = [event.event_number async for event in conn.iter(stream, from_event=100, batch_size=33)]
    assert numbers == HEIGHTS[100:]


@check
async def async_comprehension_over_iter(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    await conn.publish_event(stream, "PonySlept", body={})
    jumps = (event.json() async for event in conn.iter(stream) if event.type == "PonyJumped")
    assert [jump["Height"] * 0.3048 async for jump in jumps] == [height * 0.3048 for height in HEIGHTS]


@check
async def iter_resolves_links(conn: Any) -> None:
    stream, links = await stream_of_jumps(conn), new_stream()
    await conn.publish(links, [NewEvent("$>", data=f"{number}@{stream}") for number in (3, 1)])
    events = [event async for event in conn.iter(links)]
    assert [(event.stream, event.json()["Height"]) for event in events] == [(stream, 3), (stream, 1)]
    assert [event.received_event.stream for event in events] == [links, links]


@check
async def a_missing_stream(conn: Any) -> None:
    with refused(StreamNotFound):
        await conn.get(new_stream())
    with refused(StreamNotFound):
        await conn.get_event(new_stream(), 0)


@check
async def a_missing_event(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    with refused(EventNotFound):
        await conn.get_event(stream, 1000)


@check
async def everything_is_for_admins(conn: Any) -> None:
    with refused(AccessDenied):
        await conn.get_all()


@check
async def get_all_as_admin(_: Any) -> None:
    async with connect(HOST, PORT, username="admin", password="changeit") as admin:
        stream = await stream_of_jumps(admin)
        newest = await admin.get_all(direction=StreamDirection.Backward, max_count=5)
        assert [event.event_number for event in newest if event.stream == stream] == HEIGHTS[:-6:-1]
        assert len(await admin.get_all(max_count=10)) == 10


@check
async def iter_all_as_admin(_: Any) -> None:
    async with connect(HOST, PORT, username="admin", password="changeit") as admin:
        stream = await stream_of_jumps(admin)
        forward = [event.event_number async for event in admin.iter_all() if event.stream == stream]
        assert forward == HEIGHTS
        backward = admin.iter_all(direction=StreamDirection.Backward, batch_size=64)
        assert [event.event_number async for event in backward if event.stream == stream] == HEIGHTS[::-1]


async def take(subscription: Any, count: int) -> Any:
    """Return the next `count` events of a subscription."""
    events = []
    async for event in subscription.events:
        events.append(event)
        if len(events) == count:
            return events


@check
async def subscribe_from_the_end(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    async with await conn.subscribe_to(stream) as subscription:
        await conn.publish(stream, [jump(1), jump(2)])
        await conn.publish(stream, [jump(3)])
        assert [event.event_number for event in await take(subscription, 3)] == [250, 251, 252]


@check
async def subscribe_from_the_start_while_another_writes(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    async with connect(HOST, PORT) as writer:
        subscription = await conn.subscribe_to(stream, start_from=0, batch_size=64)
        for height in range(50):
            await writer.publish(stream, [jump(height)] * 2)
    events = await take(subscription, len(HEIGHTS) + 100)
    assert [event.event_number for event in events] == list(range(len(HEIGHTS) + 100))
    await subscription.unsubscribe()


@check
async def subscribe_from_the_middle(conn: Any) -> None:
    stream = await stream_of_jumps(conn)
    async with await conn.subscribe_to(stream, start_from=200) as subscription:
        assert [event.event_number for event in await take(subscription, 50)] == HEIGHTS[200:]


@check
async def subscribe_to_links(conn: Any) -> None:
    stream, links = await stream_of_jumps(conn), new_stream()
    async with await conn.subscribe_to(links) as subscription:
        await conn.publish(links, [NewEvent("$>", data=f"7@{stream}")])
        [event] = await take(subscription, 1)
    assert (event.stream, event.json()["Height"], event.received_event.stream) == (stream, 7, links)


@check
async def subscribe_where_one_may_not_read(conn: Any) -> None:
    with refused(SubscriptionCreationFailed):
        await conn.subscribe_to("$users")


async def acked(subscription: Any, count: int) -> Any:
    """Return the next `count` events of a group. Each is acknowledged before the next one is read."""
    events = []
    async for event in subscription.events:
        events.append(event)
        await subscription.ack(event)
        if len(events) == count:
            return events


def as_admin() -> Any:
    return connect(HOST, PORT, username="admin", password="changeit")


@check
async def consume_in_a_group_and_come_back_later(_: Any) -> None:
    async with as_admin() as admin:
        stream = await stream_of_jumps(admin)
        await admin.create_subscription("judges", stream, start_from=0)
        subscription = await admin.connect_subscription("judges", stream)
        events = await acked(subscription, len(HEIGHTS))
        assert [event.json()["Height"] for event in events] == HEIGHTS
        await admin.publish_event(stream, "PonySlept", body={})
        [event] = await acked(subscription, 1)
        assert event.type == "PonySlept"
        await admin.ping()  # The server receives acknowledgements in order.
    async with as_admin() as admin:
        subscription = await admin.connect_subscription("judges", stream)
        await admin.publish_event(stream, "PonyWoke", body={})
        [event] = await acked(subscription, 1)
        assert event.type == "PonyWoke"


@check
async def what_is_not_acked_goes_to_another_consumer(_: Any) -> None:
    async with as_admin() as admin:
        stream = await stream_of_jumps(admin)
        await admin.create_subscription("judges", stream, start_from=0)
        async with as_admin() as leaving:
            first = await take(await leaving.connect_subscription("judges", stream), 10)
        events = await acked(await admin.connect_subscription("judges", stream), len(HEIGHTS))
        assert [event.id for event in events[:10]] == [event.id for event in first]
        assert [event.event_number for event in events] == HEIGHTS


@check
async def consume_in_a_group_what_is_written_from_now_on(_: Any) -> None:
    async with as_admin() as admin:
        stream = await stream_of_jumps(admin)
        await admin.create_subscription("judges", stream)
        subscription = await admin.connect_subscription("judges", stream)
        await admin.publish(stream, [jump(1), jump(2)])
        assert [event.event_number for event in await acked(subscription, 2)] == [250, 251]


@check
async def consume_links_in_a_group(_: Any) -> None:
    async with as_admin() as admin:
        stream, links = await stream_of_jumps(admin), new_stream()
        await admin.publish(links, [NewEvent("$>", data=f"{number}@{stream}") for number in HEIGHTS[:25]])
        await admin.create_subscription("judges", links, start_from=0)
        events = await acked(await admin.connect_subscription("judges", links), 25)
        assert [event.json()["Height"] for event in events] == HEIGHTS[:25]
        assert {event.received_event.stream for event in events} == {links}


@check
async def two_consumers_in_a_group(_: Any) -> None:
    async with as_admin() as admin, as_admin() as another:
        stream = new_stream()
        await admin.create_subscription("judges", stream)
        one = await admin.connect_subscription("judges", stream)
        other = await another.connect_subscription("judges", stream)
        await admin.publish(stream, [jump(height) for height in range(10)])
        events = [*await acked(one, 5), *await acked(other, 5)]
        assert sorted(event.event_number for event in events) == list(range(10))


@check
async def a_group_that_is_there_already(_: Any) -> None:
    async with as_admin() as admin:
        stream = new_stream()
        await admin.create_subscription("judges", stream)
        with refused(SubscriptionCreationFailed):
            await admin.create_subscription("judges", stream)


@check
async def a_group_that_is_not_there(conn: Any) -> None:
    with refused(SubscriptionCreationFailed):
        await conn.connect_subscription("judges", new_stream())


@check
async def groups_are_for_admins(conn: Any) -> None:
    with refused(AccessDenied):
        await conn.create_subscription("judges", new_stream())


async def main() -> None:
    async with connect(HOST, PORT) as conn:
        for check in CHECKS:
            await asyncio.wait_for(check(conn), 30)
            print("ok", check.__name__, flush=True)
    print(f"All {len(CHECKS)} passed")


asyncio.run(main())
