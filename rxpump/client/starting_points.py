"""Parsing of the arguments `from_event` and `from_position`: a number, a position, START or END."""

from __future__ import annotations

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.positions import END, FIRST_POSITION, LAST_POSITION, START, Edge, Position, StreamDirection


def first_number(start: int | Edge | None, direction: StreamDirection) -> int | Edge:
    """Return the number of the first event of a read, or END.

    Raises:
        InvalidArgument: `start` is not an event number, or a forward read starts at END.
    """
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        if start is END and direction is StreamDirection.FORWARD:
            raise InvalidArgument("from_event", start, "END only for a backward read, because no event follows END")
        return 0 if start is START else END
    number = checks.event_number(start, argument="from_event")
    if number == -1 and direction is StreamDirection.FORWARD:
        raise InvalidArgument("from_event", start, "a number from 0 for a forward read")
    return END if number == -1 else number


def first_position(start: Position | Edge | None, direction: StreamDirection) -> Position | Edge:
    """Return the position at which a read of `$all` starts, or END.

    Raises:
        InvalidArgument: `start` is not a position.
    """
    checks.direction(direction)
    if start is None:
        start = START if direction is StreamDirection.FORWARD else END
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else END
    position = checks.position("from_position", start)
    return END if position == LAST_POSITION else position


def position_before(start: Position | Edge) -> Position | None:
    """Return the position after which a subscription to `$all` starts, None for END.

    Raises:
        InvalidArgument: `start` is not a position.
    """
    if isinstance(start, Edge):
        return FIRST_POSITION if start is START else None
    position = checks.position("from_position", start)
    return None if position == LAST_POSITION else position


def number_before(start: int | Edge) -> int | None:
    """Return the number of the event after which a subscription to a stream starts, None for END.

    Raises:
        InvalidArgument: `start` is not an event number.
    """
    if start is END:
        return None
    number = 0 if start is START else checks.event_number(start, argument="from_event")
    if number < 0:
        raise InvalidArgument("from_event", start, "a number from 0, START or END")
    return number - 1
