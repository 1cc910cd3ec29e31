"""The verification of files of events, which `rxpump check` uses."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rxpump.server import NotAStore, SqliteStore, StoreNotFound, StoreTooOld, check
from rxpump.server.store.transaction import CommitRequest
from rxpump.server.store.write_transaction import Prepared
from tests.server.store.driving import (
    ANY,
    all_page,
    damage,
    delete,
    new_event,
    reserve_positions,
    stream_of,
    write,
    write_metadata,
    write_numbers,
)
from tests.server.store.test_upgrades import VERSION_2, make_database

INDEX = "sqlite_autoindex_streams_1"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with a long stream, links, a scavenge, a delete and a transaction."""
    path = tmp_path / "events.db"
    store = SqliteStore.open(path)
    await write_numbers(store, "long", 1_000)
    await write_numbers(store, "counted", 10)
    await write_metadata(store, "counted", {"$maxCount": 3})
    await write(store, "links", new_event(type="$>", data="3@long"), new_event(type="$>", data="nowhere"))
    await write_numbers(store, "deleted", 3)
    await delete(store, "deleted", hard=True)
    [id], places = await reserve_positions(store), await reserve_positions(store, 2)
    await store.append(CommitRequest(id, "transacted", ANY, list(map(Prepared, map(new_event, range(2)), places))))
    await store.scavenge()
    await store.close()
    return path


async def test_a_sound_file_has_no_findings(path: Path) -> None:
    report = check(path)
    assert (report.is_sound, report.streams, report.events) == (True, 7, 1_009)
    store = SqliteStore.open(path)
    await write_numbers(store, "long", 5)
    assert len(all_page(store, 0, 2_000)) == 1_014
    assert check(path).events == 1_014, "while a server has it open"
    await store.close()


def test_lost_events_are_listed_with_their_positions(path: Path) -> None:
    damage(path, "UPDATE events SET record = zeroblob(10) WHERE stream = 1 AND revision BETWEEN 498 AND 501")
    damage(path, "UPDATE events SET all_tail = x'00' WHERE stream = 1 AND revision = 700")
    damage(path, "DELETE FROM events WHERE stream = 1 AND revision IN (600, 601, 999)")
    report = check(path)
    assert [lost[:3] for lost in report.lost] == [
        ("long", 498, 501), ("long", 600, 601), ("long", 700, 700), ("long", 999, 999)
    ]  # fmt: skip
    assert [lost.positions is None for lost in report.lost] == [False, True, False, True]
    assert str(report.lost[1]) == "events 600 to 601 of stream 'long', at unknown positions"
    assert report.events == 1_009 - 4 - 1 - 3


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE streams SET last = 5 WHERE name = 'long'", "the entry of stream 'long' is not what was written"),
        ("DELETE FROM streams WHERE name = 'long'", "the entry of a stream is lost; its events have the key 1"),
        ("UPDATE log SET end = 5", "the state of the log is not what was written"),
        ("UPDATE log SET settings = x'00'", "the copy of the last event of $settings is not what was written"),
        ("DELETE FROM log", "the state of the log is not there"),
        ("UPDATE prepares SET position = position + 1", "a row of the table prepares is not what was written"),
        ("UPDATE transactions SET last = 9", "a row of the table transactions is not what was written"),
        ("UPDATE events SET created = 0 WHERE stream = 1 AND revision = 7", "the id, time or link of event 7"),
        ("UPDATE events SET link_revision = 4 WHERE link_revision = 3", "the id, time or link of event 0 of 'links'"),
    ],
)
def test_other_damage_is_listed(path: Path, statement: str, found: str) -> None:
    damage(path, statement)
    report = check(path)
    assert not report.is_sound
    assert any(found in each for each in report.damaged), report.damaged


def damage_the_name(path: Path, where: str) -> None:
    """Change the name of the stream `counted` in a table or an index."""
    database = sqlite3.connect(path)
    [[page]] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (where,))
    database.close()
    content = bytearray(path.read_bytes())
    at = content.index(b"counted", (page - 1) * 4096)
    content[at : at + 7] = b"coUnted"
    path.write_bytes(content)


def test_an_index_that_differs_from_its_table_is_found(path: Path) -> None:
    damage_the_name(path, INDEX)
    assert any("missing from index" in each for each in check(path).damaged)


async def test_a_damaged_index_of_names_hides_no_stream(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damage_the_name(path, INDEX)
    store = SqliteStore.open(path)
    assert "the index of stream names" in caplog.text
    assert stream_of(store, "counted").last == 9
    await store.close()
    assert check(path).is_sound


async def test_an_index_is_not_rebuilt_from_a_damaged_table(path: Path) -> None:
    """The index still has the correct name. An index that was built from the table would not contain the stream."""
    damage_the_name(path, "streams")
    store = SqliteStore.open(path)
    assert stream_of(store, "counted").last == 9
    await store.close()
    assert "the entry of stream 'coUnted' is not what was written" in check(path).damaged


def test_a_file_that_cannot_be_checked_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        check(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_text("no database at all" * 100)
    with pytest.raises(NotAStore):
        check(tmp_path / "text.db")
    with pytest.raises(StoreTooOld, match="its version is 2"):
        check(make_database(tmp_path / "old.db", VERSION_2, version=2))
