"""Every Python block of a page runs, from the first to the last, in one module, and prints what it says.

A block can await, as in `python -m asyncio`; one that calls `asyncio.run` is run as a program. A line
`print(...)  # text` must print that text.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.certificates import authority, certificate_files
from tests.pages import PAGES, Block, blocks, modules


async def run(block: Block, module: dict[str, Any]) -> None:
    parsed = compile(block.code, block.page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    tree = ast.increment_lineno(parsed, block.line)
    result = eval(compile(tree, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), module)
    if inspect.isawaitable(result):
        await result


async def run_program(block: Block) -> str:
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", block.code, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_every_block_runs_and_prints_what_it_says(
    page: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate_files(tmp_path, "127.0.0.1")
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # a dataclass looks up the module in which it is made
    for block in blocks(page):
        if block.is_program:
            printed = await run_program(block)
        else:
            await run(block, vars(module))
            printed = capsys.readouterr().out
        assert printed.splitlines() == block.promises, f"{page.name}:{block.line}"


@pytest.mark.parametrize(
    ("name", "least", "programs", "promises"), [("README.md", 6, 1, 8), ("embedded-server.md", 4, 0, 6)]
)
def test_there_is_something_to_run(name: str, least: int, programs: int, promises: int) -> None:
    (page,) = (page for page in PAGES if page.name == name)
    found = blocks(page)
    assert len(found) >= least
    assert len([block for block in found if block.is_program]) >= programs
    assert sum(len(block.promises) for block in found) >= promises


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_have_the_lines_of_their_page(page: Path) -> None:
    lines = page.read_text().splitlines()
    for source in modules(page).values():
        numbered = [(number, line) for number, line in enumerate(source.splitlines()) if line.strip()]
        assert numbered
        for number, line in numbered:
            assert line in (lines[number], f"    {lines[number]}", "async def page() -> None:"), number
