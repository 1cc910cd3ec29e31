"""The configuration stream, which contains small changes and sometimes the whole configuration."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.groups.configuration import Entry
from rxpump.server.groups.saved_groups import SavedGroups
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.streams import CONFIGURATION_STREAM
from rxpump.server.store.changes import Appended, NotCommitted
from rxpump.server.store.group_commit import Commit
from rxpump.tcp.wire.schema import ReadAllEventsCompleted
from tests.server.store.driving import FORWARD, write_metadata


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    store = SqliteStore.in_memory()
    yield store
    await store.close()


def entry_of(number: int, **settings: Any) -> Entry:
    return Entry(GroupSettings(stream=f"orders-{number}", group="billing", **settings))


def written(store: SqliteStore) -> dict[str, list[int]]:
    """Return the sizes of all configuration events that were written, by type."""
    page = store.read.all_page(0, 4096, FORWARD, resolve_links=False)
    sizes: dict[str, list[int]] = {}
    for each in ReadAllEventsCompleted.FromString(page.events).events:
        if each.event.event_stream_id == CONFIGURATION_STREAM:
            sizes.setdefault(each.event.event_type, []).append(len(each.event.data))
    return sizes


async def test_the_cost_of_changes_grows_linearly(store: SqliteStore) -> None:
    total = []
    saved = SavedGroups(store)
    for count in (200, 400, 800):
        while len(saved.entries) < count:
            assert isinstance(await saved.save(entry_of(len(saved.entries)), "admin"), Appended)
        total.append(sum(map(sum, written(store).values())))
    assert total[2] < 2.5 * total[1] < 6.25 * total[0]
    assert len(written(store)["PersistentConfigChange"]) > 700


async def test_a_restart_at_any_time_finds_saved_groups(store: SqliteStore) -> None:
    """A server that ends after any step leaves all saved groups for the next one."""
    saved = SavedGroups(store)
    chance = random.Random(3)
    for step in range(300):
        if saved.entries and chance.random() < 0.3:
            await saved.remove(chance.choice(list(saved.entries)), "admin")
        else:
            await saved.save(entry_of(chance.randrange(150), max_retry_count=step), "admin")
        if step % 7 == 0:
            found = SavedGroups(store)
            assert (found.entries, found.characters) == (saved.entries, saved.characters)
            saved = found
        if step % 50 == 0:
            await store.scavenge()
    assert len(written(store)["PersistentConfigChange"]) > 50


async def test_an_old_event_limit_removes_no_groups(store: SqliteStore) -> None:
    first = SavedGroups(store)
    for number in range(100):
        await first.save(entry_of(number), "admin")
    await write_metadata(store, CONFIGURATION_STREAM, {"$maxCount": 2})
    second = SavedGroups(store)
    for number in range(100, 110):
        await second.save(entry_of(number), "admin")
    assert SavedGroups(store).entries == second.entries
    assert len(second.entries) >= 10


async def test_a_change_that_was_not_saved_is_saved_with_the_next(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = SavedGroups(store)
    for number in range(100):
        await saved.save(entry_of(number), "admin")
    with monkeypatch.context() as broken:
        full = NotCommitted("the disk is full")
        broken.setattr(store.commits, "commit", lambda changes: Commit([full] * len(changes), []))
        assert await saved.save(entry_of(100), "admin") == full
    await saved.save(entry_of(101), "admin")
    assert SavedGroups(store).entries == saved.entries
    assert len(saved.entries) == 102
