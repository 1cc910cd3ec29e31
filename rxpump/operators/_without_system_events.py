"""`without_system_events`: only what your programs wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.model.events import Event
from rxpump.model.system_names import SYSTEM_PREFIX
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


def without_system_events() -> Callable[[Observable[E]], Observable[E]]:
    """Leave out the server's own events: those whose type or stream begins with `$`.

        ──Jumped@ponies──$metadata@$$ponies──Slept@ponies──|
                    without_system_events()
        ──Jumped@ponies──────────────────────Slept@ponies──|

        mine = client.stream_all().pipe(ops.without_system_events())

    Statistics, metadata, users, what projections keep for themselves, and links that were not resolved go. An
    event that was reached through a link is judged by itself.
    """
    return matching(
        lambda event: not (event.type.startswith(SYSTEM_PREFIX) or event.stream.startswith(SYSTEM_PREFIX))
    )
