"""What the pages say is there: their links, and the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
NAMED = re.compile(r"`((?:rxpump|tests|proto|docs|examples|benchmarks)/[^`\s]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    named = [page.parent / link for link in LINK.findall(text)] + [ROOT / path for path in NAMED.findall(text)]
    assert named
    assert [path for path in named if not path.exists()] == []
