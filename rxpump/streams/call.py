"""An Observable for a call of a client. It sends nothing until it is used, and warns if it is never used."""

from __future__ import annotations

import sys
import warnings
from abc import abstractmethod
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import ParamSpec, TypeVar

from reactivex import abc

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.streams.source import Pages, TaskObservable, TaskSubscription

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_PACKAGE = __name__.partition(".")[0]

_is_of_blocking_method: ContextVar[bool] = ContextVar("rxpump.is_of_blocking_method", default=False)


def for_blocking_method(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function for a blocking method. The calls of a client that it makes do not warn."""
    context = copy_context()  # Ctrl-C can interrupt this function, so that it could not restore the current context.
    context.run(_is_of_blocking_method.set, True)
    return context.run(function, *args, **kwargs)


class Call(TaskObservable[T]):
    """A call of a client, which is made for each subscription.

    If a call is garbage collected and was never awaited, iterated or subscribed to, the program most likely lacks an
    `await`. A RuntimeWarning then reports that nothing was sent. In Python's development mode (`-X dev`) the warning
    names the line that made the call. Otherwise it names the line that is running, which is the same line if the
    program did not store the call. Calls of blocking methods do not warn, because Ctrl-C can interrupt the method
    before it uses its call.
    """

    completes_on_drain = False
    _is_used = True  # True until __init__ ends, so that a call with invalid arguments does not warn
    _made_at: tuple[str, int] | None = None

    def __init__(self, runtime: BackgroundTasks, name: str) -> None:
        super().__init__(runtime, name)
        if sys.flags.dev_mode:
            self._made_at = _line_of_the_caller(sys._getframe(1))
        self._is_used = _is_of_blocking_method.get()

    def _begin(
        self, observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> TaskSubscription[T]:
        self._is_used = True
        return TaskSubscription(self._runtime, self.name, self._open_pages(), observer)

    @abstractmethod
    def _open_pages(self) -> Pages[T]:
        """Make the call, and return its results in pages."""

    def __del__(self) -> None:
        """Warn if the call was never used."""
        if self._is_used:
            return
        message = f"{self.name} was never awaited, iterated or subscribed to, so nothing was sent"
        if self._made_at is None:
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        else:
            warnings.warn_explicit(message, RuntimeWarning, *self._made_at)


def _line_of_the_caller(frame: FrameType | None) -> tuple[str, int] | None:
    """Return the file and line of the nearest frame outside rxpump, None if there is none."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != _PACKAGE:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None
