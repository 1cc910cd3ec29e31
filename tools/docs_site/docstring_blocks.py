"""An extension of griffe, which reads the docstrings for mkdocstrings."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Object

from tools.docs_site.blocks import converted
from tools.docs_site.citations import linked


class DocstringBlocks(Extension):  # type: ignore[misc]  # mypy does not know griffe
    """Converts the indented blocks and the citations of each docstring."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Convert the docstring of an object."""
        if obj.docstring is not None:
            obj.docstring.value = linked(converted(obj.docstring.value, obj.name), "../../")
