"""Convert the records of the v2 streams service to events (docs/protocol/grpc.md, section 5.12)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

from rxpump.server.grpc.detailed_errors import record_too_large
from rxpump.server.grpc.event_ids import text_of_id
from rxpump.server.grpc.services.proposed_events import MAX_EVENT_BYTES, MAX_NAME, has_room
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record_schema import JSON_CONTENT

_FORMATS: Final = {1: "Json", 2: "Protobuf", 3: "Avro", 4: "Bytes"}
_JSON: Final = "Json"
_NAME: Final = re.compile(r"[\w.$:-]+").fullmatch
_NAME_RULE: Final = (
    "Schema name can only contain unicode letters, digits, underscores, dashes, periods, colons, and dollar signs."
)

Fault = tuple[str, str]
"""Name of a field of a request, and the text that describes its fault."""


def record_faults(record: Any) -> Iterator[Fault]:
    """Yield the faults of a record."""
    if record.HasField("record_id") and _parsed_id(record.record_id) is None:
        yield "RecordId.Record ID", "Record ID must be a valid and non-empty UUID."
    if "" in record.properties:
        yield "Properties", "Property keys must not be empty."
    schema = record.schema
    if schema.format not in _FORMATS:
        yield "Schema.Format.Schema format", "Schema format must not be Unspecified."
    if not schema.name:
        yield "Schema.Name", "Schema name must not be empty"
    if _NAME(unicodedata.normalize("NFC", schema.name)) is None:
        yield "Schema.Name", f"{_NAME_RULE} Attempted Value: {schema.name}"


def stream_faults(stream: str) -> Iterator[Fault]:
    """Yield the faults of the name of a stream."""
    if not stream:
        yield "Stream.Stream", "Stream must not be empty."
    elif len(stream) > MAX_NAME:
        yield "Stream.Stream", f"Stream must have at most {MAX_NAME} characters."


def event_of(record: Any, stream: str) -> NewEvent:
    """Return the event of a record without faults.

    Raises:
        CallError: The record is too large.
    """
    parsed = _parsed_id(record.record_id) if record.HasField("record_id") else None
    schema = record.schema
    event = NewEvent(
        (uuid4() if parsed is None else parsed).bytes_le,
        schema.name,
        record.data,
        _metadata(record).encode(),
        JSON_CONTENT if _FORMATS[schema.format] == _JSON else 0,
    )
    if not has_room(event, stream):
        raise record_too_large(stream, text_of_id(event.event_id), record_bytes(record), MAX_EVENT_BYTES)
    return event


def _metadata(record: Any) -> str:
    """Return the metadata of an event, with the order of the keys and the spaces of a real server."""
    schema = record.schema
    described = {"$schema.name": schema.name, "$schema.format": _FORMATS[schema.format]}
    if described["$schema.format"] != _JSON:
        described = dict(reversed(described.items()))
    if schema.HasField("id"):
        described["$schema.id"] = schema.id
    return _spaced({name: plain_value(value) for name, value in record.properties.items()} | described)


def _spaced(value: Any) -> str:
    """Return a JSON value as text, with spaces inside braces and brackets."""
    match value:
        case dict():
            items = ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_spaced(value[key])}" for key in value)
            return f"{{ {items} }}" if items else "{ }"
        case list():
            items = ", ".join(map(_spaced, value))
            return f"[ {items} ]" if items else "[ ]"
    return json.dumps(value, ensure_ascii=False)


def record_bytes(record: Any) -> int:
    """Return the bytes of a record that count for the limits: data, properties and the name of the schema."""
    properties = sum(len(name.encode()) + value.ByteSize() for name, value in record.properties.items())
    return int(len(record.data) + properties + len(record.schema.name.encode()))


def plain_value(value: Any) -> Any:
    """Return a google.protobuf.Value as a value of JSON."""
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case "struct_value":
            return {name: plain_value(each) for name, each in value.struct_value.fields.items()}
        case "list_value":
            return [plain_value(each) for each in value.list_value.values]
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
    return None


def _parsed_id(text: str) -> UUID | None:
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if parsed.int else None
