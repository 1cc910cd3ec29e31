"""Citations of pages in docstrings, such as "docs/protocol/tcp.md, section 4.7", as links."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

_DOCS: Final = Path(__file__).parents[2] / "docs"
_CITATION: Final = re.compile(r"`?docs/(?P<page>[\w/-]+)\.md`?(?P<place>,\s+sections?\s+(?P<section>\d+(?:\.\d+)*))?")
_HEADING: Final = re.compile(r"^#+ (?P<text>(?P<number>\d+(?:\.\d+)*)\.? .+)$", re.MULTILINE)


def linked(text: str, docs: str) -> str:
    """Return a text in which each citation of a page of `docs/` is a link.

    Args:
        text: A docstring, or a page that contains docstrings.
        docs: Path of the folder `docs/`, relative to the page on which the text stands, for example "../".

    Raises:
        KeyError: A cited section does not exist.
    """

    def link(match: re.Match[str]) -> str:
        page, section = match["page"], match["section"]
        anchor = f"#{_anchors(page)[section]}" if section else ""
        shown = " ".join(match[0].replace("`", "").split())
        return f"[{shown}]({docs}{page}.md{anchor})"

    return _CITATION.sub(link, text)


@cache
def _anchors(page: str) -> dict[str, str]:
    """Return the anchors of the numbered headings of a page, by number."""
    headings = _HEADING.finditer((_DOCS / f"{page}.md").read_text())
    return {match["number"]: _slug(match["text"]) for match in headings}


def _slug(heading: str) -> str:
    words = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"[-\s]+", "-", words)
