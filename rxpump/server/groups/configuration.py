"""The configuration of groups as JSON objects, in a real server's words and with its omissions.

What is zero, false or absent is left out. `beginsAfter` is ours: a real server forgets, when it is
started again, where a group began that was to get what is written after it was made. A real server only knows
whole configurations (`entries`); a change of one group (`entry`, `removed`) is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server.groups.settings import GroupSettings, group_id
from rxpump.server.groups.strategies import STRATEGIES

_VERSION: Final = "2"

_KEYS: Final[Mapping[str, tuple[str, type]]] = {
    "stream": ("stream", str),
    "group": ("group", str),
    "resolveLinkTos": ("resolve_links", bool),
    "extraStatistics": ("record_statistics", bool),
    "messageTimeout": ("message_timeout_seconds", int),
    "startFrom": ("start_from", int),
    "liveBufferSize": ("live_buffer_size", int),
    "historyBufferSize": ("buffer_size", int),
    "maxRetryCount": ("max_retry_count", int),
    "readBatchSize": ("read_batch_size", int),
    "checkPointAfter": ("checkpoint_after_seconds", int),
    "minCheckPointCount": ("checkpoint_min_count", int),
    "maxCheckPointCount": ("checkpoint_max_count", int),
    "maxSubscriberCount": ("subscriber_max_count", int),
    "namedConsumerStrategy": ("strategy", str),
}
_SECONDS: Final = ("message_timeout_seconds", "checkpoint_after_seconds")  # stored in milliseconds
_BEGINS_AFTER: Final = "beginsAfter"


class Entry(NamedTuple):
    """A group; `begins_after` is where its stream ended when it was made, if it is to get what came later."""

    settings: GroupSettings
    begins_after: int | None = None


def to_json(entries: Iterable[Entry], updated_by: str) -> dict[str, object]:
    """Write the configuration as a JSON object."""
    return {**_signature(updated_by), "entries": [_entry_to_json(entry) for entry in entries]}


def _signature(updated_by: str) -> dict[str, object]:
    return {"version": _VERSION, "updated": datetime.now(UTC).isoformat(), "updatedBy": updated_by}


def change_to_json(entry: Entry, updated_by: str) -> dict[str, object]:
    """Write a group that is new or has changed as a JSON object."""
    return {**_signature(updated_by), "entry": _entry_to_json(entry)}


def removal_to_json(settings: GroupSettings, updated_by: str) -> dict[str, object]:
    """Write that a group is gone as a JSON object."""
    return {**_signature(updated_by), "removed": {"stream": settings.stream, "group": settings.group}}


def apply_json(content: object, entries: dict[str, Entry]) -> None:
    """Change `entries`, by group id, as a JSON object says that one of these functions wrote.

    Raises:
        ValueError: It is no such object. Nothing was changed.
    """
    match content:
        case {"entries": [*whole]}:
            read = [_entry_from_json(entry) for entry in whole]
            entries.clear()
            entries.update({entry.settings.id: entry for entry in read})
        case {"entry": entry}:
            changed = _entry_from_json(entry)
            entries[changed.settings.id] = changed
        case {"removed": {"stream": str(stream), "group": str(group)}}:
            entries.pop(group_id(stream, group), None)
        case _:
            raise ValueError("it is neither a configuration nor a change of one")


def _entry_to_json(entry: Entry) -> dict[str, object]:
    values = {key: _stored(entry.settings, name) for key, (name, _) in _KEYS.items()}
    written: dict[str, object] = {key: value for key, value in values.items() if value}
    if entry.begins_after is not None:
        written[_BEGINS_AFTER] = entry.begins_after
    return written


def _stored(settings: GroupSettings, name: str) -> object:
    value = getattr(settings, name)
    return round(value * 1000) if name in _SECONDS else value


def _entry_from_json(entry: object) -> Entry:
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is no entry")
    values: dict[str, Any] = {name: _checked(entry, key, kind) for key, (name, kind) in _KEYS.items()}
    for name in _SECONDS:
        values[name] /= 1000
    settings = GroupSettings(**values)
    if settings.strategy not in STRATEGIES:
        raise ValueError(f"{settings.strategy!r} is no consumer strategy")
    return Entry(settings, _checked(entry, _BEGINS_AFTER, int) if _BEGINS_AFTER in entry else None)


def _checked(entry: dict[str, Any], key: str, kind: type) -> Any:
    value = entry.get(key, kind())
    if type(value) is not kind or (isinstance(value, int) and abs(value) > MAX_EVENT_NUMBER):
        raise ValueError(f"{key} is {value!r}, no {kind.__name__}")
    return value
