"""Record the calls of a function of the code under test."""

from __future__ import annotations

from typing import Any

import pytest


def record_calls(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[tuple[Any, ...]]:
    """Return a list that receives the positional arguments of each call of `owner.name` from now on."""
    calls: list[tuple[Any, ...]] = []
    function = getattr(owner, name)

    def recorded(*arguments: Any) -> Any:
        calls.append(arguments)
        return function(*arguments)

    monkeypatch.setattr(owner, name, recorded)
    return calls
