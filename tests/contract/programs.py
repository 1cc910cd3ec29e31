"""Random programs of the public client, whose results can be compared between protocols.

A step is a value: a method of `Run` and its arguments. Arguments that depend on results, such as the next position of
a page, are numbers of earlier results of the same run. So a program means the same on each store.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from rxpump.client import Client
from rxpump.errors import RxPumpError, StreamDeleted, StreamNotFound, WrongExpectedVersion
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage
from rxpump.model.positions import END, FIRST_POSITION, START, Edge, Position, StreamDirection
from rxpump.model.signals import CaughtUp

FORWARD, BACKWARD = StreamDirection.FORWARD, StreamDirection.BACKWARD
STREAMS = ("a", "b", "links")
"""Streams of the programs. The name of their metadata stream has the prefix `$$`."""

FILTERS = (
    None,
    EventFilter(stream_prefix="a"),
    EventFilter(type_prefix="Odd"),
    EventFilter(type_regex="^(Odd|Link)"),
    EventFilter(stream_regex="[ab]$", type_prefix="Even"),
    EventFilter(stream_prefix="nothing"),
)


class Step(NamedTuple):
    """One step of a program."""

    method: str
    arguments: dict[str, Any]


class Run:
    """A run of a program with one client.

    Attributes:
        positions: Positions that the steps have returned, of events and of pages.
    """

    def __init__(self, client: Client) -> None:
        self.positions: list[Position] = [FIRST_POSITION]
        self._client = client
        self._last = FIRST_POSITION

    async def execute(self, step: Step) -> Any:
        """Execute a step. Return its result or its error as plain values."""
        try:
            return await getattr(self, step.method)(**step.arguments)
        except WrongExpectedVersion as error:
            name, attributes = described_error(error)
            # Over TCP, the reply of a server of version 4 to a delete does not contain the version.
            return name, attributes if step.method != "delete" else {**attributes, "current": None}
        except RxPumpError as error:
            return described_error(error)

    async def append(self, stream: str, events: list[tuple[int, str]], expected: int) -> Any:
        new = [
            NewEvent(
                type, {"n": id} if id % 3 else b"\0bytes", metadata={"m": id} if id % 2 else None, id=UUID(int=id)
            )
            for id, type in events
        ]
        written = await self._client.publish(stream, new, expected_version=expected)
        # Over gRPC, a server refuses no empty append to a tombstoned stream; the number is that of the tombstone.
        if not new and written.last_event_number == MAX_EVENT_NUMBER:
            return described_error(StreamDeleted(stream))
        return self._written(written)

    async def link(self, number: int, target: str, expected: int, id: int) -> Any:
        link = NewEvent("$>", f"{number}@{target}".encode(), id=UUID(int=id))
        return self._written(await self._client.publish("links", [link], expected_version=expected))

    async def set_metadata(self, stream: str, values: dict[str, Any], expected: int) -> Any:
        # The client makes a random id, so only the versions and positions can be compared.
        return self._written(await self._client.set_metadata(stream, **values, expected_version=expected))

    async def get_metadata(self, stream: str) -> Any:
        found = await self._client.get_metadata(stream)
        return found.metadata.to_json(), found.version

    async def delete(self, stream: str, hard: bool, expected: int) -> Any:
        """Delete a stream.

        The soft delete of a stream that never existed is left out. Over TCP the embedded server accepts it, like a
        server of version 4; over gRPC it refuses it, like a server from version 21.10 on.
        """
        if not hard and not await self._has_existed(stream):
            return None
        return self._written(await self._client.delete_stream(stream, expected, hard))

    async def read_event(self, stream: str, number: Any, links: bool) -> Any:
        return described(await self._client.get_event(stream, number, resolve_links=links))

    async def page(self, stream: str, start: int | Edge, direction: StreamDirection, count: int, links: bool) -> Any:
        """Read pages until there are `count` events, or no more.

        Over gRPC one page is enough. Over TCP a page has the events of `count` numbers, of which some can be missing
        at both ends of the stream.
        """
        found: list[Event] = []
        place: int | Edge = start
        while True:
            page = await self._client.get(
                stream, from_event=place, direction=direction, max_count=count, resolve_links=links
            )
            found += page
            if page and not page.is_last:
                assert page.next == page[-1].received_number + (1 if direction is FORWARD else -1)
            if len(found) >= count or page.is_last:
                return [described(event) for event in found[:count]], page.last_event_number
            place = page.next

    async def _has_existed(self, stream: str) -> bool:
        try:
            await self._client.get(stream, max_count=1)
        except StreamNotFound:
            return (await self._client.get_metadata(stream)).version >= 0
        except StreamDeleted:
            pass
        return True

    async def read(self, stream: str, start: int | Edge, direction: StreamDirection, size: int, links: bool) -> Any:
        reading = self._client.iter(
            stream, from_event=start, direction=direction, batch_size=size, resolve_links=links
        )
        return [described(event) async for event in reading]

    async def pages_of_all(
        self, start: int | Edge, direction: StreamDirection, count: int, links: bool, where: int
    ) -> Any:
        """Read pages of $all to the end.

        The events of each page are compared if there is no filter, and otherwise those of all pages. The sizes of
        filtered pages depend on how much of the filter the server applies. Of `is_last`, only its value for an empty
        page is compared, because over TCP a page with events is not known to be the last one. A next position can be
        any between two events, because over gRPC the server does not send it. The following steps start there.
        """
        place: Any = self._position(start)
        found: list[Any] = []
        start_of_page = FIRST_POSITION
        is_last = False
        while not is_last:
            page: AllPage = await self._client.get_all(
                from_position=place, direction=direction, max_count=count, resolve_links=links, where=FILTERS[where]
            )
            is_last = page.is_last
            place = page.next_position
            if not found and FILTERS[where] is None:
                self.positions.append(place)
            if page:
                if found and direction is FORWARD:
                    assert found[-1][-1][1] < start_of_page <= place_of(page[0])
                found.append([self._placed(event) for event in page])
            start_of_page = place
        return found if FILTERS[where] is None else [[*chain.from_iterable(found)]]

    async def read_all(
        self, start: int | Edge, direction: StreamDirection, size: int, links: bool, where: int
    ) -> Any:
        reading = self._client.iter_all(
            from_position=self._position(start),
            direction=direction,
            batch_size=size,
            resolve_links=links,
            where=FILTERS[where],
        )
        return [self._placed(event) async for event in reading]

    async def follow(self, stream: str, start: int | Edge, links: bool) -> Any:
        return await self._until_live(self._client.stream(stream, start, resolve_links=links).with_signals())

    async def follow_all(self, start: int | Edge, links: bool, where: int) -> Any:
        source = self._client.stream_all(self._position(start), resolve_links=links, where=FILTERS[where])
        return await self._until_live(source.with_signals())

    async def _until_live(self, source: Any) -> Any:
        found: list[Any] = []
        async for item in source:
            if isinstance(item, CaughtUp):
                break
            if isinstance(item, Event):
                found.append(described(item))
        return found

    def _position(self, start: int | Edge) -> Position | Edge:
        return start if isinstance(start, Edge) else self.positions[start % len(self.positions)]

    def _placed(self, event: Event) -> Any:
        self.positions.append(place_of(event))
        return described(event), place_of(event)

    def _written(self, result: Any) -> Any:
        """Return the fields of a result; of a repeated write that the server recognized, only the last number.

        Over TCP, a server of version 4 does not return the position of a repeated write. Over gRPC, a server does not
        return the first number, which the client cannot know if the events are not adjacent in the stream.
        """
        values = {each.name: getattr(result, each.name) for each in fields(result)}
        is_new = values["position"] is not None and values["position"] > self._last
        self._last = max(self._last, values["position"] or FIRST_POSITION)
        return values if is_new else values.get("last_event_number")


def place_of(event: Event) -> Position:
    """Return the position of an event that was read from $all."""
    assert event.position is not None
    return event.position


def described(event: Event) -> Any:
    """Return an event as plain values, without its time."""
    link = event.link
    return (
        event.stream,
        event.number,
        event.type,
        event.data,
        event.metadata,
        None if event.is_broken_link or event.type.startswith("$") else event.id,  # Some ids are random.
        event.is_json,
        event.received_number,
        event.is_broken_link,
        None if link is None else (link.stream, link.number, link.type, link.data, link.id),
    )


def described_error(error: RxPumpError) -> Any:
    """Return the class and the attributes of an error."""
    assert is_dataclass(error)
    return type(error).__name__, {each.name: getattr(error, each.name) for each in fields(error)}


# Random programs ----------------------------------------------------------------------------------


def program(seed: int, length: int) -> list[Step]:
    """Return a random program."""
    chance = random.Random(seed)
    maker = _Maker(chance)
    steps = [maker.append() for _ in range(3)]
    while len(steps) < length:
        steps.append(chance.choices(maker.methods, maker.weights)[0]())
    return steps


class _Maker:
    """Makes random steps."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ids = 0
        self._batches: list[dict[str, Any]] = []
        weighted: Iterable[tuple[Callable[[], Step], float]] = (
            (self.append, 6),
            (self.repeat, 1.5),
            (self.link, 2),
            (self.set_metadata, 1.5),
            (self.get_metadata, 1),
            (self.delete, 1),
            (self.read_event, 2),
            (self.page, 4),
            (self.read, 2),
            (self.pages_of_all, 4),
            (self.read_all, 3),
            (self.follow, 1),
            (self.follow_all, 2),
        )
        self.methods, self.weights = zip(*weighted, strict=True)

    def append(self) -> Step:
        count = self._chance.choice((0, 1, 1, 1, 2, 3, 7))
        types = ("Odd", "Even", "Linked", "é ☃")
        events = [(self._id(), self._chance.choice(types)) for _ in range(count)]
        if events and self._chance.random() < 0.2:
            events.insert(self._chance.randrange(len(events) + 1), self._chance.choice(events))
        arguments = {"stream": self._stream(), "events": events, "expected": self._expected()}
        self._batches.append(arguments)
        return Step("append", arguments)

    def repeat(self) -> Step:
        """Return an earlier append with the same ids: whole, in part, or with a new event."""
        arguments = dict(self._chance.choice(self._batches))
        events = list(arguments["events"])
        match self._chance.randrange(4):
            case 1:
                events = events[: len(events) // 2]
            case 2:
                events = events[len(events) // 2 :]
            case 3:
                events.append((self._id(), "Odd"))
        expected = self._chance.choice((arguments["expected"], self._expected()))
        return Step("append", {**arguments, "events": events, "expected": expected})

    def link(self) -> Step:
        number = self._chance.choice((0, 1, 2, 5, 40))
        return Step("link", {"number": number, "target": self._stream(), "expected": -2, "id": self._id()})

    def set_metadata(self) -> Step:
        number = self._chance.choice((1, 2, 3, 6))
        values = self._chance.choice(
            (
                {},
                {"max_count": number},
                {"truncate_before": number},
                {"custom": {"k": [1, "é"]}},
                {"max_age": 100_000},
            )
        )
        return Step("set_metadata", {"stream": self._stream(), "values": values, "expected": self._expected()})

    def get_metadata(self) -> Step:
        return Step("get_metadata", {"stream": self._stream()})

    def delete(self) -> Step:
        hard = self._chance.random() < 0.2
        return Step("delete", {"stream": self._stream(), "hard": hard, "expected": self._expected()})

    def read_event(self) -> Step:
        number = self._chance.choice((START, END, 0, 1, 2, 3, 5, 100))
        return Step("read_event", {"stream": self._any_stream(), "number": number, "links": self._flag()})

    def page(self) -> Step:
        return Step("page", {**self._reading(), "count": self._chance.choice((1, 2, 3, 5, 32, 33, 100))})

    def read(self) -> Step:
        return Step("read", {**self._reading(), "size": self._chance.choice((1, 2, 3, 5, 100))})

    def pages_of_all(self) -> Step:
        return Step("pages_of_all", {**self._reading_all(), "count": self._chance.choice((1, 2, 3, 5, 20, 100))})

    def read_all(self) -> Step:
        return Step("read_all", {**self._reading_all(), "size": self._chance.choice((1, 2, 3, 5, 100))})

    def follow(self) -> Step:
        start = self._chance.choice((START, 0, 1, 3))
        return Step("follow", {"stream": self._stream(), "start": start, "links": self._flag()})

    def follow_all(self) -> Step:
        start = self._chance.choice((START, self._place(), self._place()))
        return Step("follow_all", {"start": start, "links": self._flag(), "where": self._filter()})

    def _reading(self) -> dict[str, Any]:
        direction = self._chance.choice((FORWARD, BACKWARD))
        starts = (START, 0, 1, 2, 5, 9, 100) if direction is FORWARD else (END, START, 0, 1, 2, 5, 9, 100)
        start = self._chance.choice(starts)
        return {"stream": self._any_stream(), "start": start, "direction": direction, "links": self._flag()}

    def _reading_all(self) -> dict[str, Any]:
        direction = self._chance.choice((FORWARD, BACKWARD))
        start = self._chance.choice((START, END, self._place(), self._place(), self._place()))
        return {"start": start, "direction": direction, "links": self._flag(), "where": self._filter()}

    def _stream(self) -> str:
        return self._chance.choice(STREAMS)

    def _any_stream(self) -> str:
        return self._chance.choice((*STREAMS, *STREAMS, "$$a", "missing"))

    def _expected(self) -> int:
        versions: tuple[int, ...] = (-2, -2, -2, -2, -1, -4, 0, 1, 2, 3)
        return self._chance.choice(versions)

    def _flag(self) -> bool:
        return self._chance.random() < 0.5

    def _filter(self) -> int:
        filters: tuple[int, ...] = (0, 0, *range(len(FILTERS)))
        return self._chance.choice(filters)

    def _place(self) -> int:
        return self._chance.randrange(10_000)

    def _id(self) -> int:
        self._ids += 1
        return self._ids
