"""The events of a page of the log as columns: one list for each field, instead of an object for each event."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from rxpump.server.store.record_schema import LogPage, LogPageColumns

_OF_RECORD: Final = (
    "event_stream_id",
    "event_number",
    "event_id",
    "event_type",
    "data_content_type",
    "data",
    "metadata",
    "created",
)
_OF_ENTRY: Final = ("commit_position", "prepare_position")
_RECORD_FIELDS: Final = attrgetter(*_OF_RECORD)
_ENTRY_FIELDS: Final = attrgetter(*_OF_ENTRY)


class LogColumns(NamedTuple):
    """The fields of events, each as a sequence with one value for each event.

    Attributes:
        streams: Names of the streams.
        numbers: Numbers in the streams.
        ids: Ids, 16 bytes each in the order of a .NET GUID.
        types: Types.
        content_types: Content types of the data.
        data: Data.
        metadata: Metadata.
        created: Times in .NET ticks.
        commits: Commit positions.
        prepares: Prepare positions.
    """

    streams: Sequence[str]
    numbers: Sequence[int]
    ids: Sequence[bytes]
    types: Sequence[str]
    content_types: Sequence[int]
    data: Sequence[bytes]
    metadata: Sequence[bytes]
    created: Sequence[int]
    commits: Sequence[int]
    prepares: Sequence[int]


def log_columns(page: bytes) -> LogColumns:
    """Return the events of an encoded `LogPage`, in which links are not resolved, as columns.

    The page is parsed without an object for each event, because a parser merges all entries of the page into one
    entry whose fields are lists. The store writes all fields of every event, so that all lists have the same length.
    The events of any other page are parsed one by one.
    """
    entry = LogPageColumns.FromString(page).events
    columns = LogColumns(*map(list, (*_RECORD_FIELDS(entry.event), *_ENTRY_FIELDS(entry))))
    if len(set(map(len, columns))) > 1:
        return _event_by_event(page)
    return columns


def _event_by_event(page: bytes) -> LogColumns:
    entries = LogPage.FromString(page).events
    fields: list[tuple[Any, ...]] = [(*_RECORD_FIELDS(entry.event), *_ENTRY_FIELDS(entry)) for entry in entries]
    return LogColumns(*zip(*fields, strict=True))
