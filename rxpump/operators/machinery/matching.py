"""Filters of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reactivex import Observable
from reactivex import operators as rx

from rxpump.model.events import Event

E = TypeVar("E", bound=Event)


def matching(matches: Callable[[Event], bool]) -> Callable[[Observable[E]], Observable[E]]:
    """Return an operator that emits the events for which `matches` returns True, without changing their type."""

    def operator(source: Observable[E]) -> Observable[E]:
        return source.pipe(rx.filter(matches))

    return operator
