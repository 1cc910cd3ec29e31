"""The server behind `sqlite:///path` is opened outside the event loop."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.tcp.embedded_node import EmbeddedNode
from rxpump.uri import EmbeddedAddress


class SlowOpening:
    """Replacement for `SqliteStore.open` that waits until the test lets it continue."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.stores: list[SqliteStore] = []
        self._open = SqliteStore.open
        monkeypatch.setattr(SqliteStore, "open", self)

    def __call__(self, path: str, **options: Any) -> SqliteStore:
        assert asyncio._get_running_loop() is None
        self.began.set()
        assert self.may_end.wait(120)
        self.stores.append(self._open(path, **options))
        return self.stores[-1]


async def test_opening_the_file_does_not_block_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = SlowOpening(monkeypatch)
    node = EmbeddedNode(EmbeddedAddress(str(tmp_path / "events.db")))
    locating = asyncio.create_task(node.locate())
    assert await asyncio.to_thread(opening.began.wait, 120)
    opening.may_end.set()
    assert (await locating).port > 0
    await node.close()


async def test_a_cancelled_opening_closes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = SlowOpening(monkeypatch)
    path = str(tmp_path / "events.db")
    locating = asyncio.create_task(EmbeddedNode(EmbeddedAddress(path)).locate())
    assert await asyncio.to_thread(opening.began.wait, 120)
    locating.cancel()
    opening.may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await locating
    assert [store.is_closed for store in opening.stores] == [True]
    await opening._open(path).close()
