"""Names that photon-pump programs import from `photonpump.messages`.

A program that changes this import to `rxpump.messages` finds the names that rxpump has, under photon-pump's
spelling. New programs import from `rxpump`.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from rxpump.model.credentials import Credentials as Credential
from rxpump.model.events import Event
from rxpump.model.group_settings import ConsumerStrategy
from rxpump.model.new_events import NewEvent
from rxpump.model.pages import AllPage as AllStreamSlice
from rxpump.model.pages import StreamPage as StreamSlice
from rxpump.model.positions import END, START, ExpectedVersion, Position, StreamDirection

Beginning: Final = START
End: Final = END

DISPATCH_TO_SINGLE: Final = ConsumerStrategy.DISPATCH_TO_SINGLE
PINNED: Final = ConsumerStrategy.PINNED
ROUND_ROBIN: Final = ConsumerStrategy.ROUND_ROBIN

JsonDict: TypeAlias = dict[str, Any]
EventRecord = Event
NewEventData = NewEvent

__all__ = [
    "DISPATCH_TO_SINGLE",
    "PINNED",
    "ROUND_ROBIN",
    "AllStreamSlice",
    "Beginning",
    "Credential",
    "End",
    "Event",
    "EventRecord",
    "ExpectedVersion",
    "JsonDict",
    "NewEvent",
    "NewEventData",
    "Position",
    "StreamDirection",
    "StreamSlice",
]
