"""Spans of a program that processes an event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from opentelemetry import metrics, trace
from opentelemetry.trace import Span, SpanKind, TracerProvider

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.otel import names
from rxpump.otel.measuring import durations
from rxpump.otel.propagation import extract
from rxpump.otel.spans import parent_of


@contextmanager
def processing(
    event: Event,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> Iterator[Span]:
    """Process an event in a span of the trace in which the event was written.

    A subscription of an instrumented client records a span only for the part of a pipeline that runs at once, without
    `await`. This context manager is for the rest: an asynchronous handler, or the body of an `async for`.

    Args:
        event: The event.
        tracer_provider: Provider of the tracer. None: the global one.
        meter_provider: Provider of the meter. None: the global one.

    Yields:
        The span `streams.process`. Its parent is the span that wrote the event, or else the current span.

    Raises:
        InvalidArgument: `event` is not an Event.

    Example:
        async def handle(event):
            with otel.processing(event):
                await send_mail(event.json())

        client.stream("orders").pipe(ops.map_async(handle)).subscribe()
    """
    if not isinstance(event, Event):
        raise InvalidArgument("event", event, "an Event")
    tracer = trace.get_tracer(names.SCOPE, tracer_provider=tracer_provider)
    meter = metrics.get_meter(names.SCOPE, meter_provider=meter_provider)
    duration = durations(meter, names.PROCESS_DURATION, "Duration of the processing of an event")
    measured: dict[str, str] = {names.MESSAGING_SYSTEM: names.SYSTEM, names.OPERATION_NAME: names.PROCESS}
    attributes = {
        names.DB_SYSTEM: names.SYSTEM,
        names.DB_OPERATION: names.PROCESS,
        names.DB_STREAM: event.stream,
        names.DB_EVENT_ID: str(event.id),
        names.DB_EVENT_TYPE: event.type,
        names.OPERATION_TYPE: "process",
        names.DESTINATION_NAME: event.received.stream,
        names.MESSAGE_ID: str(event.id),
        **measured,
    }
    context = parent_of(extract(event.metadata))
    began = perf_counter()
    with tracer.start_as_current_span(names.PROCESS, context, SpanKind.CONSUMER, attributes) as span:
        try:
            yield span
        except Exception as error:
            measured[names.ERROR_TYPE] = type(error).__qualname__
            span.set_attribute(names.ERROR_TYPE, type(error).__qualname__)
            raise
        finally:
            duration.record(perf_counter() - began, measured)
