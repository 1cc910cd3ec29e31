"""A subscription to `$all` whose position no longer exists, because a leader was lost with the end of its log."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.errors import LogTruncated
from rxpump.model.new_events import NewEvent
from rxpump.server.strictness import Strictness
from rxpump.testing import EmbeddedCluster

ADMIN: dict[str, Any] = {"username": "admin", "password": "changeit"}


@pytest.fixture(autouse=True)
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.LAG_SECONDS", 0.0)


@pytest.mark.parametrize("lost", [2, 5], ids=["inside a record", "at another event"])
async def test_a_subscription_to_all_ends_with_log_truncated(lost: int) -> None:
    """Clients have read events that the old leader could not commit. The new leader has others at their positions.

    With two lost events the position of the last one is inside a record, and with five it is that of another event.
    """
    async with EmbeddedCluster(strictness=Strictness.REAL, commit_timeout=0.05) as cluster:
        old = cluster.leader
        async with rxpump.connect(old.uri, **ADMIN) as reader, rxpump.connect(old.uri) as writer:
            await writer.publish_event("s", "Kept")
            seen: list[str] = []
            ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
            shown = asyncio.Event()

            def note(item: Any, live: asyncio.Event) -> None:
                if isinstance(item, rxpump.CaughtUp):
                    live.set()
                elif isinstance(item, rxpump.Event):
                    seen.append(item.type)
                    if seen.count("Lost") == lost:
                        shown.set()

            live = asyncio.Event()
            events = reader.stream_all().pipe(ops.with_signals())
            events.subscribe(lambda item: note(item, live), ended.set_result)
            await live.wait()
            await cluster.cut_off(old)
            publish = writer.publish("s", [NewEvent("Lost") for _ in range(lost)], timeout=None)
            lone: asyncio.Future[object] = asyncio.ensure_future(publish)
            await asyncio.sleep(0.02)  # The write must be pending.
            await cluster.step_down(old)
            await lone
            await shown.wait()
            await cluster.elect(cluster.followers[0])
            async with rxpump.connect(cluster.leader.uri) as client:
                await client.publish("s", [NewEvent("Other") for _ in range(40)])
            await cluster.heal()
            error = await ended
        assert isinstance(error, LogTruncated), error
        assert "Other" not in seen, "no event was delivered that follows a gap"
        assert "subscribe again after the newest of your events" in str(error)
