"""Each name that Event Store reserves is defined in one module only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import rxpump
from rxpump.model import system_names

PACKAGE = Path(rxpump.__file__).parent
PREFIX = system_names.SYSTEM_PREFIX  # "$" also occurs in regular expressions.
NAMES = {value for name, value in vars(system_names).items() if name.isupper()} - {PREFIX}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the value of each string literal of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def test_no_other_module_spells_a_reserved_name() -> None:
    modules = set(PACKAGE.rglob("*.py")) - {Path(system_names.__file__)}
    spelled = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}"
        for path in sorted(modules)
        for line, text in texts(path)
        if text in NAMES
    ]
    assert len(NAMES) > 10
    assert not spelled
