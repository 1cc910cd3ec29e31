"""Looking at all there is of something: of what came off the wire, nothing is decoded before that."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rxpump.errors import RxPumpError
from rxpump.model.events import Event
from rxpump.model.pages import Page
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer

FIELDS = [name for name in dir(Event) if not name.startswith("_")]


def look_at(thing: Any) -> None:
    """Look at every field of it, of all events in it. Raises what looking raises, but for our own errors."""
    assert repr(thing) is not None
    assert str(thing) is not None
    if isinstance(thing, Event):
        for name in FIELDS:
            with suppress(RxPumpError):
                value = getattr(thing, name)
                if callable(value):
                    value()
        if thing.link is not None:
            look_at(thing.link)
    elif isinstance(thing, Page):
        for event in thing:
            look_at(event)
    elif isinstance(thing, SubscriptionBuffer):
        with suppress(RxPumpError):
            for arrived in thing.take():
                look_at(Event(arrived.event if isinstance(thing, GroupBuffer) else arrived))
