"""Public names that need only `import rxpump`. mypy and pyright check this file; it is not executed."""

from typing import Literal, assert_type

import rxpump


def errors_are_reached_through_the_package(error: Exception) -> int | None:
    return error.current if isinstance(error, rxpump.errors.WrongExpectedVersion) else None


def operators_are_reached_through_the_package(events: rxpump.Observable[rxpump.Event]) -> None:
    assert_type(events.pipe(rxpump.operators.of_type("PonyJumped")), rxpump.Observable[rxpump.Event])


def the_ends_have_two_names() -> None:
    assert_type(rxpump.Beginning, Literal[rxpump.Edge.START])
    assert_type(rxpump.END, Literal[rxpump.Edge.END])
