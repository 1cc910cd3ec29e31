"""The filter of a read or of a group (docs/protocol/grpc.md, section 5.6)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from rxpump.model.system_names import INDEX_PREFIX
from rxpump.server.grpc.call_errors import handler_failed, invalid_argument
from rxpump.server.store.filters import BadFilter, FilterField, LogFilter, Search, prefix_search, regex_search
from rxpump.server.strictness import Strictness

WINDOW: Final = 32
"""Number of examined events in a window of a filter, if the client lets the server choose."""

_FIELDS: Final = {"stream_identifier": FilterField.STREAM, "event_type": FilterField.TYPE}
_OPTIONS: Final = "EventStore.Client.Streams.ReadReq+Types+Options+Types+FilterOptions"
_TWO_SOURCES: Final = (
    "Index reads only work with one index name and cannot be combined with stream prefixes or other indexes"
)


class WantedEvents(NamedTuple):
    """A filter, and how often its progress is reported.

    Attributes:
        events: The filter.
        window: Events that are examined at a time.
        multiplier: Windows between two checkpoints.
        index_name: Name of the secondary index to read; None for a filter of the log.
    """

    events: LogFilter
    window: int
    multiplier: int
    index_name: str | None = None


def read_filter(message: Any, strictness: Strictness) -> WantedEvents:
    """Return the filter of a read, and how often its progress is reported.

    Raises:
        CallError: The filter cannot be used.
    """
    if message.WhichOneof("subject") is None:
        raise invalid_argument(f"'{_without_subject(message)}' is not a valid {_OPTIONS}")
    events, index = log_filter(message, strictness, _OPTIONS), _index(message)
    window = {"max": message.max, "count": WINDOW, None: None}[message.WhichOneof("window")]
    if window is None:
        raise invalid_argument(f"'None' is not a valid {_OPTIONS}+WindowOneofCase")
    if window == 0:
        raise invalid_argument("The window of a filter must be at least 1, got 0.")
    return WantedEvents(events, window, message.checkpoint_interval_multiplier, index)


def _index(message: Any) -> str | None:
    """Return the name of the secondary index that a filter selects, None if it selects none.

    Raises:
        CallError: The filter has other prefixes beside the index.
    """
    prefixes = () if message.stream_identifier.regex else message.stream_identifier.prefix
    index = next((each for each in prefixes if each.startswith(INDEX_PREFIX)), None)
    if index is not None and len(prefixes) > 1:
        raise invalid_argument(_TWO_SOURCES)
    return index


def _without_subject(message: Any) -> str:
    """Return the fields of a filter without an expression, in the form in which a real server writes messages."""
    parts = {"max": [f'"max": {message.max}'], "count": ['"count": { }'], None: []}[message.WhichOneof("window")]
    if message.checkpoint_interval_multiplier:
        parts.append(f'"checkpointIntervalMultiplier": {message.checkpoint_interval_multiplier}')
    return f"{{ {', '.join(parts)} }}" if parts else "{ }"


def log_filter(message: Any, strictness: Strictness, name: str) -> LogFilter:
    """Return the filter that an `EventFilter` describes.

    Args:
        message: The message.
        strictness: How exactly to imitate a real server.
        name: Name of the message of a real server, for its error text.

    Raises:
        CallError: The filter cannot be used.
    """
    subject = message.WhichOneof("subject")
    if subject is None:
        raise invalid_argument(f"'None' is not a valid {name}+FilterOneofCase")
    try:
        return LogFilter(_FIELDS[subject], _search(getattr(message, subject), strictness))
    except BadFilter as error:
        raise handler_failed(f"The filter cannot be used: {error}.") from None


def _search(expression: Any, strictness: Strictness) -> Search:
    """Return the search of an expression, which finds nothing if it is empty."""
    if expression.regex:
        return regex_search(expression.regex)
    return prefix_search(tuple(expression.prefix), strictness)
