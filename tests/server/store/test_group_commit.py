from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.server import SqliteStore, Strictness
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import Appended, Change, NotCommitted
from rxpump.server.store.database import MEMORY, open_database
from rxpump.server.store.deletion import DeleteRequest
from rxpump.server.store.group_commit import GroupCommit
from rxpump.server.store.transaction import ReservePositions
from rxpump.server.store.write_transaction import WriteTransaction
from rxpump.tcp.wire import schema
from tests.server.store.driving import append, new_event, write


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = open_database(MEMORY)
    yield connection
    connection.close()


BROKEN = AppendRequest("s", -2, [schema.NewEvent(event_id=b"\xff" * 16, event_type="T", data=b"x"), cast(Any, None)])


def test_a_transaction_leaves_no_cycle(connection: sqlite3.Connection) -> None:
    commits = GroupCommit(connection)
    gc.collect()
    gc.disable()
    try:
        commits.commit([append("s", [new_event()]), append("$$s", [new_event()])])
        assert not [each for each in gc.get_objects() if isinstance(each, WriteTransaction)]
    finally:
        gc.enable()


async def test_concurrent_writes_share_transactions(store: SqliteStore) -> None:
    outcomes = await asyncio.gather(*(write(store, f"s{n % 7}", new_event()) for n in range(400)))
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    assert store.commits.count < 40


def test_changes_of_one_transaction_apply_in_order(connection: sqlite3.Connection) -> None:
    commits = GroupCommit(connection)
    [first, second], written = commits.commit([append("s", [new_event()], -1), append("s", [new_event()], 0)])
    assert [(stream, [row.revision for row in rows]) for stream, rows in written] == [("s", [0]), ("s", [1])]
    assert (first.first, second.first, commits.count) == (0, 1, 1)


IDS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3)
APPENDS = st.lists(st.tuples(st.sampled_from(["s", "t", "$$s"]), IDS, st.sampled_from([-4, -2, -1, 0])), max_size=8)


@given(APPENDS, st.sampled_from(Strictness), st.booleans())
def test_one_transaction_has_the_outcomes_of_several(
    appends: list[tuple[str, str, int]], strictness: Strictness, is_deleted: bool
) -> None:
    """Appends are recognized as repeated whether the events are in the transaction, in the database, or in both."""
    changes: list[Change[Any]] = [
        AppendRequest(stream, expected, [schema.NewEvent(event_id=id.encode() * 16) for id in ids], strictness)
        for stream, ids, expected in appends
    ]
    if is_deleted:
        changes.insert(len(changes) // 2, DeleteRequest("s", -2, hard=False))
    middle = len(changes) // 3
    with closing(open_database(MEMORY)) as one, closing(open_database(MEMORY)) as other:
        together, apart = GroupCommit(one, lambda: 10**18), GroupCommit(other, lambda: 10**18)
        outcomes = [*together.commit(changes[:middle]).outcomes, *together.commit(changes[middle:]).outcomes]
        assert outcomes == [apart.commit([change]).outcomes[0] for change in changes]


def test_a_failing_append_affects_only_itself(
    connection: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    commits = GroupCommit(connection)
    with caplog.at_level(logging.CRITICAL):
        [before, broken, after], written = commits.commit(
            [append("s", [new_event()]), BROKEN, append("s", [new_event()])]
        )
    assert isinstance(broken, NotCommitted)
    assert (before.first, after.first) == (0, 1)
    assert [row.revision for _, rows in written for row in rows] == [0, 1]
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_positions_are_those_after_the_state_in_the_database(
    connection: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """A later transaction does not read the state of the log, which it knows from the one before."""
    changes: list[Change[Any]] = [
        append("s", [new_event()]),
        ReservePositions(3),
        BROKEN,
        DeleteRequest("s", -2, True),
    ]
    with caplog.at_level(logging.CRITICAL):
        for change in changes:
            commits = GroupCommit(connection)
            commits.commit([append("t", [new_event()])])
            commits.commit([change])
            [end] = connection.execute("SELECT end FROM log").fetchone()
            [appended] = commits.commit([append("t", [new_event()])]).outcomes
            assert appended.position == end


def test_a_full_disk_does_not_damage_the_store(
    connection: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    commits = GroupCommit(connection)
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 20}")
    with caplog.at_level(logging.CRITICAL):
        outcomes = [commits.commit([append("s", [new_event(data=bytes(20_000))])]).outcomes[0] for _ in range(10)]
    written = [outcome for outcome in outcomes if isinstance(outcome, Appended)]
    assert 0 < len(written) < 10
    assert isinstance(outcomes[-1], NotCommitted)
    assert "full" in outcomes[-1].reason
    assert connection.execute("SELECT count(*) FROM events").fetchone() == (len(written),)
    connection.execute("PRAGMA max_page_count = 1000000")
    [again] = commits.commit([append("s", [new_event()])]).outcomes
    assert again.first == len(written)


async def test_the_writer_thread_ends_with_the_store(tmp_path: Path) -> None:
    before = threading.active_count()
    store = SqliteStore.open(tmp_path / "events.db")
    assert threading.active_count() == before
    await write(store, "s", new_event())
    assert threading.active_count() == before + 1
    await store.close()
    assert threading.active_count() == before


async def test_a_cancelled_append_affects_no_other(store: SqliteStore) -> None:
    gone, stays = store.append(append("s", [new_event()])), store.append(append("s", [new_event()]))
    gone.cancel()
    outcome = await stays
    assert isinstance(outcome, Appended)
    assert outcome.first == 1
