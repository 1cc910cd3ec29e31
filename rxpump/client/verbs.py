"""What all verbs of a client work with."""

from __future__ import annotations

from rxpump.errors import InvalidArgument
from rxpump.event_filter import EventFilter
from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.transport.base import Transport

READ_BATCH = 500


class Verbs:
    """A family of verbs, over what their client has.

    Every verb gives a cold Observable: nothing is sent before it is awaited, iterated or subscribed to, and
    each subscription asks anew. Arguments that the server could only refuse are refused at the call, with
    InvalidArgument. What the server refuses arrives as an error of `rxpump.errors`.
    """

    _settings: Settings
    _runtime: Runtime
    _transport: Transport


def checked_filter(where: object) -> EventFilter | None:
    """Take what a caller gives as `where`. Raises InvalidArgument."""
    if where is not None and not isinstance(where, EventFilter):
        raise InvalidArgument("where", where, "what ops.where(...) gives, or an EventFilter")
    return where
