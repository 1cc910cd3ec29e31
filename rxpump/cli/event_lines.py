"""Parse events from JSON lines, as `rxpump read` writes them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final, NamedTuple
from uuid import UUID

from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent, derived_id

CHUNK_BYTES: Final = 256 * 1024
_IGNORED: Final = frozenset({"stream", "number", "created", "position", "link"})
_USED: Final = frozenset({"type", "id", "data", "data_base64", "metadata", "metadata_base64"})


class Line(NamedTuple):
    """One line of the input.

    Attributes:
        number: Number of the line, from 1.
        text: The line without its end.
    """

    number: int
    text: bytes


def read_lines(file: BinaryIO) -> Iterator[list[Line]]:
    """Yield lists of the lines that a file has now, so that lines of a slow input are not delayed.

    Empty lines are left out, but they are counted in the line numbers.
    """
    number, rest = 0, b""
    read = getattr(file, "read1", file.read)
    while chunk := read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        yield [Line(number + nth, text) for nth, text in enumerate(whole, 1) if text.strip()]
        number += len(whole)
    if rest.strip():
        yield [Line(number + 1, rest)]


class EventParser:
    """Makes events from lines.

    Args:
        stream: Name of the stream that the events are for.
        type: Type of the events if each line is only the data of an event. None: each line contains a type.
        source: Text that identifies the input. Together with the number and the text of a line it determines the id
            of an event without one, so that the same input always has the same ids.
    """

    def __init__(self, stream: str, type: str | None, source: str) -> None:
        self._stream = stream
        self._type = type
        self._source = source

    def parse(self, line: Line) -> NewEvent:
        """Return the event of a line.

        Raises:
            InvalidArgument: The line is malformed.
        """
        try:
            value = json.loads(line.text)
        except ValueError as error:
            raise _malformed(line, f"JSON ({error})") from None
        if self._type is not None:
            return NewEvent(self._type, line.text.strip(), id=self._derived_id(line), is_json=True)
        if not isinstance(value, dict) or "type" not in value:
            raise _malformed(line, "an object with a type, unless --type is given")
        if unknown := value.keys() - _IGNORED - _USED:
            raise _malformed(line, f"an object with the names {', '.join(sorted(_USED))} (not {min(unknown)})")
        try:
            id = UUID(value["id"]) if "id" in value else self._derived_id(line)
            data, metadata = _content(value, "data"), _content(value, "metadata")
        except (ValueError, TypeError, AttributeError) as error:
            raise _malformed(line, f"an event ({error})") from None
        return NewEvent(value["type"], data, metadata=metadata, id=id, is_json="data" in value)

    def _derived_id(self, line: Line) -> UUID:
        digest = sha256(line.text.strip()).hexdigest()
        return derived_id(self._stream, f"{self._source}\n{line.number}\n{digest}")


def _content(value: dict[str, Any], name: str) -> bytes | None:
    """Return data or metadata as bytes; None if there are none."""
    if name in value:
        return json.dumps(value[name], ensure_ascii=False, separators=(",", ":")).encode()
    encoded = value.get(f"{name}_base64")
    return None if encoded is None else b64decode(encoded, validate=True)


def _malformed(line: Line, allowed: str) -> InvalidArgument:
    return InvalidArgument(f"line {line.number}", line.text.decode(errors="replace"), allowed)
