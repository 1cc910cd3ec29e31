"""`within_bytes`: bound the bytes of a list of events."""

from __future__ import annotations

import reactivex
from reactivex import Observable
from reactivex import operators as rx

from rxpump.model.events import Event
from rxpump.operators.machinery.stage import Operator


def within_bytes(most: int) -> Operator[Event, Event]:
    """Complete before the first event with which the events have more than `most` bytes. The first is always emitted.

        ──a(3)──b(3)──c(3)──d(3)──▶
              within_bytes(8)
        ──a(3)──b(3)──|

    Args:
        most: Bytes of data and metadata.
    """

    def operator(source: Observable[Event]) -> Observable[Event]:
        def counted(_scheduler: object) -> Observable[Event]:
            total = 0

            def fits(event: Event) -> bool:
                nonlocal total
                is_first = not total
                total += len(event.data) + len(event.metadata) + 1
                return is_first or total <= most

            return source.pipe(rx.take_while(fits))

        return reactivex.defer(counted)

    return operator
