"""The Filter message of a filtered read or subscription (docs/protocol/tcp.md, section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rxpump.server.store.filters import (
    BadFilter,
    FilterField,
    LogFilter,
    Search,
    any_text,
    prefix_search,
    regex_search,
)
from rxpump.server.strictness import Strictness
from rxpump.tcp.wire.codes import FilterContext, FilterType

_FIELDS: Final[Mapping[int, FilterField]] = {
    FilterContext.STREAM: FilterField.STREAM,
    FilterContext.EVENT_TYPE: FilterField.TYPE,
}


def read_filter(message: Any, strictness: Strictness = Strictness.LENIENT) -> LogFilter:
    """Return the filter that a Filter message describes; without data it lets every event pass.

    Raises:
        BadFilter: The message has an unknown context or type, or a bad pattern.
    """
    field = _FIELDS.get(message.context)
    if field is None:
        raise BadFilter(f"the context of a filter must be 0 (stream) or 1 (event type), got {message.context}")
    return LogFilter(field, _search(message, strictness))


def _search(message: Any, strictness: Strictness) -> Search:
    data = tuple(message.data)
    if not data:
        return any_text()
    match message.type:
        case FilterType.REGEX:
            return regex_search(data[0])
        case FilterType.PREFIX:
            return prefix_search(data, strictness)
        case unknown:
            raise BadFilter(f"the type of a filter must be 0 (regex) or 1 (prefix), got {unknown}")
