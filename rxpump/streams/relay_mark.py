"""The marks by which a relay finds the place at which it must continue.

Every event that a relay writes has a mark in its metadata:   {"$relay": {"stream": "orders", "number": 17, "nth": 0}}
The metadata of the target stream can have a hint:            {"$relay": {"orders": 12000}}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from rxpump.errors import EventNotFound, InvalidArgument, NotJson, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import END, ExpectedVersion, StreamDirection
from rxpump.model.system_names import METADATA_EVENT_TYPE, METADATA_PREFIX
from rxpump.transport import Transport

KEY = "$relay"

_PAGE = 50
_NAMESPACE = UUID("0b0f3a52-5c1e-5a0e-9d5b-6f6c2b1f7a11")


class Place(NamedTuple):
    """The place of a written event: result `nth`, from 0, of the source event with that number.

    (-1, -1) is the place before the first event.
    """

    number: int
    nth: int


@dataclass(frozen=True, slots=True)
class Start:
    """The position at which a relay begins.

    Attributes:
        version: Version of the target stream.
        place: Place of the last event that the relay wrote to the target.
        done: Number of the last source event that needs not be read again, or -1.
    """

    version: int
    place: Place
    done: int


def mark(event: NewEvent, origin: Event, source: str, place: Place) -> NewEvent:
    """Return the event to write for a result: it has a mark in its metadata and an id derived from its place.

    Args:
        event: The result of the pipeline.
        origin: The source event from which the result was made.
        source: Name of the source stream.
        place: Place of the result.

    Raises:
        InvalidArgument: The metadata of `event` is not a JSON object.
    """
    metadata: Any = {}
    if event.metadata:
        try:
            metadata = json.loads(event.metadata)
        except ValueError:
            metadata = None
    if not isinstance(metadata, dict):
        raise InvalidArgument("metadata", event.metadata, "a JSON object, because a relay adds its mark to it")
    metadata[KEY] = {"stream": source, "number": place.number, "nth": place.nth}
    id = uuid5(_NAMESPACE, f"{source}/{place.number}/{place.nth}/{origin.received.id}")
    return NewEvent(event.type, event.data, metadata=metadata, id=id, is_json=event.is_json)


async def find_start(transport: Transport, source: str, target: str) -> Start:
    """Find the position at which a relay begins, by reading the target backwards to the last event from `source`.

    Args:
        transport: The transport to read with.
        source: Name of the source stream.
        target: Name of the target stream. It need not exist.
    """
    version: int | None = None
    place = Place(-1, -1)
    backward = transport.read_stream(target, END, StreamDirection.BACKWARD, batch_size=_PAGE, resolve_links=False)
    try:
        async for page in backward:
            if version is None and page:
                version = page[0].number
            found = next((at for event in page if (at := _place(event, source))), None)
            if found is not None:
                place = found
                break
        if version is None:
            version = await _last_number(transport, target)
    except StreamNotFound:
        version = ExpectedVersion.NO_STREAM
    finally:
        await backward.aclose()
    metadata, _ = await _read_metadata(transport, target)
    hint = _dict(metadata.get(KEY)).get(source, -1)
    return Start(version, place, max(place.number - 1, hint if isinstance(hint, int) else -1))


async def _last_number(transport: Transport, stream: str) -> int:
    """Return the number of the last event of a stream whose events are all deleted or expired."""
    last = (await transport.find_stream_end(stream)).last
    return last if isinstance(last, int) else ExpectedVersion.NO_STREAM


async def leave_hint(transport: Transport, source: str, target: str, done: int) -> None:
    """Write a hint to the metadata of the target, and keep its other metadata.

    Args:
        transport: The transport to read and write with.
        source: Name of the source stream.
        target: Name of the target stream.
        done: Number of the last source event that needs not be read again.

    Raises:
        WrongExpectedVersion: Another client has changed the metadata meanwhile.
    """
    metadata, version = await _read_metadata(transport, target)
    metadata[KEY] = {**_dict(metadata.get(KEY)), source: done}
    event = NewEvent(METADATA_EVENT_TYPE, metadata)
    await transport.append(METADATA_PREFIX + target, [event], version)


def _place(event: Event, source: str) -> Place | None:
    try:
        at = _dict(_dict(event.json_metadata()).get(KEY))
    except NotJson:
        return None
    return Place(at["number"], at["nth"]) if at.get("stream") == source else None


async def _read_metadata(transport: Transport, stream: str) -> tuple[dict[str, Any], int]:
    """Return the metadata of a stream, and the version of its metadata stream."""
    try:
        event = await transport.read_event(METADATA_PREFIX + stream, END, resolve_links=False)
    except (StreamNotFound, EventNotFound):
        return {}, ExpectedVersion.NO_STREAM
    try:
        return dict(_dict(event.json())), event.number
    except NotJson:
        return {}, event.number


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
