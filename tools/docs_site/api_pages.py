"""The pages of the public modules, which mkdocstrings fills with the docstrings."""

from __future__ import annotations

import re
from typing import Final

MODULES: Final = {
    "rxpump": "Clients, events, and the results of requests.",
    "rxpump.operators": "Operators. [Operators](../../operators.md) describes how they work together.",
    "rxpump.otel": "[OpenTelemetry](../../how-to/metrics.md#opentelemetry), with the extra `otel`.",
    "rxpump.checkpoints": "Stores for checkpoints. A [page](../../how-to/checkpoint-stores.md) compares them.",
    "rxpump.discovery": "The choice of a node of a [cluster](../../clusters.md).",
    "rxpump.messages": "Names of photon-pump for programs that [come from it](../../coming-from.md).",
    "rxpump.server": "The [embedded server](../../embedded-server.md).",
    "rxpump.testing": "The [test kit](../../testing.md).",
}
"""Public modules, each with its subject in Markdown. `rxpump.errors` has a page of its own."""


_OPERATOR: Final = re.compile(r"^\| (?P<code>`(?P<name>\w+)\([^`]*\)`) \|", re.MULTILINE)


def page_of(module: str) -> str:
    """Return the path on the site of the page of a module."""
    return f"reference/api/{module.replace('.', '-')}.md"


def with_links_to_operators(markdown: str) -> str:
    """Return the page of the operators, on which each operator of the table is a link to its description."""
    target = page_of("rxpump.operators")
    return _OPERATOR.sub(rf"| [\g<code>]({target}#rxpump.operators.\g<name>) |", markdown)


def render(module: str) -> str:
    """Return the page of a module in Markdown."""
    return f"# {module}\n\n{MODULES[module]}\n\n::: {module}\n"
