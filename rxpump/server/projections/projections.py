"""The running system projections of a server."""

from __future__ import annotations

import asyncio
import logging

from rxpump.server.projections.projector import Projector
from rxpump.server.projections.system import SYSTEM_PROJECTIONS
from rxpump.server.store.sqlite_store import SqliteStore

_log = logging.getLogger("rxpump.server")


class Projections:
    """Runs all system projections over a store."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._running: dict[Projector, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Start each projection from its checkpoint."""
        turn = asyncio.Lock()
        for name, projection in SYSTEM_PROJECTIONS.items():
            projector = Projector(name, projection, self._store, turn)
            task = asyncio.get_running_loop().create_task(projector.run(), name=f"projection {name}")
            task.add_done_callback(_log_failure)
            self._running[projector] = task

    async def stop(self) -> None:
        """Stop the projections after their current work, and save their checkpoints."""
        for projector in self._running:
            projector.stop()
        if self._running:
            await asyncio.wait(self._running.values())
        self._running.clear()

    def __repr__(self) -> str:
        return f"<Projections {', '.join(map(repr, self._running)) or 'not running'}>"


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("the %s has failed", task.get_name(), exc_info=task.exception())
