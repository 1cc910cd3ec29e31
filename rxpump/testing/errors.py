"""Errors of the test kit."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(eq=False)
class NotRunning(RxPumpError):
    """A part of the test kit was used before it was started, or after it was stopped.

    Attributes:
        part: Name of its class.
    """

    part: str

    def __str__(self) -> str:
        return f"the {self.part} is not running; use it in a `with` block, or call start() first"
