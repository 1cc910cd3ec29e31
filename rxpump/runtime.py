"""Where tasks are started.

Everything in rxpump that runs by itself runs as a task of a `Runtime`, which keeps hold of it (asyncio
alone does not) and names it. A failure never vanishes: what a task raises and nobody awaits goes to the
loop's exception handler, as with any task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Runtime:
    """The tasks of one owner (a client, a server), in the loop that is running when they start.

    `intakes` are what to call, for each task that takes in work from outside, to have it take in no more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.intakes: set[Callable[[], None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """Those that have not ended."""
        return frozenset(task for task in self._tasks if not task.done())

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` from now on, beside everything else. Raises RuntimeError where no loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            work.close()
            raise
        task = loop.create_task(work, name=f"{self.name}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Count a task that was started elsewhere among one's own: it works on what came from here."""
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Take nothing more in, and wait until what is under way has ended by itself."""
        for end_intake in tuple(self.intakes):
            end_intake()
        while tasks := self.tasks - {asyncio.current_task()}:
            await asyncio.wait(tasks)

    async def stop(self) -> None:
        """Cancel what runs and wait until it has ended; the task that asks is left alone."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __repr__(self) -> str:
        return f"<Runtime {self.name}, {len(self._tasks)} tasks>"
