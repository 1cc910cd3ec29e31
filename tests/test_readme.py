"""The Python blocks of the README and the pages run, and print the documented output."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from asyncio.subprocess import PIPE
from code import InteractiveConsole
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from rxpump.server import EmbeddedServer, SqliteStore, load_certificate
from tests.certificates import authority, certificate_files
from tests.pages import PAGES, ROOT, Block, blocks, modules

WITHOUT_A_LOOP = {"without-an-event-loop.md"}
TESTED_ELSEWHERE = {"tutorial.md"}
"""Pages whose programs need a server and run until they are killed: tests/test_tutorial.py."""

EXECUTED = [page for page in PAGES if page.name not in TESTED_ELSEWHERE]
IN_MEMORY = '"memory://"'
OVER_GRPC = [page for page in EXECUTED if IN_MEMORY in "".join(block.code for block in blocks(page))]


async def run(block: Block, names: dict[str, Any]) -> None:
    """Execute a block; `names` are those that the blocks before it have defined.

    Blocks of a page about programs without an event loop run in a thread that has none. Other blocks can await.
    """
    if block.page.name in WITHOUT_A_LOOP:
        await asyncio.to_thread(exec, compile("\n" * block.line + block.code, str(block.page), "exec"), names)
        return
    parsed = compile(block.code, block.page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    tree = ast.increment_lineno(parsed, block.line)
    result = eval(compile(tree, str(block.page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(result):
        await result


async def run_program(block: Block) -> str:
    """Run a block as a file of its own, and return its output."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "error", "-c", block.code, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def run_tests(suites: list[Block], folder: Path) -> None:
    """Run blocks as files for pytest."""
    for block in suites:
        (folder / f"test_line_{block.line}.py").write_text("\n" * block.line + block.code)
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(settings)]
    process = await asyncio.create_subprocess_exec(*command, str(folder), cwd=ROOT, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


@pytest.fixture
def page_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the blocks of a page, whose directory has the certificates that pages name."""
    certificate_files(tmp_path, "127.0.0.1")
    authority().cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.chdir(tmp_path)
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # Dataclasses look up their module in `sys.modules`.
    return module


async def output_of(block: Block, module: ModuleType, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Run a block, and return the lines that it prints."""
    if block.is_program:
        return (await run_program(block)).splitlines()
    await run(block, vars(module))
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.name)
async def test_every_block_runs_and_prints_its_output(
    page: Path, page_module: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    if suites := [block for block in blocks(page) if block.is_test_suite]:
        await run_tests(suites, tmp_path)
    for block in blocks(page):
        if block not in suites:
            assert await output_of(block, page_module, capsys) == block.output, f"{page.name}:{block.line}"


async def over_grpc(block: Block, servers: AsyncExitStack, folder: Path) -> Block:
    """Return the block with the address of a new server with TLS in place of each store in memory."""
    certificate = load_certificate(str(folder / "server.pem"), str(folder / "server.key"))
    code = block.code
    while IN_MEMORY in code:
        store = SqliteStore.in_memory()
        server = await servers.enter_async_context(EmbeddedServer(store, grpc_port=0, tls=certificate))
        address = f"kurrentdb://admin:changeit@127.0.0.1:{server.grpc_port}?tlsCaFile={folder / 'ca.pem'}"
        code = code.replace(IN_MEMORY, f'"{address}"', 1)
    return replace(block, code=code)


@pytest.mark.parametrize("page", OVER_GRPC, ids=lambda page: page.name)
async def test_every_block_does_the_same_over_grpc(
    page: Path, page_module: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with AsyncExitStack() as servers:
        for block in blocks(page):
            if not block.is_test_suite:
                changed = await over_grpc(block, servers, tmp_path)
                assert await output_of(changed, page_module, capsys) == block.output, f"{page.name}:{block.line}"


class Prompt(InteractiveConsole):
    """A prompt that accepts lines as `python -m asyncio` does, and does not execute them."""

    def __init__(self) -> None:
        super().__init__()
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self.refused: list[str] = []

    def runcode(self, code: CodeType) -> None:
        pass

    def showsyntaxerror(self, *_: object, **__: object) -> None:
        self.refused.append("\n".join(self.buffer))


def test_the_readme_can_be_pasted_into_a_prompt() -> None:
    prompt = Prompt()
    for block in blocks(ROOT / "README.md"):
        for line in [] if block.is_program else [*block.code.splitlines(), ""]:
            prompt.push(line)
    assert prompt.refused == []


@pytest.mark.parametrize(
    ("name", "least_blocks", "programs", "least_lines"),
    [
        ("README.md", 10, 1, 15),
        ("docs/architecture.md", 1, 0, 1),
        ("docs/coming-from.md", 1, 0, 2),
        ("docs/embedded-server.md", 7, 0, 8),
        ("docs/operators.md", 5, 0, 5),
        ("docs/testing.md", 11, 0, 0),
        ("docs/without-an-event-loop.md", 7, 0, 8),
    ],
)
def test_the_blocks_and_their_output_are_found(name: str, least_blocks: int, programs: int, least_lines: int) -> None:
    assert ROOT / name in PAGES
    found = blocks(ROOT / name)
    assert len(found) >= least_blocks
    assert len([block for block in found if block.is_program]) == programs
    assert sum(len(block.output) for block in found) >= least_lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_module_has_the_line_numbers_of_its_page(page: Path) -> None:
    lines = page.read_text().splitlines()
    for source in modules(page).values():
        numbered = [(number, line) for number, line in enumerate(source.splitlines()) if line.strip()]
        assert numbered
        for number, line in numbered:
            assert line in (lines[number], f"    {lines[number]}", "async def page() -> None:"), number
