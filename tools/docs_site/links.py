"""Links of the Markdown files of the repository, changed so that they work on the site."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import PurePosixPath
from typing import Final

PAGES_OF_ROOT: Final = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""Files at the root of the repository that are pages of the site, with the paths of these pages."""

_INLINE = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")
_ADDRESS = re.compile(r"\]\((\w+:[^)#\s]+)\)")
_DEFINITION = re.compile(r"^\[([^\]]+)\]: (\S+)$", re.MULTILINE)


def for_site(text: str, source: str, files: str) -> str:
    """Return the text of a page with links that work on the site.

    Args:
        text: The page in Markdown.
        source: Path of its file in the repository.
        files: Address at which the repository shows a file, without the path of the file.

    Returns:
        The text. Links to files that the site has are relative to its page, also if the README has them with their
        address; links to other files of the repository contain their address there.
    """
    folder = posixpath.dirname(_page_of(source) or "")
    raw = files.replace("/blob/", "/raw/")

    def resolved(path: str, anchor: str) -> str:
        page = _page_of(path)
        return (files + path if page is None else posixpath.relpath(page, folder or ".")) + anchor

    def inline(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        return f"]({resolved(path, match[2] or '')})"

    def address(match: re.Match[str]) -> str:
        page = _page_of(match[1].removeprefix(raw)) if match[1].startswith(raw) else None
        return match[0] if page is None else f"]({posixpath.relpath(page, folder or '.')})"

    def definition(match: re.Match[str]) -> str:
        if not match[2].startswith(files):
            return match[0]
        path, mark, anchor = match[2].removeprefix(files).partition("#")
        return f"[{match[1]}]: {resolved(path, mark + anchor)}"

    return _DEFINITION.sub(definition, _ADDRESS.sub(address, _INLINE.sub(inline, text)))


def _page_of(path: str) -> str | None:
    """Return the path on the site of a file of the repository, None if the site does not have it."""
    if path in PAGES_OF_ROOT:
        return PAGES_OF_ROOT[path]
    parts = PurePosixPath(path).parts
    return os.path.join(*parts[1:]) if len(parts) > 1 and parts[0] == "docs" else None
