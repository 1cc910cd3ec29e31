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
def test_only_events_of_the_given_types_are_emitted(types: list[str], events: str, expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        seen = start(cold(events, NAMES).pipe(ops.of_type(*types)))
        assert seen == exp(expected, NAMES)


def test_a_broken_link_has_the_type_of_links() -> None:
    link = broken_link()
    with marbles_testing() as (start, cold, _, exp):
        seen = start(cold("-l-j-|", {"l": link, "j": JUMPED}).pipe(ops.of_type("$>")))
        assert seen == exp("-l---|", {"l": link})


@pytest.mark.parametrize("types", [(), ("",), (None,), (b"Jumped",), ("Jumped", 7)])
def test_invalid_types_are_refused(types: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidArgument, match="each a non-empty string") as raised:
        ops.of_type(*types)
    assert raised.value.argument == "types"
