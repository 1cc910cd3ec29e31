"""Read consumer groups from the system streams of a server (docs/protocol/tcp.md, section 4.18).

The TCP protocol has no request for the groups of a server and their checkpoints. But the server keeps both in streams
that admins can read.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, TypeVar

import reactivex
from reactivex import operators as rx

from rxpump.client.client import Client
from rxpump.errors import EventNotFound, PersistentSubscriptionNotFound, StreamDeleted, StreamNotFound
from rxpump.model.events import Event
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import GroupOptions
from rxpump.model.positions import END, Position, StreamDirection
from rxpump.model.system_names import ALL_STREAM, checkpoint_stream, group_id, parked_stream
from rxpump.operators import map_async
from rxpump.streams.observable import Observable

_CONFIGURATION: Final = "$persistentSubscriptionConfig"
_SECONDS: Final = ("message_timeout_seconds", "checkpoint_after_seconds")  # in milliseconds in the configuration
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

T = TypeVar("T")
Entry = dict[str, Any]


def groups_in_streams(client: Client, stream: str | None = None) -> Observable[GroupDetails]:
    """Return an Observable of the groups of a server, or of one stream.

    Only the settings, the checkpoint and the number of parked events are known. The other fields are 0 or empty.
    """
    return _entries(client).pipe(
        rx.filter(lambda entry: stream in (None, entry["stream"])),
        map_async(partial(_details, client)),
    )


def group_in_streams(client: Client, stream: str, group: str) -> Observable[GroupDetails]:
    """Return an Observable of one group.

    It fails with PersistentSubscriptionNotFound if there is no such group.
    """

    def existing(entry: Entry | None) -> Entry:
        if entry is None:
            raise PersistentSubscriptionNotFound(stream, group, "it is not in the configuration of the server")
        return entry

    return _entries(client).pipe(
        rx.filter(lambda entry: (entry["stream"], entry["group"]) == (stream, group)),
        rx.first_or_default(None, None),
        rx.map(existing),
        map_async(partial(_details, client)),
    )


def _entries(client: Client) -> Observable[Entry]:
    """Return an Observable of the configuration of each group.

    The newest event that lists all groups is the last one that is read. The embedded server also writes events for
    single groups.
    """
    return _events(client, _CONFIGURATION, StreamDirection.BACKWARD).pipe(
        rx.map(Event.json),
        rx.take_while(lambda content: "entries" not in content, inclusive=True),
        rx.to_list(),
        rx.flat_map(_configured),
    )


def _configured(newest_first: list[dict[str, Any]]) -> reactivex.Observable[Entry]:
    """Return an Observable of the current entry of each group, from the changes of the configuration."""
    found: dict[tuple[str, str], Entry] = {}
    for content in reversed(newest_first):
        for entry in (*content.get("entries", ()), *filter(None, (content.get("entry"),))):
            found[entry["stream"], entry["group"]] = entry
        if (removed := content.get("removed")) is not None:
            found.pop((removed["stream"], removed["group"]), None)
    return reactivex.from_iterable(found.values())


async def _details(client: Client, entry: Entry) -> GroupDetails:
    stream, group = entry["stream"], entry["group"]
    values: dict[str, Any] = {name: entry.get(key, 0) for name, key in _NAMES.items()}
    for name in _SECONDS:
        values[name] /= 1000
    for name in _FLAGS:
        values[name] = bool(values[name])
    if stream == ALL_STREAM:
        commit = values["start_from"]
        values["start_from"] = Position(commit, commit) if commit >= 0 else END
    id = group_id(stream, group)
    checkpoint = await _last(client, checkpoint_stream(id))
    return GroupDetails(
        stream,
        group,
        status="",
        settings=GroupOptions(**values),
        last_checkpoint="" if checkpoint is None else str(checkpoint.json()),
        last_known=await _last_known(client, stream),
        parked=await _events(client, parked_stream(id), StreamDirection.FORWARD).pipe(rx.count()),
    )


async def _last_known(client: Client, stream: str) -> str:
    """Return the place of the last event of a stream or of `$all` as text; empty if there is no event."""
    if stream != ALL_STREAM:
        end = await _last(client, stream)
        return "" if end is None else str(end.received_number)
    page = await client.get_all(direction=StreamDirection.BACKWARD, max_count=1)
    position = page[0].position if len(page) else None
    return "" if position is None else f"C:{position.commit}/P:{position.prepare}"


async def _last(client: Client, stream: str) -> Event | None:
    try:
        return await client.get_event(stream, resolve_links=False)
    except (StreamNotFound, StreamDeleted, EventNotFound):
        return None


def _events(client: Client, stream: str, direction: StreamDirection) -> Observable[Event]:
    """Return an Observable of the events of a stream, which is empty if the stream does not exist."""
    return client.iter(stream, direction=direction, resolve_links=False).pipe(rx.catch(_none_if_not_found))


def _none_if_not_found(error: Exception, _source: reactivex.Observable[T]) -> reactivex.Observable[T]:
    return reactivex.empty() if isinstance(error, StreamNotFound) else reactivex.throw(error)
