"""Check the output of a pipeline: `given(events).when(pipeline).then(events)`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.events import Event, single_event
from rxpump.model.new_events import NewEvent
from rxpump.testing.memory_stream import StoredEvent
from rxpump.testing.plain_events import plain_if_event
from rxpump.testing.playing import Completed, Failed, Item, Moment, Pipeline, play

_HOUR: Final = 3600.0
STREAM: Final = "given"
"""Name of the stream that the events of a scenario have by default."""


def given(events: Iterable[object], *, stream: str = STREAM) -> Given:
    """Return the source of a check, which delivers the given events to a pipeline.

    The source completes after the last event. The pipeline runs in virtual time, so that operators which wait take no
    time. The test must not be `async`.

    Args:
        events: The events: `(type, data)`, `(type, data, metadata)`, NewEvents or Events. Other values are delivered
            as they are.
        stream: Name of the stream of the events that are made from tuples and NewEvents, with numbers from 0.

    Returns:
        The source, whose method `when` takes the pipeline.

    Raises:
        InvalidArgument: `events` cannot be iterated, or the name of the stream is empty.

    Example:
        given([("Placed", {"price": 5})]).when(ops.of_type("Placed"), ops.json()).then([{"price": 5}])
    """
    if not isinstance(events, Iterable) or isinstance(events, (str, bytes)):
        raise InvalidArgument("events", events, "an iterable of events")
    items = received(events, checks.stream_name(stream))
    return Given([*(Item(0.0, value) for value in items), Completed(0.0)])


class Given:
    """The source of a pipeline. `given` returns it."""

    def __init__(self, timeline: Sequence[Moment]) -> None:
        self._timeline = timeline

    def when(self, *operators: Pipeline) -> When:
        """Apply operators to the source, from left to right.

        Args:
            *operators: Operators, or other functions from an Observable to an Observable.

        Returns:
            An object whose methods `then` and `then_raises` run the pipeline.
        """
        for operator in operators:
            checks.function("operator", operator)
        return When(self._timeline, operators)


class When:
    """A source and a pipeline. `Given.when` returns it."""

    def __init__(self, timeline: Sequence[Moment], operators: Sequence[Pipeline]) -> None:
        self._timeline = timeline
        self._operators = operators

    def then(self, expected: Iterable[object]) -> None:
        """Run the pipeline, and check that it delivers these events in this order and completes.

        Args:
            expected: The items. Events are compared as plain values: `(type, data)`, or `(type, data, metadata)` if
                they have metadata.

        Raises:
            AssertionError: The pipeline delivered other items, or has not completed within an hour of virtual time.
            Exception: The error of the pipeline.
        """
        check_same(
            [(value, repr(value)) for value in map(plain_if_event, expected)],
            [(value, repr(value)) for value in self.items()],
        )

    def then_raises(self, error: type[Exception]) -> Exception:
        """Run the pipeline, and check that it fails.

        Args:
            error: Class of the expected error.

        Returns:
            The error.

        Raises:
            AssertionError: The pipeline completed, or failed with an error of another class.
        """
        try:
            items = self.items()
        except error as raised:
            return raised
        except Exception as raised:
            raise AssertionError(f"the pipeline failed with {raised!r}, expected {error.__name__}") from raised
        raise AssertionError(f"the pipeline completed, expected {error.__name__}; it delivered {items}")

    def items(self) -> list[Any]:
        """Run the pipeline to its end.

        Returns:
            The items that it delivered, events as plain values.

        Raises:
            AssertionError: The pipeline has not completed within an hour of virtual time.
            Exception: The error of the pipeline.
        """
        came_out = play(self._timeline, self._operators, _HOUR)
        match came_out[-1:]:
            case [Failed(error=error)]:
                raise error
            case [Completed()]:
                return [plain_if_event(moment.value) for moment in came_out if isinstance(moment, Item)]
            case _:
                raise AssertionError("the pipeline has not completed within an hour of virtual time")


def received(values: Iterable[object], stream: str) -> list[Any]:
    """Return values, with tuples `(type, data)` and NewEvents converted to Events.

    Args:
        values: The values.
        stream: Name of the stream of these events, which are numbered from 0.
    """
    numbers = count()
    return [
        _as_read(value, stream, next(numbers)) if isinstance(value, NewEvent) else value
        for value in map(_as_new_event, values)
    ]


def _as_read(event: NewEvent, stream: str, number: int) -> Event:
    stored = StoredEvent(
        stream, number, event.id_bytes, event.type, int(event.is_json), event.data, event.metadata, 0, number
    )
    return single_event(stored, position=stored.position)


def _as_new_event(value: object) -> object:
    match value:
        case (str(type), data):
            return NewEvent(type, data)
        case (str(type), data, metadata):
            return NewEvent(type, data, metadata=metadata)
        case _:
            return value


def check_same(expected: Sequence[tuple[object, str]], actual: Sequence[tuple[object, str]]) -> None:
    """Check that two lists have equal values in the same order.

    Args:
        expected: Expected values, each with its line for the message.
        actual: Actual values, each with its line for the message.

    Raises:
        AssertionError: The values differ. The message shows the difference of the lines.
    """
    if [value for value, _ in expected] == [value for value, _ in actual]:
        return
    compared = difflib.ndiff([line for _, line in expected], [line for _, line in actual])
    shown = "\n".join(line for line in compared if not line.startswith("?"))
    raise AssertionError(f"the pipeline delivered other items than expected (- missing, + unexpected)\n{shown}")
