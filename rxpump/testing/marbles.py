"""Marble tests of pipelines: events and their times as a string."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reactivex.notification import Notification, OnError, OnNext
from reactivex.observable.marbles import parse

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.testing.plain_events import plain_if_event
from rxpump.testing.playing import DIGITS, Completed, Failed, Item, Moment, Pipeline, play
from rxpump.testing.scenario import STREAM, check_same, received

_LONGEST: Final = 1000  # in characters, the same as in reactivex


class AnyError(Exception):
    """Placeholder for the error `#` of a diagram, if no error is given."""


class Marbles:
    """Marble tests in virtual time, for pipelines of operators of rxpump and reactivex.

        marbles = Marbles()
        source = marbles.given("-a--b-----|", a=("Placed", {"price": 5}), b=("Paid", {"price": 5}))
        source.when(ops.of_type("Placed")).then("-a--------|")

    Diagrams are those of reactivex. Each character is one second. `-` is a second without an event, `|` is the
    completion, and `#` is an error. `(a,b)` are two events at the time of the parenthesis; such a group takes as many
    seconds as it has characters. All other characters are names of values. Spaces have no meaning.

    Args:
        seconds: Seconds that a character stands for.

    Raises:
        InvalidArgument: `seconds` is not positive.
    """

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = checks.seconds("seconds", seconds)

    def given(
        self, diagram: str, *, error: Exception | None = None, stream: str = STREAM, **values: object
    ) -> GivenMarbles:
        """Return the source of a check, from its diagram. Without `|` or `#`, the source never ends.

        Args:
            diagram: The diagram.
            error: Error for `#`. None: an Exception.
            stream: Name of the stream of the events that are made from tuples and NewEvents.
            **values: Value for each name in the diagram: `(type, data)`, `(type, data, metadata)`, a NewEvent or an
                Event. Other values are delivered as they are, and a name without a value stands for itself.

        Returns:
            The source, whose method `when` takes the pipeline.

        Raises:
            InvalidArgument: The diagram is malformed.
        """
        moments = _moments(diagram, self._seconds, values, error or Exception("error"))
        events = iter(received([moment.value for moment in moments if isinstance(moment, Item)], stream))
        timeline = [Item(moment.at, next(events)) if isinstance(moment, Item) else moment for moment in moments]
        return GivenMarbles(timeline, self._seconds, values)


class GivenMarbles:
    """The source of a marble test. `Marbles.given` returns it."""

    def __init__(self, timeline: Sequence[Moment], seconds: float, values: Mapping[str, object]) -> None:
        self._timeline = timeline
        self._seconds = seconds
        self._values = values

    def when(self, *operators: Pipeline) -> WhenMarbles:
        """Apply operators to the source, from left to right.

        Args:
            *operators: Operators, or other functions from an Observable to an Observable.

        Returns:
            An object whose method `then` runs the pipeline.
        """
        for operator in operators:
            checks.function("operator", operator)
        return WhenMarbles(self._timeline, self._seconds, self._values, operators)


class WhenMarbles:
    """A source and a pipeline of a marble test. `GivenMarbles.when` returns it."""

    def __init__(
        self,
        timeline: Sequence[Moment],
        seconds: float,
        values: Mapping[str, object],
        operators: Sequence[Pipeline],
    ) -> None:
        self._timeline = timeline
        self._seconds = seconds
        self._values = values
        self._operators = operators

    def then(self, diagram: str, *, error: Exception | None = None, **values: object) -> None:
        """Run the pipeline, and check the delivered items and their times.

        Args:
            diagram: The expected diagram. Without `|` or `#`, the pipeline must not end within 1000 characters.
            error: Expected error for `#`: its class and its text are compared. None: any error.
            **values: Value for each name in the diagram, in addition to those of the source. Events are compared as
                plain values: `(type, data)`, or `(type, data, metadata)` if they have metadata.

        Raises:
            AssertionError: The pipeline delivered something else, or at another time.
            InvalidArgument: The diagram is malformed.
        """
        known = {**self._values, **values}
        expected = _moments(diagram, self._seconds, known, AnyError() if error is None else error)
        actual = play(self._timeline, self._operators, self._seconds * _LONGEST)
        any_error = any(isinstance(moment, Failed) and isinstance(moment.error, AnyError) for moment in expected)
        check_same(
            [_comparable(moment, any_error=any_error) for moment in expected],
            [_comparable(moment, any_error=any_error) for moment in actual],
        )


def _moments(diagram: str, seconds: float, values: Mapping[str, object], error: Exception) -> list[Moment]:
    """Return the items and the end of a diagram with their times.

    Raises:
        InvalidArgument: The diagram is malformed.
    """
    try:
        lookup: Mapping[Any, object] = values
        parsed: Any = parse(diagram, timespan=seconds, lookup=lookup, error=error, raise_stopped=True)
    except (ValueError, TypeError, AttributeError) as problem:
        raise InvalidArgument("diagram", diagram, f"a marble diagram of reactivex ({problem})") from problem
    return [_moment(round(at, DIGITS), notification) for at, notification in parsed]


def _moment(at: float, notification: Notification[Any]) -> Moment:
    match notification:
        case OnNext():
            return Item(at, notification.value)
        case OnError():
            return Failed(at, notification.exception)
        case _:
            return Completed(at)


def _comparable(moment: Moment, *, any_error: bool) -> tuple[object, str]:
    """Return a value to compare an item or an end by, and the line that shows it in the message of a failed test."""
    match moment:
        case Item(at=at, value=value):
            plain = plain_if_event(value)
            return (at, plain), f"{at:g} s: {plain!r}"
        case Failed(at=at, error=error):
            shown = "failed" if any_error else f"failed with {error!r}"
            return (at, shown, "the end"), f"{at:g} s: {shown}"
        case Completed(at=at):
            return (at, "completed", "the end"), f"{at:g} s: completed"
