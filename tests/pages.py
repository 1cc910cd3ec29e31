"""The Python blocks of the pages: README.md and docs/*.md.

A block that calls `asyncio.run` is a program of its own. The other blocks of a page can await, as in
`python -m asyncio`, and each of them uses the names of those before it.

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
PAGES = [
    page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if "```python" in page.read_text()
]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^\s*print\(.*\)  # (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A Python block of a page.

    line:  number of the line before its first.
    """

    page: Path
    line: int
    code: str

    @property
    def is_program(self) -> bool:
        """Whether the block is a whole file."""
        return "asyncio.run(" in self.code

    @property
    def promises(self) -> list[str]:
        """What its lines `print(...)  # text` print."""
        return PROMISE.findall(self.code)


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text()
    return [Block(page, text.count("\n", 0, match.start(1)), match[1]) for match in BLOCK.finditer(text)]


def modules(page: Path) -> dict[str, str]:
    """Return the source of a module for each program of a page, and of one for its other blocks, by name."""
    name = page.stem.lower().replace("-", "_")
    programs = {f"{name}_{block.line}": "\n" * block.line + block.code for block in blocks(page) if block.is_program}
    lines: list[str] = []
    for block in blocks(page):
        if block.is_program:
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
