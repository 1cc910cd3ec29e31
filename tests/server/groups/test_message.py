from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rxpump.model.positions import StreamDirection
from rxpump.server import SqliteStore
from rxpump.server.groups.message import messages_of
from rxpump.server.groups.pinning import by_stream, unpinned
from rxpump.server.store.stream_window import Window
from rxpump.server.tcp.consumers import appeared
from rxpump.tcp.wire import schema
from tests.server.store.driving import new_event, stream_of, write


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    one = SqliteStore.in_memory()
    await write(one, "s", *(new_event(data=b"x" * size) for size in (0, 100, 200, 20_000)))
    await write(one, "links", *(new_event(type="$>", data=data) for data in (b"2@s", b"9@s")))
    yield one
    await one.close()


def page(store: SqliteStore, stream: str, *, resolve: bool) -> bytes:
    found = stream_of(store, stream)
    window = Window(0, found.last)
    return store.read.stream_page(found, window, StreamDirection.FORWARD, resolve_links=resolve).events


@pytest.mark.parametrize(("stream", "resolve"), [("s", False), ("s", True), ("links", False), ("links", True)])
async def test_messages_are_slices_of_the_page(store: SqliteStore, stream: str, resolve: bool) -> None:
    encoded = page(store, stream, resolve=resolve)
    expected = schema.ReadStreamEventsCompleted.FromString(encoded).events
    messages = messages_of(encoded, by_stream)
    assert len(messages) == len(expected) > 1
    for number, (message, resolved) in enumerate(zip(messages, expected, strict=True)):
        message.retry_count = 300 * number
        payload = schema.PersistentSubscriptionStreamEventAppeared(event=resolved, retry_count=300 * number)
        assert appeared(message) == payload.SerializeToString()
        original = resolved.link if resolved.HasField("link") else resolved.event
        assert (message.number, message.event_id) == (number, original.event_id)
        assert message.bucket == by_stream(resolved)
        assert message.size == len(resolved.SerializeToString())
        assert message.replay_of is None


async def test_a_replay_keeps_the_link_to_its_event(store: SqliteStore) -> None:
    messages = messages_of(page(store, "links", resolve=True), unpinned, are_replays=True)
    assert [message.replay_of for message in messages] == [b"2@s"]  # There is no event 9.


def test_an_empty_page_has_no_messages() -> None:
    assert messages_of(b"", unpinned) == []
