"""Run a pipeline in virtual time over a timeline of items, and record its notifications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import reactivex

from rxpump.backpressure.background_tasks import BackgroundTasks, connecting_owners, is_in_event_loop
from rxpump.streams.source import PageSource
from rxpump.testing.virtual_time import LoopScheduler, VirtualTimeLoop

Pipeline = Callable[[reactivex.Observable[Any]], reactivex.Observable[Any]]
"""An operator, or any other function from an Observable to an Observable."""

DIGITS: Final = 4
"""Number of decimal places of seconds that are compared. Further places are inexact."""


@dataclass(frozen=True, slots=True)
class Item:
    """A value, and the time of its delivery in seconds."""

    at: float
    value: Any


@dataclass(frozen=True, slots=True)
class Completed:
    """The completion of a timeline. `at` is its time in seconds."""

    at: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The failure of a timeline. `at` is its time in seconds."""

    at: float
    error: Exception


Moment = Item | Completed | Failed


def play(timeline: Sequence[Moment], operators: Iterable[Pipeline], until: float) -> list[Moment]:
    """Run a pipeline over a timeline, in a new event loop with virtual time.

    The source pauses while an operator of the pipeline pauses it, and then delivers late. Clients that the pipeline
    uses are connected when it first uses them, and closed at the end.

    Args:
        timeline: The items of the source, each with its time, and its end.
        operators: The pipeline.
        until: Second at which the subscription is disposed, if the pipeline has not ended.

    Returns:
        The items that the pipeline delivered, and its end, each with its time.

    Raises:
        RuntimeError: An event loop is running in this thread.
        Exception: A task that nothing awaited failed with it.
    """
    if is_in_event_loop():
        raise RuntimeError("a pipeline runs in an event loop of its own here; write this test without `async`")
    unhandled: list[BaseException] = []
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: unhandled.extend(_errors_of(context)))
        came_out = runner.run(_play(timeline, operators, until))
    if unhandled:
        raise unhandled[0]
    return came_out


def _errors_of(context: dict[str, Any]) -> list[BaseException]:
    return [context.get("exception") or RuntimeError(context["message"])]


async def _play(timeline: Sequence[Moment], operators: Iterable[Pipeline], until: float) -> list[Moment]:
    loop = asyncio.get_running_loop()
    came_out: list[Moment] = []
    ended = asyncio.Event()

    def now() -> float:
        return round(loop.time(), DIGITS)

    def on_error(error: Exception) -> None:
        came_out.append(Failed(now(), error))
        ended.set()

    def on_completed() -> None:
        came_out.append(Completed(now()))
        ended.set()

    async with connecting_owners():
        pipeline: Any = PageSource(BackgroundTasks("given"), "given", lambda: _pages(timeline))
        for operator in operators:
            pipeline = pipeline.pipe(operator)
        subscription = pipeline.subscribe(
            lambda value: came_out.append(Item(now(), value)), on_error, on_completed, scheduler=LoopScheduler(loop)
        )
        end = loop.call_at(until, ended.set)
        await ended.wait()
        end.cancel()
        subscription.dispose()
    return came_out


async def _pages(timeline: Sequence[Moment]) -> AsyncGenerator[Iterable[Any], None]:
    """Yield each item of a timeline at its time, then complete, fail, or wait forever as the timeline does."""
    loop = asyncio.get_running_loop()
    for moment in timeline:
        if moment.at > loop.time():
            await asyncio.sleep(moment.at - loop.time())
        match moment:
            case Item(value=value):
                yield (value,)
            case Failed(error=error):
                raise error
            case Completed():
                return
    await asyncio.Event().wait()
