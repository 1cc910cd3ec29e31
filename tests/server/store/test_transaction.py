"""Transactions in the store, and reads of $all across them (docs/protocol/tcp.md, sections 4.7 and 4.11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rxpump.model.positions import Position
from rxpump.server import SqliteStore
from rxpump.server.store.append_rule import StreamDeleted, WrongVersion
from rxpump.server.store.changes import Appended
from rxpump.server.store.reader import Transaction
from rxpump.server.store.transaction import CommitRequest
from rxpump.server.store.write_transaction import Prepared
from tests.server.store.driving import (
    ANY,
    BACKWARD,
    NO_STREAM,
    all_page,
    appended,
    data,
    delete,
    new_event,
    reserve_positions,
    stream_of,
    visible,
    write,
    write_metadata,
    write_numbers,
)
from tests.server.store.test_feed import Follower, names


async def prepare(store: SqliteStore, *events: Any, stream: str = "s", expected: int = ANY) -> CommitRequest:
    """Return the commit of a transaction with these events."""
    [id], places = await reserve_positions(store), await reserve_positions(store, len(events))
    return CommitRequest(id, stream, expected, list(map(Prepared, events, places)))


async def test_events_of_a_transaction_lie_at_its_commit(store: SqliteStore) -> None:
    commit = await prepare(store, *map(new_event, range(3)))
    await write(store, "other", new_event(7))
    assert store.read.stream("s") is None
    done = await appended(store, commit)
    assert done[:2] == (0, 2)
    other, *events = all_page(store, 0, 10)
    assert data([other, *events]) == [7, 0, 1, 2]
    assert {event.commit_position for event in events} == {done.position}
    assert [event.prepare_position for event in events] == [place for _, place in commit.prepared]
    assert max(event.prepare_position for event in events) < other.commit_position < done.position
    assert store.read.log().last_commit == done.position < store.read.log().end
    assert visible(store, "s") == [0, 1, 2]


async def test_the_log_is_readable_from_every_position(store: SqliteStore) -> None:
    await write_numbers(store, "a", 2)
    await store.append(await prepare(store, *map(new_event, range(3))))
    await write_numbers(store, "b", 2)
    events = all_page(store, 0, 10)
    positions = [Position(event.commit_position, event.prepare_position) for event in events]
    assert positions == sorted(positions)
    for number, position in enumerate(positions):
        place = store.read.offset(position)
        assert all_page(store, place, 10) == events[number:]
        assert all_page(store, place, 10, BACKWARD) == events[:number][::-1]
    commit = positions[3].commit
    for after, number in [(0, 2), (commit, 5), (positions[3].prepare + 1, 4)]:
        assert all_page(store, store.read.offset(Position(commit, after)), 10) == events[number:]


@pytest.mark.parametrize(
    ("expected", "outcome"), [(ANY, (2, 2)), (1, (2, 2)), (NO_STREAM, WrongVersion(1)), (5, WrongVersion(1))]
)
async def test_the_version_is_checked_at_the_commit(
    store: SqliteStore, expected: int, outcome: WrongVersion | tuple[int, int]
) -> None:
    commit = await prepare(store, new_event(), expected=expected)
    await write_numbers(store, "s", 2)
    done = await store.append(commit)
    assert (done[:2] if isinstance(done, Appended) else done) == outcome


async def test_a_repeated_commit_changes_nothing(store: SqliteStore) -> None:
    commit = await prepare(store, *map(new_event, range(2)))
    await store.append(commit)
    assert await store.append(commit) == Appended(0, 1, -1)
    assert store.read.transaction(commit.id) == Transaction("s", 0, 1)
    assert store.read.transaction(commit.id + 1) is None
    assert len(all_page(store, 0, 10)) == 2


async def test_an_empty_transaction_can_be_committed(store: SqliteStore) -> None:
    await write_numbers(store, "s", 2)
    commit = await prepare(store)
    done = await appended(store, commit)
    assert (done.first, done.last) == (2, 1)
    assert done.position == store.read.log().last_commit
    assert stream_of(store, "s").last == 1


async def test_a_commit_fails_only_on_a_tombstoned_stream(store: SqliteStore) -> None:
    soft, hard = await prepare(store, new_event(), stream="soft"), await prepare(store, new_event(), stream="hard")
    for name in ("soft", "hard"):
        await write_numbers(store, name, 2)
        await delete(store, name, hard=name == "hard")
    assert await store.append(hard) == StreamDeleted()
    assert (await appended(store, soft)).first == 2
    assert visible(store, "soft") == [2]


async def test_metadata_in_a_transaction_apply(store: SqliteStore) -> None:
    await write_numbers(store, "s", 3)
    metadata = new_event(data=b'{"$maxCount":1}', json=True)
    await store.append(await prepare(store, metadata, stream="$$s"))
    assert visible(store, "s") == [2]
    await write_metadata(store, "s", {})
    assert visible(store, "s") == [0, 1, 2]


async def test_followers_receive_a_transaction_at_its_commit(store: SqliteStore) -> None:
    follower = Follower()
    store.feed.follow("s", follower)
    commit = await prepare(store, *map(new_event, range(2)))
    head = store.read.head("s")
    assert follower.events == []
    await store.append(commit)
    assert names(follower.events) == ["0@s", "1@s"]
    assert follower.events == list(all_page(store, 0, 10))
    assert min(event.commit_position for event in follower.events) > head.last_commit


async def test_commits_are_known_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    commit = await prepare(store, new_event())
    await store.append(commit)
    [abandoned] = await reserve_positions(store)
    await store.close()
    store = SqliteStore.open(tmp_path / "events.db")
    assert store.read.transaction(commit.id) == Transaction("s", 0, 0)
    assert await store.append(commit) == Appended(0, 0, -1)
    [another] = await reserve_positions(store)
    assert another > abandoned
    await store.close()
