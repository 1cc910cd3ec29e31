from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from rxpump.server import SqliteStore
from rxpump.server.groups.group import Park
from rxpump.server.groups.journal import Journal
from rxpump.server.groups.message import Message
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.groups.streams import last_json
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.deletion import DeleteRequest
from rxpump.server.store.record_schema import StreamEntry
from tests.server.groups.clients import CHECKPOINTS, PARKED, GroupTalk, fill_the_disk, turns
from tests.server.groups.machine import event_id, message
from tests.server.store.driving import ANY

SETTINGS = GroupSettings(stream="s", group="g")


@pytest.fixture
async def client() -> AsyncIterator[GroupTalk]:
    one = GroupTalk(SqliteStore.in_memory())
    yield one
    await one.store.close()


async def test_checkpoints_are_written_to_their_stream(client: GroupTalk) -> None:
    results: list[object] = []
    journal = Journal(SETTINGS, client.store, None)
    for number in range(3, 10):
        journal.write_checkpoint(number, results.append)
    await turns()
    assert results == [None] * 7
    assert journal.checkpoint == last_json(client.store.read, CHECKPOINTS) == 9
    assert client.checkpoints() == [5, 6, 7, 8, 9]
    assert repr(journal) == "<Journal of 's::g', checkpoint 9>"


async def test_checkpoints_of_a_deleted_group_stay_hidden(client: GroupTalk) -> None:
    Journal(SETTINGS, client.store, None).write_checkpoint(7, lambda failure: None)
    await client.store.append(DeleteRequest(CHECKPOINTS, ANY, hard=False))
    assert last_json(client.store.read, CHECKPOINTS) is None
    journal = Journal(SETTINGS, client.store, None)
    for number in (1, 2):
        journal.write_checkpoint(number, lambda failure: None)
    await turns()
    assert client.checkpoints() == [1, 2]


def stored(number: int) -> Message:
    entry = StreamEntry(event={"event_stream_id": "s", "event_number": number})
    return Message(number, event_id(number), entry.SerializeToString())


async def test_parked_events_can_be_truncated(client: GroupTalk) -> None:
    results: list[object] = []
    journal = Journal(SETTINGS, client.store, None)
    journal.park([Park(stored(4), "no"), Park(message(9, replay_of=b"5@s"), "again")], results.append)
    await turns()
    parked = client.stored(PARKED)
    assert (results, [event.data for event in parked]) == ([None], [b"4@s", b"5@s"])
    first, second = (json.loads(event.metadata) for event in parked)
    assert (first["reason"], first["subscriptionEventNumber"]) == ("no", 4)
    assert second.keys() == {"added", "reason"}
    journal.truncate_parked(1)
    await turns()
    assert [event.data for event in client.stored(PARKED)] == [b"5@s"]


async def test_a_failed_write_is_reported(client: GroupTalk, monkeypatch: pytest.MonkeyPatch) -> None:
    results: list[object] = []
    journal = Journal(SETTINGS, client.store, None)
    fill_the_disk(client, monkeypatch)
    journal.write_checkpoint(1, results.append)
    journal.park([Park(stored(0), "no")], results.append)
    await turns()
    assert results == [NotCommitted("disk full")] * 2
