"""Appends in a span, if the client is instrumented."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from rxpump.model.new_events import NewEvent
from rxpump.model.results import WriteResult
from rxpump.telemetry import Events
from rxpump.transport import Appender, Transport

R = TypeVar("R")


def append(
    transport: Transport, stream: str, events: Sequence[NewEvent], expected_version: int
) -> Coroutine[Any, Any, WriteResult]:
    """Return a coroutine that appends events to a stream; see `Transport.append`."""
    instrumentation = transport.telemetry.instrumentation
    if instrumentation is None:
        return transport.append(stream, events, expected_version)
    span = instrumentation.appending({stream: events}, transport.login, is_buffered=False)
    return _in_span(span, lambda new: transport.append(stream, new[stream], expected_version))


def append_buffered(
    transport: Transport, appender: Appender, stream: str, events: Sequence[NewEvent], expected_version: int
) -> Coroutine[Any, Any, WriteResult]:
    """Return a coroutine that appends events that come from a buffer; see `Appender.append`.

    Args:
        transport: The transport, whose instrumentation and user the span has.
        appender: Appender to the stream.
        stream: Name of the stream.
        events: The events.
        expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion.
    """
    instrumentation = transport.telemetry.instrumentation
    if instrumentation is None:
        return appender.append(events, expected_version)
    span = instrumentation.appending({stream: events}, transport.login, is_buffered=True)
    return _in_span(span, lambda new: appender.append(new[stream], expected_version))


def append_many(
    transport: Transport,
    events: Mapping[str, Sequence[NewEvent]],
    send: Callable[[Mapping[str, Sequence[NewEvent]]], Coroutine[Any, Any, R]],
) -> Coroutine[Any, Any, R]:
    """Return a coroutine that appends events to several streams.

    Args:
        transport: The transport, whose instrumentation and user the span has.
        events: The events for each stream.
        send: Function that returns a coroutine which appends the events that it is given.
    """
    instrumentation = transport.telemetry.instrumentation
    if instrumentation is None:
        return send(events)
    return _in_span(instrumentation.appending(events, transport.login, is_buffered=False), send)


async def _in_span(span: AbstractContextManager[Events], send: Callable[[Events], Coroutine[Any, Any, R]]) -> R:
    with span as events:
        return await send(events)
