"""Where to start, as a caller may say it: a number or a position, or one of the ends."""

from __future__ import annotations

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position, StreamDirection


def first_event(start: int | Edge | None, direction: StreamDirection) -> int | Edge:
    """Return the number at which a read starts, or END. Raises InvalidArgument."""
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        if start is END and direction is StreamDirection.FORWARD:
            raise InvalidArgument("from_event", start, "END only when reading backward: there is nothing after it")
        return 0 if start is START else END
    number = checks.event_number(start, argument="from_event")
    if number == -1 and direction is StreamDirection.FORWARD:
        raise InvalidArgument("from_event", start, "a number from 0 when reading forward")
    return END if number == -1 else number


def first_position(start: Position | Edge | None, direction: StreamDirection) -> Position | Edge:
    """Return the position at which a read of `$all` starts, or an end of it. Raises InvalidArgument."""
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else END
    position = checks.position("from_position", start)
    return END if position == LAST_POSITION else position


def before_position(start: Position | Edge) -> Position | None:
    """Return the position after which a subscription starts; None for what is written from now on."""
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else None
    return checks.position("from_position", start)


def before_first(start: int | Edge) -> int | None:
    """Tell the number before the first wanted; None where only the future is."""
    if start is END:
        return None
    number = 0 if start is START else checks.event_number(start, argument="from_event")
    if number < 0:
        raise InvalidArgument("from_event", start, "a number from 0, START or END")
    return number - 1
