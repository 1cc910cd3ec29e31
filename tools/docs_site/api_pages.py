"""The pages of the public modules, which mkdocstrings fills with the docstrings."""

from __future__ import annotations

from typing import Final

MODULES: Final = {
    "rxpump": "Clients, events, and the results of requests.",
    "rxpump.operators": "Operators. [Operators](../../operators.md) describes how they work together.",
    "rxpump.checkpoints": "Stores for checkpoints. A [page](../../how-to/checkpoint-stores.md) compares them.",
    "rxpump.discovery": "The choice of a node of a [cluster](../../clusters.md).",
    "rxpump.messages": "Names of photon-pump for programs that [come from it](../../coming-from.md).",
    "rxpump.server": "The [embedded server](../../embedded-server.md).",
    "rxpump.testing": "The [test kit](../../testing.md).",
}
"""Public modules, each with its subject in Markdown. `rxpump.errors` has a page of its own."""


def page_of(module: str) -> str:
    """Return the path on the site of the page of a module."""
    return f"reference/api/{module.replace('.', '-')}.md"


def render(module: str) -> str:
    """Return the page of a module in Markdown."""
    return f"# {module}\n\n{MODULES[module]}\n\n::: {module}\n"
