"""The root of the tree, and bad input."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

_LONGEST_SHOWN: Final = 80  # characters of a value in a message


@dataclass(eq=False)
class RxPumpError(Exception):
    """Root of the tree."""

    retryable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.args: tuple[Any, ...] = self._values()  # the same for positional and keyword arguments

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by fields: an error crosses process borders with all it knows."""
        return type(self), self._values()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(type(self))  # a field such as the value of an InvalidArgument may be unhashable

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(eq=False)
class InvalidArgument(RxPumpError, ValueError):
    """`argument` was `value`; `allowed` says what it may be."""

    argument: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.argument} is {_shown(self.value)}; allowed is {self.allowed}"


def _shown(value: object) -> str:
    """Return the repr of `value`, shortened; or what it is, if it has no repr (a very long number, for example)."""
    try:
        shown = repr(value)
    except Exception:
        return f"<{type(value).__name__} without a repr>"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 3]}..."


class InvalidUri(InvalidArgument):
    """A connection string, or a part of it, that cannot be understood."""
