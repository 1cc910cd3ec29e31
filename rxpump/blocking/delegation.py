"""Create methods that have the parameters of asynchronous methods, and delegate to them.

    class BlockingClient(Delegate[Client]):
        @blocking(Client.ping)
        def ping(self) -> None:
            \"\"\"Measure how long the server takes to reply.\"\"\"

`store.ping(timeout=3)` then is `await client.ping(timeout=3)` in the event loop of another thread. The decorated
function has only the name and the docstring of the method; it is never called.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import WRAPPER_ASSIGNMENTS, update_wrapper
from inspect import signature
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import reactivex

from rxpump.blocking.iterating import BlockingIterator
from rxpump.blocking.loop_thread import LoopThread
from rxpump.streams.call import for_blocking_method
from rxpump.streams.single import Single

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
A_co = TypeVar("A_co", covariant=True)

Described = Callable[..., None]
"""A function that is only used for its name and its docstring."""


class Delegate(Generic[A_co]):
    """An object whose methods run those of an asynchronous one in the event loop of another thread.

    Args:
        asynchronous: The asynchronous object.
        thread: Thread with the event loop of the asynchronous object.
    """

    def __init__(self, asynchronous: A_co, thread: LoopThread) -> None:
        self._asynchronous = asynchronous
        self._thread = thread

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._asynchronous!r}, {self._thread!r}>"


def delegating(
    method: Callable[Concatenate[A_co, P], R], convert: Callable[[R, LoopThread], T], returns: str
) -> Callable[[Described], Callable[Concatenate[Delegate[A_co], P], T]]:
    """Return a decorator that makes a method which calls an asynchronous one and converts the result.

    Args:
        method: The asynchronous method.
        convert: Function that is called with the result and the thread, and returns the result of the new method.
        returns: Annotation of the result, as `inspect.signature` shows it.
    """

    def decorate(described: Described) -> Callable[Concatenate[Delegate[A_co], P], T]:
        def call(self: Delegate[A_co], /, *args: P.args, **kwargs: P.kwargs) -> T:
            self._thread.check()
            return convert(for_blocking_method(method, self._asynchronous, *args, **kwargs), self._thread)

        update_wrapper(call, described, [name for name in WRAPPER_ASSIGNMENTS if name != "__annotations__"])
        shown: dict[str, Any] = vars(call)
        del shown["__wrapped__"]
        shown["__signature__"] = signature(method).replace(return_annotation=returns)
        return call

    return decorate


def blocking(
    method: Callable[Concatenate[A_co, P], Single[T]],
) -> Callable[[Described], Callable[Concatenate[Delegate[A_co], P], T]]:
    """Return a decorator that makes a method which calls `method` and waits for its result."""

    def wait(single: Single[T], thread: LoopThread) -> T:
        return thread.call(lambda: single)

    returns = re.sub(r"^Single\[(.*)\]$", r"\1", str(signature(method).return_annotation))
    return delegating(method, wait, returns)


def iterating(
    method: Callable[Concatenate[A_co, P], reactivex.Observable[T]],
) -> Callable[[Described], Callable[Concatenate[Delegate[A_co], P], BlockingIterator[T]]]:
    """Return a decorator that makes a method which iterates over the Observable that `method` returns."""

    def iterate(source: reactivex.Observable[T], thread: LoopThread) -> BlockingIterator[T]:
        return BlockingIterator(thread, source)

    return delegating(method, iterate, "BlockingIterator")
