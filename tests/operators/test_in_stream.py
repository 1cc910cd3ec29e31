from __future__ import annotations

from typing import Any

import pytest

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from tests.operators.events import event, linked
from tests.operators.marbles import marbles_testing

NAMES = {"p": event(stream="pony-1"), "q": event(stream="pony-2"), "s": event(stream="stable")}


@pytest.mark.parametrize(
    ("operator", "events", "expected"),
    [
        (ops.in_stream("stable"), "-p-s-q-s-|", "---s---s-|"),
        (ops.in_stream("stable", "pony-1"), "-p-s-q-s-|", "-p-s---s-|"),
        (ops.in_stream(prefix="pony-"), "-p-s-q-s-#", "-p---q---#"),
        (ops.in_stream("stable", prefix="pony-2"), "-p-s-q-", "---s-q-"),
        (ops.in_stream("pony"), "-p-q-|", "-----|"),
    ],
)
def test_only_events_of_the_given_streams_are_emitted(operator: Any, events: str, expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold(events, NAMES).pipe(operator)) == exp(expected, NAMES)


@pytest.mark.parametrize(("name", "expected"), [("pony-1", "-l-|"), ("links", "---|")])
def test_a_linked_event_belongs_to_its_own_stream(name: str, expected: str) -> None:
    names = {"l": linked(NAMES["p"], stream="links")}
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold("-l-|", names).pipe(ops.in_stream(name))) == exp(expected, names)


@pytest.mark.parametrize(
    ("names", "prefix", "argument"),
    [((), None, "names"), (("",), None, "names"), ((7,), None, "names"), ((), "", "prefix")],
)
def test_invalid_names_are_refused(names: tuple[Any, ...], prefix: Any, argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ops.in_stream(*names, prefix=prefix)
    assert raised.value.argument == argument
