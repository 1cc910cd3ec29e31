"""The values of the header grpc-timeout."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.errors import InvalidArgument
from rxpump.grpc.protocol.timeouts import format_timeout, parse_timeout


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (10, "10000m"),
        (0.25, "250m"),
        (1e-9, "1m"),
        (0.0012, "2m"),
        (99_999.999, "99999999m"),
        (100_000, "100000S"),
        (99_999_999, "99999999S"),
        (100_000_000, "1666667M"),
        (1e10, "2777778H"),
    ],
)
def test_timeouts_are_rounded_up_to_eight_digits(seconds: float, text: str) -> None:
    assert format_timeout(seconds) == text


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, 1e12])
def test_timeouts_out_of_range_are_refused(seconds: float) -> None:
    with pytest.raises(InvalidArgument, match=r"^timeout is .*; allowed is a number of seconds over 0"):
        format_timeout(seconds)


@given(st.floats(1e-9, 3.5e11))
def test_no_timeout_is_shortened(seconds: float) -> None:
    text = format_timeout(seconds)
    parsed = parse_timeout(text)
    assert len(text) <= 9
    assert parsed is not None
    assert seconds * (1 - 1e-12) <= parsed <= seconds * 1.001 + 0.001 or text.endswith(("M", "H"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10S", 10), ("10000m", 10), ("10000000u", 10), ("1H", 3600), ("2M", 120), ("100n", 1e-7), ("00000005S", 5)],
)
def test_every_unit_is_read(text: str, seconds: float) -> None:
    assert parse_timeout(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "S", "10", "-1S", "1.5S", "123456789S", "1s", "1 S", "0S", "1n", "99n", "١S"])
def test_malformed_timeouts_are_ignored_like_a_real_server_does(text: str) -> None:
    assert parse_timeout(text) is None
