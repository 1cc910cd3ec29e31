"""`to_event`: items as events to be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from reactivex import Observable
from reactivex import operators as rx

from rxpump.model import checks
from rxpump.model.json_forms import Encoder
from rxpump.model.new_events import NewEvent

T = TypeVar("T")


def to_event(
    type: str | Callable[[T], str],
    data: Callable[[T], Any] | None = None,
    metadata: Any = None,
    *,
    id: Callable[[T], UUID] | None = None,
    encoder: Encoder | None = None,
) -> Callable[[Observable[T]], Observable[NewEvent]]:
    """Make a NewEvent of each item.

        ──{"m": 1}─────────────{"m": 2}─────────────|
                  to_event("Jumped")
        ──NewEvent(Jumped)─────NewEvent(Jumped)─────|

        rows.pipe(ops.to_event("RowSeen")).subscribe(client.publisher("rows"))
        ponies.pipe(ops.to_event(lambda pony: f"Pony{pony.verb}"))  # of dataclasses, say

    type:      the type of all, or a function of the item.
    data:      a function of the item; without it the item is the data. As in NewEvent, `bytes` are written as
               they are, anything else as JSON.
    metadata:  that of all, or a function of the item.
    id:        a function of the item; without it each event gets a new id. An id that is made of what the item
               is makes writing it twice one write.
    encoder:   that of NewEvent, for objects that have no JSON form.

    Errors: InvalidArgument for an item that makes no event; what the functions raise.
    """
    type_of = type if callable(type) else _always(checks.text("type", type))
    checks.optional_function("data", data)
    checks.optional_function("id", id)
    metadata_of = metadata if callable(metadata) else _always(metadata)

    def make(item: T) -> NewEvent:
        return NewEvent(
            type_of(item),
            item if data is None else data(item),
            metadata=metadata_of(item),
            id=None if id is None else id(item),
            encoder=encoder,
        )

    return rx.map(make)


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value
