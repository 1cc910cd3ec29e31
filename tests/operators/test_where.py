from __future__ import annotations

from typing import Any

import pytest

from rxpump import operators as ops
from rxpump.errors import InvalidArgument
from rxpump.operators import Where
from tests.operators.events import event
from tests.operators.marbles import marbles_testing

NAMES = {
    "j": event("PonyJumped", stream="pony-1"),
    "s": event("PonySlept", stream="pony-2"),
    "b": event("StableBurnt", stream="stable"),
    "x": event("PonyJumped", stream="stable"),
}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"type_prefix": "Pony"}, "-j-s---x-|"),
        ({"stream_prefix": "stable"}, "-----b-x-|"),
        ({"type_regex": "Jumped|Burnt"}, "-j---b-x-|"),
        ({"type_regex": "^Jumped"}, "---------|"),
        ({"stream_regex": r"-\d$"}, "-j-s-----|"),
        ({"type_prefix": "Pony", "stream_prefix": "stable"}, "-------x-|"),
        ({"type_prefix": "Pony", "type_regex": "ed$", "stream_regex": "y"}, "-j-------|"),
        ({"type_prefix": "Pony", "type_regex": "pt$", "stream_prefix": "p", "stream_regex": "2"}, "---s-----|"),
    ],
)
def test_all_given_criteria_must_match(criteria: dict[str, str], expected: str) -> None:
    with marbles_testing() as (start, cold, _, exp):
        assert start(cold("-j-s-b-x-|", NAMES).pipe(ops.where(**criteria))) == exp(expected, NAMES)


def test_a_filter_shows_its_criteria_and_can_be_compared() -> None:
    jumps = ops.where(type_prefix="Pony", stream_regex="-")
    assert isinstance(jumps, Where)
    assert (jumps.type_prefix, jumps.type_regex, jumps.stream_prefix, jumps.stream_regex) == ("Pony", None, None, "-")
    assert jumps == ops.where(type_prefix="Pony", stream_regex="-")
    assert jumps != ops.where(type_prefix="Pony")
    assert len({jumps, ops.where(type_prefix="Pony", stream_regex="-")}) == 1
    assert repr(jumps) == "Where(type_prefix='Pony', type_regex=None, stream_prefix=None, stream_regex='-')"
    assert jumps.matches(NAMES["j"])
    assert not jumps.matches(NAMES["x"])


@pytest.mark.parametrize(
    ("criteria", "argument", "allowed"),
    [
        ({}, "where", "at least one of type_prefix, type_regex, stream_prefix, stream_regex"),
        ({"type_prefix": ""}, "type_prefix", "a non-empty string"),
        ({"stream_regex": 7}, "stream_regex", "a non-empty string"),
        ({"type_regex": "(unclosed"}, "type_regex", "a regular expression"),
    ],
)
def test_invalid_criteria_are_refused(criteria: dict[str, Any], argument: str, allowed: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        ops.where(**criteria)
    assert raised.value.argument == argument
    assert raised.value.allowed.startswith(allowed)
