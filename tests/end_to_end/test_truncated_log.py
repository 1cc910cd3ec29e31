"""Subscriptions that delivered events which were lost with the end of a leader's log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.errors import LogTruncated, StreamRolledBack
from rxpump.model.new_events import NewEvent
from rxpump.server.strictness import Strictness
from rxpump.testing import EmbeddedCluster, wait_for
from rxpump.testing.cluster import ClusterNode

ADMIN: dict[str, Any] = {"username": "admin", "password": "changeit"}


@pytest.fixture(autouse=True)
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)


def connect(node: ClusterNode, protocol: str) -> rxpump.Client:
    if protocol == "tcp":
        return rxpump.connect(node.uri, **ADMIN)
    host, port = node.http_address
    return rxpump.connect(f"kurrentdb://admin:changeit@{host}:{port}?tls=false&credentialsInClear=true")


def source(client: rxpump.Client, kind: str) -> Any:
    return client.stream_all() if kind == "all" else client.stream("s")


class Received:
    """The events of stream `s` that a subscriber received, in order, and its error."""

    def __init__(self) -> None:
        self.events: list[rxpump.Event] = []
        self.error: Exception | None = None
        self.is_live = False
        self._changed = asyncio.Event()

    def note(self, item: Any) -> None:
        if isinstance(item, rxpump.CaughtUp):
            self.is_live = True
        elif getattr(item, "stream", None) == "s":
            self.events.append(item)
        self._changed.set()

    def note_error(self, error: Exception) -> None:
        self.error = error
        self._changed.set()

    async def until(self, condition: Any) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


async def lose(cluster: EmbeddedCluster, received: Received, lost: int, *, length: int = 0) -> None:
    """Let the leader show events that it cannot commit, and lose them. The new leader has 40 others instead."""
    old: Any = cluster.leader
    await cluster.cut_off(old)
    async with rxpump.connect(old.uri) as writer:
        publish = writer.publish("s", [NewEvent("Lost") for _ in range(lost)], timeout=None)
        lone: asyncio.Future[object] = asyncio.ensure_future(publish)
        await wait_for(lambda: bool(old.pending._writes))
        await cluster.step_down(old)
        await lone
    await received.until(lambda: received.types.count("Lost") == lost)
    await cluster.elect(cluster.followers[0])
    async with rxpump.connect(cluster.leader.uri) as client:
        await client.publish("s", [NewEvent("Next" + "." * length) for _ in range(40)])
    await cluster.heal()


@pytest.mark.parametrize("protocol", ["tcp", "grpc"])
@pytest.mark.parametrize(
    ("kind", "lost", "length"),
    [("all", 2, 1), ("all", 5, 1), ("all", 3, 0), ("stream", 3, 0)],
    ids=["inside a record", "at another event", "at an event of the same size", "at the number of another event"],
)
async def test_a_subscription_ends_with_log_truncated(kind: str, lost: int, length: int, protocol: str) -> None:
    """Clients have read events that the old leader could not commit. The new leader has others at their positions.

    With types of other lengths, two lost events let the last position be inside a record, and five let it be that of
    another event.
    """
    received = Received()
    cluster = EmbeddedCluster(strictness=Strictness.REAL)
    async with cluster, connect(cluster.leader, protocol) as reader:
        await reader.publish_event("s", "Kept")
        source(reader, kind).pipe(ops.with_signals()).subscribe(received.note, received.note_error)
        await received.until(lambda: received.is_live)
        await lose(cluster, received, lost, length=length)
        await received.until(lambda: received.error)
    error = received.error
    assert isinstance(error, LogTruncated), error
    assert received.types == ["Kept"] + ["Lost"] * lost, "no event was delivered that follows a gap"
    kept = received.events[0]
    assert error.resume_after == (kept.position if kind == "all" else 0)
    assert "and subscribe again after" in str(error)


@pytest.mark.parametrize("protocol", ["tcp", "grpc"])
@pytest.mark.parametrize("kind", ["all", "stream"])
async def test_a_retry_resumes_after_the_newest_kept_event(kind: str, protocol: str) -> None:
    """The function `retry_on` undoes the work for the lost events, here in the list of received events."""
    received = Received()

    def undo(error: Exception) -> bool:
        if not isinstance(error, StreamRolledBack):
            return False
        place = error.resume_after
        assert place is not None
        received.events = [
            event
            for event in received.events
            if (event.position if kind == "all" else event.number) <= place  # type: ignore[operator]
        ]
        return True

    cluster = EmbeddedCluster(strictness=Strictness.REAL)
    async with cluster, connect(cluster.leader, protocol) as reader:
        await reader.publish_event("s", "Kept")
        events = source(reader, kind).pipe(ops.retry_with_backoff(min_delay=0.001, retry_on=undo))
        subscription = events.subscribe(received.note, received.note_error)
        await received.until(lambda: received.types == ["Kept"])
        await lose(cluster, received, 3)
        await received.until(lambda: received.types.count("Next") == 40)
        subscription.dispose()
    assert received.types == ["Kept"] + ["Next"] * 40
