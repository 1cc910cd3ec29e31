"""Convert the indented blocks of a docstring to Markdown for the site."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from tools.docs_site.pictures import marble_picture
from tools.docs_site.pictures.marbles import is_marbles, parse

_BLOCK: Final = re.compile(r"(?<=\n\n)((?: {4}.*\n|\n)+)")
_EXAMPLE: Final = re.compile(r"^Examples?:\n((?: {4}.*\n|\n)+)", re.MULTILINE)
_LIST: Final = re.compile(r"^(?:[*-]|\d+\.) ")


def converted(docstring: str, name: str) -> str:
    """Return a docstring whose indented blocks have another form.

    A marble diagram becomes a picture, below which its text can be unfolded. Other blocks, and the sections
    "Example:", become blocks of Python.

    Args:
        docstring: The text without the indentation of its source.
        name: Name of the object that it documents.
    """

    def block(match: re.Match[str]) -> str:
        before = match.string[: match.start()].rstrip().rpartition("\n\n")[2]
        is_in_section = before.rpartition("\n")[2].startswith("    ")
        if _LIST.match(before) or is_in_section or not match[1].strip():
            return match[0]
        code = _dedented(match[1])
        if not is_marbles(code):
            return _python(code)
        marbles, _, example = code.partition("\n\n")
        return _marbles(marbles, name) + (_python(example) if example.strip() else "")

    def example(match: re.Match[str]) -> str:
        return f"**Example:**\n\n{_python(_dedented(match[1]))}"

    return _BLOCK.sub(block, _EXAMPLE.sub(example, docstring + "\n")).rstrip("\n")


def _dedented(block: str) -> str:
    return "\n".join(line[4:] for line in block.rstrip().splitlines())


def _python(code: str) -> str:
    return f"```python\n{code.strip(chr(10))}\n```\n\n"


def _marbles(text: str, name: str) -> str:
    drawn = marble_picture.draw(parse(text), name).rstrip()
    unfolded = f"<details><summary>As text</summary><pre>{escape(text, quote=False)}</pre></details>"
    return f'<figure class="marbles" data-search-exclude>\n{drawn}\n{unfolded}\n</figure>\n\n'
