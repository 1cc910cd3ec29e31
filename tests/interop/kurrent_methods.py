"""Check the methods of kurrentdbclient, or of its predecessor esdbclient, against the server at a URI.

    kurrent_methods.py kurrentdbclient|esdbclient sync|async URI [FILE]

The program runs in an environment without rxpump. FILE has the certificate of the authority of the server. Each
function checks one behavior that users of the clients rely on, with the asyncio client or with the other one, whose
methods run in threads. The first failure ends the program with a traceback.
"""

import asyncio
import importlib
import sys
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIBRARY, MODE, URI = sys.argv[1:4]
ROOTS = Path(sys.argv[4]).read_text() if len(sys.argv) > 4 else None
HAS_V2 = LIBRARY == "kurrentdbclient"
SECONDS = 20

library: Any = importlib.import_module(LIBRARY)
exceptions: Any = importlib.import_module(f"{LIBRARY}.exceptions")
ANY, NO_STREAM, EXISTS = library.StreamState.ANY, library.StreamState.NO_STREAM, library.StreamState.EXISTS
CHECKS: list[Any] = []


def check(function: Any) -> Any:
    CHECKS.append(function)
    return function


def error(name: str) -> Any:
    """Return the class of an error. In esdbclient, some of the names do not end in `Error`."""
    return getattr(exceptions, name, None) or getattr(exceptions, name.removesuffix("Error"))


@contextmanager
def refused(*names: str) -> Iterator[None]:
    try:
        yield
    except tuple(map(error, names)):
        return
    raise AssertionError(f"there was no {' or '.join(names)}")


class InThreads:
    """An object whose methods are coroutine functions that run the methods of another object in threads."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._target, name)
        if not callable(attribute):
            return attribute

        async def method(*args: Any, **options: Any) -> Any:
            result = await asyncio.to_thread(attribute, *args, **options)
            return InThreads(result) if hasattr(result, "__next__") else result

        return method

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        item = await asyncio.to_thread(next, self._target, None)
        if item is None:
            raise StopAsyncIteration
        return item


async def new_client() -> Any:
    name = "KurrentDBClient" if HAS_V2 else "EventStoreDBClient"
    if MODE == "sync":
        return InThreads(await asyncio.to_thread(getattr(library, name), URI, root_certificates=ROOTS))
    client = getattr(library, f"Async{name}")(URI, root_certificates=ROOTS)
    await client.connect()
    return client


def new_stream() -> str:
    return f"ponies-{uuid.uuid4().hex}"


def jump(height: int, kind: str = "PonyJumped", **options: Any) -> Any:
    return library.NewEvent(type=kind, data=b'{"height": %d}' % height, **options)


async def stream_of_jumps(client: Any, count: int) -> str:
    stream = new_stream()
    await client.append_to_stream(stream, current_version=NO_STREAM, events=[jump(n) for n in range(count)])
    return stream


def numbers(events: Any) -> list[int]:
    return [event.stream_position for event in events]


async def take(subscription: Any, count: int) -> list[Any]:
    return [await anext(subscription) for _ in range(count)]


# Writing -------------------------------------------------------------------------------------------------


@check
async def append_one_event(client: Any) -> None:
    stream, event = new_stream(), jump(3, metadata=b'{"by": "Derpy"}')
    assert await client.append_to_stream(stream, current_version=NO_STREAM, events=event) > 0
    [stored] = await client.get_stream(stream)
    assert (stored.id, stored.type, stored.data, stored.metadata) == (
        event.id,
        event.type,
        event.data,
        event.metadata,
    )
    assert (stored.stream_name, stored.stream_position, stored.content_type) == (stream, 0, "application/json")
    assert stored.commit_position > 0
    assert stored.recorded_at.tzinfo is not None


@check
async def append_binary_data(client: Any) -> None:
    stream = new_stream()
    event = jump(1, content_type="application/octet-stream")
    await client.append_to_stream(stream, current_version=ANY, events=event)
    assert (await client.get_stream(stream))[0].content_type == "application/octet-stream"


@check
async def append_several_events(client: Any) -> None:
    stream = await stream_of_jumps(client, 1000)
    position = await client.append_to_stream(stream, current_version=999, events=[jump(1000), jump(1001)])
    last = (await client.get_stream(stream, backwards=True, limit=1))[0]
    assert (last.stream_position, last.commit_position) == (1001, position)
    assert await client.append_events(stream, current_version=EXISTS, events=[jump(1)]) > position


@check
async def append_much(client: Any) -> None:
    stream = new_stream()
    events = [library.NewEvent(type="Large", data=bytes([n]) * 1_000_000) for n in range(8)]
    await client.append_to_stream(stream, current_version=NO_STREAM, events=events)
    assert [event.data for event in await client.get_stream(stream)] == [event.data for event in events]


@check
async def append_the_same_events_again(client: Any) -> None:
    stream = new_stream()
    for events in (jump(1), [jump(2), jump(3)]):
        first = await client.append_to_stream(stream, current_version=ANY, events=events)
        assert await client.append_to_stream(stream, current_version=ANY, events=events) == first
    assert numbers(await client.get_stream(stream)) == [0, 1, 2]


@check
async def wrong_versions_are_refused(client: Any) -> None:
    stream = await stream_of_jumps(client, 3)
    for version in (NO_STREAM, 0, 7):
        for events in (jump(1), [jump(2), jump(3)]):
            with refused("WrongCurrentVersionError"):
                await client.append_to_stream(stream, current_version=version, events=events)
    with refused("WrongCurrentVersionError"):
        await client.append_to_stream(new_stream(), current_version=EXISTS, events=[jump(1)])
    assert await client.get_current_version(stream) == 2


@check
async def append_at_the_same_time(client: Any) -> None:
    streams = await asyncio.gather(*(stream_of_jumps(client, 5) for _ in range(40)))
    lengths = [len(await client.get_stream(stream)) for stream in streams]
    assert lengths == [5] * 40


@check
async def metadata(client: Any) -> None:
    stream = await stream_of_jumps(client, 5)
    assert await client.get_stream_metadata(stream) == ({}, NO_STREAM)
    await client.set_stream_metadata(stream, metadata={"$maxCount": 2, "by": "Derpy"}, current_version=NO_STREAM)
    assert await client.get_stream_metadata(stream) == ({"$maxCount": 2, "by": "Derpy"}, 0)
    assert numbers(await client.get_stream(stream)) == [3, 4]
    with refused("WrongCurrentVersionError"):
        await client.set_stream_metadata(stream, metadata={}, current_version=7)


@check
async def delete_a_stream(client: Any) -> None:
    stream = await stream_of_jumps(client, 2)
    with refused("WrongCurrentVersionError"):
        await client.delete_stream(stream, current_version=0)
    await client.delete_stream(stream, current_version=1)
    with refused("NotFoundError"):
        await client.get_stream(stream)
    assert await client.get_current_version(stream) is NO_STREAM
    await client.append_to_stream(stream, current_version=NO_STREAM, events=[jump(3)])
    assert numbers(await client.get_stream(stream)) == [2]


@check
async def tombstone_a_stream(client: Any) -> None:
    stream = await stream_of_jumps(client, 2)
    with refused("WrongCurrentVersionError"):
        await client.tombstone_stream(stream, current_version=0)
    await client.tombstone_stream(stream, current_version=ANY)
    for wanted in (
        client.get_stream(stream),
        client.append_to_stream(stream, current_version=ANY, events=jump(1)),
        client.append_to_stream(stream, current_version=ANY, events=[jump(1)]),
        client.delete_stream(stream, current_version=ANY),
        client.tombstone_stream(stream, current_version=ANY),
    ):
        with refused("StreamIsDeletedError", "FailedPreconditionError"):
            await wanted


@check
async def append_to_several_streams(client: Any) -> None:
    if not HAS_V2:
        return
    one, two = new_stream(), await stream_of_jumps(client, 1)
    position = await client.multi_append_to_stream(
        [
            library.NewEvents(one, events=[jump(0), jump(1)], current_version=NO_STREAM),
            library.NewEvents(two, events=[jump(1)], current_version=0),
        ]
    )
    assert position == (await client.get_stream(two))[-1].commit_position
    assert (numbers(await client.get_stream(one)), await client.get_current_version(two)) == ([0, 1], 1)
    with refused("WrongCurrentVersionError"):
        await client.multi_append_to_stream(
            [
                library.NewEvents(one, events=[jump(2)], current_version=1),
                library.NewEvents(two, events=[jump(2)], current_version=7),
            ]
        )
    assert await client.get_current_version(one) == 1


@check
async def append_records_with_conditions(client: Any) -> None:
    if not HAS_V2:
        return
    one, two = new_stream(), await stream_of_jumps(client, 1)
    records = [library.NewRecord(one, "PonyJumped", b"{}") for _ in range(2)]
    result = await client.append_records(records, library.StreamStateCheck(two, 0))
    assert result.commit_position == (await client.get_stream(one))[-1].commit_position
    assert [(each.stream_name, each.stream_position) for each in result.stream_positions] == [(one, 1)]
    with refused("ConsistencyChecksFailedError"):
        await client.append_records(library.NewRecord(one, "PonyJumped", b"{}"), library.StreamStateCheck(two, 5))


# Reading -------------------------------------------------------------------------------------------------


@check
async def read_a_stream(client: Any) -> None:
    stream = await stream_of_jumps(client, 600)
    assert numbers(await client.get_stream(stream)) == list(range(600))
    assert numbers(await client.get_stream(stream, stream_position=598)) == [598, 599]
    assert numbers(await client.get_stream(stream, limit=3)) == [0, 1, 2]
    assert numbers(await client.get_stream(stream, backwards=True)) == list(range(599, -1, -1))
    assert numbers(await client.get_stream(stream, backwards=True, stream_position=2)) == [2, 1, 0]
    assert await client.get_current_version(stream) == 599
    response = await client.read_stream(stream)
    assert [event.stream_position async for event in response] == list(range(600))
    response = await client.read_stream(stream)
    assert numbers(await take(response, 2)) == [0, 1]
    await response.stop()


@check
async def a_missing_stream_is_not_found(client: Any) -> None:
    stream = new_stream()
    with refused("NotFoundError"):
        await client.get_stream(stream)
    with refused("NotFoundError"):
        await client.delete_stream(stream, current_version=EXISTS)
    assert await client.get_current_version(stream) is NO_STREAM


async def read_all(client: Any, **options: Any) -> list[Any]:
    return [event async for event in await client.read_all(**options)]


@check
async def read_everything(client: Any) -> None:
    start = await client.get_commit_position()
    kinds = [f"{name}{uuid.uuid4().hex}" for name in ("PonyJumped", "PonySlept")]
    stream = new_stream()
    for kind in kinds:
        await client.append_to_stream(stream, current_version=ANY, events=[jump(n, kind) for n in range(300)])
    news = (await read_all(client, commit_position=start))[1:]
    assert [event.type for event in news] == [kinds[0]] * 300 + [kinds[1]] * 300
    newest = await read_all(client, backwards=True, limit=2)
    assert numbers(newest) == [599, 598]
    assert await client.get_commit_position() == newest[0].commit_position
    assert {event.type for event in await read_all(client, filter_include=[kinds[1]])} == {kinds[1]}
    assert kinds[0] not in {event.type for event in await read_all(client, filter_exclude=[kinds[0]])}
    by_stream = await read_all(client, filter_include=[stream], filter_by_stream_name=True)
    assert numbers(by_stream) == list(range(600))
    backwards = await read_all(client, filter_include=[kinds[0]], backwards=True)
    assert numbers(backwards) == list(range(299, -1, -1))
    if HAS_V2:
        prefix = await read_all(client, filter_include=(kinds[1][:20],), filter_by_prefix=True, filter_exclude=())
        assert numbers(prefix) == list(range(300, 600))


@check
async def resolve_links(client: Any) -> None:
    stream, links = await stream_of_jumps(client, 3), new_stream()
    pointers = [library.NewEvent(type="$>", data=f"{n}@{stream}".encode()) for n in (2, 0)]
    await client.append_to_stream(links, current_version=ANY, events=pointers)
    resolved = await client.get_stream(links, resolve_links=True)
    assert [(each.stream_name, each.stream_position, each.link.stream_position) for each in resolved] == [
        (stream, 2, 0),
        (stream, 0, 1),
    ]
    assert [each.type for each in await client.get_stream(links)] == ["$>", "$>"]


@check
async def read_gossip(client: Any) -> None:
    if MODE == "async":  # This client does not have the method.
        return
    [node] = await client.read_gossip()
    assert (node.state, node.port > 0) == ("NODE_STATE_LEADER", True)


# Subscribing ---------------------------------------------------------------------------------------------


@check
async def subscribe_to_a_stream(client: Any) -> None:
    stream = await stream_of_jumps(client, 700)
    subscription = await client.subscribe_to_stream(stream)
    assert numbers(await take(subscription, 700)) == list(range(700))
    await client.append_to_stream(stream, current_version=699, events=[jump(700), jump(701)])
    assert numbers(await take(subscription, 2)) == [700, 701]
    await subscription.stop()
    after = await client.subscribe_to_stream(stream, stream_position=700)
    assert numbers(await take(after, 1)) == [701]
    await after.stop()
    live = await client.subscribe_to_stream(stream, from_end=True)
    await client.append_to_stream(stream, current_version=701, events=[jump(702)])
    assert numbers(await take(live, 1)) == [702]
    await live.stop()


@check
async def subscribe_to_everything(client: Any) -> None:
    start = await client.get_commit_position()
    stream = await stream_of_jumps(client, 400)
    subscription = await client.subscribe_to_all(commit_position=start)
    assert numbers(await take(subscription, 400)) == list(range(400))
    await client.append_to_stream(stream, current_version=399, events=[jump(400)])
    assert numbers(await take(subscription, 1)) == [400]
    await subscription.stop()
    live = await client.subscribe_to_all(from_end=True)
    await client.append_to_stream(stream, current_version=400, events=[jump(401)])
    assert numbers(await take(live, 1)) == [401]
    await live.stop()


@check
async def subscribe_with_a_filter(client: Any) -> None:
    kind = f"Pony{uuid.uuid4().hex}"
    stream = await stream_of_jumps(client, 200)
    await client.append_to_stream(stream, current_version=ANY, events=[jump(0, kind)])
    subscription = await client.subscribe_to_all(
        filter_include=[kind], include_checkpoints=True, window_size=10, checkpoint_interval_multiplier=2
    )
    seen: list[Any] = []
    while not seen or seen[-1].type != kind:
        seen.append(await anext(subscription))
    assert len(seen) > 9
    assert all(each.is_checkpoint for each in seen[:-1])
    positions = [each.commit_position for each in seen]
    assert positions == sorted(positions)
    await subscription.stop()


@check
async def a_subscription_reports_that_it_caught_up(client: Any) -> None:
    stream = await stream_of_jumps(client, 3)
    subscription = await client.subscribe_to_all(
        filter_include=[stream], filter_by_stream_name=True, include_caught_up=True
    )
    seen: list[Any] = []
    while not seen or not seen[-1].is_caught_up:
        seen.append(await anext(subscription))
    assert numbers(seen[:-1]) == [0, 1, 2]
    await client.append_to_stream(stream, current_version=2, events=[jump(3)])
    while (event := await anext(subscription)).is_caught_up:
        pass
    assert event.stream_position == 3
    await subscription.stop()


# Consumer groups -----------------------------------------------------------------------------------------


async def group_of(client: Any, stream: str, **options: Any) -> str:
    group = f"judges-{uuid.uuid4().hex}"
    await client.create_subscription_to_stream(group, stream, from_end=False, **options)
    return group


@check
async def read_a_group(client: Any) -> None:
    stream = await stream_of_jumps(client, 60)
    group = await group_of(client, stream)
    subscription = await client.read_subscription_to_stream(group, stream)
    for number in range(60):
        event = await anext(subscription)
        assert event.stream_position == number
        await subscription.ack(event)
    await client.append_to_stream(stream, current_version=59, events=[jump(60)])
    event = await anext(subscription)
    assert (event.stream_position, event.retry_count) == (60, 0)
    await subscription.ack(event)
    await subscription.stop()
    await client.delete_subscription(group, stream)


@check
async def refuse_events_of_a_group(client: Any) -> None:
    stream = await stream_of_jumps(client, 4)
    group = await group_of(client, stream)
    subscription = await client.read_subscription_to_stream(group, stream)
    for action in ("park", "skip", "retry", "unknown"):
        await subscription.nack(await anext(subscription), action=action)
    retried = await anext(subscription)
    assert (retried.stream_position, retried.retry_count) == (2, 1)
    await subscription.ack(retried)
    while (await client.get_subscription_info(group, stream)).parked_message_count < 1:
        await asyncio.sleep(0.01)
    await client.replay_parked_events(group, stream)
    again = await anext(subscription)
    while again.stream_position != 0:
        await subscription.ack(again)
        again = await anext(subscription)
    await subscription.ack(again)
    await subscription.stop()
    await client.delete_subscription(group, stream)


@check
async def describe_groups(client: Any) -> None:
    stream = await stream_of_jumps(client, 4)
    first = await group_of(client, stream, max_retry_count=7, consumer_strategy="Pinned", message_timeout=5.0)
    second = await group_of(client, stream, max_subscriber_count=3, live_buffer_size=600, extra_statistics=True)
    info = await client.get_subscription_info(first, stream)
    assert (info.event_source, info.group_name, info.max_retry_count) == (stream, first, 7)
    assert (info.consumer_strategy, info.message_timeout) == ("Pinned", 5.0)
    named = {each.group_name for each in await client.list_subscriptions_to_stream(stream)}
    assert named == {first, second}
    assert named <= {each.group_name for each in await client.list_subscriptions()}
    await client.update_subscription_to_stream(second, stream, max_retry_count=9, checkpoint_after=3.0)
    changed = await client.get_subscription_info(second, stream)
    assert (changed.max_retry_count, changed.checkpoint_after, changed.live_buffer_size) == (9, 3.0, 600)
    for group in named:
        await client.delete_subscription(group, stream)
    assert named.isdisjoint(each.group_name for each in await client.list_subscriptions())


@check
async def a_group_of_all_streams(client: Any) -> None:
    stream = await stream_of_jumps(client, 300)
    group = f"judges-{uuid.uuid4().hex}"
    await client.create_subscription_to_all(group, filter_include=[stream], filter_by_stream_name=True)
    subscription = await client.read_subscription_to_all(group)
    for number in range(300):
        event = await anext(subscription)
        assert (event.stream_name, event.stream_position) == (stream, number)
        await subscription.ack(event)
    await subscription.stop()
    await client.update_subscription_to_all(group, max_retry_count=3)
    info = await client.get_subscription_info(group)
    assert (info.event_source, info.max_retry_count) == ("$all", 3)
    with refused("AlreadyExistsError"):
        await client.create_subscription_to_all(group)
    await client.replay_parked_events(group)
    await client.delete_subscription(group)
    with refused("NotFoundError"):
        await client.read_subscription_to_all(group)


@check
async def groups_that_cannot_be_used(client: Any) -> None:
    stream = await stream_of_jumps(client, 1)
    group = await group_of(client, stream, max_subscriber_count=1)
    with refused("AlreadyExistsError"):
        await client.create_subscription_to_stream(group, stream)
    subscription = await client.read_subscription_to_stream(group, stream)
    await anext(subscription)
    with refused("MaximumSubscriptionsReachedError"):
        await client.read_subscription_to_stream(group, stream)
    await client.delete_subscription(group, stream)
    with refused("CancelledError" if HAS_V2 else "GrpcError"):
        await anext(subscription)
    for wanted in (
        client.get_subscription_info(group, stream),
        client.delete_subscription(group, stream),
        client.replay_parked_events(group, stream),
        client.update_subscription_to_stream(group, stream, max_retry_count=1),
        client.read_subscription_to_stream(group, stream),
    ):
        with refused("NotFoundError"):
            await wanted


# Projections ---------------------------------------------------------------------------------------------


async def becomes(client: Any, name: str, status: str) -> None:
    while (await client.get_projection_statistics(name=name)).status != status:
        await asyncio.sleep(0.01)


@check
async def projections(client: Any) -> None:
    name = "$by_category"
    statistics = await client.get_projection_statistics(name=name)
    assert (statistics.name, statistics.status, statistics.mode) == (name, "Running", "Continuous")
    await client.disable_projection(name=name)
    await becomes(client, name, "Stopped")
    await client.enable_projection(name=name)
    await becomes(client, name, "Running")
    await client.reset_projection(name=name)
    state = await client.get_projection_state(name=name)
    assert state.value == {}
    if HAS_V2:
        await client.abort_projection(name=name)
        await becomes(client, name, "Aborted")
        await client.enable_projection(name=name)
        for listed in (client.list_all_projection_statistics(), client.list_continuous_projection_statistics()):
            assert name in {each.name for each in await listed}
    await client.restart_projections_subsystem()
    await becomes(client, name, "Running")
    with refused("NotFoundError"):
        await client.get_projection_statistics(name="nope")
    for wanted in (
        client.create_projection(name="mine", query="fromAll()"),
        client.update_projection(name=name, query="fromAll()"),
        client.delete_projection(name=name),
    ):
        with refused("GrpcError"):
            await wanted


# Connections ---------------------------------------------------------------------------------------------


@check
async def wrong_credentials(client: Any) -> None:
    if (
        ROOTS is None or MODE == "async"
    ):  # Credentials are not sent without TLS, and the asyncio client cannot create any.
        return
    wrong = await client.construct_call_credentials("admin", "wrong")
    with refused("UnauthenticatedError" if HAS_V2 else "EventStoreDBClientException"):
        await client.get_commit_position(credentials=wrong)


@check
async def reconnect(client: Any) -> None:
    await client.reconnect()
    assert await client.get_commit_position() > 0


async def main() -> None:
    for each in CHECKS:
        client = await new_client()
        try:
            async with asyncio.timeout(SECONDS):
                await each(client)
        except BaseException:
            print(f"failed {each.__name__}", flush=True)
            traceback.print_exc()
            raise SystemExit(1) from None
        finally:
            await client.close()
        print(f"ok {each.__name__}", flush=True)
    print(f"All {len(CHECKS)} passed")


asyncio.run(main())
