"""Every Python block of the README runs, from the first to the last, in one module, and prints what it says.

A block can await, as in `python -m asyncio`. A line `print(...)  # text` must print that text.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)


def blocks() -> list[tuple[int, str]]:
    """Each block, with the number of the line before it."""
    text = README.read_text()
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(text)]


async def run(code: str, line: int, module: dict[str, Any]) -> None:
    tree = ast.increment_lineno(compile(code, README.name, "exec", ast.PyCF_ONLY_AST), line)
    compiled = compile(tree, str(README), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, module)
    if inspect.isawaitable(result):
        await result


async def test_every_block_runs_and_prints_what_it_says(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module: dict[str, Any] = {"__name__": "readme"}
    for line, code in blocks():
        await run(code, line, module)
        assert capsys.readouterr().out.splitlines() == PROMISE.findall(code), f"{README.name}:{line}"


def test_there_is_something_to_run() -> None:
    assert len(blocks()) >= 6
    assert sum(len(PROMISE.findall(code)) for _, code in blocks()) >= 8
