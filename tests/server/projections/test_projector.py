"""The streams of links that the projector writes, also after it was stopped, restarted or interrupted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from rxpump.model.positions import Position, StreamDirection
from rxpump.server import SqliteStore
from rxpump.server.projections import projector as module
from rxpump.server.projections.checkpoint import checkpoint_stream, read_checkpoint
from rxpump.server.projections.projections import Projections
from rxpump.server.projections.projector import Projector
from rxpump.server.projections.system import SYSTEM_PROJECTIONS
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.committed_batch import CommittedBatch
from rxpump.server.store.feed import EVERYTHING
from rxpump.server.store.stream_window import Window
from rxpump.server.store.transaction import CommitRequest
from rxpump.server.store.write_transaction import Prepared
from rxpump.tcp.wire import schema
from tests.server.store.driving import appended, reserve_positions
from tests.server.talk import event_of

BY_CATEGORY = "$by_category"


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    store = SqliteStore.in_memory() if request.param == "memory" else SqliteStore.open(tmp_path / "events.db")
    yield store
    await store.close()


@asynccontextmanager
async def running(store: SqliteStore, name: str = BY_CATEGORY) -> AsyncIterator[Projector]:
    projector = Projector(name, SYSTEM_PROJECTIONS[name], store, asyncio.Lock())
    task = asyncio.create_task(projector.run())
    yield projector
    projector.stop()
    await task


async def write(store: SqliteStore, *streams: str) -> None:
    """Write one event to each stream."""
    await asyncio.gather(*(store.append(AppendRequest(stream, -2, [event_of("x")])) for stream in streams))


def data_of(store: SqliteStore, stream: str) -> list[str]:
    """Return the data of all events of a stream."""
    return [event.data.decode() for event in events_of(store, stream)]


def events_of(store: SqliteStore, stream: str) -> list[Any]:
    found = store.read.stream(stream)
    events: list[Any] = []
    while found is not None and len(events) <= found.last:
        window = Window(len(events), found.last)
        page = store.read.stream_page(found, window, StreamDirection.FORWARD, resolve_links=False)
        events += [each.event for each in schema.ReadStreamEventsCompleted.FromString(page.events).events]
    return events


class Waiter:
    """A follower that waits until a stream has a number of events."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.news = asyncio.Event()

    def receive(self, batch: CommittedBatch) -> None:
        self.news.set()

    def drop(self) -> None:
        raise AssertionError

    async def has(self, count: int, stream: str = "$ce-a") -> None:
        self.store.feed.follow(EVERYTHING, self)
        while True:
            self.news.clear()
            found = self.store.read.stream(stream)
            if found is not None and found.last + 1 >= count:
                break
            await self.news.wait()
        self.store.feed.leave(EVERYTHING, self)


@pytest.fixture
def waiter(store: SqliteStore) -> Waiter:
    return Waiter(store)


async def test_existing_and_new_events_are_linked(store: SqliteStore, waiter: Waiter) -> None:
    await write(store, "a-1", "b-1", "a-2", "other")
    async with running(store):
        await waiter.has(2)
        await write(store, "a-1", "$a-1")
        await write(store, "a-3", "b-1")
        await waiter.has(4)
        await waiter.has(2, "$ce-b")
    assert data_of(store, "$ce-a") == ["0@a-1", "0@a-2", "1@a-1", "0@a-3"]
    assert data_of(store, "$ce-b") == ["0@b-1", "1@b-1"]


async def test_the_metadata_of_a_link_describe_its_target(store: SqliteStore, waiter: Waiter) -> None:
    outcome = await appended(store, AppendRequest("a-1", -2, [event := event_of("x")]))
    async with running(store):
        await waiter.has(1)
    [link] = events_of(store, "$ce-a")
    assert json.loads(link.metadata) == {
        "$c": outcome.position,
        "$p": outcome.position,
        "$o": "a-1",
        "$causedBy": str(UUID(bytes_le=event.event_id)),
    }


async def test_a_projector_resumes_at_its_checkpoint(store: SqliteStore, waiter: Waiter) -> None:
    await write(store, "a-1", "a-2")
    async with running(store) as first:
        await waiter.has(2)
    assert first.position is not None
    await write(store, "a-3")
    async with running(store) as second:
        assert second.position == first.position == read_checkpoint(store.read, BY_CATEGORY)
        await waiter.has(3)
    assert data_of(store, "$ce-a") == ["0@a-1", "0@a-2", "0@a-3"]
    assert data_of(store, f"$${checkpoint_stream(BY_CATEGORY)}") == ['{"$maxCount": 2}']


async def test_a_lost_checkpoint_causes_no_duplicate_links(
    store: SqliteStore, waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No link is repeated if the page size has changed, or if only a part of a page was linked."""
    await write(store, *(f"a-{number}" for number in range(10)))
    for page, count in ((3, 10), (7, 20), (256, 30)):
        monkeypatch.setattr(module, "PAGE", page)
        projector = Projector(BY_CATEGORY, SYSTEM_PROJECTIONS[BY_CATEGORY], store, asyncio.Lock())
        projector.position = None
        task = asyncio.create_task(projector.run())
        await waiter.has(count)
        projector.stop()
        await task
        expected = sorted(link for link in data_of(store, "$ce-a"))
        assert len(set(expected)) == len(expected) == count
        await write(store, *(f"a-{number}" for number in range(10)))
    assert data_of(store, "$ce-a")[:10] == [f"0@a-{number}" for number in range(10)]


@pytest.mark.parametrize("page", [1, 2, 3, 256])
async def test_a_page_can_end_within_a_transaction(
    store: SqliteStore, waiter: Waiter, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(module, "PAGE", page)
    monkeypatch.setattr(module, "MAX_PAGES", 1)
    [transaction] = await reserve_positions(store)
    places = await reserve_positions(store, 5)
    await write(store, "a-1")
    prepared = [Prepared(event_of("x"), place) for place in places]
    await store.append(CommitRequest(transaction, "a-2", -2, prepared))
    await write(store, "a-1")
    expected = ["0@a-1", *(f"{number}@a-2" for number in range(5)), "1@a-1"]
    async with running(store):
        await waiter.has(7)
    assert data_of(store, "$ce-a") == expected
    async with running(store):
        await write(store, "a-3")
        await waiter.has(8)
    assert data_of(store, "$ce-a") == [*expected, "0@a-3"]


async def test_checkpoints_are_saved_periodically(
    store: SqliteStore, waiter: Waiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECKPOINT_AFTER", 100)
    monkeypatch.setattr(module, "PAGE", 25)
    monkeypatch.setattr(module, "MAX_PAGES", 2)
    await write(store, *(f"a-{number}" for number in range(250)))
    async with running(store):
        await waiter.has(250)
        await waiter.has(2, checkpoint_stream(BY_CATEGORY))
    saved = [json.loads(event.metadata)["$c"] for event in events_of(store, checkpoint_stream(BY_CATEGORY))]
    assert saved == sorted(saved)
    assert len(saved) == 3


async def test_a_bad_checkpoint_is_ignored(store: SqliteStore, waiter: Waiter) -> None:
    await write(store, "a-1", checkpoint_stream(BY_CATEGORY))
    assert read_checkpoint(store.read, BY_CATEGORY) is None
    async with running(store) as projector:
        await waiter.has(1)
    assert isinstance(read_checkpoint(store.read, BY_CATEGORY), Position)
    assert repr(projector).startswith("<Projector of $by_category, Position(")


async def test_an_idle_projector_does_nothing(store: SqliteStore, waiter: Waiter) -> None:
    """Projections ignore the links of other projections, so that they do not keep each other busy."""
    projections = Projections(store)
    projections.start()
    await write(store, "a-1", "a-2", "b-1")
    await waiter.has(3, "$streams")
    await waiter.has(2, "$ce-a")
    await waiter.has(3, "$et-T")
    await waiter.has(2, "$category-a")
    await projections.stop()
    assert data_of(store, "$streams") == ["0@a-1", "0@a-2", "0@b-1"]
    assert data_of(store, "$et-T") == ["0@a-1", "0@a-2", "0@b-1"]
    assert data_of(store, "$category-a") == ["a-1", "a-2"]
    end = store.read.log().end
    projections.start()
    for _ in range(20):
        await asyncio.sleep(0)
    await projections.stop()
    assert store.read.log().end == end


async def test_a_failed_write_is_retried(store: SqliteStore, waiter: Waiter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.001)
    refusals = iter([NotCommitted("disk full")] * 3)
    append = store.append

    def refuse_at_first(request: AppendRequest) -> asyncio.Future[Any]:
        refusal = next(refusals, None) if request.stream == "$ce-a" else None
        if refusal is None:
            return append(request)
        outcome = asyncio.get_running_loop().create_future()
        outcome.set_result(refusal)
        return outcome

    monkeypatch.setattr(store, "append", refuse_at_first)
    await write(store, "a-1", "b-1", "a-2")
    async with running(store):
        await waiter.has(2)
    assert data_of(store, "$ce-a") == ["0@a-1", "0@a-2"]
    assert data_of(store, "$ce-b") == ["0@b-1"]


async def test_a_projector_stops_on_a_full_disk(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = asyncio.Event()
    append = store.append

    def refuse(request: AppendRequest) -> asyncio.Future[Any]:
        if request.stream != "$ce-a":
            return append(request)
        outcome = asyncio.get_running_loop().create_future()
        outcome.set_result(NotCommitted("disk full"))
        refused.set()
        return outcome

    await write(store, "a-1")
    monkeypatch.setattr(store, "append", refuse)
    async with running(store):
        await refused.wait()
    assert "stops without a checkpoint" in caplog.text
    assert read_checkpoint(store.read, BY_CATEGORY) is None


async def test_a_failing_projection_is_logged(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(SYSTEM_PROJECTIONS, BY_CATEGORY, broken)
    await write(store, "a-1")
    projections = Projections(store)
    projections.start()
    await Waiter(store).has(1, "$streams")
    await projections.stop()
    assert "the projection $by_category has failed" in caplog.text
    assert data_of(store, "$ce-a") == []
