"""Run an Observable to its end."""

from __future__ import annotations

import asyncio
from typing import TypeVar

import reactivex
from reactivex import operators as rx

from rxpump.backpressure.background_tasks import connecting_owners, is_in_event_loop
from rxpump.errors import InvalidArgument
from rxpump.streams.observable import Piped

T = TypeVar("T")


def run(pipeline: reactivex.Observable[T]) -> T | None:
    """Run an Observable to its end, in a new event loop in this thread.

    Clients that the pipeline uses are connected when it first uses them, and closed at the end. Ctrl-C disposes the
    pipeline, and is raised as KeyboardInterrupt.

    Args:
        pipeline: The Observable. Its clients must not be connected yet.

    Returns:
        Its last value; None if there was none.

    Raises:
        RuntimeError: An event loop is running in this thread. Await the Observable instead.
        InvalidArgument: `pipeline` is no Observable.
        WrongEventLoop: A client of the pipeline is connected in another event loop. For the client of a
            `BlockingClient`, use `store.run`.
        Exception: The error of the Observable.

    Example:
        client = rxpump.connect("tcp://localhost:1113")
        print(rxpump.run(client.iter("orders").pipe(ops.json(), rx.count())))
    """
    if not isinstance(pipeline, reactivex.Observable):
        raise InvalidArgument("pipeline", pipeline, "an Observable, such as client.iter(stream).pipe(...)")

    if is_in_event_loop():
        raise RuntimeError("rxpump.run() was called in a running event loop; await the Observable there")

    async def main() -> T | None:
        async with connecting_owners():
            return await last_value(pipeline)

    return asyncio.run(main())


async def last_value(pipeline: reactivex.Observable[T]) -> T | None:
    """Return the last value of an Observable when it completes; None if there was none."""
    values: reactivex.Observable[T | None] = pipeline
    return await Piped(values).pipe(rx.default_if_empty(None))
