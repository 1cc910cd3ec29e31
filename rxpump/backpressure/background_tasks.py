"""Owners of background tasks.

Every background task in rxpump is started by a `BackgroundTasks`, which keeps a reference to it, because asyncio does
not, and names it. If a task fails and nothing awaits it, the event loop's exception handler receives its exception,
as for any task.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from threading import current_thread, get_ident
from types import TracebackType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from rxpump.errors import WrongEventLoop


class Owner(Protocol):
    """An owner of background tasks that has a connection, such as a client."""

    async def connect(self) -> object:
        """Connect. Several tasks can wait for the same connection."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Finish the work in progress, and disconnect."""


class Sink(Protocol):
    """An end of pipelines, whose task waits for items."""

    @property
    def is_idle(self) -> bool:
        """Whether no item has arrived and the source has not ended."""

    def end_intake(self) -> None:
        """Accept no further items, unless the source completes on its own, or it is idle."""

    def on_completed(self) -> None:
        """Accept no further items."""


class _Owners:
    """Owners that are connected when their first task starts, and disconnected by an exit stack."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._known: set[Owner] = set()

    def add(self, owner: Owner) -> None:
        """Let the stack disconnect an owner, once."""
        if owner not in self._known:
            self._known.add(owner)
            self._stack.push_async_exit(owner.__aexit__)


_to_connect: ContextVar[_Owners | None] = ContextVar("rxpump.owners_to_connect", default=None)


@asynccontextmanager
async def connecting_owners() -> AsyncIterator[None]:
    """Connect each owner that is not connected when its first task starts, and disconnect these at the end.

    This applies to tasks that are started inside of the `async with` block, also indirectly.
    """
    async with AsyncExitStack() as stack:
        token = _to_connect.set(_Owners(stack))
        try:
            yield
        finally:
            _to_connect.reset(token)


class BackgroundTasks:
    """The background tasks of one owner (a client or a server).

    If it is bound to an event loop, it refuses to be used in another.

    Attributes:
        name: Name of the owner, which begins the names of its tasks.
        intakes: Functions that `drain` calls to stop the tasks that accept new work.
        sinks: Ends of pipelines by their tasks, which `drain` ends when all items have arrived.
        owner: The owner, if `connecting_owners` can connect it; otherwise None.
        peer: Address that the owner was last connected to, for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.intakes: set[Callable[[], None]] = set()
        self.sinks: dict[asyncio.Task[Any], Sink] = {}
        self.owner: Owner | None = None
        self.peer: str = "the server"
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = ""

    def bind(self) -> None:
        """Bind this to the running event loop, until `release`.

        Raises:
            WrongEventLoop: This is bound to another event loop that is not closed.
        """
        running = asyncio.get_running_loop()
        if self._loop is not None and not self._loop.is_closed():
            self.check()
        if running is not self._loop:
            self.intakes.clear()
            self.sinks.clear()
            self._tasks.clear()
            self._loop, self._thread = running, current_thread().name

    def release(self) -> None:
        """Unbind this from its event loop."""
        self._loop = None

    def check(self) -> None:
        """Check that the caller runs in the event loop to which this is bound. Do nothing if it is not bound.

        Raises:
            WrongEventLoop: The caller runs in another event loop, or in none.
        """
        if self._loop is None or (running := _running_loop()) is self._loop:
            return
        here = current_thread().name
        raise WrongEventLoop(self.name, _describe(self._loop, self._thread), _describe(running, here))

    @property
    def is_orphaned(self) -> bool:
        """Whether the event loop to which this is bound is closed."""
        return self._loop is not None and self._loop.is_closed()

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """Tasks that have not ended."""
        return frozenset(task for task in self._tasks if not task.done())

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a background task.

        Args:
            work: Coroutine to run. It is closed if it cannot be started.
            name: Name of the task, which is appended to the name of the owner.

        Returns:
            The task.

        Raises:
            WrongEventLoop: This is bound to another event loop.
            RuntimeError: No event loop is running.
        """
        try:
            self.check()
            loop = asyncio.get_running_loop()
        except BaseException:
            work.close()
            raise
        owner = self._owner_to_connect()
        begun = work if owner is None else _connected(owner, work)
        task = loop.create_task(begun, name=f"{self.name}: {name}")
        if owner is not None:
            task.add_done_callback(
                lambda _: work.close()
            )  # `work` has not begun if the owner could not be connected.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _owner_to_connect(self) -> Owner | None:
        """Return the owner if it must be connected before a task of it begins; else None."""
        owners = _to_connect.get()
        if owners is None or self.owner is None or self._loop is not None:
            return None
        owners.add(self.owner)
        return self.owner

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Add a task that was started elsewhere for items of this owner, so that `drain` waits for it too."""
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Stop accepting new work, and wait until all tasks have ended by themselves.

        Operators can still work on the first item of an idle sink. So it ends when no other task is left.
        """
        for end_intake in tuple(self.intakes):
            end_intake()
        while tasks := self.tasks - {asyncio.current_task()}:
            for sink in tuple(self.sinks.values()):
                sink.end_intake()
            idle = {task for task, sink in self.sinks.items() if sink.is_idle}
            if working := tasks - idle:
                await asyncio.wait(working)
            else:
                for task in idle:
                    self.sinks[task].on_completed()

    async def stop(self) -> None:
        """Cancel all tasks except the current one, and wait until they have ended."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __repr__(self) -> str:
        return f"<BackgroundTasks {self.name}, {len(self._tasks)} tasks>"


async def _connected(owner: Owner, work: Coroutine[Any, Any, Any]) -> Any:
    """Connect the owner of a task, then run the coroutine of the task."""
    await owner.connect()
    return await work


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, BackgroundTasks] = WeakKeyDictionary()


def tasks_of_running_loop() -> BackgroundTasks:
    """Return the tasks of operators in the running event loop, which belong to no client.

    They are kept here because the event loop has only weak references to its tasks, so that a waiting task could be
    collected.

    Raises:
        RuntimeError: No event loop is running.
    """
    loop = asyncio.get_running_loop()
    tasks = _of_loops.get(loop)
    if tasks is None:
        tasks = _of_loops[loop] = BackgroundTasks("operators")
    return tasks


class LoopCaller:
    """Runs functions in the event loop in which it was created, when another thread calls it."""

    __slots__ = ("_loop", "_thread")

    def __init__(self) -> None:
        """Store the running event loop and its thread.

        Raises:
            RuntimeError: No event loop is running.
        """
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    def is_in_loop(self) -> bool:
        """Return whether the caller runs in the thread of the event loop."""
        return get_ident() == self._thread

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Schedule a call in the event loop, after earlier calls.

        Raises:
            RuntimeError: The event loop is closed.
        """
        self._loop.call_soon_threadsafe(function, *args)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def is_in_event_loop() -> bool:
    """Return whether an event loop is running in this thread."""
    return _running_loop() is not None


def _describe(loop: asyncio.AbstractEventLoop | None, thread: str) -> str:
    if loop is None:
        return f"thread {thread!r}, in which no event loop is running"
    closed = ", which is closed" if loop.is_closed() else ""
    return f"event loop 0x{id(loop):x} of thread {thread!r}{closed}"
