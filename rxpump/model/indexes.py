"""Secondary indexes, which servers of version 26.0 and later let users create."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class IndexFieldType(Enum):
    """Type of a field of an index."""

    STRING = "string"
    DOUBLE = "double"
    INT32 = "int32"
    INT64 = "int64"


class IndexState(Enum):
    """Whether the server builds an index."""

    STARTED = "started"
    STOPPED = "stopped"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class IndexField:
    """A field by which the events of an index can be looked up.

    Attributes:
        name: Name of the field.
        selector: Text of a JavaScript function that returns the value of the field of an event.
        type: Type of the value.
        optimizes_lookups: Whether the server optimizes lookups by this field, which needs version 26.2 of the server.
    """

    name: str
    selector: str
    type: IndexFieldType
    optimizes_lookups: bool = False


@dataclass(frozen=True, slots=True)
class IndexDetails:
    """A secondary index.

    Attributes:
        name: Name of the index.
        selected: Text of the JavaScript function that selects its events; empty if it contains all events.
        fields: Fields of the index.
        state: Whether the server builds it.
    """

    name: str
    selected: str
    fields: tuple[IndexField, ...]
    state: IndexState
