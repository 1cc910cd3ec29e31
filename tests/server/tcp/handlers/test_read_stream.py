"""Pages of a stream (docs/protocol/tcp.md, section 4.6): cases that the recordings lack."""

from __future__ import annotations

import pytest

from rxpump.server.store.pages import MAX_PAGE_BYTES
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ReadStreamResult
from tests.raw_client import ADMIN
from tests.server.talk import Talk


async def test_reading_forward_from_the_end_is_an_error(talk: Talk) -> None:
    await talk.write("s", "1")
    reply = talk.read_stream("s", -1, 5)
    assert reply.result == ReadStreamResult.ERROR
    assert reply.error.startswith("fromEventNumber should be non negative")
    assert (reply.next_event_number, reply.last_event_number, reply.is_end_of_stream) == (-1, -1, True)


async def test_all_is_no_stream(talk: Talk) -> None:
    await talk.write("s", "1")
    assert talk.read_stream("$all", 0, 5, user=ADMIN).result == ReadStreamResult.NO_STREAM
    assert talk.read_stream("$all", 0, 5).result == ReadStreamResult.ACCESS_DENIED


async def test_a_broken_link_is_a_link_without_an_event(talk: Talk) -> None:
    await talk.write("target", "content")
    await talk.write("links", "0@target", "8@target", "plain")
    good, broken, plain = talk.read_stream("links", 0, 10, resolve=True).events
    assert (good.event.data, good.link.data) == (b"content", b"0@target")
    assert (broken.HasField("event"), broken.link.data) == (False, b"8@target")
    assert (plain.event.data, plain.HasField("link")) == (b"plain", False)


async def test_the_last_commit_is_that_of_the_whole_server(talk: Talk) -> None:
    assert talk.read_stream("s", 0, 5).last_commit_position == -1
    await talk.write("s", "1")
    other = await talk.write("other", "1")
    assert talk.read_stream("s", 0, 5).last_commit_position == other.commit_position


@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_large_events_are_shorter_and_continue(talk: Talk, backward: bool) -> None:
    large = "x" * (MAX_PAGE_BYTES // 2 + 1)
    for _ in range(5):
        await talk.write("s", large)
    met, sizes, position, is_end = [], [], -1 if backward else 0, False
    while not is_end:
        page = talk.read_stream("s", position, 10, backward=backward)
        assert page.last_event_number == 4
        sizes.append(len(page.events))
        met += [event.event.event_number for event in page.events]
        position, is_end = page.next_event_number, page.is_end_of_stream
    assert sizes == [2, 2, 1]
    assert met == sorted(range(5), reverse=backward)


async def test_the_largest_numbers_are_accepted(talk: Talk) -> None:
    await talk.write("s", "1")
    last = 2**63 - 1
    for backward in (False, True):
        page = talk.read_stream("s", last, 4096, backward=backward)
        assert page.result == ReadStreamResult.SUCCESS
        assert list(page.events) == []
    assert talk.read_event("s", last).result == 1
    assert talk.read_stream("s", 0, 2**31 - 1).result == ReadStreamResult.ERROR
    assert isinstance(page, schema.ReadStreamEventsCompleted)
