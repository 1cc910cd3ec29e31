"""The pictures that are files of `docs/`, and their form on the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tools.docs_site.pictures import demand, subscription

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "demand.svg": demand.draw,
    "subscription.svg": subscription.draw,
}
"""Functions that draw the files of `docs/pictures/`, by the name of the file."""

_IMAGE: Final = re.compile(r"^!\[[^\]]*\]\(([^)\s]+\.svg)\)$", re.MULTILINE)
_OF_FILE: Final = re.compile(r"<style>.*?</style>\n|<rect class=\"background\"[^>]*/>\n", re.DOTALL)


def inlined(markdown: str, folder: Path) -> str:
    """Return a page that contains its pictures.

    A picture that is an image follows the color scheme of the system. One that is a part of the page follows the
    switch of the site.

    Args:
        markdown: The page in Markdown.
        folder: The folder of its file.
    """

    def inline(match: re.Match[str]) -> str:
        drawn = _OF_FILE.sub("", (folder / match[1]).read_text()).rstrip()
        return f'<figure class="drawing" data-search-exclude>\n{drawn}\n</figure>'

    return _IMAGE.sub(inline, markdown)
