"""Links: events that stand for another event."""

from __future__ import annotations

from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent, derived_id

LINK_TYPE: Final = "$>"
"""The type of a link; its data, `number@stream`, says where it leads (docs/protocol/tcp.md, section 4.8)."""


def new_link(event: Event, stream: str) -> NewEvent:
    """Make the link to `event` that is to be written to `stream`.

    It leads to the event itself, also where `event` was reached by a link or is one: a link to a link would be
    followed one step only. Its id is derived from the event and the stream, so the same link written twice is
    one write. Raises InvalidArgument for what is no event that was read.
    """
    if not isinstance(event, Event):
        raise InvalidArgument("event", event, "an Event that was read")
    leads_to = _target(event)
    return NewEvent(LINK_TYPE, leads_to, id=derived_id(stream, leads_to.decode(errors="backslashreplace")))


def _target(event: Event) -> bytes:
    if event.link is not None and event.is_broken_link:
        return event.link.data
    if event.type == LINK_TYPE:
        return event.data
    return f"{event.number}@{event.stream}".encode()
