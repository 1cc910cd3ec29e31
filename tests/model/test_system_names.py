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


def spelled_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the value of each string literal of a module that is a reserved name."""
    source = path.read_text(encoding="utf-8")
    if not any(name in source for name in NAMES):  # Most modules are not worth the time to parse them.
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMES:
            yield node.lineno, node.value


def test_no_other_module_spells_a_reserved_name() -> None:
    modules = set(PACKAGE.rglob("*.py")) - {Path(system_names.__file__)}
    spelled = [
        f"{path.relative_to(PACKAGE)}:{line}: {text}" for path in sorted(modules) for line, text in spelled_in(path)
    ]
    assert len(NAMES) > 10
    assert not spelled
