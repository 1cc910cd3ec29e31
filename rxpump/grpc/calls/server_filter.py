"""Convert an EventFilter to the filter message of a request (docs/protocol/grpc.md, sections 3.3, 5.6)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.grpc.calls.fields import EMPTY
from rxpump.model.filters import EventFilter
from rxpump.transport.filter_expression import FilterExpression, FilterSubject, filter_expression

_FIELDS: Final = {FilterSubject.STREAM: "stream_identifier", FilterSubject.EVENT_TYPE: "event_type"}


def filter_message(expression: FilterExpression, *, window: int | None = None, multiplier: int = 1) -> dict[str, Any]:
    """Return an EventFilter message.

    Args:
        expression: Expression that the server checks.
        window: Events that the server examines at a time; None lets the server choose.
        multiplier: Windows between two checkpoints, at least 1.
    """
    size = {"count": EMPTY} if window is None else {"max": window}
    return {
        _FIELDS[expression.subject]: {"regex": expression.regex},
        **size,
        "checkpoint_interval_multiplier": multiplier,
    }


def server_filter(
    where: EventFilter | None, *, resolve_links: bool, window: int | None = None
) -> dict[str, Any] | None:
    """Return an EventFilter message that passes at least the events that match; None if no such message exists.

    Args:
        where: Filter that the client applies to the events that the server passes; None for no filter.
        resolve_links: Whether the client filters the targets of links.
        window: Events that the server examines between two checkpoints; None lets the server choose.
    """
    expression = None if where is None else filter_expression(where, resolve_links=resolve_links)
    return None if expression is None else filter_message(expression, window=window)


def exact_filter(where: EventFilter, *, resolve_links: bool) -> dict[str, Any]:
    """Return an EventFilter message for events that the client does not filter again, such as those of a group.

    Raises:
        InvalidArgument: No EventFilter message passes exactly the events that match.
    """
    expression = filter_expression(where, resolve_links=resolve_links)
    if expression is None or not expression.is_exact:
        allowed = (
            "one prefix or regular expression without \\d, \\w, \\s, \\b and other parts that Python and .NET read "
            "differently, and no resolved links: the server alone filters the events of a group"
        )
        raise InvalidArgument("where", where, allowed)
    return filter_message(expression)
