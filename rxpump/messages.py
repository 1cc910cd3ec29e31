"""Names that photon-pump programs import from `photonpump.messages`.

A program that changes this import to `rxpump.messages` finds the names that rxpump has, under photon-pump's
spelling. New programs import from `rxpump`.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from rxpump.credentials import Credentials as Credential
from rxpump.direction import StreamDirection
from rxpump.events import Event
from rxpump.expected_version import ExpectedVersion
from rxpump.new_event import NewEvent
from rxpump.pages import AllPage as AllStreamSlice
from rxpump.pages import StreamPage as StreamSlice
from rxpump.persistent import ConsumerStrategy
from rxpump.position import END, START, Position

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
