"""The system projections of a server, which can be disabled, enabled and reset."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from enum import Enum

from rxpump.model.positions import Position
from rxpump.server.projections.projector import Projector
from rxpump.server.projections.system import SYSTEM_PROJECTIONS
from rxpump.server.store.sqlite_store import SqliteStore

_log = logging.getLogger("rxpump.server")


class ProjectionStatus(Enum):
    """State of a projection, with the names of a real server."""

    RUNNING = "Running"
    STOPPED = "Stopped"
    ABORTED = "Aborted"
    FAULTED = "Faulted"


class RunnableProjection:
    """A system projection, running or not.

    Attributes:
        name: Name of the projection.
        status: Its state.
        failure: Text of the error that ended it; empty if it has not failed.
    """

    def __init__(self, name: str, store: SqliteStore, lock: asyncio.Lock) -> None:
        self.name = name
        self.status: ProjectionStatus = ProjectionStatus.STOPPED
        self.failure: str = ""
        self._store = store
        self._lock = lock
        self._projector = self._new_projector()
        self._task: asyncio.Task[None] | None = None

    @property
    def position(self) -> Position | None:
        """Position of the last event that was processed; None before the first."""
        return self._projector.position

    @property
    def checkpoint(self) -> Position | None:
        """Position of the last checkpoint; None before the first."""
        return self._projector.checkpoint

    @property
    def processed(self) -> int:
        """Number of events that were processed since the last start, without those that projections wrote."""
        return self._projector.processed

    def start(self, *, from_beginning: bool = False) -> None:
        """Start the projection from its checkpoint or from the beginning. Do nothing if it is running."""
        if self._task is not None:
            return
        self._projector = self._new_projector()
        if from_beginning:
            self._projector.position = None
        self.status, self.failure = ProjectionStatus.RUNNING, ""
        self._task = asyncio.get_running_loop().create_task(self._projector.run(), name=f"projection {self.name}")
        self._task.add_done_callback(self._ended)

    async def stop(self, status: ProjectionStatus = ProjectionStatus.STOPPED) -> None:
        """Stop the projection after its current work.

        Args:
            status: State after that. The projection saves a checkpoint unless it is `ABORTED`.
        """
        task = self._task
        if task is not None:
            self._projector.aborted = status is ProjectionStatus.ABORTED
            self._projector.stop()
            await asyncio.wait([task])
        if self.status is not ProjectionStatus.FAULTED:
            self.status = status

    async def reset(self) -> None:
        """Process all events again, at once or at the next start. Existing links are not written again."""
        was_running = self._task is not None
        await self.stop(ProjectionStatus.ABORTED if was_running else self.status)
        if was_running:
            self.start(from_beginning=True)
        else:
            self._projector.position = None

    def _new_projector(self) -> Projector:
        return Projector(self.name, SYSTEM_PROJECTIONS[self.name], self._store, self._lock)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self.status, self.failure = ProjectionStatus.FAULTED, str(error) or type(error).__name__
            _log.error("the %s has failed", task.get_name(), exc_info=error)

    def __repr__(self) -> str:
        return f"<RunnableProjection {self._projector!r}, {self.status.value}>"


class Projections:
    """Runs all system projections over a store.

    Attributes:
        by_name: The projections by their names.
    """

    def __init__(self, store: SqliteStore) -> None:
        lock = asyncio.Lock()
        self.by_name: dict[str, RunnableProjection] = {
            name: RunnableProjection(name, store, lock) for name in SYSTEM_PROJECTIONS
        }

    def start(self) -> None:
        """Start each projection from its checkpoint."""
        for projection in self.by_name.values():
            projection.start()

    async def stop(self) -> None:
        """Stop the projections after their current work, and save their checkpoints."""
        await _stop(self.by_name.values())

    async def restart(self) -> None:
        """Stop the projections that run, and start them again."""
        running = [each for each in self.by_name.values() if each.status is ProjectionStatus.RUNNING]
        await _stop(running)
        for projection in running:
            projection.start()

    def __repr__(self) -> str:
        return f"<Projections {', '.join(map(repr, self.by_name.values()))}>"


async def _stop(projections: Iterable[RunnableProjection]) -> None:
    await asyncio.gather(*(each.stop() for each in projections))
