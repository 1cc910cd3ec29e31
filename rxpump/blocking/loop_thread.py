"""An event loop in a separate thread, which runs coroutines for other threads."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread, current_thread, get_ident
from typing import Any, TypeVar

from rxpump.errors import ClientClosed, RxPumpError, WrongEventLoop

T = TypeVar("T")
Started = SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]]


def _nothing() -> None:
    """Do nothing."""


class LoopThread:
    """An event loop in a separate thread. Every other thread may run coroutines in it.

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
        started: Started = SimpleQueue()
        self._thread = Thread(target=_run_loop, args=(started, at_end), name=name, daemon=True)
        self._thread.start()
        loop, is_to_stop = started.get()
        self.loop: asyncio.AbstractEventLoop = loop
        self._lock = Lock()  # Without this lock, a coroutine could be scheduled when the event loop is about to end.
        self._stop = weakref.finalize(self, _stop, loop, is_to_stop, self._thread)

    @property
    def is_stopped(self) -> bool:
        """Whether the event loop has ended or is about to end."""
        return not self._stop.alive

    def call(self, coroutine: Coroutine[Any, Any, T], meanwhile: Callable[[], object] = _nothing) -> T:
        """Run a coroutine in the event loop, and wait for its result. An interrupt of the wait cancels the coroutine.

        Args:
            coroutine: The coroutine.
            meanwhile: Function to run in this thread after the coroutine was started.

        Raises:
            ClientClosed: The event loop is stopped, or was stopped before the coroutine ended.
            WrongEventLoop: The caller runs in the thread of the event loop, where the wait would never end.
            Exception: The error of the coroutine.
        """
        result: Future[T] = Future()
        try:
            self._begin(coroutine, result)
            meanwhile()
            return result.result()
        except CancelledError:
            raise _closed() from None
        except BaseException:  # After an error of the coroutine, `cancel` does nothing.
            result.cancel()
            raise

    def _begin(self, coroutine: Coroutine[Any, Any, T], result: Future[T]) -> None:
        with self._lock:
            try:
                self.check()
            except RxPumpError:
                coroutine.close()
                raise
            self.loop.call_soon_threadsafe(_begin, coroutine, result)

    def check(self) -> None:
        """Check that the calling thread may run a coroutine in the event loop now.

        Raises:
            ClientClosed: The event loop is stopped.
            WrongEventLoop: The caller runs in the thread of the event loop, where a wait would never end.
        """
        if get_ident() == self._thread.ident:
            raise WrongEventLoop(self._thread.name, "the threads of its callers", "its own thread")
        if self.is_stopped:
            raise _closed()

    def stop(self) -> None:
        """End the event loop and its thread. Coroutines that run in it are cancelled."""
        with self._lock:
            self._stop()

    def __repr__(self) -> str:
        return f"<LoopThread {self._thread.name}, {'stopped' if self.is_stopped else 'running'}>"


def _run_loop(started: Started, at_end: Callable[[], Awaitable[object]]) -> None:
    """Run a new event loop until it is stopped, and then end its tasks and the threads of its executor.

    `asyncio.run` does the same, but starts a thread to wait for the executor. Python 3.12 starts no thread while the
    program is ending.
    """

    async def until_stopped() -> None:
        is_to_stop = asyncio.Event()
        started.put((asyncio.get_running_loop(), is_to_stop))
        await is_to_stop.wait()
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


def _begin(coroutine: Coroutine[Any, Any, T], result: Future[T]) -> None:
    """Run a coroutine in the running event loop until it ends, or `result` is cancelled in another thread."""
    if result.cancelled():
        coroutine.close()
        return
    loop = asyncio.get_running_loop()
    task = loop.create_task(coroutine)
    task.add_done_callback(partial(_settle, result))
    result.add_done_callback(lambda _: loop.call_soon_threadsafe(task.cancel) if result.cancelled() else None)


def _settle(result: Future[T], task: asyncio.Task[T]) -> None:
    """Pass the result or the error of a task to the waiting thread, unless the wait was interrupted."""
    error = CancelledError() if task.cancelled() else task.exception()
    if not result.set_running_or_notify_cancel():
        return
    if error is None:
        result.set_result(task.result())
    else:
        result.set_exception(error)


def _stop(loop: asyncio.AbstractEventLoop, is_to_stop: asyncio.Event, thread: Thread) -> None:
    loop.call_soon_threadsafe(is_to_stop.set)
    if get_ident() != thread.ident:  # The garbage collector can call this in the thread itself.
        thread.join()


def _closed() -> ClientClosed:
    return ClientClosed("the server", "the client was closed")
