"""The trace context in the metadata of events, as the clients of KurrentDB store it.

    {"$traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "$spanId": "00f067aa0ba902b7"}

The metadata have no key for the flags of a trace. So only the context of a sampled span is stored, and a context that
is read counts as sampled.
"""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import SpanContext, TraceFlags, format_span_id, format_trace_id

from rxpump.errors import InvalidArgument
from rxpump.model import json_text
from rxpump.model.limits import Limits
from rxpump.model.new_events import NewEvent, fitting, with_metadata

TRACE_ID: Final = "$traceId"
SPAN_ID: Final = "$spanId"

_KEY: Final = b'"$traceId"'
_OTHER_KEY: Final = b'"$spanId"'


class EventInTrace(NewEvent):
    """An event that waits in a buffer, and the context of the span in which it arrived.

    Attributes:
        context: The context.
    """

    __slots__ = ("context",)

    context: SpanContext


_set_context = vars(EventInTrace)["context"].__set__


def in_trace(event: NewEvent, context: SpanContext) -> EventInTrace:
    """Return a copy of an event with a context. Its metadata stay as they are."""
    copy = with_metadata(event, event.metadata, EventInTrace)
    _set_context(copy, context)
    return copy


def extract(metadata: bytes) -> SpanContext | None:
    """Return the context that metadata contain; None if they contain none, or one that is not valid."""
    if _KEY not in metadata or _OTHER_KEY not in metadata:
        return None
    try:
        keys: Any = json_text.decode(metadata)
        # kurrentdbclient writes the numbers with the prefix 0x and without leading zeros.
        trace_id, span_id = int(keys[TRACE_ID], 16), int(keys[SPAN_ID], 16)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return context if context.is_valid else None


def inject(event: NewEvent, context: SpanContext, stream: str, limits: Limits) -> NewEvent:
    """Return an event whose metadata contain a context.

    The event is returned as it is if its metadata are not a JSON object, if they contain one of the keys, if the
    context is not sampled, if it is a link or an event of the system, or if it would be too large for the protocol.

    Args:
        event: The event.
        context: Context of the span that writes it.
        stream: Stream that it is written to.
        limits: Limits of the protocol.
    """
    if not context.is_valid or not context.trace_flags.sampled or event.type.startswith("$"):
        return event
    metadata = _with_context(event.metadata, context)
    if metadata is None:
        return event
    try:
        return fitting(with_metadata(event, metadata, NewEvent), stream, limits)
    except InvalidArgument:
        return event


def _with_context(metadata: bytes, context: SpanContext) -> bytes | None:
    """Return metadata with a context after the existing keys, whose text does not change; None if impossible."""
    if _KEY in metadata or _OTHER_KEY in metadata:
        return None
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    added = f'"{TRACE_ID}":"{trace_id}","{SPAN_ID}":"{span_id}"}}'.encode()
    if not metadata:
        return b"{" + added
    try:
        keys = json_text.decode(metadata)
    except (ValueError, RecursionError):
        return None
    text = metadata.rstrip()
    # JSON in UTF-16 contains zero bytes.
    if not isinstance(keys, dict) or not text.endswith(b"}") or b"\x00" in text:
        return None
    return text[:-1] + (b"," if keys else b"") + added
