"""Convert the records of the v2 streams service to events (docs/protocol/grpc.md, section 5.12)."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid4

from rxpump.model.system_names import METADATA_PREFIX
from rxpump.server.grpc.detailed_errors import record_too_large
from rxpump.server.grpc.event_ids import text_of_id
from rxpump.server.grpc.services.proposed_events import MAX_EVENT_BYTES, MAX_NAME, has_room
from rxpump.server.store.new_event import NewEvent
from rxpump.server.store.record import varint
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
    """Yield the faults of a record that has a schema."""
    if record.HasField("stream"):
        yield from stream_faults("Stream", record.stream)
    if record.HasField("record_id") and _parsed_id(record.record_id) is None:
        yield "RecordId.Record ID", "Record ID must be a valid and non-empty UUID."
    yield from _schema_faults(record.schema)
    for index, key in enumerate(record.properties):
        if not key:
            yield f"Properties[{index}].Key", "Property keys must not be empty."


def _schema_faults(schema: Any) -> Iterator[Fault]:
    if schema.format not in _FORMATS:
        rule = "be one of Json, Protobuf or Bytes" if schema.format else "not be Unspecified"
        yield "Schema.Format.Schema format", f"Schema format must {rule}."
    if not schema.name:
        yield "Schema.Name", "Schema name must not be empty"
    if not unicodedata.is_normalized("NFC", schema.name):
        yield "Schema.Name", "Schema name must be in Unicode NFC (Normalization Form C)"
    if _NAME(schema.name) is None:
        yield "Schema.Name", f"{_NAME_RULE} Attempted Value: {schema.name}"
    if schema.HasField("id") and _parsed_id(schema.id) is None:
        yield "Schema.Id.Schema ID", "Schema ID must be a valid and non-empty UUID"


def stream_faults(field: str, stream: str) -> Iterator[Fault]:
    """Yield the faults of the name of a stream in a field of a request."""
    if not stream:
        yield f"{field}.Stream", "Stream must not be empty."
    elif stream == METADATA_PREFIX:
        yield f"{field}.Stream", "Stream must not be '$$'."
    elif len(stream) > MAX_NAME:
        yield f"{field}.Stream", f"Stream must have at most {MAX_NAME} characters."


def ignoring_case(name: str) -> str:
    """Return a text that is the same for all names that differ only in upper and lower case.

    As on a real server, each character is compared alone: `ß` is not the same as `ss`.
    """
    return "".join(upper if len(upper := each.upper()) == 1 else each for each in name)


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
    """Return the bytes of a record that count for the limits: data, properties and the name of the schema.

    The properties count as an encoded google.protobuf.Struct, with the format of the schema, if that is not JSON, and
    its id.
    """
    schema = record.schema
    properties = {name: value.ByteSize() for name, value in record.properties.items()}
    if _FORMATS[schema.format] != _JSON:
        properties["$schema.format"] = _field_bytes(_FORMATS[schema.format].encode())
    if schema.HasField("id"):
        properties["$schema.id"] = _field_bytes(schema.id.encode())
    size = 0
    for name, length in properties.items():
        entry = _field_bytes(name.encode()) + 1 + len(varint(length)) + length
        size += 1 + len(varint(entry)) + entry
    return len(record.data) + size + len(schema.name.encode())


def _field_bytes(content: bytes) -> int:
    """Return the bytes of an encoded field with a number below 16."""
    return 1 + len(varint(len(content))) + len(content)


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
