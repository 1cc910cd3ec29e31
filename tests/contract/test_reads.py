"""Reads of single events, pages and whole streams, in both directions."""

from __future__ import annotations

import pytest

from rxpump.errors import EventNotFound, StreamDeleted, StreamNotFound
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import NewEvent, new_link
from rxpump.model.positions import END, START, StreamDirection
from tests.contract.stores import ANY, BACKWARD, FORWARD, Store, values

BOTH = pytest.mark.parametrize("direction", StreamDirection)


async def test_one_event_is_read_by_number(store: Store) -> None:
    await store.write("s", "a", "b", "c")
    assert (await store.transport.read_event("s", 1, resolve_links=False)).json() == "b"
    last = await store.transport.read_event("s", END, resolve_links=False)
    assert (last.number, last.json()) == (2, "c")


async def test_an_event_that_does_not_exist_is_not_found(store: Store) -> None:
    await store.write("s", "a")
    with pytest.raises(EventNotFound) as raised:
        await store.transport.read_event("s", 1, resolve_links=False)
    assert (raised.value.stream, raised.value.number) == ("s", 1)


@pytest.mark.parametrize("number", [0, END])
async def test_an_event_of_a_missing_stream_is_not_found(store: Store, number: int) -> None:
    with pytest.raises(StreamNotFound):
        await store.transport.read_event("missing", number, resolve_links=False)


async def test_an_event_of_a_deleted_stream_is_refused(store: Store) -> None:
    await store.write("soft", 0)
    await store.write("hard", 0)
    await store.transport.delete_stream("soft", ANY, hard=False)
    await store.transport.delete_stream("hard", ANY, hard=True)
    with pytest.raises(StreamNotFound):
        await store.transport.read_event("soft", 0, resolve_links=False)
    with pytest.raises(StreamDeleted):
        await store.transport.read_event("hard", 0, resolve_links=False)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 10])
async def test_a_stream_is_read_to_its_end(store: Store, batch_size: int) -> None:
    await store.write("s", *range(6))
    assert values(await store.read("s", batch_size=batch_size)) == [0, 1, 2, 3, 4, 5]
    assert values(await store.read("s", END, BACKWARD, batch_size=batch_size)) == [5, 4, 3, 2, 1, 0]
    assert values(await store.read("s", 4, batch_size=batch_size)) == [4, 5]
    assert values(await store.read("s", 2, BACKWARD, batch_size=batch_size)) == [2, 1, 0]
    assert values(await store.read("s", 6, batch_size=batch_size)) == []
    assert values(await store.read("s", 99, BACKWARD, batch_size=batch_size)) == [5, 4, 3, 2, 1, 0]


@BOTH
async def test_a_missing_stream_is_not_found(store: Store, direction: StreamDirection) -> None:
    start = START if direction is FORWARD else END
    with pytest.raises(StreamNotFound) as raised:
        await store.read("missing", start, direction)
    assert raised.value.stream == "missing"
    with pytest.raises(StreamNotFound):
        await store.transport.read_stream_page("missing", start, 1, direction, resolve_links=False)


@BOTH
async def test_a_stream_deleted_for_good_cannot_be_read(store: Store, direction: StreamDirection) -> None:
    await store.write("s", 0)
    await store.transport.delete_stream("s", ANY, hard=True)
    start = START if direction is FORWARD else END
    with pytest.raises(StreamDeleted):
        await store.read("s", start, direction)
    with pytest.raises(StreamDeleted):
        await store.transport.read_stream_page("s", start, 1, direction, resolve_links=False)


@pytest.mark.parametrize("metadata", [{"tb": 4}, {"maxCount": 2}])
async def test_truncated_events_are_not_read(store: Store, metadata: dict[str, int]) -> None:
    await store.write("s", *range(6))
    await store.set_metadata("s", **metadata)
    assert values(await store.read("s", batch_size=1)) == [4, 5]
    assert values(await store.read("s", END, BACKWARD, batch_size=1)) == [5, 4]
    with pytest.raises(EventNotFound):
        await store.transport.read_event("s", 3, resolve_links=False)


async def test_a_page_names_where_the_next_one_starts(store: Store) -> None:
    await store.write("s", *range(5))
    page = await store.transport.read_stream_page("s", START, 3, FORWARD, resolve_links=False)
    assert (values(page), page.next, page.is_last) == ([0, 1, 2], 3, False)
    assert page.last_event_number in (4, None)
    page = await store.transport.read_stream_page("s", page.next, 3, FORWARD, resolve_links=False)
    assert (values(page), page.next, page.is_last) == ([3, 4], 5, True)
    page = await store.transport.read_stream_page("s", END, 3, BACKWARD, resolve_links=False)
    assert (values(page), page.next, page.is_last) == ([4, 3, 2], 1, False)
    page = await store.transport.read_stream_page("s", page.next, 3, BACKWARD, resolve_links=False)
    assert (values(page), page.next, page.is_last) == ([1, 0], -1, True)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
async def test_all_is_read_in_the_order_of_writing(store: Store, batch_size: int) -> None:
    await store.write("a", 0)
    await store.write("b", 1, 2)
    await store.write("a", 3)
    events = await store.read_all(batch_size=batch_size)
    assert values(events) == [0, 1, 2, 3]
    assert values(await store.read_all(END, BACKWARD, batch_size=batch_size)) == [3, 2, 1, 0]
    position = events[2].position
    assert position is not None
    assert values(await store.read_all(position, batch_size=batch_size)) == [2, 3]
    assert values(await store.read_all(position, BACKWARD, batch_size=batch_size)) == [1, 0]


@BOTH
async def test_pages_of_all_join_without_gap_or_overlap(store: Store, direction: StreamDirection) -> None:
    await store.write("a", *range(7))
    read = store.transport.read_all_page
    page = await read(START if direction is FORWARD else END, 2, direction, resolve_links=False)
    events = list(page)
    while not page.is_last:
        page = await read(page.next, 2, direction, resolve_links=False)
        events += page
    expected = list(range(7)) if direction is FORWARD else list(range(6, -1, -1))
    assert values([event for event in events if event.stream == "a"]) == expected


@BOTH
async def test_a_filter_selects_events_of_all(store: Store, direction: StreamDirection) -> None:
    for n in range(6):
        await store.write("odd" if n % 2 else "even", n)
    found = await store.read_all(
        START if direction is FORWARD else END, direction, where=EventFilter(stream_prefix="odd"), batch_size=2
    )
    assert values(found) == ([1, 3, 5] if direction is FORWARD else [5, 3, 1])


async def test_links_are_resolved_on_demand(store: Store) -> None:
    await store.write("targets", "a", "b")
    targets = await store.read("targets")
    await store.transport.append("links", [new_link(each, "links") for each in targets], ANY)
    await store.set_metadata("targets", tb=1)
    broken, resolved = await store.read("links", resolve_links=True)
    assert (resolved.stream, resolved.json(), resolved.received_number) == ("targets", "b", 1)
    assert resolved.link is not None
    assert resolved.link.stream == "links"
    assert (broken.is_broken_link, broken.stream, broken.data) == (True, "links", b"")
    plain = await store.read("links")
    assert [event.data for event in plain] == [b"0@targets", b"1@targets"]
    read = await store.transport.read_event("links", 1, resolve_links=True)
    assert read.json() == "b"


async def test_a_position_in_a_read_of_a_stream_is_that_in_all(store: Store) -> None:
    """Not every protocol has it there."""
    await store.transport.append("s", [NewEvent("A", 1)], ANY)
    [in_all] = [event.position for event in await store.read_all() if event.stream == "s"]
    assert in_all is not None
    [event] = await store.read("s")
    assert event.position in (None, in_all)
