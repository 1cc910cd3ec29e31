"""The pages of the documentation, and the Python blocks in them.

A block that calls `asyncio.run` is a program of its own. One that defines test functions is a file for pytest. The
other blocks of a page can await, as in `python -m asyncio`, and each of them uses the names of those before it.

`python -m tests.pages DIRECTORY` writes the blocks as modules, so that type checkers can read them. Every line has
the number that it has on its page.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALL_PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in ALL_PAGES if "```python" in page.read_text()]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"^(async )?def test_", re.MULTILINE)
OUTPUT = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A Python block of a page.

    Attributes:
        page: The file of the page.
        line: Number of the line before the first line of the block.
        code: The source code.
    """

    page: Path
    line: int
    code: str

    @property
    def is_program(self) -> bool:
        """Whether the block is a whole file."""
        return "asyncio.run(" in self.code

    @property
    def is_test_suite(self) -> bool:
        """Whether the block is a file for pytest."""
        return TEST.search(self.code) is not None

    @property
    def output(self) -> list[str]:
        """The texts that its lines `print(...)  # text` must print."""
        return OUTPUT.findall(self.code)


def blocks(page: Path) -> list[Block]:
    """Return the Python blocks of a page, in order."""
    text = page.read_text()
    return [Block(page, text.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(text)]


def modules(page: Path) -> dict[str, str]:
    """Return modules with the Python blocks of a page, by name.

    Each program and each file for pytest is a module of its own. All other blocks are the body of one coroutine
    function in one module.
    """
    name = re.sub(r"\W", "_", str(page.relative_to(ROOT).with_suffix("")).lower())
    files = [block for block in blocks(page) if block.is_program or block.is_test_suite]
    programs = {f"{name}_{block.line}": "\n" * block.line + block.code for block in files}
    lines: list[str] = []
    for block in blocks(page):
        if block in files:
            continue
        start = [] if lines else [""] * (block.line - 1) + ["async def page() -> None:"]
        lines += start or [""] * (block.line - len(lines))
        lines += [f"    {line}" if line else "" for line in block.code.splitlines()]
    return programs | ({name: "\n".join(lines) + "\n"} if lines else {})


def write(directory: Path) -> None:
    """Write the modules of all pages to an empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for page in PAGES:
        for name, source in modules(page).items():
            (directory / f"{name}.py").write_text(source)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
