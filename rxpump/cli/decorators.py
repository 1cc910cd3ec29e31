"""The type of options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator that adds an option or an argument to the function of a command."""

    def __call__(self, function: F, /) -> F:
        """Add the option or argument to the function of a command, and return the function."""
