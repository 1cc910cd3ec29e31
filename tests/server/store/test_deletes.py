"""Deletes of streams (docs/protocol/tcp.md, section 4.5)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion
from rxpump.server.store.changes import Appended, Change
from rxpump.server.store.deletion import Deleted, DeleteRequest
from rxpump.server.store.feed import EVERYTHING
from tests.server.store.driving import (
    ANY,
    NO_STREAM,
    all_page,
    append,
    delete,
    event_at,
    new_event,
    stream_of,
    stream_page,
    visible,
    write,
    write_metadata,
    write_numbers,
)
from tests.server.store.test_feed import Follower, names

MAX64 = 2**63 - 1
STREAM_EXISTS = -4


def metadata_of(store: SqliteStore, name: str) -> dict[str, int]:
    stream = stream_of(store, f"$${name}")
    metadata: dict[str, int] = json.loads(event_at(store, stream, stream.last, resolve_links=False).event.data)
    return metadata


async def test_numbers_continue_after_a_soft_delete(store: SqliteStore) -> None:
    await write_numbers(store, "s", 3)
    deleted = await delete(store, "s", 2)
    stream = stream_of(store, "s")
    assert (stream.is_soft_deleted, stream.last, visible(store, "s")) == (True, 2, [])
    assert metadata_of(store, "s") == {"$tb": MAX64}
    assert deleted == Deleted(all_page(store, 0, 10)[-1].commit_position)
    written = await write(store, "s", new_event(), expected=NO_STREAM)
    assert (written.first, visible(store, "s"), metadata_of(store, "s")) == (3, [3], {"$tb": 3})
    assert not stream_of(store, "s").is_soft_deleted


@pytest.mark.parametrize(("expected", "outcome"), [(2, Appended), (ANY, Appended), (1, WrongVersion)])
async def test_a_write_with_a_valid_version_undeletes_a_stream(
    store: SqliteStore, expected: int, outcome: type[Any]
) -> None:
    await write_numbers(store, "s", 3)
    await delete(store, "s")
    assert isinstance(await write(store, "s", new_event(), expected=expected), outcome)
    assert visible(store, "s") == ([3] if outcome is Appended else [])


async def test_events_before_a_soft_delete_stay_hidden(store: SqliteStore) -> None:
    events = [new_event(n) for n in range(3)]
    await write(store, "s", *events)
    await delete(store, "s")
    for expected in (ANY, NO_STREAM):
        assert await write(store, "s", *events, expected=expected) == Appended(0, 2, -1)
    assert await write(store, "s", new_event(), expected=STREAM_EXISTS) == StreamDeleted()
    assert stream_of(store, "s").is_soft_deleted


async def test_an_empty_write_undeletes_a_stream(store: SqliteStore) -> None:
    await write_numbers(store, "s", 2)
    await delete(store, "s")
    assert (await write(store, "s"))[:2] == (2, 1)
    assert (stream_of(store, "s").is_soft_deleted, visible(store, "s")) == (False, [])
    assert metadata_of(store, "s") == {"$tb": 2}


async def test_metadata_undelete_a_stream_and_keep_their_keys(store: SqliteStore) -> None:
    await write_numbers(store, "s", 2)
    await delete(store, "s")
    written = await write_metadata(store, "s", {"$maxCount": 5, "mine": 1})
    assert (written.first, written.last) == (1, 1)
    assert metadata_of(store, "s") == {"$maxCount": 5, "mine": 1, "$tb": 2}
    assert stream_of(store, "$$s").last == 2
    await write(store, "s", new_event())
    assert visible(store, "s") == [2]


async def test_metadata_without_json_show_all_events(store: SqliteStore) -> None:
    await write_numbers(store, "s", 2)
    await delete(store, "s")
    await write(store, "$$s", new_event(data=b'{"$maxCount":1}'))
    assert (visible(store, "s"), stream_of(store, "$$s").last) == ([0, 1], 1)


async def test_a_delete_can_be_repeated_and_needs_no_stream(store: SqliteStore) -> None:
    await write_numbers(store, "s", 3)
    for expected in (ANY, 2, NO_STREAM):
        assert isinstance(await delete(store, "s", expected), Deleted)
    assert await delete(store, "s", 1) == WrongVersion(2)
    assert stream_of(store, "$$s").last == 2
    for hard in (False, True):
        assert isinstance(await delete(store, f"never-{hard}", NO_STREAM, hard=hard), Deleted)
        assert await delete(store, f"other-{hard}", 0, hard=hard) == WrongVersion(-1)
    assert store.read.stream("never-False") is None
    assert stream_of(store, "never-True").is_tombstoned


async def test_a_hard_delete_is_final(store: SqliteStore) -> None:
    await write_numbers(store, "s", 3)
    await write_metadata(store, "s", {"$acl": {"$r": "a"}})
    assert await delete(store, "s", 1, hard=True) == WrongVersion(2)
    deleted = await delete(store, "s", 2, hard=True)
    tombstone = all_page(store, 0, 10)[-1]
    assert deleted == Deleted(tombstone.commit_position)
    assert (tombstone.event.event_type, tombstone.event.event_number) == ("$streamDeleted", MAX64)
    assert (tombstone.event.data, tombstone.event.data_content_type) == (b"", 0)
    for name in ("s", "$$s"):
        assert stream_of(store, name).is_tombstoned
        assert store.read.head(name).last == MAX64
    for expected in (ANY, NO_STREAM, 2, STREAM_EXISTS):
        assert await write(store, "s", new_event(), expected=expected) == StreamDeleted()
    for hard in (False, True):
        assert await delete(store, "s", hard=hard) == StreamDeleted()
    assert store.read.access_lists("s") == (None, None)


@pytest.mark.parametrize("expected", [ANY, 0, STREAM_EXISTS])
async def test_metadata_can_be_written_after_a_hard_delete(store: SqliteStore, expected: int) -> None:
    await write_numbers(store, "s", 1)
    await write_metadata(store, "s", {"$maxCount": 1})
    await delete(store, "s", hard=True)
    assert (await write(store, "$$s", new_event(), expected=expected)).first == 1
    assert (await write_metadata(store, "s", {"$acl": {"$r": "a"}, "$tb": MAX64})).first == 2
    assert await write(store, "$$s", new_event(), expected=1) == WrongVersion(2)
    for name in ("s", "$$s"):
        assert stream_of(store, name).is_tombstoned
        assert store.read.head(name).last == MAX64
    assert store.read.access_lists("s") == (None, None)
    assert await write(store, "s", new_event()) == StreamDeleted()


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, 0, STREAM_EXISTS])
async def test_a_hard_delete_prevents_first_metadata(store: SqliteStore, expected: int) -> None:
    await write_numbers(store, "s", 1)
    await delete(store, "s", hard=True)
    assert await write(store, "$$s", new_event(), expected=expected) == StreamDeleted()


async def test_a_scavenge_ends_metadata_of_a_hard_deleted_stream(store: SqliteStore) -> None:
    await write_numbers(store, "s", 1)
    await write_metadata(store, "s", {"$maxCount": 1})
    await delete(store, "s", hard=True)
    await store.scavenge()
    assert await write(store, "$$s", new_event()) == StreamDeleted()


async def test_changes_of_one_transaction_see_each_other(store: SqliteStore) -> None:
    changes: list[Change[Any]] = [
        append("s", [new_event()], NO_STREAM),
        append("s", [new_event()], 0),
        DeleteRequest("s", 1, hard=False),
        append("s", [new_event()], NO_STREAM),
        DeleteRequest("s", 2, hard=True),
        append("s", [new_event()], ANY),
    ]
    results = await asyncio.gather(*map(store.append, changes))
    assert [type(result) for result in results] == [Appended, Appended, Deleted, Appended, Deleted, StreamDeleted]
    assert isinstance(results[3], Appended)
    assert (results[3].first, stream_of(store, "s").last) == (2, MAX64)


async def test_followers_receive_the_events_of_deletes(store: SqliteStore) -> None:
    s, metadata, everything = followers = [Follower() for _ in range(3)]
    for stream, follower in zip(("s", "$$s", EVERYTHING), followers, strict=True):
        store.feed.follow(stream, follower)
    await write(store, "s", new_event())
    await delete(store, "s")
    await write(store, "s", new_event())
    await delete(store, "s", hard=True)
    assert names(s.events) == ["0@s", "1@s", f"{MAX64}@s"]
    assert names(metadata.events) == ["0@$$s", "1@$$s"]
    assert names(everything.events) == ["0@s", "0@$$s", "1@s", "1@$$s", f"{MAX64}@s"]
    assert everything.events == list(all_page(store, 0, 10))


async def test_links_into_deleted_streams_have_no_target(store: SqliteStore) -> None:
    for name in ("soft", "hard", "kept"):
        await write_numbers(store, name, 2)
        await write(store, "links", *(new_event(type="$>", data=f"{n}@{name}") for n in (0, -1)))
    await delete(store, "soft")
    await delete(store, "hard", hard=True)
    links = stream_of(store, "links")
    resolved = stream_page(store, links, 0, 5, resolve_links=True)
    assert [event.HasField("event") for event in resolved] == [False] * 4 + [True] * 2
    for number, event in enumerate(resolved):
        assert event_at(store, links, number, resolve_links=True) == event
    assert [store.read.target(name, -1) is None for name in ("soft", "hard", "kept")] == [True, True, False]
