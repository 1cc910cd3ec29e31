"""Convert an EventFilter to the filter message of a request (docs/protocol/tcp.md, sections 3.4, 4.7, 4.15)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.model.filters import EventFilter
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import FilterContext, FilterType
from rxpump.transport.filter_expression import FilterSubject, filter_expression

_CONTEXTS: Final = {
    FilterSubject.STREAM: FilterContext.STREAM,
    FilterSubject.EVENT_TYPE: FilterContext.EVENT_TYPE,
}


def server_filter(where: EventFilter, *, resolve_links: bool) -> Any | None:
    """Return the Filter message that passes the fewest events, or None if the server cannot filter."""
    expression = filter_expression(where, resolve_links=resolve_links)
    if expression is None:
        return None
    context = _CONTEXTS[expression.subject]
    return schema.Filter(context=context, type=FilterType.REGEX, data=[expression.regex])
