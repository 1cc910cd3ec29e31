"""The distance of subscriptions to secondary indexes and of consumer groups, as servers report them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from rxpump.backpressure.upstream import Upstream
from rxpump.errors import AccessDenied, EventNotFound, NotReady, OperationTimedOut, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import GroupOptions
from rxpump.model.positions import END, Position, StreamDirection
from rxpump.streams.cursor import Cursor, FollowedIndex
from rxpump.streams.probes import CatchUpProbe, ConsumerProbe
from rxpump.transport import Capability
from tests.operators.events import event


class Indexes:
    """A transport with the reads of one index."""

    is_connected = True

    def __init__(self, *events: Event, failure: Exception | None = None) -> None:
        self.timeouts: list[float] = []
        self._events = events
        self._failure = failure

    def with_timeout(self, timeout: float) -> Indexes:
        self.timeouts.append(timeout)
        return self

    @property
    def indexes(self) -> Indexes:
        return self

    async def read(
        self, index: str, start: object, direction: StreamDirection, *, batch_size: int, resolve_links: bool
    ) -> AsyncGenerator[Sequence[Event], None]:
        assert (index, start, direction, batch_size) == ("by-country", END, StreamDirection.BACKWARD, 1)
        if self._failure is not None:
            raise self._failure
        yield self._events


def probe(transport: Indexes, delivered: Event) -> CatchUpProbe:
    """Return the state of a subscription that has delivered one event of the index."""
    requests: Any = transport
    cursor = Cursor(FollowedIndex(requests, requests, "by-country", 10, resolve_links=False), Position(5, 5))
    made = CatchUpProbe(cursor)
    made.upstream = Upstream("index")
    made.upstream.origin = delivered
    return made


async def test_the_distance_in_an_index_is_in_bytes() -> None:
    transport = Indexes(event(position=25))
    subscription = probe(transport, event(position=5))
    distance = subscription.distance_to(await subscription.find_head(0.5))
    assert (distance.events, distance.bytes) == (None, 20)
    assert transport.timeouts == [0.5]


@pytest.mark.parametrize("events", [(), (event(position=5),)])
async def test_an_index_without_further_events_is_not_behind(events: Sequence[Event]) -> None:
    subscription = probe(Indexes(*events), event(position=5))
    assert subscription.distance_to(await subscription.find_head(1)) == (None, 0, 0.0)


async def test_a_head_that_cannot_be_read_is_not_known() -> None:
    failing = Indexes(failure=OperationTimedOut("Read", 1, 1))
    subscription = probe(failing, event(position=5))
    assert subscription.distance_to(await subscription.find_head(1)) == (None, None, None)


async def test_the_end_of_an_index_is_its_last_event() -> None:
    requests: Any = Indexes(event(position=25))
    followed = FollowedIndex(requests, requests, "by-country", 10, resolve_links=False)
    assert (await followed.find_end(Position(5, 5))).readable == Position(25, 25)


class Groups:
    """A transport that reads the state of a group, or fails."""

    is_connected = True
    capabilities = frozenset({Capability.GROUP_INFO})

    def __init__(self, *replies: GroupDetails | Exception) -> None:
        self._replies = list(replies)

    def with_timeout(self, timeout: float) -> Groups:
        return self

    async def group_details(self, stream: str | None, group: str) -> GroupDetails:
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def lagging(last: str, end: str) -> GroupDetails:
    return GroupDetails("s", "g", "Live", GroupOptions(), last_checkpoint=last, last_known=end)


@pytest.mark.parametrize(
    ("stream", "details", "expected"),
    [
        ("s", lagging("3", "7"), (4, None, None)),
        ("s", lagging("7", "7"), (0, None, 0.0)),
        (None, lagging("C:3/P:3", "C:90/P:90"), (None, 87, None)),
    ],
)
async def test_the_distance_of_a_group_is_its_lag(
    stream: str | None, details: GroupDetails, expected: tuple[object, ...]
) -> None:
    transport: Any = Groups(details)
    consumer: Any = None
    subscription = ConsumerProbe(transport, stream, "g", consumer)
    assert subscription.distance_to(await subscription.find_head(1)) == expected


class InStreams:
    """A transport that cannot read the state of a group, only the last events of streams."""

    is_connected = True
    capabilities = frozenset[Capability]()

    def __init__(self, last: dict[str, Event | Exception]) -> None:
        self._last = last
        self.reads: list[str] = []

    def with_timeout(self, timeout: float) -> InStreams:
        return self

    async def read_event(self, stream: str, number: object, *, resolve_links: bool) -> Event:
        assert (number, resolve_links) == (END, False)
        self.reads.append(stream)
        last = self._last[stream]
        if isinstance(last, Exception):
            raise last
        return last


CHECKPOINTS = "$persistentsubscription-s::g-checkpoint"


@pytest.mark.parametrize(
    ("checkpoint", "last", "expected"),
    [
        (event(data=b"3"), event(number=7), (4, None, None)),
        (event(data=b"7"), event(number=7), (0, None, 0.0)),
        (StreamNotFound(CHECKPOINTS), event(number=7), (None, None, None)),
        (event(data=b"3"), EventNotFound("s", -1), (None, None, None)),
    ],
)
async def test_the_lag_is_read_from_streams_if_no_request_has_it(
    checkpoint: Event | Exception, last: Event | Exception, expected: tuple[object, ...]
) -> None:
    transport: Any = InStreams({CHECKPOINTS: checkpoint, "s": last})
    consumer: Any = None
    subscription = ConsumerProbe(transport, "s", "g", consumer)
    for _ in range(2):
        assert subscription.distance_to(await subscription.find_head(1)) == expected


async def test_streams_of_a_group_that_may_not_be_read_are_asked_once() -> None:
    transport: Any = InStreams({CHECKPOINTS: AccessDenied("read", CHECKPOINTS)})
    consumer: Any = None
    subscription = ConsumerProbe(transport, "s", "g", consumer)
    for _ in range(2):
        assert subscription.distance_to(await subscription.find_head(1)) == (None, None, None)
    assert transport.reads == [CHECKPOINTS]


async def test_a_group_that_may_not_be_read_is_asked_once() -> None:
    transport: Any = Groups(NotReady("GetInfo"), AccessDenied("read", "s"))
    consumer: Any = None
    subscription = ConsumerProbe(transport, "s", "g", consumer)
    for _ in range(3):  # A third request would find no reply.
        assert subscription.distance_to(await subscription.find_head(1)) == (None, None, None)
