"""Decode all fields of received values, because a field is decoded only when it is read."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rxpump.errors import MalformedReply, RxPumpError
from rxpump.model.events import Event
from rxpump.model.pages import Page
from rxpump.tcp.protocol.group_buffer import GroupBuffer
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.records import indexed_event

FIELDS = [name for name in dir(Event) if not name.startswith("_")]


def decode_fields(value: Any) -> None:
    """Read every field of a value and of the events in it. Errors of rxpump are expected; others are raised."""
    assert repr(value) is not None
    assert str(value) is not None
    if isinstance(value, Event):
        for name in FIELDS:
            with suppress(RxPumpError):
                field = getattr(value, name)
                if callable(field):
                    field()
        if value.link is not None:
            decode_fields(value.link)
    elif isinstance(value, Page):
        for event in value:
            decode_fields(event)
    elif isinstance(value, SubscriptionBuffer):
        with suppress(RxPumpError):
            for arrived in value.take():
                decode_fields(indexed_event(arrived.event) if isinstance(value, GroupBuffer) else arrived)


def malformed_fields(event: Event) -> set[str]:
    """Return the names of the fields that raise MalformedReply when they are read. Other errors are raised."""
    malformed = set()
    for name in FIELDS:
        try:
            getattr(event, name)
        except MalformedReply:
            malformed.add(name)
    return malformed
