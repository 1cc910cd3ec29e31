"""The names of tests are short enough for a report."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parent
LONGEST = 60


def test_no_name_of_a_test_is_longer_than_60() -> None:
    too_long = [
        f"{path.relative_to(TESTS)}: {node.name}"
        for path in TESTS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(node.name.removeprefix("test_")) > LONGEST
    ]
    assert too_long == [], f"the limit is {LONGEST} characters after test_; details belong into the test"
