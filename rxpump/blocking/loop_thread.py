"""An event loop in a separate thread, which runs coroutines for other threads."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import RLock, Thread, current_thread
from typing import TypeVar

from rxpump.errors import ClientClosed, WrongEventLoop

T = TypeVar("T")


def _nothing() -> None:
    """Do nothing."""


class LoopThread:
    """An event loop in a separate thread. Every other thread may run coroutine functions in it.

    A thread that waits for a result is blocked until the coroutine ends. Ctrl-C interrupts the wait of the main
    thread, and cancels the coroutine.

    The event loop runs until `stop`, until this object is garbage collected, or until the program ends.

    Args:
        name: Name of the thread.
        at_end: Coroutine function that runs in the event loop before it ends.

    Attributes:
        loop: The event loop.
    """

    def __init__(self, name: str, at_end: Callable[[], Awaitable[object]]) -> None:
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._stopped: Future[None] = Future()
        self._thread = Thread(target=_run_loop, args=(started, self._stopped, at_end), name=name, daemon=True)
        self._lock = RLock()  # Without this lock, a coroutine could be scheduled when the event loop is about to end.
        self._finishing: set[asyncio.Task[None]] = set()
        self._finalizer = weakref.finalize(self, _stop, self._stopped, self._thread)
        self._thread.start()  # If this is interrupted, the finalizer ends the thread.
        self.loop: asyncio.AbstractEventLoop = started.result()

    @property
    def is_stopped(self) -> bool:
        """Whether the event loop has ended or is about to end."""
        return self._stopped.done()

    def call(
        self,
        function: Callable[[], Awaitable[T]],
        meanwhile: Callable[[], object] = _nothing,
        *,
        at_end: Callable[[], object] = _nothing,
    ) -> T:
        """Run a coroutine function in the event loop, and wait for its result. An interrupt of the wait cancels it.

        The coroutine is created in the event loop. If this thread created it, Ctrl-C could interrupt this thread
        before the coroutine was passed to the event loop, and Python would warn that it was never awaited.

        Args:
            function: The coroutine function, or any function that returns an awaitable.
            meanwhile: Function to run in this thread after the coroutine was started.
            at_end: Function to call in any thread when the coroutine has ended, or was cancelled before it started.

        Raises:
            ClientClosed: The event loop is stopped, or was stopped before the coroutine ended.
            WrongEventLoop: The caller runs in the thread of the event loop, where the wait would never end.
            Exception: The error of the coroutine.
        """
        result: Future[T] = Future()
        result.add_done_callback(lambda _: at_end())
        try:
            self._begin(function, result)
            meanwhile()
            return result.result()
        except CancelledError:
            raise _closed() from None
        except BaseException:  # After an error of the coroutine, `cancel` does nothing.
            result.cancel()
            raise

    def finish(self, function: Callable[[], Awaitable[None]]) -> None:
        """Run a coroutine function that ends an iterator or a transaction, and wait until it has ended.

        The garbage collector can call this in any thread, when it ends a generator with such a block. In the thread
        of the event loop, the coroutine is only started.

        Raises:
            ClientClosed: The event loop is stopped, or was stopped before the coroutine ended.
            Exception: The error of the coroutine.
        """
        if not self._is_current:
            self.call(function)
        elif not self.is_stopped:
            task = self.loop.create_task(_result_of(function))
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    @property
    def _is_current(self) -> bool:
        """Whether the caller runs in this thread. A later thread can have the ident of a thread that has ended."""
        return current_thread() is self._thread

    def _begin(self, function: Callable[[], Awaitable[T]], result: Future[T]) -> None:
        with self._lock:
            self.check()
            self.loop.call_soon_threadsafe(_begin, function, result)

    def check(self) -> None:
        """Check that the calling thread may run a coroutine in the event loop now.

        Raises:
            ClientClosed: The event loop is stopped.
            WrongEventLoop: The caller runs in the thread of the event loop, where a wait would never end.
        """
        if self._is_current:
            raise WrongEventLoop(self._thread.name, "the threads of its callers", "its own thread")
        if self.is_stopped:
            raise _closed()

    def stop(self) -> None:
        """End the event loop and its thread. Coroutines that run in it are cancelled."""
        with self._lock:
            _set(self._stopped)
        _stop(self._stopped, self._thread)
        self._finalizer.detach()

    def __repr__(self) -> str:
        return f"<LoopThread {self._thread.name}, {'stopped' if self.is_stopped else 'running'}>"


def _run_loop(
    started: Future[asyncio.AbstractEventLoop], stopped: Future[None], at_end: Callable[[], Awaitable[object]]
) -> None:
    """Run a new event loop until it is stopped, and then end its tasks and the threads of its executor.

    `asyncio.run` does the same, but starts a thread to wait for the executor. Python 3.12 starts no thread while the
    program is ending.
    """

    async def until_stopped() -> None:
        started.set_result(asyncio.get_running_loop())
        await asyncio.wrap_future(stopped)
        await at_end()

    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(thread_name_prefix=current_thread().name) as executor:
        loop.set_default_executor(executor)
        try:
            loop.run_until_complete(until_stopped())
        finally:
            loop.run_until_complete(_end_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _end_tasks() -> None:
    """Cancel all other tasks of the running event loop, and wait until they have ended."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _begin(function: Callable[[], Awaitable[T]], result: Future[T]) -> None:
    """Run a function in the running event loop until its awaitable ends, or `result` is cancelled elsewhere."""
    if result.cancelled():
        return
    loop = asyncio.get_running_loop()
    task = loop.create_task(_result_of(function))
    task.add_done_callback(partial(_settle, result))
    result.add_done_callback(lambda _: loop.call_soon_threadsafe(task.cancel) if result.cancelled() else None)


async def _result_of(function: Callable[[], Awaitable[T]]) -> T:
    return await function()


def _settle(result: Future[T], task: asyncio.Task[T]) -> None:
    """Pass the result or the error of a task to the waiting thread, unless the wait was interrupted."""
    error = CancelledError() if task.cancelled() else task.exception()
    if not result.set_running_or_notify_cancel():
        return
    if error is None:
        result.set_result(task.result())
    else:
        result.set_exception(error)


def _stop(stopped: Future[None], thread: Thread) -> None:
    """Let a thread with an event loop end, and wait for its end. It can be called again after an interrupt."""
    _set(stopped)
    if thread.is_alive() and current_thread() is not thread:  # The garbage collector can call this in the thread.
        thread.join()


def _set(stopped: Future[None]) -> None:
    with suppress(InvalidStateError):
        stopped.set_result(None)


def _closed() -> ClientClosed:
    return ClientClosed("the server", "the client was closed")
