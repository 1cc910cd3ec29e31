"""`of_type`: filter events by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


def of_type(*types: str) -> Callable[[Observable[E]], Observable[E]]:
    """Emit the events whose type equals one of `types`.

        ──Jumped──Slept──Jumped──Ate──Jumped──|
                  of_type("Jumped")
        ──Jumped─────────Jumped───────Jumped──|

        jumps = client.iter("ponies").pipe(ops.of_type("PonyJumped", "PonyHopped"))

    The data of the other events is never decoded.

    Args:
        *types: Event types, at least one. Upper and lower case differ.

    Returns:
        An operator that drops all other events.

    Raises:
        InvalidArgument: No type is given, or one is not a non-empty string.
    """
    if not types or not all(isinstance(type, str) and type for type in types):
        raise InvalidArgument("types", types, "one event type or more, each a non-empty string")
    wanted = frozenset(types)
    return matching(lambda event: event.type in wanted)
