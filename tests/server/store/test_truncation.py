"""Events that metadata hide, on every kind of store (docs/protocol/tcp.md, sections 4.6 and 4.9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import SqliteStore
from tests.server.store.driving import (
    BACKWARD,
    Clock,
    data,
    event_at,
    new_event,
    stream_of,
    stream_page,
    visible,
    write,
    write_metadata,
    write_numbers,
)


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"$maxCount": 3}, [7, 8, 9]),
        ({"$tb": 4}, [4, 5, 6, 7, 8, 9]),
        ({"$maxCount": 3, "$tb": 9}, [9]),
        ({"$tb": 50}, []),
        ({"$maxCount": "3"}, list(range(10))),
        (b"no JSON", list(range(10))),
    ],
)
async def test_limits_apply_at_once_and_can_be_removed(
    store: SqliteStore, metadata: bytes | dict[str, Any], shown: list[int]
) -> None:
    stream = await write_numbers(store, "s", 10)
    await write_metadata(store, "s", metadata)
    assert visible(store, "s") == shown
    stream = stream_of(store, "s")
    numbers = [n for n in range(10) if store.read.event(stream, n, resolve_links=False) is not None]
    assert numbers == shown
    await write_metadata(store, "s", {})
    assert visible(store, "s") == list(range(10))


async def test_metadata_can_be_written_before_the_stream(store: SqliteStore) -> None:
    await write_metadata(store, "s", {"$maxCount": 2})
    assert store.read.stream("s") is None
    await write_numbers(store, "s", 5)
    assert visible(store, "s") == [3, 4]


async def test_only_the_last_metadata_in_json_apply(store: SqliteStore) -> None:
    await write_numbers(store, "s", 5)
    await write(store, "$$s", new_event(data=b'{"$maxCount":2}', json=True, type="any type"))
    assert visible(store, "s") == [3, 4]
    await write(store, "$$s", *(new_event(data=text, json=True) for text in (b'{"$maxCount":2}', b'{"$tb":1}')))
    assert visible(store, "s") == [1, 2, 3, 4]
    await write(store, "$$s", new_event(data=b'{"$maxCount":2}'))
    assert visible(store, "s") == [0, 1, 2, 3, 4]


async def test_a_metadata_stream_shows_only_its_last_event(store: SqliteStore) -> None:
    for count in (1, 2, 3):
        await write_metadata(store, "s", {"$maxCount": count})
    assert visible(store, "$$s") == [2]
    await write_metadata(store, "$$s", {"$maxCount": 3})
    assert visible(store, "$$s") == [2]
    assert visible(store, "$$$$s") == [0]


@pytest.fixture(params=["memory", "file"])
async def aging(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """A store whose time a test sets."""
    clock = Clock()
    if request.param == "memory":
        store = SqliteStore.in_memory(clock=clock)
    else:
        store = SqliteStore.open(tmp_path / "events.db", clock=clock)
    yield store, clock
    await store.close()


async def test_expired_events_are_hidden(aging: tuple[SqliteStore, Clock]) -> None:
    store, clock = aging
    await write_metadata(store, "s", {"$maxAge": 10})
    for number in range(3):
        await write(store, "s", new_event(number))
        clock.now += 4
    stream = stream_of(store, "s")
    assert data(stream_page(store, stream, 0, 9)) == [1, 2]
    assert data(stream_page(store, stream, 0, 9, BACKWARD)) == [2, 1]
    assert [store.read.event(stream, n, resolve_links=False) is None for n in range(3)] == [True, False, False]
    clock.now += 2
    assert data(stream_page(store, stream, 0, 9)) == [1, 2]
    clock.now += 1
    assert data(stream_page(store, stream, 0, 9)) == [2]
    clock.now += 100
    assert data(stream_page(store, stream, 0, 9)) == []
    await write(store, "s", new_event(3))
    assert data(stream_page(store, stream, 0, 9)) == [3]
    assert stream.first_kept == 0


async def test_a_link_to_an_expired_event_has_no_target(aging: tuple[SqliteStore, Clock]) -> None:
    store, clock = aging
    await write_metadata(store, "s", {"$maxAge": 10})
    await write_numbers(store, "s", 1)
    await write(store, "links", new_event(type="$>", data=b"0@s"))
    links = stream_of(store, "links")
    for seconds, leads in ((10, True), (1, False)):
        clock.now += seconds
        [link] = stream_page(store, links, 0, 0, resolve_links=True)
        assert link.HasField("event") == leads
        assert (store.read.target("s", 0) is not None) == leads
        assert event_at(store, links, 0, resolve_links=True) == link
