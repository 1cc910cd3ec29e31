"""`json`: decode the data of events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reactivex import Observable
from reactivex import operators as rx

from rxpump.model.events import Event


def json() -> Callable[[Observable[Event]], Observable[Any]]:
    r"""Decode the data of each event from JSON.

        ──Event({"m": 1})──Event({"m": 2})──Event(b"\xff")──▶
                              json()
        ──{"m": 1}─────────{"m": 2}─────────X NotJson

        heights = client.iter("ponies").pipe(ops.json(), rx.map(lambda jump: jump["Height"]))

    Put `of_type` and other filters of events before this operator, because decoding takes most of the time.

    Returns:
        An operator that emits the decoded data. It fails with NotJson at the first event whose data is not JSON. A
        link to an event that does not exist has no data, so it fails too.
    """
    return rx.map(Event.json)
