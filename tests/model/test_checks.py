from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.positions import ExpectedVersion

MAX64 = 2**63 - 1


@pytest.mark.parametrize(
    ("check", "good"),
    [
        (checks.stream_name, ["a", " ", "$all", "$$a", "übung", "a" * 10_000, "🐎"]),
        (checks.event_number, [-1, 0, 1, 2**31, MAX64]),
        (lambda value: checks.page_size(value, most=4096), [1, 4096]),
        (checks.expected_version, [-4, -2, -1, 0, MAX64, *ExpectedVersion]),
        (lambda value: checks.seconds("timeout", value), [0.001, 1, 7.5, float("inf")]),
        (lambda value: checks.count("attempts", value, least=0), [0, 1, 10**9]),
    ],
)
def test_an_allowed_value_is_returned_unchanged(check: Callable[[Any], Any], good: list[Any]) -> None:
    assert [check(value) for value in good] == good


@pytest.mark.parametrize(
    ("check", "argument", "bad"),
    [
        (checks.stream_name, "stream", ["", None, b"bytes", 3, "\ud800"]),
        (checks.event_number, "event_number", [-2, MAX64 + 1, 1.0, "1", None, True]),
        (lambda value: checks.page_size(value, most=4096), "max_count", [0, -1, 4097, 1.5, None, False]),
        (checks.expected_version, "expected_version", [-3, -5, MAX64 + 1, 0.0, None, True]),
        (lambda value: checks.seconds("timeout", value), "timeout", [0, -1, "3", None, True, float("nan")]),
        (lambda value: checks.count("attempts", value), "attempts", [0, -1, 1.5, "3", None, True]),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(
    check: Callable[[Any], Any], argument: str, bad: list[Any]
) -> None:
    for value in bad:
        with pytest.raises(InvalidArgument) as caught:
            check(value)
        error = caught.value
        assert (error.argument, error.value) == (argument, value)
        assert error.allowed


def test_a_check_names_the_argument_of_its_caller() -> None:
    with pytest.raises(InvalidArgument, match=r"^from_event is -2; allowed is a number from 0, or -1"):
        checks.event_number(-2, argument="from_event")
    with pytest.raises(InvalidArgument, match=r"^batch_size is 5000; allowed is a number from 1 to 4096$"):
        checks.page_size(5000, argument="batch_size", most=4096)


def test_text_that_utf8_cannot_encode_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="without lone surrogates"):
        checks.text("type", "half a \ud83d pony")
