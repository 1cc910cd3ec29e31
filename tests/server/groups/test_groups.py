"""Groups that are created, updated, deleted, and restarted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from rxpump.server import SqliteStore
from rxpump.server.access.users import DEFAULT_ACCOUNTS, Users
from rxpump.server.groups import groups
from rxpump.server.node import Node
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.deletion import DeleteRequest
from rxpump.tcp.wire.codes import NakAction, SubscriptionDropReason
from tests.raw_client import ADMIN
from tests.server.groups.clients import CHECKPOINTS, PARKED, A, B, GroupTalk, fill_the_disk, group_of, turns
from tests.server.talk import event_of

CONFIGURATION = "$persistentSubscriptionConfig"
OK = (0, "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


class Restarted:
    """A server that was stopped and started again: `async with Restarted(path) as client`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def __aenter__(self) -> GroupTalk:
        self.client = GroupTalk(SqliteStore.open(self.path))
        return self.client

    async def __aexit__(self, *error: None) -> None:
        await self.client.node.close()


async def test_groups_and_progress_survive_a_restart(path: Path) -> None:
    async with Restarted(path) as client:
        await client.write("s", *"01234")
        assert await client.create(max_retry_count=7) == OK
        assert await client.create(group="other", named_consumer_strategy="Pinned") == OK
        client.connect()
        client.ack((await client.delivered())[:3])
    async with Restarted(path) as client:
        assert client.checkpoints() == [2]
        assert group_of(client.node.groups, "other").settings.strategy == "Pinned"
        assert group_of(client.node.groups).settings.max_retry_count == 7
        client.connect()
        assert await client.numbers() == [3, 4]
        assert (await client.create())[0] == 1


async def test_a_group_from_the_end_keeps_its_start(path: Path) -> None:
    async with Restarted(path) as client:
        await client.write("s", *"01")
        await client.create(start_from=-1)
        await client.write("s", *"23")
    async with Restarted(path) as client:
        await client.write("s", "4")
        client.connect()
        assert await client.numbers() == [2, 3, 4]


async def test_deleted_groups_stay_deleted(path: Path) -> None:
    async with Restarted(path) as client:
        await client.create()
        await client.create(group="h")
        assert await client.delete() == OK
    async with Restarted(path) as client:
        assert client.connect() is SubscriptionDropReason.NOT_FOUND
        assert client.connect(group="h").subscription_id == "s::h"


async def test_a_group_of_the_same_name_starts_over(path: Path) -> None:
    async with Restarted(path) as client:
        await client.write("s", *"012")
        await client.create(checkpoint_max_count=1)
        client.connect()
        client.ack(await client.delivered())
        await turns()
        assert await client.delete() == OK
        assert client.drops() == [(A, SubscriptionDropReason.UNSUBSCRIBED)]
        assert await client.create() == OK
    async with Restarted(path) as client:
        client.connect()
        assert await client.numbers() == [0, 1, 2]


async def test_a_delete_removes_the_streams_of_a_group(client: GroupTalk) -> None:
    await client.write("s", *"012")
    await client.create(checkpoint_max_count=1)
    client.connect()
    events = await client.delivered()
    client.nak(events[:1], NakAction.PARK)
    client.ack(events[1:])
    await turns()
    assert len(client.stored(PARKED)) == len(client.checkpoints()) == 1
    await client.delete()
    await turns()
    assert client.stored(PARKED) == client.checkpoints() == []
    await client.create(checkpoint_max_count=1)
    client.connect()
    client.ack((await client.delivered())[:1])
    client.nak((await client.delivered())[:1], NakAction.PARK)
    await turns()
    assert client.checkpoints() == [0]


async def test_an_update_drops_consumers_and_keeps_the_checkpoint(client: GroupTalk, other: GroupTalk) -> None:
    await client.write("s", *"0123")
    await client.create(checkpoint_max_count=1)
    client.connect()
    other.connect(id=B)
    client.ack((await client.delivered())[:1])
    await turns()
    assert await client.update(max_retry_count=1) == OK
    assert client.drops() == [(A, 0)]
    assert other.drops() == [(B, 0)]
    assert (len(client.conversation.consumers), len(other.conversation.consumers)) == (0, 0)
    client.connect()
    events = await client.delivered()
    assert [(each.event.event.event_number, each.retry_count) for each in events] == [(1, 0), (2, 0), (3, 0)]
    client.nak(events[:1], NakAction.RETRY)
    client.nak(await client.delivered(), NakAction.RETRY)
    await turns()
    assert [event.data for event in client.stored("$persistentsubscription-s::g-parked")] == [b"1@s"]


@pytest.mark.parametrize("change", ["update", "update and restart"])
async def test_an_update_redelivers_after_the_checkpoint(path: Path, change: str) -> None:
    """A group of a real server starts again from the written checkpoint too."""
    async with Restarted(path) as client:
        await client.write("s", *"01234")
        await client.create(checkpoint_max_count=2, checkpoint_after_time=0)
        client.connect()
        events = await client.delivered()
        client.ack(events[:2])
        await turns()
        client.ack(events[2:3])
        await client.write("t", "once this is written, the checkpoint is")
        assert await client.update(max_retry_count=1, checkpoint_max_count=1000, checkpoint_after_time=0) == OK
        assert client.checkpoints() == [1]
        if change == "update":
            client.connect()
            assert await client.numbers() == [2, 3, 4]
    if change != "update":
        async with Restarted(path) as client:
            client.connect()
            assert await client.numbers() == [2, 3, 4]


async def test_updates_can_overlap_before_they_are_saved(path: Path) -> None:
    async with Restarted(path) as client:
        await client.write("s", *"0123")
        await client.create(checkpoint_max_count=2)
        client.connect()
        client.ack((await client.delivered())[:2])
        await turns()
        results = await asyncio.gather(*(client.update(max_retry_count=number) for number in range(3)))
        assert results == [OK] * 3
        client.connect()
        assert await client.numbers() == [2, 3]
        assert group_of(client.node.groups).settings.max_retry_count == 2


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(0, 2, [2, 3]), (-1, 0, [0, 1, 2, 3]), (-1, -1, [2, 3]), (0, -1, [])]
)
async def test_a_new_start_applies_without_a_checkpoint(
    client: GroupTalk, before: int, after: int, expected: list[int]
) -> None:
    await client.write("s", *"01")
    await client.create(start_from=before)
    await client.write("s", *"23")
    await client.update(start_from=after)
    client.connect()
    assert await client.numbers() == expected


async def test_a_new_start_is_ignored_after_a_checkpoint(client: GroupTalk) -> None:
    await client.write("s", *"0123")
    await client.create(checkpoint_max_count=1)
    client.connect()
    client.ack((await client.delivered())[:2])
    await turns()
    await client.update(start_from=0)
    client.connect()
    assert await client.numbers() == [2, 3]


async def test_the_last_two_configurations_are_kept(client: GroupTalk) -> None:
    await client.create(start_from=-1)
    await client.create("t", "h")
    await client.delete()
    texts = [json.loads(event.data) for event in client.stored(CONFIGURATION)]
    assert [[each["group"] for each in text["entries"]] for text in texts] == [["g", "h"], ["h"]]
    assert {text["updatedBy"] for text in texts} == {"admin"}
    assert texts[0]["entries"][0]["beginsAfter"] == -1
    assert {event.event_type for event in client.stored(CONFIGURATION)} == {"PersistentConfig1"}
    assert json.loads(client.stored(f"$${CONFIGURATION}")[0].data) == {"$maxCount": 2}


@pytest.mark.parametrize("garbage", ["{", '{"entries": [3]}', "[]", "\x00"])
async def test_a_bad_configuration_is_skipped_and_logged(
    client: GroupTalk, caplog: pytest.LogCaptureFixture, garbage: str
) -> None:
    await client.write(CONFIGURATION, garbage, user=ADMIN)
    restarted = GroupTalk(client.store, Node(client.store, Users(DEFAULT_ACCOUNTS)))
    assert restarted.connect() is SubscriptionDropReason.NOT_FOUND
    assert "cannot be read" in caplog.text
    assert await restarted.create() == OK


@pytest.mark.parametrize("garbage", ["{", '"x"', "null", "-2", "99999999999999999999", "1.5"])
async def test_a_bad_checkpoint_is_ignored(client: GroupTalk, garbage: str) -> None:
    await client.write("s", *"01")
    await client.create()
    await client.write(CHECKPOINTS, garbage, user=ADMIN)
    restarted = GroupTalk(client.store, Node(client.store, Users(DEFAULT_ACCOUNTS)))
    restarted.connect()
    assert await restarted.numbers() == [0, 1]
    restarted.node.groups.stop()


@pytest.mark.parametrize("change", ["create", "update", "delete"])
async def test_a_change_that_is_not_saved_is_an_error(
    client: GroupTalk, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    if change != "create":
        await client.create()
    fill_the_disk(client, monkeypatch)
    result, reason = await getattr(client, change)()
    assert (result, reason) == (
        2, "The change could not be saved, and is lost when the server stops: disk full",
    )  # fmt: skip


async def test_without_its_stream_the_configuration_cannot_be_saved(client: GroupTalk) -> None:
    await client.create()
    await client.store.append(DeleteRequest(CONFIGURATION, -2, hard=True))
    result, reason = await client.update()
    assert result == 2
    assert "could not be saved" in reason
    assert "StreamDeleted" in reason


async def test_groups_are_bounded(client: GroupTalk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_MAX_BYTES", 3000)
    results = [(await client.create(group=f"{number}{'x' * 400}"))[0] for number in range(5)]
    assert results == [0, 0, 0, 2, 2]
    await client.delete(group=f"1{'x' * 400}")
    assert await client.create() == OK


async def test_stop_writes_the_last_checkpoint(client: GroupTalk) -> None:
    await client.write("s", *"012")
    await client.create()
    client.connect()
    client.ack((await client.delivered())[:2])
    client.node.groups.stop()
    client.conversation.end_subscriptions()
    assert client.drops() == [(A, 0)]
    await client.store.append(AppendRequest("s", -2, [event_of("3")]))
    assert await client.delivered() == []
    assert client.checkpoints() == [1]


async def test_the_repr_lists_the_groups(client: GroupTalk) -> None:
    assert repr(client.node.groups) == "<Groups: none>"
    await client.create()
    assert repr(client.node.groups) == "<Groups: s::g>"
