"""The base class of all errors, and the errors for bad arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

_LONGEST_SHOWN: Final = 80
"""Largest number of characters of a value that a message contains."""


@dataclass(eq=False)
class RxPumpError(Exception):
    """Base class of every error of rxpump.

    Attributes:
        retryable: Whether the same request can succeed later although the caller changes nothing.
    """

    retryable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.args: tuple[Any, ...] = self._values()  # Exception sets only positional arguments.

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the class and the fields, because Exception would pickle only `args`."""
        return type(self), self._values()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(type(self))  # A field, such as the value of an InvalidArgument, may not be hashable.

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(eq=False)
class InvalidArgument(RxPumpError, ValueError):
    """An argument has a value that is not allowed. Nothing was sent.

    Attributes:
        argument: Name of the argument, option or field.
        value: Value that was given.
        allowed: Description of the allowed values.
    """

    argument: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.argument} is {_shown(self.value)}; allowed is {self.allowed}"


def _shown(value: object) -> str:
    """Return a short repr of a value, or the name of its type if repr() fails (as for a number of 5,000 digits)."""
    try:
        shown = repr(value)
    except Exception:
        return f"<{type(value).__name__} without a repr>"
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 3]}..."


def as_exception(error: BaseException) -> Exception:
    """Return an error that an observer can receive, because Rx passes on only an Exception.

    Returns:
        The error itself if it is an Exception, otherwise a RuntimeError that shows it.
    """
    return error if isinstance(error, Exception) else RuntimeError(repr(error))


class InvalidUri(InvalidArgument):
    """A connection string is malformed; `argument` names the part."""
