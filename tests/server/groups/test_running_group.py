"""Groups on a store in memory (docs/protocol/tcp.md, section 4.18): cases that the recordings lack."""

from __future__ import annotations

import asyncio
import json

import pytest

from rxpump.server.groups import fair_scheduler as turns_of_groups
from rxpump.server.groups import group as machine
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NakAction
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN
from tests.server.groups.clients import (
    CHECKPOINTS,
    PARKED,
    A,
    B,
    GroupTalk,
    fill_the_disk,
    group_of,
    original,
    turns,
)


async def test_a_group_delivers_existing_and_new_events(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"012")
    await client.create()
    confirmation = client.connect()
    assert (confirmation.subscription_id, confirmation.last_event_number) == ("s::g", 2)
    assert await client.numbers() == [0, 1, 2]
    await other.write("s", *"34")
    await other.write("elsewhere", "0")
    assert await client.numbers() == [3, 4]


async def test_a_group_can_wait_for_its_stream(client: GroupTalk, other: GroupTalk) -> None:
    await client.create()
    assert client.connect().last_event_number == -1
    assert await client.numbers() == []
    await other.write("s", "0")
    assert await client.numbers() == [0]


@pytest.mark.parametrize(
    ("start_from", "expected"), [(-1, [5, 6]), (-2, [5, 6]), (0, [0, 1, 2, 3, 4, 5, 6]), (3, [3, 4, 5, 6])]
)
async def test_start_from_sets_the_first_event_of_a_group(
    client: GroupTalk, other: GroupTalk, start_from: int, expected: list[int]
) -> None:
    await other.write("s", *"01234")
    await client.create(start_from=start_from)
    await other.write("s", *"56")
    client.connect()
    assert await client.numbers() == expected


async def test_a_group_waits_for_a_start_in_the_future(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"01")
    await client.create(start_from=4)
    client.connect()
    assert await client.numbers() == []
    await other.write("s", *"2345")
    assert await client.numbers() == [4, 5]


async def test_no_event_is_lost_when_a_group_catches_up(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *map(str, range(150)))
    await client.create(read_batch_size=7, buffer_size=10)
    client.connect(slots=3)
    numbers: list[int] = []
    while len(numbers) < 200:
        events = await client.delivered()
        assert len(events) <= 3
        numbers += [original(each).event_number for each in events]
        client.ack(events)
        if len(numbers) % 3 == 0 and len(numbers) <= 150:
            await other.write("s", "more")
    assert numbers[:200] == list(range(200))


async def test_a_consumer_without_slots_gets_nothing(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", "0")
    await client.create()
    client.connect(slots=0)
    assert await client.numbers() == []


async def test_links_are_resolved_by_the_settings(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("$secret", "content", user=ADMIN)
    await other.write("s", "0@$secret", "9@nowhere")
    await client.create()
    await client.create(group="h", resolve_link_tos=True)
    client.connect()
    client.connect(group="h", id=B)
    plain, followed = await client.delivered(), await client.delivered(B)
    assert [each.event.event.data for each in plain] == [b"0@$secret", b"9@nowhere"]
    assert not any(each.event.HasField("link") for each in plain)
    assert followed[0].event.event.data == b"content"
    assert [each.event.link.data for each in followed] == [b"0@$secret", b"9@nowhere"]
    assert not followed[1].event.HasField("event")
    # The id of the target is not that of the delivered link.
    client.ack([followed[0].event.event.event_id], id=B, subscription="s::h")
    client.ack([followed[1]], id=B, subscription="s::h")
    running = group_of(client.node.groups, "h")
    assert running.group.last_completed == -1
    client.ack([followed[0]], id=B, subscription="s::h")
    assert running.group.last_completed == 1


async def test_a_parked_event_is_a_link_with_a_reason(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"01")
    await client.create(checkpoint_max_count=1)
    client.connect()
    events = await client.delivered()
    client.nak(events, NakAction.PARK, text="no such pony")
    await turns()
    parked = client.stored(PARKED)
    assert [(each.event_type, each.data, each.data_content_type) for each in parked] == [
        ("$>", b"0@s", 0),
        ("$>", b"1@s", 0),
    ]
    first, second = (json.loads(each.metadata) for each in parked)
    assert first.keys() == {"added", "reason"}
    assert second["reason"] == "Client explicitly NAK'ed message.\nno such pony"
    assert second["subscriptionEventNumber"] == 1
    assert client.checkpoints() == [1]


async def test_an_event_that_cannot_be_parked_is_redelivered(
    client: GroupTalk, other: GroupTalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.write("s", "0")
    await client.create(checkpoint_max_count=1)
    client.connect()
    events = await client.delivered()
    with monkeypatch.context() as broken:
        fill_the_disk(client, broken)
        client.nak(events, NakAction.PARK)
        await turns()
    assert await client.numbers() == [0]
    assert client.read_stream(PARKED, 0, 1, user=ADMIN).result == 1
    assert group_of(client.node.groups).group.last_completed == -1


async def test_a_checkpoint_ends_at_the_first_gap(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"0123")
    await client.create(checkpoint_max_count=2)
    client.connect()
    events = await client.delivered()
    client.ack(events[2:])
    await turns()
    assert client.stored(CHECKPOINTS) == []
    client.ack(events[:1])
    client.ack(events[1:2])
    await turns()
    [event] = client.stored(CHECKPOINTS)
    assert (event.event_type, event.data, event.data_content_type) == ("SubscriptionCheckpoint", b"3", 1)
    [metadata] = client.stored(f"$${CHECKPOINTS}")
    assert json.loads(metadata.data) == {"$maxCount": 5, "$tb": 0}


async def test_a_checkpoint_that_is_not_written_is_retried(
    client: GroupTalk, other: GroupTalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await other.write("s", *"0123")
    await client.create(checkpoint_max_count=2)
    client.connect()
    events = await client.delivered()
    with monkeypatch.context() as broken:
        fill_the_disk(client, broken)
        client.ack(events[:2])
        await turns()
    assert client.stored(CHECKPOINTS) == []
    assert group_of(client.node.groups).checkpoint is None
    client.ack(events[2:3])
    await turns()
    assert client.checkpoints() == [2]
    assert len(client.stored(f"$${CHECKPOINTS}")) == 1


async def test_a_checkpoint_by_time_is_written_at_a_tick(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"0123")
    await client.create(checkpoint_min_count=2, checkpoint_after_time=2000)
    client.connect()
    events = await client.delivered()
    client.ack(events[:1])
    begun = group_of(client.node.groups)._now()
    group_of(client.node.groups).tick(begun)
    client.ack(events[1:2])
    group_of(client.node.groups).tick(begun + 1)
    await turns()
    assert client.checkpoints() == [1]
    client.ack(events[2:])
    group_of(client.node.groups).tick(begun + 2)
    assert group_of(client.node.groups).group.last_completed == 3
    group_of(client.node.groups).tick(begun + 3.1)
    await turns()
    assert client.checkpoints() == [1, 3]


async def test_a_consumer_that_ends_leaves_its_events_to_others(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"0123")
    await client.create()
    client.connect(slots=2)
    assert await client.numbers() == [0, 1]
    other.connect(slots=4, id=B)
    assert await other.numbers(B) == [2, 3]
    client.conversation.close()
    events = await other.delivered(B)
    assert [(original(each).event_number, each.retry_count) for each in events] == [(0, 1), (1, 1)]
    assert await client.delivered() == []


async def test_unsubscribing_drops_the_consumer(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", "0")
    await client.create()
    client.connect()
    await client.delivered()
    assert client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=A) == [(Command.SUBSCRIPTION_DROPPED, b"")]
    assert client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=A) == []
    await other.write("s", "1")
    assert await client.delivered() == []
    assert (len(client.conversation.consumers), len(client.store.feed._followers)) == (0, 0)
    client.connect(id=B)
    assert [each.retry_count for each in await client.delivered(B)] == [1, 0]


async def test_an_unread_client_gets_events_after_it_reads(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"01")
    await client.create()
    client.connect(slots=1)
    [event] = await client.delivered()
    client.conversation.consumers.pause()
    client.ack([event])
    assert await client.numbers() == []
    client.conversation.consumers.resume()
    assert await client.numbers() == [1]


async def test_the_memory_of_a_group_is_bounded(
    client: GroupTalk, other: GroupTalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "MAX_PENDING_BYTES", 10_000)
    await other.write("s", *["x" * 3000] * 20)
    await client.create(read_batch_size=1)
    client.connect(slots=100)
    first = await client.delivered()
    assert len(first) == 4
    client.ack(first[:2])
    assert await client.numbers() == [4, 5]


async def test_parked_events_are_replayed(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"0123")
    await client.create()
    client.connect()
    events = await client.delivered()
    client.ack(events[:2])
    client.nak(events[2:], NakAction.PARK)
    await turns()
    group_of(client.node.groups).replay_parked()
    again = await client.delivered()
    assert [(each.event.event.data, each.event.link.event_stream_id) for each in again] == [
        (b"2", PARKED),
        (b"3", PARKED),
    ]
    assert [each.retry_count for each in again] == [0, 0]
    client.ack(again[:1])
    client.nak(again[1:], NakAction.PARK)
    await turns()
    assert [event.data for event in client.stored(PARKED)] == [b"3@s"]
    metadata = json.loads(client.stored(f"$${PARKED}")[-1].data)
    only_admins = dict.fromkeys(("$r", "$w", "$d", "$mr", "$mw"), "$admins")
    assert metadata == {"$tb": 2, "$acl": only_admins}
    group_of(client.node.groups).replay_parked()
    assert [each.event.event.data for each in await client.delivered()] == [b"3"]


async def test_a_group_survives_a_delete_of_its_stream(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *"0123")
    await client.create(checkpoint_max_count=1)
    client.connect(slots=2)
    events = await client.delivered()
    delete = schema.DeleteStream(event_stream_id="s", expected_version=-2)
    other.send(Command.DELETE_STREAM, delete)
    await other.settled()
    await other.write("s", *"45")
    client.ack(events)
    assert await client.numbers() == [2, 3]  # The group had read these events before the delete.
    await client.update()
    client.connect()
    assert await client.numbers() == [4, 5]


async def test_a_replay_without_parked_events_does_nothing(client: GroupTalk) -> None:
    await client.create()
    group_of(client.node.groups).replay_parked()
    client.connect()
    assert await client.delivered() == []


async def test_a_large_replay_continues_page_by_page(client: GroupTalk, other: GroupTalk) -> None:
    await other.write("s", *map(str, range(50)))
    await client.create(read_batch_size=5, buffer_size=10)
    client.connect(slots=50)
    client.nak(await client.delivered(), NakAction.PARK)
    await turns()
    client.send(Command.UNSUBSCRIBE_FROM_STREAM, id=A)
    client.connect(slots=3)
    group_of(client.node.groups).replay_parked()
    group_of(client.node.groups).replay_parked()
    replayed = []
    while events := await client.delivered():
        assert len(events) <= 3
        replayed += [int(each.event.event.data) for each in events]
        client.ack(events)
    assert replayed == list(range(50))


async def test_an_empty_slice_does_one_step(
    client: GroupTalk, other: GroupTalk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns_of_groups, "_SLICE", 0.0)
    await other.write("s", *map(str, range(90)))
    await client.create(read_batch_size=10)
    client.connect(slots=1000)
    client.received.clear()
    counts = []
    for _ in range(3):
        await asyncio.sleep(0)
        counts.append(len(client.received))
    assert counts == [0, 10, 20]
    assert await client.numbers() == list(range(90))


async def test_the_repr_shows_the_state(client: GroupTalk) -> None:
    await client.create()
    assert repr(group_of(client.node.groups)).startswith(
        "<RunningGroup 's::g', <Group 's::g', 0 consumers, 0 events in flight, 0 buffered"
    )
    client.node.groups.stop()
    assert repr(group_of(client.node.groups)) == "<RunningGroup 's::g', stopped>"
