"""Details of consumer groups."""

from __future__ import annotations

import pytest

from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import GroupOptions


@pytest.mark.parametrize(
    ("last", "end", "start", "expected"),
    [
        ("7", "9", 0, 2),
        ("", "9", 0, 10),
        ("", "9", 4, 6),
        ("", "9", -1, None),
        ("C:100/P:100", "C:150/P:150", -1, 50),
        ("", "", 0, None),
        ("9", "7", 0, 0),
    ],
)
def test_the_lag_is_the_distance_to_the_end(last: str, end: str, start: int, expected: int | None) -> None:
    settings = GroupOptions(start_from=start)
    assert GroupDetails("s", "g", "Live", settings, last_checkpoint=last, last_known=end).lag == expected
