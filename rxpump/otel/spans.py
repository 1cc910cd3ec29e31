"""Parents and attributes of spans."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, get_current_span, set_span_in_context

from rxpump.backpressure.upstream import Upstream
from rxpump.model.events import Event
from rxpump.otel.propagation import extract


def parent_of(context: SpanContext | None) -> Context | None:
    """Return the context in which a span is a child of another span; None for the current one."""
    return None if context is None else set_span_in_context(NonRecordingSpan(context))


def trace_of_arrival() -> SpanContext | None:
    """Return the context of the trace to which an item belongs that arrives now in a buffer.

    An item that comes from an event belongs to the trace of the event, also if an asynchronous operator is between
    them. Then the span of the delivery has ended, and the span that wrote the event takes its place. Any other item
    belongs to the current span: the program has passed it explicitly, or a task has inherited the span.
    """
    current = get_current_span().get_span_context()
    above = Upstream.current()
    item = None if above is None else above.source_item
    if not isinstance(item, Event):
        return current if current.is_valid else None
    origin = extract(item.metadata)
    return current if origin is not None and current.trace_id == origin.trace_id else origin
