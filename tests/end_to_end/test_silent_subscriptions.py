"""A faulty server that replies to requests and heartbeats, but sends no events to subscriptions."""

from __future__ import annotations

import asyncio

import pytest

import rxpump
from rxpump.model.signals import CaughtUp, FellBehind
from rxpump.server import EmbeddedServer
from rxpump.server.tcp.subscriptions import Subscription


@pytest.mark.parametrize("whole", [False, True])
async def test_the_watchdog_resubscribes(
    whole: bool, memory_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxpump.streams.catch_up.GRACE_SECONDS", 0.01)
    settings = rxpump.Settings(watchdog=0.05)
    async with rxpump.connect(memory_server.uri, username="admin", password="changeit", settings=settings) as client:
        items: list[object] = []
        caught_up, delivered = asyncio.Event(), asyncio.Event()

        def note(item: object) -> None:
            items.append(item)
            if isinstance(item, CaughtUp):
                caught_up.set()
            if isinstance(item, rxpump.Event):
                delivered.set()

        (client.stream_all() if whole else client.stream("s")).with_signals().subscribe(note)
        await caught_up.wait()
        monkeypatch.setattr(Subscription, "receive", lambda self, burst: None)
        await client.publish_event("s", "Written")
        await delivered.wait()
        kinds = [type(item) for item in items]
        assert kinds[:3] == [CaughtUp, FellBehind, rxpump.Event]
