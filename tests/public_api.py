"""List the public API of rxpump as text: each public module, its exports, and every signature.

`make api` writes the list to `tests/data/public_api.txt`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType

STORED = Path(__file__).parent / "data" / "public_api.txt"
MODULES = (
    "rxpump",
    "rxpump.checkpoints",
    "rxpump.discovery",
    "rxpump.errors",
    "rxpump.messages",
    "rxpump.operators",
    "rxpump.otel",
    "rxpump.server",
    "rxpump.testing",
)


class _Unquoted:
    """An annotation whose repr is its source text, for signatures."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __repr__(self) -> str:
        return self._source

    @classmethod
    def of(cls, annotation: object) -> object:
        return cls(annotation) if isinstance(annotation, str) else annotation


def list_api() -> str:
    """Return the whole list, one line for each name."""
    return "".join(f"{line}\n" for name in MODULES for line in _module(import_module(name)))


def _module(module: ModuleType) -> Iterator[str]:
    yield f"# {module.__name__}"
    for name in sorted(module.__all__):
        yield from _value(name, getattr(module, name))
    yield ""


def _value(name: str, value: object) -> Iterator[str]:
    if isinstance(value, type) and value.__name__ != name:
        yield f"{name} = {value.__name__}"
    elif isinstance(value, type):
        yield from _class(name, value)
    elif inspect.isroutine(value):
        yield f"{name}{_signature(value)}"
    elif inspect.ismodule(value):
        yield f"{name}: the module {value.__name__}"
    else:
        yield f"{name} = {_text(value)}"


def _class(name: str, kind: type) -> Iterator[str]:
    bases = ", ".join(base.__name__ for base in kind.__bases__ if _is_public(base))
    yield f"class {name}({bases}){'' if issubclass(kind, Enum) else _signature(kind, to='init')}"
    if issubclass(kind, Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in kind)
        return
    for attribute in sorted(_attributes(kind)):
        yield f"    {_attribute(attribute, inspect.getattr_static(kind, attribute))}"


def _is_public(base: type) -> bool:
    """Return whether a base class is public. Private base classes are not a part of the API."""
    if not base.__module__.startswith("rxpump"):
        return base is not object
    return any(getattr(import_module(name), base.__name__, None) is base for name in MODULES)


def _attributes(kind: type) -> set[str]:
    """Return the public attributes that a class has from rxpump, inherited ones included."""
    ours = (base for base in kind.__mro__ if base.__module__.startswith("rxpump"))
    found = {name for base in ours for name in (*vars(base), *vars(base).get("__annotations__", ()))}
    return {name for name in found if not name.startswith("_") and hasattr(kind, name)}


def _attribute(name: str, value: object) -> str:
    match value:
        case staticmethod() | classmethod():
            return f"{type(value).__name__} {name}{_signature(value.__func__)}"
        case property():
            returns = _signature(value.fget).partition(" -> ")[2] if value.fget is not None else ""
            return f"property {name}: {returns}"
        case _ if inspect.isroutine(value) and not inspect.isdatadescriptor(value):
            return f"{name}{_signature(value)}"
        case _ if inspect.isdatadescriptor(value):
            return f"field {name}"
        case _:
            return f"{name} = {_text(value)}"


def _signature(value: object, to: str = "call") -> str:
    try:
        signature = inspect.signature(value)  # type: ignore[arg-type]  # whatever can be called
    except (ValueError, TypeError):
        return "(...)"
    parameters = [each.replace(annotation=_Unquoted.of(each.annotation)) for each in signature.parameters.values()]
    returns = _Unquoted.of(signature.return_annotation)
    if inspect.iscoroutinefunction(value):
        returns = _Unquoted(f"awaitable {returns!r}")
    if to == "init":
        returns = inspect.Signature.empty
    return _without_addresses(str(signature.replace(parameters=parameters, return_annotation=returns)))


def _text(value: object) -> str:
    return _without_addresses(repr(value))


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


if __name__ == "__main__":
    STORED.write_text(list_api())
