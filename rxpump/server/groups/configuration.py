"""The configuration of groups as JSON, with the keys and omissions of a real server.

Values that are zero, false or absent are left out. This server adds four things. The key `beginsAfter`
keeps the start of a group that begins at the end of its stream; a real server loses it in a restart. The key
`filter` holds the filter of a group on all streams. The key `followsV23` holds the version that a group follows. And
besides whole configurations (`entries`) there are changes of one group (`entry` and `removed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rxpump.model.limits import MAX_COUNT, MAX_EVENT_NUMBER
from rxpump.model.system_names import group_id
from rxpump.server.groups.group_filter import GroupFilter
from rxpump.server.groups.settings import GroupSettings
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
    "followsV23": ("follows_v23", bool),
}
_SECONDS: Final = ("message_timeout_seconds", "checkpoint_after_seconds")  # fields in milliseconds
_BEGINS_AFTER: Final = "beginsAfter"
_FILTER: Final = "filter"


class Entry(NamedTuple):
    """A group in the configuration.

    Attributes:
        settings: Settings of the group.
        begins_after: Last number of the stream at the creation of a group that gets only later events; otherwise
            None.
    """

    settings: GroupSettings
    begins_after: int | None = None


def to_json(entries: Iterable[Entry], updated_by: str) -> dict[str, object]:
    """Return the whole configuration as a JSON object."""
    return {**_signature(updated_by), "entries": [_entry_to_json(entry) for entry in entries]}


def _signature(updated_by: str) -> dict[str, object]:
    return {"version": _VERSION, "updated": datetime.now(UTC).isoformat(), "updatedBy": updated_by}


def change_to_json(entry: Entry, updated_by: str) -> dict[str, object]:
    """Return the JSON object of a group that was created or updated."""
    return {**_signature(updated_by), "entry": _entry_to_json(entry)}


def removal_to_json(settings: GroupSettings, updated_by: str) -> dict[str, object]:
    """Return the JSON object of a group that was deleted."""
    return {**_signature(updated_by), "removed": {"stream": settings.stream, "group": settings.group}}


def apply_json(content: object, entries: dict[str, Entry]) -> None:
    """Apply the content of a configuration event to `entries`, the groups by id.

    Args:
        content: Object that `to_json`, `change_to_json` or `removal_to_json` returned.
        entries: Groups by id, which are changed.

    Raises:
        ValueError: The object has another form. Nothing was changed.
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
            raise ValueError("the event is neither a configuration nor a change of one")


def _entry_to_json(entry: Entry) -> dict[str, object]:
    values = {key: _stored(entry.settings, name) for key, (name, _) in _KEYS.items()}
    written: dict[str, object] = {key: value for key, value in values.items() if value}
    if entry.begins_after is not None:
        written[_BEGINS_AFTER] = entry.begins_after
    if entry.settings.filter is not None:
        written[_FILTER] = entry.settings.filter.to_json()
    return written


def _stored(settings: GroupSettings, name: str) -> object:
    value = getattr(settings, name)
    return round(value * 1000) if name in _SECONDS else value


def _entry_from_json(entry: object) -> Entry:
    if not isinstance(entry, dict):
        raise ValueError(f"an entry must be an object, got {entry!r}")
    values: dict[str, Any] = {name: _checked(entry, key, kind) for key, (name, kind) in _KEYS.items()}
    for name in _SECONDS:  # Older versions of this server stored times that no answer about a group can contain.
        values[name] = max(-MAX_COUNT, min(values[name], MAX_COUNT)) / 1000
    if _FILTER in entry:
        values["filter"] = GroupFilter.from_json(entry[_FILTER])
    settings = GroupSettings(**values)
    if settings.strategy not in STRATEGIES:
        raise ValueError(f"the strategy must be one of {', '.join(STRATEGIES)}, got {settings.strategy!r}")
    return Entry(settings, _checked(entry, _BEGINS_AFTER, int) if _BEGINS_AFTER in entry else None)


def _checked(entry: dict[str, Any], key: str, kind: type) -> Any:
    value = entry.get(key, kind())
    if type(value) is not kind or (isinstance(value, int) and abs(value) > MAX_EVENT_NUMBER):
        raise ValueError(f"{key} must be of type {kind.__name__}, got {value!r}")
    return value
