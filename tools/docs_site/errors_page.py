"""The page of all errors, each with its cause and its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rxpump import errors, server, testing
from rxpump.errors import RxPumpError
from tools.docs_site.citations import linked
from tools.docs_site.docstrings import description, inherited_attributes
from tools.docs_site.remedies import REMEDIES
from tools.docs_site.tables import code, table

_INTRODUCTION: Final = """\
# Errors

Every error is a subclass of `RxPumpError`. Its attributes identify what failed.
An error is retryable if the same request can succeed later although the caller changes nothing. The client already
repeats requests that are safe to repeat, until the deadline of the call.
"""


_MODULES: Final = (errors, server, testing)


def render() -> str:
    """Return the page in Markdown."""
    page = "\n".join([_INTRODUCTION, *(_section(module, error) for module, error in in_tree_order())])
    return linked(page, "../")


def in_tree_order() -> Iterator[tuple[str, type[RxPumpError]]]:
    """Yield each public error after its base class, with the name of the module to import it from."""
    for module in _MODULES:
        public = [value for name in module.__all__ if isinstance(value := getattr(module, name), type)]
        own = {each for each in public if issubclass(each, RxPumpError)}
        for error in _tree(RxPumpError):
            if error in own:
                yield module.__name__, error


def _tree(error: type[RxPumpError]) -> Iterator[type[RxPumpError]]:
    yield error
    for each in error.__subclasses__():
        yield from _tree(each)


def _section(module: str, error: type[RxPumpError]) -> str:
    text = description(error)
    bases = [base for base in error.__bases__ if issubclass(base, RxPumpError)]
    kinds = "".join(f"A subclass of [{base.__name__}](#{base.__name__.lower()}). " for base in bases)
    described = {name: text for name, text in inherited_attributes(error).items() if name != "retryable"}
    parts = [
        f"## {error.__name__}",
        f"`{module}.{error.__name__}`. {kinds}{'Retryable.' if error.retryable else 'Not retryable.'}",
        f"**{'Description' if text.startswith('Base class') else 'Cause'}:** {text}",
        f"**Remedy:** {REMEDIES[error.__name__]}",
        table(["Attribute", "Meaning"], [[code(name), text] for name, text in described.items()])
        if described
        else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
