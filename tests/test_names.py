"""The names of tests are short enough for a report."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent
LONGEST = 60
NAME = re.compile(r"^ *(?:async )?def (\w+)", re.MULTILINE)


def test_no_name_of_a_test_is_longer_than_60() -> None:
    too_long = [
        f"{path.relative_to(TESTS)}: {name}"
        for path in TESTS.rglob("*.py")
        for name in NAME.findall(path.read_text())
        if len(name.removeprefix("test_")) > LONGEST
    ]
    assert too_long == [], f"the limit is {LONGEST} characters after test_; details belong into the test"
