"""Optional features of protocols. A transport without a feature raises NotSupported before it sends anything."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import (
    ConsistencyCheckFailed,
    NotSupported,
    PersistentSubscriptionNotFound,
    StreamDeleted,
    StreamNotFound,
    SubscriptionDropped,
    WrongExpectedVersion,
)
from rxpump.model.filters import EventFilter
from rxpump.model.group_settings import NackAction, PersistentSubscriptionSettings
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import END, START
from rxpump.transport import Capability, GroupSession
from tests.contract.stores import ANY, FORWARD, NO_STREAM, STREAM_EXISTS, Store, deliveries, values

FROM_START = PersistentSubscriptionSettings(start_from=0)


def needs(store: Store, *capabilities: Capability) -> None:
    """If the transport lacks a capability, check that it raises NotSupported, and skip the rest of the test."""
    for capability in capabilities:
        if capability not in store.transport.capabilities:
            with pytest.raises(NotSupported) as refused:
                store.transport.require(capability)
            assert refused.value.feature == capability.value
            pytest.skip(f"{store.transport.protocol} has no {capability.value}")


# Appends to several streams ----------------------------------------------------------------------


async def append_many(store: Store, streams: dict[str, list[object]], **versions: int) -> Any:
    events = {stream: [NewEvent("Counted", each) for each in data] for stream, data in streams.items()}
    return await store.transport.append_many(events, versions)


async def test_events_of_several_streams_are_written_together(store: Store) -> None:
    needs(store, Capability.MULTI_STREAM_APPEND)
    await store.write("a", 0)
    results = await append_many(store, {"a": [1, 2], "b": [3]}, a=0, b=NO_STREAM)
    numbers = {stream: (each.first_event_number, each.last_event_number) for stream, each in results.items()}
    assert numbers == {"a": (1, 2), "b": (0, 0)}
    assert values(await store.read("a")) == [0, 1, 2]
    assert values(await store.read("b")) == [3]


async def test_no_stream_is_written_if_one_is_at_another_version(store: Store) -> None:
    needs(store, Capability.MULTI_STREAM_APPEND)
    await store.write("a", 0)
    with pytest.raises(WrongExpectedVersion) as refused:
        await append_many(store, {"b": [1], "a": [2]}, a=7)
    assert (refused.value.stream, refused.value.expected, refused.value.current) == ("a", 7, 0)
    assert values(await store.read("a")) == [0]
    with pytest.raises(StreamNotFound):
        await store.read("b")


@pytest.mark.parametrize("expected", [0, STREAM_EXISTS, NO_STREAM, 3])
async def test_a_stream_without_events_is_only_checked(store: Store, expected: int) -> None:
    needs(store, Capability.MULTI_STREAM_APPEND)
    await store.write("checked", 0)
    if expected in (0, STREAM_EXISTS):
        await append_many(store, {"s": [1]}, checked=expected)
        assert values(await store.read("s")) == [1]
    else:
        with pytest.raises(ConsistencyCheckFailed) as refused:
            await append_many(store, {"s": [1]}, checked=expected)
        assert [each.stream for each in refused.value.violations] == ["checked"]
    assert values(await store.read("checked")) == [0]


async def test_a_repeated_append_to_several_streams_is_recognized(store: Store) -> None:
    needs(store, Capability.MULTI_STREAM_APPEND)
    events = {"a": [NewEvent("A", 1)], "b": [NewEvent("B", 2)]}
    first = await store.transport.append_many(events, {"a": NO_STREAM, "b": NO_STREAM})
    again = await store.transport.append_many(events, {"a": NO_STREAM, "b": NO_STREAM})
    assert {stream: each.last_event_number for stream, each in again.items()} == {"a": 0, "b": 0}
    assert first.keys() == again.keys()
    with pytest.raises(WrongExpectedVersion):
        await store.transport.append_many({**events, "c": [NewEvent("C", 3)]}, {})
    with pytest.raises(StreamNotFound):
        await store.read("c")


async def test_an_append_to_a_deleted_stream_among_others_is_refused(store: Store) -> None:
    needs(store, Capability.MULTI_STREAM_APPEND)
    await store.write("b", 0)
    await store.transport.delete_stream("b", ANY, hard=True)
    with pytest.raises(StreamDeleted):
        await append_many(store, {"a": [1], "b": [2]})
    with pytest.raises(StreamNotFound):
        await store.read("a")


# Groups on $all ----------------------------------------------------------------------------------


async def consume_all(store: Store, **settings: Any) -> GroupSession:
    await store.transport.create_group(None, "g", PersistentSubscriptionSettings(**settings))
    return await store.transport.connect_group(None, "g", 10)


async def test_a_group_on_all_delivers_what_its_filter_selects(store: Store) -> None:
    needs(store, Capability.GROUPS_ON_ALL)
    await store.write("wanted", 0)
    await store.write("other", "x")
    session = await consume_all(store, start_from=START, where=EventFilter(stream_prefix="wanted"))
    await store.write("other", "x")
    await store.write("wanted", 1)
    received = await deliveries(session, 2)
    assert [event.json() for event, _ in received] == [0, 1]
    assert all(event.position is not None for event, _ in received)
    session.close()


async def test_a_group_on_all_starts_at_the_named_place(store: Store) -> None:
    needs(store, Capability.GROUPS_ON_ALL)
    await store.write("s", 0, 1)
    place = next(event.position for event in await store.read_all() if event.json() == 1)
    assert place is not None
    where = EventFilter(stream_prefix="s")
    for group, start, expected in (("position", place, 1), ("end", END, 2)):
        settings = PersistentSubscriptionSettings(start_from=start, where=where)
        await store.transport.create_group(None, group, settings)
        if start is END:
            await store.write("s", 2)
        session = await store.transport.connect_group(None, group, 10)
        [(event, _)] = await deliveries(session, 1)
        assert event.json() == expected
        session.close()


# Information about groups, and their parked events -----------------------------------------------


async def test_a_group_shows_its_settings_and_its_consumers(store: Store) -> None:
    needs(store, Capability.GROUP_INFO)
    await store.write("s", 0, 1)
    await store.transport.create_group("s", "g", FROM_START.but({"max_retry_count": 3}))
    session = await store.transport.connect_group("s", "g", 10)
    await deliveries(session, 2)
    details = await store.transport.group_details("s", "g")
    assert (details.stream, details.group, details.settings.max_retry_count) == ("s", "g", 3)
    assert (details.settings.start, len(details.consumers), details.in_flight) == (0, 1, 2)
    with pytest.raises(PersistentSubscriptionNotFound):
        await store.transport.group_details("s", "missing")
    session.close()


async def test_groups_are_listed_by_stream(store: Store) -> None:
    needs(store, Capability.GROUP_INFO, Capability.GROUPS_ON_ALL)
    assert list(await store.transport.list_groups()) == []
    for stream, group in (("a", "one"), ("a", "two"), ("b", "three")):
        await store.transport.create_group(stream, group, FROM_START)
    await store.transport.create_group(None, "four", PersistentSubscriptionSettings())
    found = {(each.stream, each.group) for each in await store.transport.list_groups()}
    assert found == {("a", "one"), ("a", "two"), ("b", "three"), ("$all", "four")}
    assert list(await store.transport.list_groups_of("none")) == []
    assert {each.group for each in await store.transport.list_groups_of("a")} == {"one", "two"}
    assert {each.group for each in await store.transport.list_groups_of(None)} == {"four"}


async def parked_session(store: Store, count: int) -> GroupSession:
    await store.write("s", *range(count))
    await store.transport.create_group("s", "g", FROM_START)
    session = await store.transport.connect_group("s", "g", 10)
    session.nack([event for event, _ in await deliveries(session, count)], NackAction.PARK, "no use")
    return session


async def until_parked(store: Store, count: int) -> None:
    while (await store.transport.group_details("s", "g")).parked != count:
        await store.transport.read_stream_page("s", START, 1, FORWARD, resolve_links=False)


async def test_a_number_of_parked_events_is_replayed(store: Store) -> None:
    needs(store, Capability.REPLAY_SOME_PARKED, Capability.GROUP_INFO)
    session = await parked_session(store, 3)
    await until_parked(store, 3)
    await store.transport.replay_parked("s", "g", 2)
    assert [event.json() for event, _ in await deliveries(session, 2)] == [0, 1]
    session.close()


async def test_parked_events_are_removed(store: Store) -> None:
    needs(store, Capability.TRUNCATE_PARKED, Capability.GROUP_INFO)
    session = await parked_session(store, 3)
    await until_parked(store, 3)
    await store.transport.truncate_parked("s", "g", 1)
    await until_parked(store, 2)
    await store.transport.truncate_parked("s", "g")
    await until_parked(store, 0)
    session.close()


async def test_a_restart_drops_the_consumers_of_all_groups(store: Store) -> None:
    needs(store, Capability.RESTART_GROUPS)
    await store.write("s", 0)
    await store.transport.create_group("s", "g", FROM_START)
    session = await store.transport.connect_group("s", "g", 10)
    await deliveries(session, 1)
    await store.transport.restart_groups()
    with pytest.raises(SubscriptionDropped):
        await session.next()
    again = await store.transport.connect_group("s", "g", 10)
    assert [event.json() for event, _ in await deliveries(again, 1)] == [0]
    again.close()
