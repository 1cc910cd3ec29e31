"""`of_type`: only what happened that way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


def of_type(*types: str) -> Callable[[Observable[E]], Observable[E]]:
    """Let through the events whose type is one of `types`, written exactly so.

        ──Jumped──Slept──Jumped──Ate──Jumped──|
                  of_type("Jumped")
        ──Jumped─────────Jumped───────Jumped──|

        jumps = client.iter("ponies").pipe(ops.of_type("PonyJumped", "PonyHopped"))

    The type costs one look at the record; an event that is not wanted is never decoded.

    Errors: InvalidArgument, at the call, without a type or with one that is not a non-empty string.
    """
    if not types or not all(isinstance(type, str) and type for type in types):
        raise InvalidArgument("types", types, "one event type or more, each a non-empty string")
    wanted = frozenset(types)
    return matching(lambda event: event.type in wanted)
