"""Places between two events of `$all`: the next position of a page, from which every request continues exactly."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.pages import AllPage
from rxpump.model.positions import END, FIRST_POSITION, START, Position, StreamDirection
from rxpump.model.signals import CaughtUp
from tests.contract.stores import BACKWARD, FORWARD, Store, values

WHERE = EventFilter(stream_prefix="s")
FILTERS = pytest.mark.parametrize("where", [None, WHERE], ids=["all", "filtered"])

PLACES = pytest.mark.parametrize("size", [1, 3, 4, 5, 9, 10, 11, 50])
"""Sizes of a page of 10 events: it ends before the last event, with it, or at the end."""


async def write(store: Store, *numbers: int) -> None:
    """Append one event for each number, with an event of another stream after it."""
    for number in numbers:
        await store.write("s", number)
        await store.write("other", "x")


async def page_of(store: Store, start: Any, size: int, where: EventFilter | None) -> AllPage:
    return await store.transport.read_all_page(start, size, FORWARD, resolve_links=False, where=where)


async def first_page(store: Store, size: int, where: EventFilter | None) -> AllPage:
    """Return a page that begins with the first event of the stream "s"."""
    first = (await store.read_all())[0].position
    assert first is not None
    return await page_of(store, first, size, where)


def numbers(events: Sequence[Event]) -> list[Any]:
    return values([event for event in events if event.stream == "s"])


async def followed(store: Store, after: Position | None, last: int, where: EventFilter | None) -> list[Any]:
    """Return the values of "s" after a position that a subscription delivers until it has caught up.

    Args:
        store: The store.
        after: Position after which to start. The subscriber drops an event at this position, as the client does.
        last: Last value to wait for, -1 for none.
        where: Filter.
    """
    received: list[Any] = []
    subscription = store.transport.follow_all(after, batch_size=2, resolve_links=False, where=where)
    is_live = False
    async with aclosing(subscription):
        while not is_live or (last >= 0 and last not in received):
            news = await subscription.next()
            is_live = is_live or isinstance(news, CaughtUp)
            if isinstance(news, Sequence):
                fresh = [event for event in news if after is None or (event.position or after) > after]
                received += [number for number in numbers(fresh) if number not in received]
    return received


@FILTERS
@PLACES
async def test_forward_pages_join_while_events_arrive(store: Store, size: int, where: EventFilter | None) -> None:
    await write(store, 0, 1, 2, 3, 4)
    page = await first_page(store, size, where)
    received, written = numbers(page), 5
    for _ in range(4):
        await write(store, written, written + 1)
        written += 2
        page = await page_of(store, page.next, size, where)
        received += numbers(page)
    while not page.is_last:
        page = await page_of(store, page.next, size, where)
        received += numbers(page)
    assert received == list(range(written))


@FILTERS
@PLACES
async def test_everything_joins_a_page_at_its_next_place(store: Store, size: int, where: EventFilter | None) -> None:
    await write(store, 0, 1, 2, 3, 4)
    page = await first_page(store, size, where)
    before = numbers(page)
    for last in (4, 6):
        rest = list(range(len(before), last + 1))
        options: dict[str, Any] = {"where": where, "batch_size": 2}
        assert numbers(await store.read_all(page.next, **options)) == rest
        assert numbers(await store.read_all(page.next, BACKWARD, **options)) == before[::-1]
        assert await followed(store, page.next, last if rest else -1, where) == rest
        backward = await store.transport.read_all_page(page.next, 3, BACKWARD, resolve_links=False, where=where)
        assert numbers(backward) == before[::-1][: len(numbers(backward))]
        assert bool(backward) is bool(before) or where is None
        if last == 4:
            await write(store, 5, 6)


@FILTERS
@pytest.mark.parametrize("start", [START, FIRST_POSITION])
async def test_pages_end_where_the_log_ends(store: Store, where: EventFilter | None, start: Any) -> None:
    """A page with all events need not be marked as the last one. The next page is empty, and is the last."""
    await write(store, 0, 1)
    page = await page_of(store, start, 100, where)
    while not page.is_last:
        page = await page_of(store, page.next, 100, where)
    for n in (2, 3, 4):
        assert numbers(await page_of(store, page.next, 3, where)) == []
        await write(store, n)
        page = await page_of(store, page.next, 3, where)
        assert numbers(page) == [n]
        while not page.is_last:
            page = await page_of(store, page.next, 3, where)
            assert numbers(page) == []


async def test_a_page_at_the_end_is_joined_by_new_events(store: Store) -> None:
    await write(store, 0, 1)
    page = await page_of(store, END, 3, None)
    assert (len(page), page.is_last) == (0, True)
    await write(store, 2, 3)
    assert numbers(await page_of(store, page.next, 10, None)) == [2, 3]
    assert numbers(await store.read_all(page.next, BACKWARD)) == [1, 0]
    assert await followed(store, page.next, 3, None) == [2, 3]


async def test_a_backward_page_of_an_empty_log_is_joined_by_events(store: Store) -> None:
    page = await store.transport.read_all_page(END, 3, BACKWARD, resolve_links=False, where=WHERE)
    assert len(page) == 0
    await write(store, 0, 1)
    assert numbers(await store.read_all(page.next, BACKWARD)) == []
    assert numbers(await store.read_all(page.next)) == [0, 1]
    assert await followed(store, page.next, 1, None) == [0, 1]


@FILTERS
async def test_backward_pages_join_while_events_arrive(store: Store, where: EventFilter | None) -> None:
    await write(store, 0, 1, 2, 3, 4)
    received: list[Any] = []
    start: Any = END
    for written in range(5, 30):
        page = await store.transport.read_all_page(start, 2, BACKWARD, resolve_links=False, where=where)
        received += numbers(page)
        await write(store, written)
        start = page.next
        if page.is_last:
            break
    assert received == [4, 3, 2, 1, 0]


@FILTERS
@pytest.mark.parametrize("direction", StreamDirection)
async def test_the_place_of_an_event_is_a_start(
    store: Store, direction: StreamDirection, where: EventFilter | None
) -> None:
    await write(store, 0, 1, 2, 3)
    for event in await store.read_all():
        if event.stream != "s":
            continue
        number, place = event.json(), event.position
        assert place is not None
        options: dict[str, Any] = {"where": where, "batch_size": 2}
        expected = list(range(number, 4)) if direction is FORWARD else list(range(number))[::-1]
        assert numbers(await store.read_all(place, direction, **options)) == expected
        page = await store.transport.read_all_page(place, 50, direction, resolve_links=False, where=where)
        assert numbers(page) == expected
        assert await followed(store, place, 3 if number < 3 else -1, where) == list(range(number + 1, 4))
