"""Where tasks are started.

Everything in rxpump that runs by itself runs as a task of a `BackgroundTasks`, which keeps hold of it (asyncio
alone does not) and names it. A failure never vanishes: what a task raises and nobody awaits goes to the
loop's exception handler, as with any task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import current_thread, get_ident
from typing import Any
from weakref import WeakKeyDictionary

from rxpump.errors import WrongEventLoop


class BackgroundTasks:
    """The tasks of one owner (a client, a server), in the loop that is running when they start.

    A runtime that is bound to an event loop refuses to be used in another. `intakes` are what to call, for each task
    that takes in work from outside, to have it take in no more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.intakes: set[Callable[[], None]] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ""

    def bind(self) -> None:
        """Belong to the running event loop, until `release`.

        Raises:
            WrongEventLoop: It belongs to another one, which is not closed.
        """
        running = asyncio.get_running_loop()
        if self._loop is not None and not self._loop.is_closed():
            self.check()
        if running is not self._loop:
            self.intakes.clear()
            self._tasks.clear()
            self._loop, self._thread = running, current_thread().name

    def release(self) -> None:
        """Belong to no event loop."""
        self._loop = None

    def check(self) -> None:
        """Check that the caller runs in the event loop to which this belongs, if it belongs to one.

        Raises:
            WrongEventLoop: It does not.
        """
        if self._loop is None or (running := _running_loop()) is self._loop:
            return
        here = current_thread().name
        raise WrongEventLoop(self.name, _describe(self._loop, self._thread), _describe(running, here))

    @property
    def is_orphaned(self) -> bool:
        """Whether it belongs to an event loop that is closed."""
        return self._loop is not None and self._loop.is_closed()

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """Those that have not ended."""
        return frozenset(task for task in self._tasks if not task.done())

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` from now on, beside everything else.

        Raises:
            WrongEventLoop: This belongs to another event loop.
            RuntimeError: No event loop is running.
        """
        try:
            self.check()
            loop = asyncio.get_running_loop()
        except BaseException:
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
        return f"<BackgroundTasks {self.name}, {len(self._tasks)} tasks>"


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, BackgroundTasks] = WeakKeyDictionary()


def tasks_of_running_loop() -> BackgroundTasks:
    """Return the tasks of the running event loop that belong to no client.

    The loop itself refers to its tasks weakly, so a task that only waits could be collected.

    Raises:
        RuntimeError: No event loop is running.
    """
    loop = asyncio.get_running_loop()
    tasks = _of_loops.get(loop)
    if tasks is None:
        tasks = _of_loops[loop] = BackgroundTasks("operators")
    return tasks


class Home:
    """The running event loop and its thread, in which something lives that other threads may call."""

    __slots__ = ("_loop", "_thread")

    def __init__(self) -> None:
        """Raises RuntimeError where no loop runs."""
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def is_here(self) -> bool:
        """Return whether the caller runs in the thread of the loop."""
        return get_ident() == self._thread

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Have a function called in the loop, soon, after those of earlier calls.

        Raises:
            RuntimeError: The loop is closed.
        """
        self._loop.call_soon_threadsafe(function, *args)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _describe(loop: asyncio.AbstractEventLoop | None, thread: str) -> str:
    if loop is None:
        return f"thread {thread!r}, where no event loop runs"
    closed = ", which is closed" if loop.is_closed() else ""
    return f"event loop 0x{id(loop):x} of thread {thread!r}{closed}"
