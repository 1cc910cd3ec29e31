from __future__ import annotations

from rxpump import operators as ops
from tests.operators.events import broken_link, event, linked
from tests.operators.marbles import marbles_testing

NAMES = {
    "a": event("Jumped"),
    "m": event("$metadata", stream="$$ponies"),
    "s": event("Result", stream="$projections-x"),
    "t": event("$>"),
    "b": broken_link(),
    "l": linked(event("Jumped"), stream="$ce-ponies"),
}


def test_system_events_are_left_out() -> None:
    with marbles_testing() as (start, cold, _, exp):
        seen = start(cold("-a-m-s-t-b-l-a-|", NAMES).pipe(ops.without_system_events()))
        assert seen == exp("-a---------l-a-|", NAMES)
