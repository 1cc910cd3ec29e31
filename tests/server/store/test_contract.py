"""The common behavior of stores in memory and in a file."""

from __future__ import annotations

import asyncio

import pytest

from rxpump.server import SqliteStore, StoreError, Strictness
from rxpump.server.store.append_rule import WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended
from rxpump.server.store.pages import MAX_PAGE_BYTES
from rxpump.server.store.stream_window import Window
from rxpump.tcp.wire import schema
from tests.server.store.driving import (
    ANY,
    BACKWARD,
    FORWARD,
    NO_STREAM,
    all_page,
    append,
    appended,
    data,
    event_at,
    new_event,
    stream_of,
    stream_page,
    write,
    write_numbers,
)


async def test_a_new_store_is_empty(store: SqliteStore) -> None:
    log = store.read.log()
    assert log.last_commit == -1
    assert log.end > 0
    assert store.read.stream("none") is None
    assert all_page(store, 0, 10) == []
    assert all_page(store, log.end, 10, BACKWARD) == []


async def test_events_are_read_as_they_were_written(store: SqliteStore) -> None:
    event = schema.NewEvent(
        event_id=bytes(range(16)), event_type="Jümped", data_content_type=1, data=bytes(range(256)), metadata=b"\x00m"
    )
    await write(store, "pön\x00ies", event)
    [read] = stream_page(store, stream_of(store, "pön\x00ies"), 0, 0)
    assert (read.event.event_stream_id, read.event.event_type) == ("pön\x00ies", "Jümped")
    assert (read.event.event_id, read.event.data, read.event.metadata) == (event.event_id, event.data, event.metadata)


async def test_numbers_and_positions_rise(store: SqliteStore) -> None:
    first = await write(store, "a", new_event(), new_event())
    second = await write(store, "b", new_event())
    third = await write(store, "a", new_event())
    assert [(each.first, each.last) for each in (first, second, third)] == [(0, 1), (0, 0), (2, 2)]
    positions = [event.commit_position for event in all_page(store, 0, 10)]
    assert positions == sorted(set(positions))
    assert [first.position, second.position, third.position] == positions[1:]
    assert positions[0] > 0
    assert store.read.log().last_commit == third.position < store.read.log().end


@pytest.mark.parametrize(("low", "high"), [(0, 9), (3, 5), (9, 9), (5, 100), (6, 5)])
async def test_a_page_contains_the_events_of_its_window(store: SqliteStore, low: int, high: int) -> None:
    await write_numbers(store, "noise", 3)
    stream = await write_numbers(store, "s", 10)
    wanted = list(range(low, min(high, 9) + 1))
    assert data(stream_page(store, stream, low, high)) == wanted
    assert data(stream_page(store, stream, low, high, BACKWARD)) == wanted[::-1]


async def test_the_log_is_read_from_a_position_both_ways(store: SqliteStore) -> None:
    await write_numbers(store, "a", 3)
    await write_numbers(store, "b", 3)
    positions = [event.commit_position for event in all_page(store, 0, 100)]
    assert [event.commit_position for event in all_page(store, positions[2], 2)] == positions[2:4]
    assert [event.commit_position for event in all_page(store, positions[2], 9, BACKWARD)] == positions[1::-1]
    assert all_page(store, 0, 0) == []


async def test_concurrent_appends_see_each_other_in_order(store: SqliteStore) -> None:
    """Of ten appends in one transaction that expect an empty stream, the first succeeds."""
    outcomes = await asyncio.gather(*(write(store, "s", new_event(), expected=NO_STREAM) for _ in range(10)))
    assert isinstance(outcomes[0], Appended)
    assert outcomes[1:] == [WrongVersion(0)] * 9


async def test_chained_versions_sent_without_waiting_all_succeed(store: SqliteStore) -> None:
    outcomes = await asyncio.gather(*(write(store, "s", new_event(), expected=n - 1) for n in range(200)))
    assert [outcome.first for outcome in outcomes] == list(range(200))


async def test_a_repeated_write_changes_nothing(store: SqliteStore) -> None:
    events = [new_event(n) for n in range(3)]
    await write(store, "s", *events, expected=NO_STREAM)
    for expected in (NO_STREAM, ANY):
        assert await write(store, "s", *events, expected=expected) == Appended(0, 2, -1)
    assert await write(store, "s", events[1], expected=0) == Appended(1, 1, -1)
    assert len(all_page(store, 0, 100)) == 3


async def test_a_repeat_is_recognized_in_every_stream(store: SqliteStore) -> None:
    events = [new_event(), new_event()]
    for stream in ("a", "b", "c"):
        assert (await write(store, stream, *events)).position > 0
    for stream in ("a", "c", "b", "a"):
        assert await write(store, stream, *events) == Appended(0, 1, -1)


async def test_a_strict_store_recognizes_a_repeat_where_the_id_came_first(store: SqliteStore) -> None:
    event = new_event()
    for stream, expected in (("a", Appended(0, 0, -1)), ("b", None)):
        await write(store, stream, event)
        again = await appended(store, AppendRequest(stream, ANY, [event], Strictness.REAL))
        assert again == expected or (expected is None and again.first == 1)


async def test_metadata_make_a_stream_exist_for_writers(store: SqliteStore) -> None:
    assert await write(store, "s", new_event(), expected=-4) == WrongVersion(-1)
    await write(store, "$$s", new_event())
    assert (await write(store, "s", new_event(), expected=-4)).first == 0


async def test_an_empty_write_has_a_position_and_makes_no_stream(store: SqliteStore) -> None:
    before = store.read.log().end
    outcome = await write(store, "s")
    assert outcome == Appended(0, -1, before)
    assert store.read.stream("s") is None
    assert store.read.log().last_commit == before < store.read.log().end


async def test_large_events_end_a_page_early_and_one_always_fits(store: SqliteStore) -> None:
    size = MAX_PAGE_BYTES // 3
    for _ in range(5):
        await write(store, "large", new_event(data=bytes(size)))
    await write(store, "huge", new_event(data=bytes(2 * MAX_PAGE_BYTES)))
    stream = stream_of(store, "large")
    for direction in (FORWARD, BACKWARD):
        page = store.read.stream_page(stream, Window(0, 4), direction, resolve_links=False)
        assert (page.size, page.cut) == (3, True)
        page = store.read.stream_page(stream, Window(0, 2), direction, resolve_links=False)
        assert (page.size, page.cut) == (3, False)
    assert store.read.stream_page(stream_of(store, "huge"), Window(0, 0), FORWARD, resolve_links=False).size == 1
    assert store.read.all_page(0, 100, FORWARD, resolve_links=False).size == 3


async def test_links_are_resolved_on_request(store: SqliteStore) -> None:
    await write_numbers(store, "target", 3)
    links = [b"1@target", b"-1@target", b"7@target", b"0@never", b"no link"]
    await write(store, "links", *(new_event(type="$>", data=link) for link in links), new_event(9))
    stream = stream_of(store, "links")
    raw = stream_page(store, stream, 0, 5)
    assert [event.event.data for event in raw] == [*links, b"9"]
    assert not any(event.HasField("link") for event in raw)
    resolved = stream_page(store, stream, 0, 5, resolve_links=True)
    assert [event.event.data if event.HasField("event") else None for event in resolved] == [
        b"1", b"2", None, None, None, b"9"
    ]  # fmt: skip
    assert [event.link.data if event.HasField("link") else None for event in resolved] == [*links, None]
    backward = stream_page(store, stream, 0, 5, BACKWARD, resolve_links=True)
    assert list(backward) == list(resolved)[::-1]


async def test_links_in_all_keep_their_own_position(store: SqliteStore) -> None:
    await write_numbers(store, "target", 1)
    written = await write(store, "links", new_event(type="$>", data=b"0@target"))
    *_, resolved = all_page(store, 0, 10, resolve_links=True)
    assert (resolved.event.data, resolved.link.data) == (b"0", b"0@target")
    assert resolved.commit_position == resolved.prepare_position == written.position


async def test_the_target_of_a_link_can_be_a_link(store: SqliteStore) -> None:
    await write_numbers(store, "target", 1)
    await write(store, "inner", new_event(type="$>", data=b"0@target"))
    await write(store, "outer", new_event(type="$>", data=b"0@inner"))
    [resolved] = stream_page(store, stream_of(store, "outer"), 0, 0, resolve_links=True)
    assert resolved.event.data == b"0@target"


async def test_large_targets_end_a_page_of_links_early(store: SqliteStore) -> None:
    await write(store, "large", new_event(data=bytes(MAX_PAGE_BYTES // 3)))
    await write(store, "links", *(new_event(type="$>", data=b"0@large") for _ in range(5)))
    page = store.read.stream_page(stream_of(store, "links"), Window(0, 4), FORWARD, resolve_links=True)
    assert (page.size, page.cut) == (3, True)


async def test_an_event_is_found_by_its_number(store: SqliteStore) -> None:
    stream = await write_numbers(store, "s", 3)
    record = event_at(store, stream, 1, resolve_links=True)
    assert record.event.data == b"1"
    assert store.read.event(stream, 3, resolve_links=True) is None


async def test_a_closed_store_refuses_changes(store: SqliteStore) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append(append("s", [new_event()]))


async def test_closing_commits_pending_changes(store: SqliteStore) -> None:
    waiting = [store.append(append("s", [new_event()])) for _ in range(50)]
    await store.close()
    outcomes = [await each for each in waiting]
    assert [each.first for each in outcomes if isinstance(each, Appended)] == list(range(50))
