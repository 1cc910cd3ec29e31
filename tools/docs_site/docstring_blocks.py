"""An extension of griffe, which reads the docstrings for mkdocstrings: it converts their indented blocks."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Object

from tools.docs_site.blocks import converted


class DocstringBlocks(Extension):  # type: ignore[misc]  # mypy does not know griffe
    """Converts the indented blocks of each docstring."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Convert the docstring of an object."""
        if obj.docstring is not None:
            obj.docstring.value = converted(obj.docstring.value, obj.name)
