"""Read consumer groups from the system streams of a server (docs/protocol/tcp.md, section 4.18).

The TCP protocol has no request for the groups of a server and their checkpoints. But the server keeps both in streams
that admins can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rxpump.blocking import BlockingClient
from rxpump.errors import EventNotFound, PersistentSubscriptionNotFound, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import GroupOptions
from rxpump.model.positions import StreamDirection

_CONFIGURATION: Final = "$persistentSubscriptionConfig"
_PREFIX: Final = "$persistentsubscription-"
_SECONDS: Final = ("message_timeout_seconds", "checkpoint_after_seconds")  # fields in milliseconds
_FLAGS: Final = ("resolve_links", "record_statistics")
_NAMES: Final = {
    "resolve_links": "resolveLinkTos",
    "record_statistics": "extraStatistics",
    "message_timeout_seconds": "messageTimeout",
    "start_from": "startFrom",
    "live_buffer_size": "liveBufferSize",
    "buffer_size": "historyBufferSize",
    "max_retry_count": "maxRetryCount",
    "read_batch_size": "readBatchSize",
    "checkpoint_after_seconds": "checkPointAfter",
    "checkpoint_min_count": "minCheckPointCount",
    "checkpoint_max_count": "maxCheckPointCount",
    "subscriber_max_count": "maxSubscriberCount",
    "strategy": "namedConsumerStrategy",
}
"""Name of each setting in the configuration. Settings that are zero or false are missing there, except the last."""


def groups_in_streams(store: BlockingClient, stream: str | None = None) -> list[GroupDetails]:
    """Return the groups of a server, or of one stream.

    Only the settings, the checkpoint and the number of parked events are known. The other fields are 0 or empty.
    """
    entries = (entry for entry in _entries(store).values() if stream in (None, entry["stream"]))
    return [_details(store, entry) for entry in entries]


def group_in_streams(store: BlockingClient, stream: str, group: str) -> GroupDetails:
    """Return one group.

    Raises:
        PersistentSubscriptionNotFound: There is no such group.
    """
    entry = _entries(store).get((stream, group))
    if entry is None:
        raise PersistentSubscriptionNotFound(stream, group, "it is not in the configuration of the server")
    return _details(store, entry)


def parked_stream(stream: str, group: str) -> str:
    """Return the name of the stream with the links to the parked events of a group."""
    return f"{_PREFIX}{stream}::{group}-parked"


def _entries(store: BlockingClient) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the configuration of each group, by stream and group."""
    contents: list[dict[str, Any]] = []
    for event in _events(store, _CONFIGURATION, StreamDirection.BACKWARD):
        contents.append(event.json())
        if "entries" in contents[-1]:
            break  # This event has all groups. The embedded server also writes events for single groups.
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for content in reversed(contents):
        for entry in (*content.get("entries", ()), *filter(None, (content.get("entry"),))):
            found[entry["stream"], entry["group"]] = entry
        if (removed := content.get("removed")) is not None:
            found.pop((removed["stream"], removed["group"]), None)
    return found


def _details(store: BlockingClient, entry: dict[str, Any]) -> GroupDetails:
    stream, group = entry["stream"], entry["group"]
    values: dict[str, Any] = {name: entry.get(key, 0) for name, key in _NAMES.items()}
    for name in _SECONDS:
        values[name] /= 1000
    for name in _FLAGS:
        values[name] = bool(values[name])
    checkpoint = _last(store, f"{_PREFIX}{stream}::{group}-checkpoint")
    end = _last(store, stream)
    return GroupDetails(
        stream,
        group,
        status="",
        settings=GroupOptions(**values),
        last_checkpoint="" if checkpoint is None else str(checkpoint.json()),
        last_known="" if end is None else str(end.received_number),
        parked=sum(1 for _ in _events(store, parked_stream(stream, group), StreamDirection.FORWARD)),
    )


def _last(store: BlockingClient, stream: str) -> Event | None:
    try:
        return store.get_event(stream, resolve_links=False)
    except (StreamNotFound, EventNotFound):
        return None


def _events(store: BlockingClient, stream: str, direction: StreamDirection) -> Iterator[Event]:
    try:
        yield from store.iter(stream, direction=direction, resolve_links=False)
    except StreamNotFound:
        return
