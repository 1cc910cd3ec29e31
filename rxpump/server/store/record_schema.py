"""The schema of stored events, as protobuf messages.

The store keeps events in the encoding that clients of Event Store's TCP protocol read, because a page is then a
concatenation of stored bytes. The field numbers below are part of the file format. They are declared here and not
taken from the client's schema, so that the store depends on no protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_PACKAGE: Final = "rxpump.store"
_TYPES: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}
_Fields = Mapping[str, tuple[int, str]]
"""Number and type by the name of a field; a type that ends in `*` is repeated."""

_RECORD: Final[_Fields] = {
    "event_stream_id": (1, "string"),
    "event_number": (2, "int64"),
    "event_id": (3, "bytes"),
    "event_type": (4, "string"),
    "data_content_type": (5, "int32"),
    "metadata_content_type": (6, "int32"),
    "data": (7, "bytes"),
    "metadata": (8, "bytes"),
    "created": (9, "int64"),
    "created_epoch": (10, "int64"),
}
_EVENT_AND_LINK: Final[_Fields] = {"event": (1, "Record"), "link": (2, "Record")}
_POSITIONS: Final[_Fields] = {"commit_position": (3, "int64"), "prepare_position": (4, "int64")}


def _lists(fields: _Fields) -> _Fields:
    """Return repeated fields with the same names, numbers and types."""
    return {name: (number, f"{kind}*") for name, (number, kind) in fields.items()}


_MESSAGES: Final[Mapping[str, _Fields]] = {
    "Record": _RECORD,
    "StreamEntry": _EVENT_AND_LINK,
    "LogEntry": {**_EVENT_AND_LINK, **_POSITIONS},
    "StreamPage": {"events": (1, "StreamEntry*")},
    "LogPage": {"events": (3, "LogEntry*")},
    "RecordColumns": _lists(_RECORD),
    "EntryColumns": {"event": (1, "RecordColumns"), **_lists(_POSITIONS)},
    "LogPageColumns": {"events": (3, "EntryColumns")},
    "Numbers": {"values": (1, "uint64*")},
}

JSON_CONTENT: Final = 1
"""Content type of JSON in a record; any other number means binary."""


def _load() -> DescriptorPool:
    file = FileDescriptorProto(name="rxpump/store.proto", package=_PACKAGE, syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            element = kind.removesuffix("*")
            field = described.field.add(name=name, number=number)
            field.label = field.LABEL_OPTIONAL if element == kind else field.LABEL_REPEATED
            field.type = _TYPES.get(element, FieldDescriptorProto.TYPE_MESSAGE)
            if element not in _TYPES:
                field.type_name = f".{_PACKAGE}.{element}"
    pool = DescriptorPool()
    pool.Add(file)
    return pool


_pool = _load()


def _message(name: str) -> Any:
    return GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


Record: Any = _message("Record")
"""One event as it was written."""

StreamEntry: Any = _message("StreamEntry")
"""An event of a stream; with links resolved, `link` is the link and `event` its target, absent if it has none."""

LogEntry: Any = _message("LogEntry")
"""An event of the log: a `StreamEntry` and its two positions."""

StreamPage: Any = _message("StreamPage")
"""Events of a stream, as the field `events`."""

LogPage: Any = _message("LogPage")
"""Events of the log, as the field `events`."""

LogPageColumns: Any = _message("LogPageColumns")
"""A `LogPage` that is parsed by columns: each field of `events` is a list with the values of all events."""

Numbers: Any = _message("Numbers")
"""Numbers, as the field `values`. No such message is stored or sent."""
