"""`where`: a filter that can be looked into."""

from __future__ import annotations

from typing import TypeVar

from reactivex import Observable

from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


class Where(EventFilter):
    """An EventFilter that is an operator too.

    It is a value, to be compared and looked into, so that something else than this process can be asked to do
    the filtering: `client.iter_all(where=...)` and `client.stream_all(where=...)` let the server do it where it can.
    """

    __slots__ = ()

    def __call__(self, source: Observable[E]) -> Observable[E]:
        """Let through the events that match."""
        return matching(self.matches)(source)


def where(
    *,
    type_prefix: str | None = None,
    type_regex: str | None = None,
    stream_prefix: str | None = None,
    stream_regex: str | None = None,
) -> Where:
    """Let through the events that match all of what is given.

        ──Jumped@pony-1──Jumped@stable──Slept@pony-1──|
        where(type_prefix="J", stream_regex="-[0-9]+$")
        ──Jumped@pony-1───────────────────────────────|

        jumps = ops.where(type_regex="Jumped|Hopped", stream_prefix="pony-")
        client.stream_all().pipe(jumps)       # filtered here
        client.stream_all(where=jumps)        # the same events, filtered by the server where it can

    An event's stream is the one that it belongs to, also where it was reached through a link.

    Errors: InvalidArgument, at the call, if nothing is given, or a regex is none.
    """
    return Where(type_prefix, type_regex, stream_prefix, stream_regex)
