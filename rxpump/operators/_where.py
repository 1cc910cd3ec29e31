"""`where`: filter events by type and stream, here or on the server."""

from __future__ import annotations

from typing import TypeVar

from reactivex import Observable

from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


class Where(EventFilter):
    """An EventFilter that is also an operator.

    It is a value that can be compared and inspected, so that `client.iter_all(where=...)` and
    `client.stream_all(where=...)` can send it to a server that supports it.
    """

    __slots__ = ()

    def __call__(self, source: Observable[E]) -> Observable[E]:
        """Return an Observable of the events of `source` that match."""
        return matching(self.matches)(source)


def where(
    *,
    type_prefix: str | None = None,
    type_regex: str | None = None,
    stream_prefix: str | None = None,
    stream_regex: str | None = None,
) -> Where:
    """Emit the events that match all of the given conditions.

        ──Jumped@pony-1──Jumped@stable──Slept@pony-1──|
        where(type_prefix="J", stream_regex="-[0-9]+$")
        ──Jumped@pony-1───────────────────────────────|

        jumps = ops.where(type_regex="Jumped|Hopped", stream_prefix="pony-")
        client.stream_all().pipe(jumps)       # filtered here
        client.stream_all(where=jumps)        # the same events, filtered by the server if it can

    The stream of an event is the stream to which it was written, even if it was read through a link.

    Args:
        type_prefix: Prefix of the event type, or None.
        type_regex: Regular expression to find in the event type, or None.
        stream_prefix: Prefix of the name of the stream, or None.
        stream_regex: Regular expression to find in the name of the stream, or None.

    Returns:
        A filter that is also an operator.

    Raises:
        InvalidArgument: No condition is given, or a regular expression is not valid.
    """
    return Where(type_prefix, type_regex, stream_prefix, stream_regex)
