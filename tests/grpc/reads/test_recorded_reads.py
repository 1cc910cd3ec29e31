"""Recorded reads and subscriptions: rxpump sends the same requests, and understands every recorded response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.errors import RxPumpError, ServerFailed
from rxpump.grpc.caller import Caller
from rxpump.grpc.messages import streams
from rxpump.grpc.reads.follow import AllFollowing, StreamFollowing
from rxpump.grpc.reads.pages import read_all_page, read_stream_page
from rxpump.model.events import Event
from rxpump.model.positions import END, START, Position
from rxpump.model.signals import CaughtUp, Examined
from rxpump.transport import Confirmed
from tests.grpc.reads.read_server import CUT, Encoded, not_found, reading_from
from tests.grpc.reads.recorded_reads import VERSIONS, RecordedRead, load

READS = load()
MOST = 500


def answer(read: RecordedRead, options: Any) -> Iterable[Any]:
    """Return the recorded response, or a response to one of the reads by which a subscription finds the end."""
    if read.is_subscription and not options.HasField("subscription"):
        return end_of(read, options)
    return [*map(Encoded, read.responses), read.trailers or CUT]


def end_of(read: RecordedRead, options: Any) -> Iterable[Any]:
    if options.HasField("all"):
        return []
    events = [content for content in read.contents if content.HasField("event")]
    return events[-1:] or [not_found()]


def described(events: Iterable[Event]) -> list[tuple[str, int, bytes]]:
    return [(event.stream, event.number, event.data) for event in events]


async def page_of(read: RecordedRead, caller: Caller) -> Sequence[Event]:
    count = min(read.options.count, MOST)
    links = read.options.resolve_links
    if read.stream is not None:
        return await read_stream_page(caller, read.stream, read.start, count, read.direction, resolve_links=links)
    return await read_all_page(caller, read.start, count, read.direction, resolve_links=links, where=None)


async def follow_recorded(read: RecordedRead, caller: Caller, received: list[Any]) -> None:
    """Follow until the recorded call ends, and add the batches and signals to `received`."""
    links = read.options.resolve_links
    after: Any = None if read.start is END else read.start
    subscription: StreamFollowing | AllFollowing
    if read.stream is not None:
        after = -1 if after is START else after
        subscription = StreamFollowing(caller, read.stream, after, batch_size=MOST, resolve_links=links)
    else:
        after = Position(0, 0) if after is START else after
        subscription = AllFollowing(caller, after, batch_size=MOST, resolve_links=links, where=read.where)
    async with aclosing(subscription):
        while True:
            received.append(await subscription.next())


@pytest.mark.parametrize("read", [each for each in READS if not each.is_subscription], ids=str)
async def test_a_recorded_read_is_understood(read: RecordedRead) -> None:
    version = VERSIONS[read.server]
    async with reading_from(lambda options: answer(read, options), version=version) as (server, caller):
        if not read.trailers or read.error:
            # A refusal can be repeated until the time is over, and then has to be the error all the same.
            caller = caller.with_timeout(1.0 if read.trailers else 0.2)
            with pytest.raises(RxPumpError) as raised:
                await page_of(read, caller)
            assert not read.trailers or type(raised.value) is read.error
        elif server_page(read):
            assert described(await page_of(read, caller)) == read.events[: min(read.options.count, MOST)]
        if server.requests:
            assert normalized(server.requests[-1]) == normalized(read.options)


def server_page(read: RecordedRead) -> bool:
    """Return whether the client requests a page. It does not if the page is forward from the end, which is empty."""
    return read.stream is not None or read.start is not END or bool(read.options.read_direction)


@pytest.mark.parametrize("read", [each for each in READS if each.is_subscription], ids=str)
async def test_a_recorded_subscription_is_understood(read: RecordedRead) -> None:
    news: list[Any] = []
    version = VERSIONS[read.server]
    async with reading_from(lambda options: answer(read, options), version=version) as (server, caller):
        with pytest.raises(RxPumpError) as raised:
            await follow_recorded(read, caller, news)
        assert not read.trailers or type(raised.value) is read.error
        # The client calls a server whose handler failed a few times.
        request = server.subscriptions[0]
        assert all(each == request for each in server.subscriptions)
        assert len(server.subscriptions) == 1 or read.error is ServerFailed
        assert normalized(request) == normalized(read.options)
    kinds = [content.WhichOneof("content") for content in read.contents]
    events = [event for batch in news if isinstance(batch, Sequence) for event in batch]
    assert described(events) == read.events
    assert [type(each) for each in news].count(Confirmed) == kinds.count("confirmation")
    assert isinstance(news[0], Confirmed) if news else not kinds
    assert "caught_up" not in kinds or [each for each in news if isinstance(each, CaughtUp)] == [CaughtUp()]
    examined = [each.position for each in news if isinstance(each, Examined)]
    assert examined == sorted(examined)
    assert len(examined) <= kinds.count("checkpoint") or read.where is not None


def normalized(options: Any) -> Any:
    """Return options without differences that do not matter: forms of ids, counts, and forms of filters."""
    found = streams.ReadRequest(options=options).options
    found.ClearField("uuid_option")
    found.ClearField("control_option")
    found.ClearField("filter")
    found.ClearField("no_filter")
    if found.HasField("count"):
        found.count = 1
    for source in (found.stream, found.all):
        if found.HasField("subscription") and source.WhichOneof("from") is not None:
            source.end.SetInParent()  # In place of the end, rxpump sends the position that it has found.
    if found.all.HasField("position") and not found.all.position.commit_position:
        found.all.start.SetInParent()
    if not found.HasField("stream"):
        found.ClearField("stream")
    return found


def test_every_kind_of_read_is_recorded() -> None:
    assert {read.server for read in READS} == VERSIONS.keys()
    kinds = {content.WhichOneof("content") for read in READS for content in read.contents}
    assert kinds == {
        "event",
        "confirmation",
        "checkpoint",
        "stream_not_found",
        "last_stream_position",
        "caught_up",
    }
    errors = {read.error.__name__ for read in READS if read.error}
    assert {"StreamDeleted", "StreamNotFound", "AccessDenied", "NotAuthenticated", "LogTruncated"} <= errors
