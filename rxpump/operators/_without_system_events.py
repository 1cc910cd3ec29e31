"""`without_system_events`: drop the events of the server itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.model.events import Event
from rxpump.model.system_names import SYSTEM_PREFIX
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


def without_system_events() -> Callable[[Observable[E]], Observable[E]]:
    """Drop the events whose type or stream begins with `$`.

        ──Jumped@ponies──$metadata@$$ponies──Slept@ponies──|
                    without_system_events()
        ──Jumped@ponies──────────────────────Slept@ponies──|

        mine = client.stream_all().pipe(ops.without_system_events())

    Such events are statistics, stream metadata, users, the state of projections, and links that were not resolved.
    For an event that was read through a link, the type and stream of the event itself count.

    Returns:
        An operator that emits the other events.
    """
    return matching(
        lambda event: not (event.type.startswith(SYSTEM_PREFIX) or event.stream.startswith(SYSTEM_PREFIX))
    )
