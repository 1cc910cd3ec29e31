"""`in_stream`: only what happened there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event
from rxpump.operators.machinery.matching import matching

E = TypeVar("E", bound=Event)


def in_stream(*names: str, prefix: str | None = None) -> Callable[[Observable[E]], Observable[E]]:
    """Let through the events of these streams, and of those whose name begins with `prefix`.

        ──1@pony-1──1@stable──2@pony-1──1@pony-2──|
                  in_stream(prefix="pony-")
        ──1@pony-1────────────2@pony-1──1@pony-2──|

        ponies = client.iter_all().pipe(ops.in_stream("stables", prefix="pony-"))

    An event's stream is the one that it belongs to, also where it was reached through a link.

    Errors: InvalidArgument, at the call, without a name or prefix, or with one that is not a non-empty string.
    """
    if not names and prefix is None:
        raise InvalidArgument("names", names, "one stream name or more, or a prefix")
    wanted = frozenset(checks.text("names", name) for name in names)
    if prefix is None:
        return matching(lambda event: event.stream in wanted)
    start = checks.text("prefix", prefix)
    return matching(lambda event: event.stream.startswith(start) or event.stream in wanted)
