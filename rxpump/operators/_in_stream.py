"""`in_stream`: filter events by stream."""

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
    """Emit the events of the named streams, and of streams whose name begins with `prefix`.

        ──1@pony-1──1@stable──2@pony-1──1@pony-2──|
                  in_stream(prefix="pony-")
        ──1@pony-1────────────2@pony-1──1@pony-2──|

        ponies = client.iter_all().pipe(ops.in_stream("stables", prefix="pony-"))

    The stream of an event is the stream to which it was written, even if it was read through a link.

    Args:
        *names: Names of streams.
        prefix: Prefix of names of streams, or None.

    Returns:
        An operator that drops all other events.

    Raises:
        InvalidArgument: Neither a name nor a prefix is given, or one is not a non-empty string.
    """
    if not names and prefix is None:
        raise InvalidArgument("names", names, "one stream name or more, or a prefix")
    wanted = frozenset(checks.text("names", name) for name in names)
    if prefix is None:
        return matching(lambda event: event.stream in wanted)
    start = checks.text("prefix", prefix)
    return matching(lambda event: event.stream.startswith(start) or event.stream in wanted)
