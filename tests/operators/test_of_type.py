from __future__ import annotations

from typing import Any

import pytest

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from tests.operators.events import broken_link, event
from tests.operators.marbles import marbles_testing

JUMPED, SLEPT, ATE = event("Jumped"), event("Slept"), event("Ate")
NAMES = {"j": JUMPED, "s": SLEPT, "a": ATE}


@pytest.mark.parametrize(
    ("types", "events", "expected"),
    [
        (["Jumped"], "-j-s-j-a-j-|", "-j---j---j-|"),
        (["Jumped", "Ate"], "-j-s-j-a-j-|", "-j---j-a-j-|"),
        (["Slept"], "-j-a-j-|", "-------|"),
        (["Jumped"], "|", "|"),
        (["Jumped"], "-j-s-#", "-j---#"),
        (["Jumped"], "-j-s-", "-j---"),
        (["jumped"], "-j-|", "---|"),
        (["Jump"], "-j-|", "---|"),
    ],
)
def test_only_events_of_these_types(types: list[str], events: str, expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        seen = start(cold(events, NAMES).pipe(ops.of_type(*types)))
        assert seen == exp(expected, NAMES)


def test_a_link_that_leads_nowhere_is_of_the_links_type() -> None:
    link = broken_link()
    with marbles_testing() as (start, cold, _, exp):
        seen = start(cold("-l-j-|", {"l": link, "j": JUMPED}).pipe(ops.of_type("$>")))
        assert seen == exp("-l---|", {"l": link})


@pytest.mark.parametrize("types", [(), ("",), (None,), (b"Jumped",), ("Jumped", 7)])
def test_what_is_no_type_is_refused_at_the_call(types: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidArgument, match="each a non-empty string") as raised:
        ops.of_type(*types)
    assert raised.value.argument == "types"
