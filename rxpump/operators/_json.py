"""`json`: what an event says, instead of the event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivex import Observable
from reactivex import operators as rx

from rxpump.model.events import Event


def json() -> Callable[[Observable[Event]], Observable[Any]]:
    """Turn each event into its data, decoded from JSON.

        ──Event({"m": 1})──Event({"m": 2})──Event(b"\\xff")──▶
                              json()
        ──{"m": 1}─────────{"m": 2}─────────X NotJson

        heights = client.iter("ponies").pipe(ops.json(), rx.map(lambda jump: jump["Height"]))

    Put `of_type` and other filters on events before it: decoding is what costs.

    Errors: NotJson for the first event whose data is not JSON (which names it), also for a link that leads
    nowhere, as it has no data.
    """
    return rx.map(Event.json)
