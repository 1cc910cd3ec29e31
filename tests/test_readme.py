"""Every Python block of a page runs, from the first to the last, in one module, and prints what it says.

A block can await, as in `python -m asyncio`. A line `print(...)  # text` must print that text.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import authority, certificate_files

ROOT = Path(__file__).parents[1]
README, SERVER = PAGES = ROOT / "README.md", ROOT / "docs" / "embedded-server.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[int, str]]:
    """Each block, with the number of the line before it."""
    text = page.read_text()
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(text)]


async def run(page: Path, code: str, line: int, module: dict[str, Any]) -> None:
    tree = ast.increment_lineno(compile(code, page.name, "exec", ast.PyCF_ONLY_AST), line)
    compiled = compile(tree, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(compiled, module)
    if inspect.isawaitable(result):
        await result


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_every_block_runs_and_prints_what_it_says(
    page: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate_files(tmp_path, "127.0.0.1")
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.chdir(tmp_path)
    module: dict[str, Any] = {"__name__": "page"}
    for line, code in blocks(page):
        await run(page, code, line, module)
        assert capsys.readouterr().out.splitlines() == PROMISE.findall(code), f"{page.name}:{line}"


@pytest.mark.parametrize(("page", "least", "promises"), [(README, 6, 8), (SERVER, 4, 6)])
def test_there_is_something_to_run(page: Path, least: int, promises: int) -> None:
    assert len(blocks(page)) >= least
    assert sum(len(PROMISE.findall(code)) for _, code in blocks(page)) >= promises
