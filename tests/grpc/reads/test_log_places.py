"""Starts of reads and subscriptions at all kinds of positions, on servers that treat some of them differently.

The log of the scripted servers has events of transactions among others. The servers read as real ones do: a backward
read from a position in a transaction starts before the transaction; a server before version 24.2 that starts a
subscription leaves out the first event at the position or later; no server reads from a position inside a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from rxpump.errors import LogTruncated
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.read import after_commit
from rxpump.grpc.protocol.call_status import HANDLER_FAILED, CallStatus, StatusCode
from rxpump.grpc.reads.follow import AllFollowing
from rxpump.grpc.reads.log_places import start_of_group
from rxpump.grpc.reads.pages import read_all_page
from rxpump.grpc.reads.reading import AllReading
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.positions import END, FIRST_POSITION, START, Position, StreamDirection
from rxpump.model.signals import CaughtUp
from tests.grpc.reads.read_server import CAUGHT_UP, CONFIRMED, CUT, OK, UNKNOWN_POSITION, WAIT, event, reading_from

FORWARD = StreamDirection.FORWARD
BACKWARD = StreamDirection.BACKWARD
VERSIONS = pytest.mark.parametrize("version", ["22.10.5", "23.10.6", "24.10.4", "26.1.0"])

LOG = [
    Position(100, 100),
    Position(260, 200),  # a transaction, whose commit is at 260
    Position(260, 220),
    Position(260, 240),
    Position(300, 300),
    Position(460, 400),  # a transaction at the end of the log
    Position(460, 430),
]
RECORD = 20
"""Size in bytes of each record."""

INVALID_POSITION = CallStatus(StatusCode.INVALID_ARGUMENT, "Trying to read from an invalid position.")
WRITTEN = [Position(500, 500), Position(600, 600)]
EVEN = EventFilter(type_prefix="Even")


def is_even(number: int) -> bool:
    return number % 2 == 0


class Log:
    """A server with a log of which each event has a number as its data."""

    def __init__(self, version: str, positions: Sequence[Position] = LOG) -> None:
        self.version = version
        self.is_exact = version not in ("22.10.5", "23.10.6")
        self.positions = list(positions)
        self.cut_after: int | None = None

    def script(self, options: Any) -> Iterable[Any]:
        match options.all.WhichOneof("from"):
            case "start":
                start = FIRST_POSITION
            case "end":
                start = Position(1 << 62, 1 << 62)
            case _:
                start = Position(options.all.position.commit_position, options.all.position.prepare_position)
        return self._answer(options, start)

    def _answer(self, options: Any, start: Position) -> Iterable[Any]:
        records = {place for position in self.positions for place in position}
        if start.commit not in records and any(record < start.commit < record + RECORD for record in records):
            return self._refusal(options)
        found = [at for at in enumerate(self.positions) if at[1] >= start]
        if options.HasField("subscription"):
            return [CONFIRMED, *self._passing(options, self._after(found, start)), CAUGHT_UP, WAIT]
        if options.read_direction == 1:
            if self.positions and self.positions[-1].commit + RECORD < start.commit < 1 << 62:
                return [UNKNOWN_POSITION]
            found = [at for at in enumerate(self.positions) if at[1].commit < start.commit][::-1]
        events = self._passing(options, found)[: options.count]
        if self.cut_after is not None and len(events) > self.cut_after:
            events = [*events[: self.cut_after], CUT]
            self.cut_after = None
        return [*events, OK]

    def _refusal(self, options: Any) -> Iterable[Any]:
        if not options.HasField("subscription"):
            return [UNKNOWN_POSITION]
        return [CONFIRMED, INVALID_POSITION] if self.is_exact else [HANDLER_FAILED]

    def _after(self, found: list[tuple[int, Position]], start: Position) -> list[tuple[int, Position]]:
        if start == FIRST_POSITION:
            return found
        if not self.is_exact:
            return found[1:]
        return [at for at in found if at[1] > start]

    def _passing(self, options: Any, found: Sequence[tuple[int, Position]]) -> list[Any]:
        wanted = [at for at in found if not options.HasField("filter") or is_even(at[0])]
        return [_event(*at) for at in wanted]


def _event(number: int, position: Position) -> Any:
    metadata = {"type": "Even" if is_even(number) else "Odd", "content-type": "application/json", "created": "0"}
    return event(number, commit=position.commit, prepare_position=position.prepare, metadata=metadata)


def numbers(events: Sequence[Event]) -> list[int]:
    return [each.number for each in events]


async def read(caller: Caller, start: Any, direction: StreamDirection, where: EventFilter | None) -> list[int]:
    reading = AllReading(caller, start, direction, batch_size=2, resolve_links=False, where=where)
    async with aclosing(reading.batches()) as batches:
        return [number async for batch in batches for number in numbers(batch)]


async def pages(
    caller: Caller, start: Any, direction: StreamDirection, where: EventFilter | None, size: int
) -> list[int]:
    received: list[int] = []
    for _ in range(20):
        page = await read_all_page(caller, start, size, direction, resolve_links=False, where=where)
        assert len(page) <= size
        received += numbers(page)
        if page.is_last:
            break
        assert len(page) == size
        start = page.next
    return received


async def followed(caller: Caller, after: Position, where: EventFilter | None) -> list[int]:
    received: list[int] = []
    subscription = AllFollowing(caller, after, batch_size=2, resolve_links=False, where=where)
    async with aclosing(subscription):
        while not isinstance(news := await subscription.next(), CaughtUp):
            received += numbers(news) if isinstance(news, Sequence) else []
    return received


def places(positions: Sequence[Position]) -> list[Position]:
    """Return all positions that the client can have: of events, of checkpoints, and between events."""
    found = [FIRST_POSITION, *positions]
    found += [Position(each.commit, 0) for each in positions]
    found += [Position(each.commit, each.prepare + 1) for each in positions if each.prepare < each.commit]
    return [*found, after_commit(positions[-1])]


@VERSIONS
@pytest.mark.parametrize("where", [None, EVEN], ids=["all", "filtered"])
@pytest.mark.parametrize("grows", [False, True])
async def test_no_event_is_lost_or_repeated_at_any_place(
    version: str, where: EventFilter | None, grows: bool
) -> None:
    log = Log(version)
    starts = places(log.positions)
    log.positions += WRITTEN if grows else []
    async with reading_from(log.script, version=version) as (_, caller):
        for start in starts:
            wanted = [at for at in enumerate(log.positions) if where is None or is_even(at[0])]
            later = [number for number, position in wanted if position >= start]
            before = [number for number, position in wanted if position < start][::-1]
            assert await read(caller, start, FORWARD, where) == later, start
            assert await read(caller, start, BACKWARD, where) == before, start
            assert await followed(caller, start, where) == [n for n, at in wanted if at > start], start
            for size in (1, 2, 5):
                assert await pages(caller, start, FORWARD, where, size) == later, (start, size)
                assert await pages(caller, start, BACKWARD, where, size) == before, (start, size)


@VERSIONS
@pytest.mark.parametrize("size", range(1, 10))
async def test_a_place_between_two_pages_is_a_start(version: str, size: int) -> None:
    log = Log(version)
    async with reading_from(log.script, version=version) as (_, caller):
        page = await read_all_page(caller, START, size, FORWARD, resolve_links=False)
        for _ in range(2):
            everything = list(range(len(log.positions)))
            rest = everything[len(page) :]
            assert await read(caller, page.next, FORWARD, None) == rest
            assert await read(caller, page.next, BACKWARD, None) == numbers(page)[::-1]
            assert await followed(caller, page.next, None) == rest
            log.positions += WRITTEN


@pytest.mark.parametrize("direction", StreamDirection)
@pytest.mark.parametrize("cut", range(len(LOG)))
async def test_a_read_cut_in_a_transaction_goes_on(direction: StreamDirection, cut: int) -> None:
    log = Log("23.10.6")
    log.cut_after = cut
    async with reading_from(log.script, version=log.version) as (_, caller):
        expected = list(range(len(LOG)))
        start = START if direction is FORWARD else END
        assert await read(caller, start, direction, None) == expected[:: 1 if direction is FORWARD else -1]


async def test_the_end_of_an_empty_log_is_a_start() -> None:
    log = Log("24.10.4", [])
    async with reading_from(log.script) as (_, caller):
        page = await read_all_page(caller, END, 2, FORWARD, resolve_links=False)
        log.positions += WRITTEN
        assert await pages(caller, page.next, FORWARD, None, 1) == [0, 1]
        assert await followed(caller, page.next, None) == [0, 1]


async def test_a_subscription_after_a_lost_log_starts_as_requested() -> None:
    """The server has been emptied, so it refuses to read backward from the position."""
    log = Log("23.10.6", [Position(100, 100)])
    async with reading_from(log.script, version=log.version) as (server, caller):
        assert await followed(caller, Position(900, 900), None) == []
        assert server.subscriptions[0].all.position.commit_position == 900


@VERSIONS
async def test_a_subscription_inside_a_record_finds_the_log_truncated(version: str) -> None:
    """The server was restored from a backup, and other events were written since."""
    log = Log(version, [Position(100, 100), Position(300, 300)])
    async with reading_from(log.script, version=log.version) as (_, caller):
        with pytest.raises(LogTruncated) as truncated:
            await followed(caller, Position(110, 110), None)
        assert truncated.value.last_seen == Position(110, 110)


async def test_a_group_starts_after_a_page() -> None:
    log = Log("24.10.4")
    async with reading_from(log.script) as (_, caller):
        place = after_commit(log.positions[-1])
        assert await start_of_group(caller, place) == Position(460, 460)
        log.positions += WRITTEN
        assert await start_of_group(caller, place) == WRITTEN[0]
        assert await start_of_group(caller, LOG[2]) == LOG[2]
        assert await start_of_group(caller, START) is START


async def test_a_place_that_cannot_be_read_is_refused() -> None:
    refused = CallStatus(StatusCode.PERMISSION_DENIED, "", (("exception", "access-denied"),))
    async with reading_from(lambda _: [refused]) as (_, caller):
        with pytest.raises(Exception, match="may not"):
            await read(caller, LOG[2], BACKWARD, None)
