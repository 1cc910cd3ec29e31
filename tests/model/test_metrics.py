from __future__ import annotations

import math

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.metrics import LATENCY_BOUNDS, LatencyHistogram

HISTOGRAM = LatencyHistogram((0.1, 1.0), (90, 9, 1), 20.0)
EMPTY = LatencyHistogram((0.1, 1.0), (0, 0, 0), 0.0)


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, 0.1), (0.5, 0.1), (0.9, 0.1), (0.91, 1.0), (0.99, 1.0), (0.995, math.inf), (1, math.inf)],
)
def test_a_quantile_is_the_bound_of_its_bucket(share: float, expected: float) -> None:
    assert HISTOGRAM.quantile(share) == expected


def test_the_fastest_request_is_in_the_first_bucket_with_any() -> None:
    assert LatencyHistogram((0.1, 1.0), (0, 5, 0), 2.0).quantile(0) == 1.0


def test_count_and_mean_come_from_the_buckets() -> None:
    assert HISTOGRAM.count == 100
    assert HISTOGRAM.mean == 0.2


def test_without_requests_there_is_no_latency() -> None:
    assert EMPTY.count == 0
    assert EMPTY.mean is None
    assert EMPTY.quantile(0.5) is None


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_from_0_to_1(share: float) -> None:
    with pytest.raises(InvalidArgument, match="a number from 0 to 1"):
        HISTOGRAM.quantile(share)


def test_the_bounds_are_ascending() -> None:
    assert list(LATENCY_BOUNDS) == sorted(set(LATENCY_BOUNDS))
