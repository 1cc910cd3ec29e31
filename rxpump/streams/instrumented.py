"""Appends in a span, if the client is instrumented."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from rxpump.model.new_events import NewEvent
from rxpump.telemetry import Events
from rxpump.transport import Transport

R = TypeVar("R")


def append(
    transport: Transport,
    stream: str,
    events: Sequence[NewEvent],
    send: Callable[[Sequence[NewEvent]], Coroutine[Any, Any, R]],
    *,
    is_buffered: bool = False,
) -> Coroutine[Any, Any, R]:
    """Return a coroutine that appends events to a stream.

    Args:
        transport: The transport, whose instrumentation and user the span has.
        stream: Name of the stream.
        events: The events.
        send: Function that returns a coroutine which appends the events that it is given.
        is_buffered: Whether the events come from a buffer.
    """
    instrumentation = transport.telemetry.instrumentation
    if instrumentation is None:
        return send(events)
    span = instrumentation.appending({stream: events}, transport.login, is_buffered=is_buffered)
    return _in_span(span, lambda new: send(new[stream]))


def append_many(
    transport: Transport,
    events: Mapping[str, Sequence[NewEvent]],
    send: Callable[[Mapping[str, Sequence[NewEvent]]], Coroutine[Any, Any, R]],
) -> Coroutine[Any, Any, R]:
    """Return a coroutine that appends events to several streams; arguments as in `append`."""
    instrumentation = transport.telemetry.instrumentation
    if instrumentation is None:
        return send(events)
    return _in_span(instrumentation.appending(events, transport.login, is_buffered=False), send)


async def _in_span(span: AbstractContextManager[Events], send: Callable[[Events], Coroutine[Any, Any, R]]) -> R:
    with span as events:
        return await send(events)
