"""Reads of `$all` (docs/protocol/tcp.md, section 4.7): cases that the recordings lack."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.server.store.pages import MAX_PAGE_BYTES
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadAllResult
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, OPS
from tests.server.talk import Talk, event_of

START, END = (0, 0), (-1, -1)


def position(event: Any) -> tuple[int, int]:
    return event.commit_position, event.prepare_position


def next_position(page: Any) -> tuple[int, int]:
    return page.next_commit_position, page.next_prepare_position


def numbers(page: Any) -> list[int]:
    return [int(event.event.data) for event in page.events]


@pytest.fixture
async def ten(talk: Talk) -> Talk:
    for number in range(10):
        await talk.write(f"s{number % 3}", str(number))
    return talk


async def test_a_read_can_start_at_the_position_of_an_event(ten: Talk) -> None:
    events = ten.read_all(START, 10, user=ADMIN).events
    for number, event in enumerate(events):
        assert numbers(ten.read_all(position(event), 10, user=ADMIN)) == list(range(number, 10))
        before = ten.read_all(position(event), 10, backward=True, user=ADMIN)
        assert numbers(before) == list(range(number))[::-1]


@pytest.mark.parametrize("backward", [False, True])
async def test_pages_contain_each_event_once(ten: Talk, backward: bool) -> None:
    at, met = END if backward else START, []
    while (page := ten.read_all(at, 3, backward=backward, user=ADMIN)).events:
        met += numbers(page)
        at = next_position(page)
    assert met == sorted(range(10), reverse=backward)
    assert next_position(page) == at


async def test_the_opposite_direction_returns_the_same_events(ten: Talk) -> None:
    page = ten.read_all(START, 4, user=ADMIN)
    assert numbers(ten.read_all(next_position(page), 4, backward=True, user=ADMIN)) == [3, 2, 1, 0]
    page = ten.read_all(END, 4, backward=True, user=ADMIN)
    assert numbers(ten.read_all(next_position(page), 4, user=ADMIN)) == [6, 7, 8, 9]


async def test_a_read_beyond_the_end_is_empty(ten: Talk) -> None:
    end = ten.read_all(END, 1, user=ADMIN)
    beyond = (end.commit_position + 1, end.commit_position + 1)
    for place in (beyond, (2**63 - 1, 2**63 - 1), (2**63 - 2, 2**63 - 1)):
        forward = ten.read_all(place, 5, user=ADMIN)
        assert (list(forward.events), next_position(forward)) == ([], place)
        assert not forward.HasField("result")
        assert ten.read_all(place, 5, backward=True, user=ADMIN).result == ReadAllResult.ERROR


@pytest.mark.parametrize("place", [(-1, 0), (0, -1), (-2, -2), (5, -1), (-1, -2)])
async def test_other_negative_positions_are_errors(ten: Talk, place: tuple[int, int]) -> None:
    for backward in (False, True):
        reply = ten.read_all(place, 5, backward=backward, user=ADMIN)
        assert (reply.result, reply.error) == (ReadAllResult.ERROR, "Invalid position.")


@pytest.mark.parametrize("count", [0, -1, -(2**31)])
async def test_a_count_of_zero_returns_no_events(ten: Talk, count: int) -> None:
    for backward in (False, True):
        reply = ten.read_all((100, 100), count, backward=backward, user=ADMIN)
        assert (list(reply.events), next_position(reply), reply.HasField("result")) == ([], (100, 100), False)


async def test_a_read_can_start_between_two_events(ten: Talk) -> None:
    """Positions are ordered as pairs (commit, prepare)."""
    third = ten.read_all(START, 10, user=ADMIN).events[3].commit_position
    assert numbers(ten.read_all((third, third + 1), 1, user=ADMIN)) == [4]
    assert numbers(ten.read_all((third, third - 1), 1, user=ADMIN)) == [3]
    assert numbers(ten.read_all((third, third + 1), 1, backward=True, user=ADMIN)) == [3]
    assert numbers(ten.read_all((third, 0), 1, backward=True, user=ADMIN)) == [2]


async def test_the_last_page_lies_after_the_last_commit(ten: Talk) -> None:
    """A catch-up compares the two (docs/protocol/tcp.md, section 4.16), also after a write of no events."""
    for _ in range(2):
        last = await ten.write("empty")
        page = ten.read_all(START, 100, user=ADMIN)
        assert next_position(page) > (last.commit_position, last.commit_position)
        empty = ten.read_all(next_position(page), 100, user=ADMIN)
        assert (list(empty.events), next_position(empty)) == ([], next_position(page))
    full = ten.read_all(START, 10, user=ADMIN)
    assert next_position(full) < next_position(page)


async def test_only_admins_read_all(ten: Talk) -> None:
    for user in (None, OPS):
        assert ten.read_all(START, 1, user=user).result == ReadAllResult.ACCESS_DENIED


async def test_links_are_followed_and_system_streams_shown(talk: Talk) -> None:
    await talk.write("$secret", "7", user=ADMIN)
    await talk.write("links", "0@$secret", "1@$secret", user=ADMIN)
    page = talk.read_all(START, 10, resolve=True, user=ADMIN)
    plain, good, broken = page.events
    assert (plain.event.data, good.event.data, broken.HasField("event")) == (b"7", b"7", False)
    assert position(plain) < position(good) < position(broken) < next_position(page)


async def test_large_events_make_short_pages(talk: Talk) -> None:
    for _ in range(3):
        await talk.write("s", "1" * (MAX_PAGE_BYTES // 2 + 1))
    page = talk.read_all(START, 10, user=ADMIN)
    assert len(page.events) == 2
    assert len(talk.read_all(next_position(page), 10, user=ADMIN).events) == 1


async def test_a_position_inside_a_record_is_an_error(ten: Talk) -> None:
    events = ten.read_all(START, 10, user=ADMIN).events
    first, second = events[0].commit_position, events[1].commit_position
    in_last = events[-1].commit_position + 1
    for place in (1, first - 1, first + 1, second - 1, in_last):
        for backward in (False, True):
            reply = ten.read_all((place, place), 5, backward=backward, user=ADMIN)
            if place == in_last and not backward:
                assert (reply.result, list(reply.events)) == (ReadAllResult.SUCCESS, [])
                continue
            assert (reply.result, list(reply.events)) == (ReadAllResult.ERROR, [])
            assert f"at actual pos {place}" in reply.error


async def test_a_read_can_start_at_every_returned_position(talk: Talk) -> None:
    """The positions are those of events, transactions, empty writes and a delete, and those after each of them."""
    given = {START, END}
    for stream in ("a", "b"):
        written = await talk.write(stream, "1", "2")
        given.add((written.commit_position, written.prepare_position))
        empty = await talk.write(stream)
        given.add((empty.commit_position, empty.prepare_position))
        talk.send(Command.TRANSACTION_START, schema.TransactionStart(event_stream_id=stream, expected_version=-2))
        await talk.settled()
        id = schema.TransactionStartCompleted.FromString(talk.answers[0].payload).transaction_id
        given.add((id, id))
        events = [event_of("3"), event_of("4" * 1_000)]
        talk.send(Command.TRANSACTION_WRITE, schema.TransactionWrite(transaction_id=id, events=events))
        await talk.settled()
        talk.send(Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id))
        await talk.settled()
        committed = schema.TransactionCommitCompleted.FromString(talk.answers[0].payload)
        given.add((committed.commit_position, committed.prepare_position))
        talk.send(Command.DELETE_STREAM, schema.DeleteStream(event_stream_id=stream, expected_version=-2))
        await talk.settled()
    for backward in (False, True):
        at = END if backward else START
        while (page := talk.read_all(at, 1, backward=backward, user=ADMIN)).events:
            given |= {position(page.events[0]), next_position(page)}
            at = next_position(page)
    for place in given:
        for backward in (False, True):
            assert not talk.read_all(place, 1, backward=backward, user=ADMIN).error
