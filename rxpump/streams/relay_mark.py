"""What a relay leaves in its target, and how it finds its way back by it.

Every event it writes is marked in its metadata:   {"$relay": {"stream": "orders", "number": 17, "nth": 0}}
The target's own metadata may hold a hint:         {"$relay": {"orders": 12000}}
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
    """Result `nth` (from 0) of source event `number`; (-1, -1) is before everything."""

    number: int
    nth: int


@dataclass(frozen=True, slots=True)
class Start:
    """Where a relay begins: its target's version, the last result there, the last source event done with."""

    version: int
    place: Place
    done: int


def mark(event: NewEvent, origin: Event, source: str, place: Place) -> NewEvent:
    """Make the event that is written: the result, with its place in the metadata and an id derived from that."""
    metadata: Any = {}
    if event.metadata:
        try:
            metadata = json.loads(event.metadata)
        except ValueError:
            metadata = None
    if not isinstance(metadata, dict):
        raise InvalidArgument("metadata", event.metadata, "a JSON object: a relay adds its mark to it")
    metadata[KEY] = {"stream": source, "number": place.number, "nth": place.nth}
    id = uuid5(_NAMESPACE, f"{source}/{place.number}/{place.nth}/{origin.received.id}")
    return NewEvent(event.type, event.data, metadata=metadata, id=id, is_json=event.is_json)


async def find_start(transport: Transport, source: str, target: str) -> Start:
    """Read back from the target's end to the last event that came from `source`."""
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
    """Return the number of the last event of a stream none of whose events can be read."""
    last = (await transport.find_stream_end(stream)).last
    return last if isinstance(last, int) else ExpectedVersion.NO_STREAM


async def leave_hint(transport: Transport, source: str, target: str, done: int) -> None:
    """Tell the target's metadata that no source event up to `done` needs to be read again; all else in it stays."""
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
    """Read a stream's metadata and the version that it has."""
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
