"""Subscriptions during which the client connects to another node, whose log is shorter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from rxpump.errors import ConnectionClosed
from rxpump.grpc.caller import Caller
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.reads.follow import AllFollowing
from rxpump.model.filters import EventFilter
from rxpump.model.positions import Position
from rxpump.model.signals import CaughtUp, Examined
from rxpump.transport import Confirmed
from tests.grpc.reads.read_server import (
    CAUGHT_UP,
    CONFIRMED,
    UNKNOWN_POSITION,
    WAIT,
    event,
    in_turn,
    reading_from,
)


@asynccontextmanager
async def moving() -> AsyncIterator[Caller]:
    """Connect to a node that refuses the second read, and names a node whose log is shorter."""

    def shorter(options: Any) -> Iterable[Any]:
        if options.HasField("subscription"):
            return [CONFIRMED, CAUGHT_UP, WAIT]
        return [event(3)] if options.all.HasField("end") else [UNKNOWN_POSITION]

    async with reading_from(shorter) as (leader, _):
        address = (("leader-endpoint-host", "127.0.0.1"), ("leader-endpoint-port", str(leader.server.port)))
        refused = CallStatus(StatusCode.NOT_FOUND, "", (("exception", "not-leader"), *address))
        async with reading_from(in_turn([event(9)], [refused])) as (_, caller):
            yield caller
        leader.resume.set()


def following(caller: Caller, after: Position) -> AllFollowing:
    return AllFollowing(caller, after, batch_size=5, resolve_links=False, where=EventFilter(stream_prefix="s"))


async def test_an_end_that_another_node_had_is_not_received() -> None:
    async with moving() as caller:
        async with aclosing(following(caller, Position(950, 950))) as subscription:
            with pytest.raises(ConnectionClosed, match="another node"):
                await subscription.next()
        async with aclosing(following(caller, Position(200, 200))) as subscription:
            news = [await subscription.next() for _ in range(3)]
        assert news == [Confirmed(Position(300, 300)), Examined(Position(300, 300)), CaughtUp()]
