"""Read docstrings in Google format."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^(?:Args|Attributes|Returns|Raises|Yields|Example|Examples):$", re.MULTILINE)
_ATTRIBUTES = re.compile(r"^Attributes:\n((?: +.*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def description(documented: type) -> str:
    """Return the docstring of a class up to its first section, such as "Attributes:"."""
    text = inspect.getdoc(documented) or ""
    return _SECTION.split(text, maxsplit=1)[0].strip()


def attributes(documented: type) -> dict[str, str]:
    """Return the descriptions in the section "Attributes:" of the docstring of a class, each on one line, by name."""
    section = _ATTRIBUTES.search(inspect.getdoc(documented) or "")
    return {name: " ".join(text.split()) for name, text in _ENTRY.findall(section[1])} if section else {}


def inherited_attributes(documented: type) -> dict[str, str]:
    """Return the descriptions of the attributes of a class and of its base classes, those of the bases first."""
    found: dict[str, str] = {}
    for base in reversed(documented.__mro__):
        if base.__doc__ and "__doc__" in vars(base):
            found |= attributes(base)
    return found
