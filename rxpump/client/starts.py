"""Where to start, as a caller may say it: a number or a position, or one of the ends."""

from __future__ import annotations

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.direction import StreamDirection
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position


def first_event(start: int | Edge | None, direction: StreamDirection) -> int:
    """Tell the number that a read starts at, -1 for the end. Raises InvalidArgument."""
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        if start is END and direction is StreamDirection.FORWARD:
            raise InvalidArgument("from_event", start, "END only when reading backward: there is nothing after it")
        return 0 if start is START else -1
    number = checks.event_number(start, argument="from_event")
    if number == -1 and direction is StreamDirection.FORWARD:
        raise InvalidArgument("from_event", start, "a number from 0 when reading forward")
    return number


def first_position(start: Position | Edge | None, direction: StreamDirection) -> Position:
    """Tell the position that a read of everything starts at. Raises InvalidArgument."""
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else LAST_POSITION
    return checks.position("from_position", start)


def before_first(start: int | Edge) -> int | None:
    """Tell the number before the first wanted; None where only the future is."""
    if start is END:
        return None
    number = 0 if start is START else checks.event_number(start, argument="from_event")
    if number < 0:
        raise InvalidArgument("from_event", start, "a number from 0, START or END")
    return number - 1
