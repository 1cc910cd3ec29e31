"""Convert the indented blocks of a docstring to what the site shows."""

from __future__ import annotations

import re
from html import escape
from typing import Final

from tools.docs_site.pictures import marble_picture
from tools.docs_site.pictures.marbles import is_marbles, parse

_BLOCK: Final = re.compile(r"(?<=\n\n)((?: {4}.*\n|\n)+)")
_LIST: Final = re.compile(r"^(?:[*-]|\d+\.) ")


def converted(docstring: str, name: str) -> str:
    """Return a docstring whose indented blocks have another form.

    A marble diagram becomes a picture, below which its text can be unfolded. Other blocks become blocks of Python.

    Args:
        docstring: The text without the indentation of its source.
        name: Name of the object that it documents.
    """

    def block(match: re.Match[str]) -> str:
        before = docstring[: match.start()].rstrip().rpartition("\n\n")[2]
        if _LIST.match(before) or before.endswith("::") or not match[1].strip():
            return match[0]
        code = "\n".join(line[4:] for line in match[1].rstrip().splitlines())
        if not is_marbles(code):
            return _python(code)
        marbles, _, example = code.partition("\n\n")
        return _marbles(marbles, name) + (_python(example) if example.strip() else "")

    return _BLOCK.sub(block, docstring + "\n").rstrip("\n")


def _python(code: str) -> str:
    return f"```python\n{code.strip(chr(10))}\n```\n\n"


def _marbles(text: str, name: str) -> str:
    drawn = marble_picture.draw(parse(text), name).rstrip()
    unfolded = f"<details><summary>As text</summary><pre>{escape(text, quote=False)}</pre></details>"
    return f'<figure class="marbles">\n{drawn}\n{unfolded}\n</figure>\n\n'
