"""Wait until a condition is true."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, overload

from rxpump.model import checks

T = TypeVar("T")

_FIRST_PAUSE: Final = 0.001  # seconds
_LONGEST_PAUSE: Final = 0.05


class ConditionNotMet(AssertionError):
    """A condition of `wait_for` did not become true in time.

    Args:
        condition: Name of the function, with its file and line.
        timeout: Seconds that the test waited.
        last: Last value of the condition.

    Attributes:
        condition: Name of the function, with its file and line.
        timeout: Seconds that the test waited.
        last: Last value of the condition.
    """

    def __init__(self, condition: str, timeout: float, last: object) -> None:
        super().__init__(f"{condition} was not true within {timeout:g} s; its last value was {last!r}")
        self.condition: str = condition
        self.timeout: float = timeout
        self.last: object = last


@overload
async def wait_for(condition: Callable[[], Awaitable[T]], timeout: float = ...) -> T: ...
@overload
async def wait_for(condition: Callable[[], T], timeout: float = ...) -> T: ...


async def wait_for(condition: Callable[[], T | Awaitable[T]], timeout: float = 5.0) -> T:
    """Wait until a condition is true.

    The condition is tried again after pauses of up to 50 ms. A condition that raises AssertionError is not true.
    Therefore it can consist of `assert` statements and `return True`.

    Args:
        condition: Function, or coroutine function, without arguments.
        timeout: Seconds after which the wait fails.

    Returns:
        The value of the condition.

    Raises:
        ConditionNotMet: The condition was not true in time. The last AssertionError of the condition is its cause.
        InvalidArgument: `condition` is no function, or `timeout` is not positive.
        Exception: The condition raised it.

    Example:
        await wait_for(lambda: len(recorded["orders"]) == 3)
    """
    checks.function("condition", condition)
    seconds = checks.seconds("timeout", timeout)
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + seconds, _FIRST_PAUSE
    while True:
        failure: AssertionError | None = None
        value: T | None = None
        try:
            value = await _value_of(condition)
        except AssertionError as error:
            failure = error
        if value:
            return value
        if loop.time() >= deadline:
            raise ConditionNotMet(_described(condition), seconds, value) from failure
        await asyncio.sleep(min(pause, max(deadline - loop.time(), 0)))
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _value_of(condition: Callable[[], T | Awaitable[T]]) -> T:
    value = condition()
    return await value if inspect.isawaitable(value) else value


def _described(condition: Callable[..., object]) -> str:
    code = getattr(condition, "__code__", None)
    name = getattr(condition, "__qualname__", repr(condition)).rpartition("<locals>.")[2]
    return name if code is None else f"{name} ({code.co_filename}:{code.co_firstlineno})"
