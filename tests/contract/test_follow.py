"""Subscriptions: history, the change to live, lost connections, and subscriptions that are not consumed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, nullcontext, suppress
from typing import Any

import pytest

from rxpump.errors import ConnectionClosed, StreamDeleted, SubscriptionDropped
from rxpump.model.filters import EventFilter
from rxpump.model.positions import FIRST_POSITION, Position
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected
from rxpump.transport import Confirmed
from tests.contract.stores import ANY, SETTINGS, Store, receive, until_caught_up, values


def follow(store: Store, stream: str = "s", after: int | None = -1) -> Any:
    """Return a context manager that starts an attempt to follow a stream, and closes it at the end."""
    return aclosing(store.transport.follow_stream(stream, after, batch_size=2, resolve_links=False))


def events_of(received: list[Any]) -> list[Any]:
    return [each for batch in received if not isinstance(batch, (Confirmed, CaughtUp, Examined)) for each in batch]


async def test_history_comes_before_new_events(store: Store) -> None:
    await store.write("s", *range(5))
    async with follow(store) as subscription:
        received = await until_caught_up(subscription)
        assert list(dict.fromkeys(values(events_of(received)))) == [0, 1, 2, 3, 4]
        assert Confirmed(4) in received
        await store.write("s", 5)
        await store.write("s", 6)
        assert values(await receive(subscription, 2)) == [5, 6]


async def test_a_place_is_resumed_after(store: Store) -> None:
    await store.write("s", *range(5))
    async with follow(store, after=2) as subscription:
        received = values(events_of(await until_caught_up(subscription)))
    assert [each for each in received if each > 2] == [3, 4]


async def test_without_a_place_only_new_events_come(store: Store) -> None:
    await store.write("s", *range(5))
    async with follow(store, after=None) as subscription:
        assert await until_caught_up(subscription) == [Confirmed(4), CaughtUp()]
        await store.write("s", 5)
        assert values(await receive(subscription, 1)) == [5]


async def test_a_stream_that_does_not_exist_can_be_followed(store: Store) -> None:
    async with follow(store) as subscription:
        assert await until_caught_up(subscription) == [Confirmed(-1), CaughtUp()]
        await store.write("s", 0)
        assert values(await receive(subscription, 1)) == [0]


async def test_a_soft_deleted_stream_can_be_followed(store: Store) -> None:
    await store.write("s", 0, 1)
    await store.transport.delete_stream("s", ANY, hard=False)
    async with follow(store) as subscription:
        assert await until_caught_up(subscription) == [Confirmed(-1 if store.hides_ends else 1), CaughtUp()]
        await store.write("s", 2)
        assert values(await receive(subscription, 1)) == [2]


async def test_a_deleted_stream_cannot_be_followed(store: Store) -> None:
    await store.write("s", 0)
    await store.transport.delete_stream("s", ANY, hard=True)
    async with follow(store) as subscription:
        with pytest.raises(StreamDeleted):
            await until_caught_up(subscription)


async def test_the_deletion_of_a_stream_ends_its_subscription(store: Store) -> None:
    async with follow(store) as subscription:
        await until_caught_up(subscription)
        await store.write("s", 0)
        await store.transport.delete_stream("s", ANY, hard=True)
        assert values(await receive(subscription, 1)) == [0]
        with pytest.raises(StreamDeleted):
            await receive(subscription, 1)


def follow_all(store: Store, where: EventFilter | None, after: Any = FIRST_POSITION) -> Any:
    return aclosing(store.transport.follow_all(after, batch_size=2, resolve_links=False, where=where))


async def test_all_is_followed_with_a_filter(store: Store) -> None:
    await store.write("wanted", 0)
    await store.write("other", "x", "x", "x", "x")
    async with follow_all(store, EventFilter(stream_prefix="wanted")) as subscription:
        received = await until_caught_up(subscription)
        assert list(dict.fromkeys(values(events_of(received)))) == [0]
        [wanted] = [event for event in events_of(received) if event.json() == 0][:1]
        examined = [each.position for each in received if isinstance(each, Examined)]
        assert examined == sorted(examined)
        assert examined[-1] > wanted.position
        await store.write("other", "x")
        await store.write("wanted", 1)
        assert values(await receive(subscription, 1)) == [1]


async def test_all_is_followed_from_a_position(store: Store) -> None:
    await store.write("a", 0, 1)
    await store.write("b", 2)
    place = next(event.position for event in await store.read_all() if event.json() == 1)
    async with follow_all(store, EventFilter(stream_regex="^[ab]$"), place) as subscription:
        received = values(events_of(await until_caught_up(subscription)))
    assert [each for each in received if each > 1] == [2]


async def test_a_lost_connection_ends_a_live_attempt(store: Store) -> None:
    """Only ConnectionClosed means that the connection was lost."""
    await store.write("s", *range(5))
    async with follow(store) as subscription:
        received = values(events_of(await until_caught_up(subscription)))
        store.lose_connection()
        with pytest.raises(ConnectionClosed):
            await receive(subscription, 1)
    async with follow(store, after=received[-1]) as again:
        await store.write("s", 5)
        assert values(await receive(again, 1)) == [5]


@pytest.mark.parametrize("of", ["stream", "all"])
@pytest.mark.parametrize("lost_after", range(5))
async def test_a_connection_lost_amid_history_loses_no_event(store: Store, of: str, lost_after: int) -> None:
    """The attempt continues, or ends with ConnectionClosed. In that case the next one starts after the last event."""
    await store.write("s", *range(10))
    received: list[int] = []
    place: Any = -1 if of == "stream" else FIRST_POSITION
    batches = 0
    while len(received) < 10:
        where = EventFilter(stream_prefix="s")
        attempt = follow(store, after=place) if of == "stream" else follow_all(store, where, place)
        async with attempt as subscription:
            with suppress(ConnectionClosed):
                while len(received) < 10:
                    if batches == lost_after:
                        store.lose_connection()
                    batches += 1
                    news = await subscription.next()
                    for event in events_of([news]):
                        if event.json() >= len(received):
                            received.append(event.json())
                            place = event.number if of == "stream" else event.position
    assert received == list(range(10))
    assert batches > lost_after


@pytest.mark.parametrize("of", ["stream", "all"])
async def test_a_lost_connection_is_signaled_before_the_resumption(store: Store, of: str) -> None:
    where = EventFilter(stream_prefix="s")
    source = store.client.stream("s") if of == "stream" else store.client.stream_all(where=where)
    signals: list[Any] = []
    changed = asyncio.Event()

    def note(item: Any) -> None:
        if isinstance(item, (FellBehind, Reconnected, CaughtUp)):
            signals.append(item)
            changed.set()

    async def until_caught_up_again() -> list[Any]:
        while not signals or not isinstance(signals[-1], CaughtUp):
            changed.clear()
            await changed.wait()
        found, signals[:] = list(signals), []
        return found

    with source.with_signals().subscribe(note):
        assert await until_caught_up_again() == [CaughtUp()]
        store.lose_connection()
        lost, *then = await until_caught_up_again()
        assert isinstance(lost, FellBehind)
        assert isinstance(lost.reason, ConnectionClosed)
        assert then == [Reconnected(), CaughtUp()]


class Received:
    """The items that a subscriber has received, and a method to wait for them."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._changed = asyncio.Event()

    def on_next(self, event: Any) -> None:
        self.values.append(event.json())
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self.values) < count:
            self._changed.clear()
            await self._changed.wait()


@pytest.mark.parametrize("of", ["stream", "all"])
async def test_each_event_is_delivered_once_through_lost_connections(store: Store, of: str) -> None:
    received = Received()
    where = EventFilter(stream_prefix="s")
    source = store.client.stream("s") if of == "stream" else store.client.stream_all(where=where)
    written = 0
    with source.subscribe(received.on_next):
        for _ in range(5):
            for _ in range(3):
                await store.write("s", written)
                written += 1
            await received.until(written - 2)
            store.lose_connection()
        await store.write("s", written)
        await received.until(written + 1)
    assert received.values == list(range(written + 1))


async def test_a_cancelled_wait_loses_no_event(store: Store) -> None:
    async with follow(store) as subscription:
        await until_caught_up(subscription)
        received: list[Any] = []
        for n in range(5):
            waiting = asyncio.ensure_future(subscription.next())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                received += values(events_of([waiting.result()]))
            await store.write("s", n)
        received += values(await receive(subscription, 5 - len(received)))
        assert received == [0, 1, 2, 3, 4]


def attempt_of(store: Store, of: str, received: list[Any], place: Any) -> Any:
    """Return an attempt to follow the stream, or `$all` with a filter, after the place of the last event."""
    if of == "stream":
        return follow(store, after=len(received) - 1)
    return follow_all(store, EventFilter(stream_prefix="s"), place)


async def not_consumed(store: Store, of: str, contents: list[Any]) -> int:
    """Write more than a live attempt may buffer, and return how many events it delivered before it was dropped.

    The next attempts must deliver the rest, each event once. If a server waits for the consumer, the attempt delivers
    all.
    """
    received: list[Any] = []
    place: Any = FIRST_POSITION
    async with attempt_of(store, of, received, place) as subscription:
        await until_caught_up(subscription)
        for content in contents:
            await store.write("s", content)
        with nullcontext() if store.holds_back else pytest.raises(SubscriptionDropped):
            while not store.holds_back or len(received) < len(contents):
                for event in await receive(subscription, 1):
                    received.append(event.json())
                    place = event.position
    held = len(received)
    async with attempt_of(store, of, received, place) as again:
        while len(received) < len(contents):
            for event in await receive(again, 1):
                if event.number >= len(received):  # An attempt may deliver some earlier events again.
                    received.append(event.json())
    assert received == contents
    return held


@pytest.mark.parametrize("of", ["stream", "all"])
async def test_a_subscription_not_consumed_is_dropped_and_resumed(store: Store, of: str) -> None:
    """An attempt buffers at most `live_buffer_events`. The attempt after it delivers the other events."""
    held = await not_consumed(store, of, list(range(5 * SETTINGS.live_buffer_events)))
    assert store.holds_back or held <= SETTINGS.live_buffer_events + 1


@pytest.mark.parametrize("of", ["stream", "all"])
async def test_the_bytes_of_a_live_buffer_are_bounded(store: Store, of: str) -> None:
    size = SETTINGS.live_buffer_bytes // 4
    held = await not_consumed(store, of, [str(n) * size for n in range(9)])
    assert store.holds_back or held <= 5


async def test_the_end_of_a_stream_is_found(store: Store) -> None:
    find = store.transport.find_stream_end
    missing = await find("s")
    assert (missing.last, missing.readable) == (-1, None)
    await store.write("s", 0, 1)
    assert ((await find("s")).last, (await find("s")).readable) == (1, 1)
    await store.transport.delete_stream("s", ANY, hard=False)
    assert ((await find("s")).last, (await find("s")).readable) == (None if store.hides_ends else 1, None)
    await store.transport.delete_stream("s", ANY, hard=True)
    with pytest.raises(StreamDeleted):
        await find("s")


async def test_the_end_of_all_is_found(store: Store) -> None:
    await store.write("s", 0, 1)
    last = (await store.read_all())[-1].position
    assert last is not None
    end = await store.transport.find_all_end(last)
    assert isinstance(end.last, Position)
    assert end.last >= last
    assert end.readable == last
