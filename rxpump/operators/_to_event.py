"""`to_event`: convert items to events to be written."""

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
        ponies.pipe(ops.to_event(lambda pony: f"Pony{pony.verb}"))  # items are dataclasses

    Args:
        type: Type of all events, or a function that returns the type for an item.
        data: Function that returns the data for an item. None: the item is the data. As in NewEvent, `bytes` are
            written unchanged and other values as JSON.
        metadata: Metadata of all events, or a function that returns the metadata for an item.
        id: Function that returns the event id for an item. None: each event has a new random id. An id that is
            derived from the item makes repeated writes of the item idempotent.
        encoder: Encoder of objects that have no JSON form, as in NewEvent.

    Returns:
        An operator that emits the events. It fails with InvalidArgument if an item makes no valid event, and with
        the errors that the functions raise.

    Raises:
        InvalidArgument: `type` is not a non-empty string or a function, or `data` or `id` is not callable.
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
