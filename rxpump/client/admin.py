"""Streams as wholes: deleting them, what they say of themselves, and what the database does about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rxpump.client.groups import GroupClient
from rxpump.errors import EventNotFound, InvalidArgument, StreamDeleted, StreamNotFound
from rxpump.model import checks
from rxpump.model.acl import Acl
from rxpump.model.events import Event
from rxpump.model.metadata import SETTINGS_STREAM, MetadataResult, StreamMetadata, SystemSettings
from rxpump.model.new_events import UNSET, NewEvent, fitting
from rxpump.model.positions import END, ExpectedVersion
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.streams.single import Single
from rxpump.transport import Transport

_METASTREAM = "$$"  # before a stream's name: the stream that holds its metadata
_METADATA_TYPE = "$metadata"
_SETTINGS_TYPE = "$settings"

SCAVENGE_TIMEOUT = 600.0
"""Seconds; version 4 answers only when the scavenge has ended."""


class AdminClient(GroupClient):
    """A client that also deletes streams, sets metadata and scavenges."""

    def delete_stream(
        self,
        stream: str,
        expected_version: int = ExpectedVersion.ANY,
        hard: bool = False,
        *,
        timeout: float | None = UNSET,
    ) -> Single[DeleteResult]:
        """Delete a stream.

        Not `hard`: its events can no longer be read and its metadata is gone, its Acl with it; it can be written
        again, and its numbers go on from where they were. `hard`: for good, no stream will ever have that name.
        Its events stay in the whole database until that is scavenged. A stream of metadata (`$$...`) is not deleted
        by itself: its deletion can end a server for good.

        `expected_version` may be STREAM_EXISTS; servers of version 4 answer that with BadRequest.

        Errors: WrongExpectedVersion, AccessDenied, StreamDeleted (it was deleted for good before). A delete that had
        to be sent again after a lost connection may meet what it has done itself: a hard one then says
        StreamDeleted, and one that expects a version WrongExpectedVersion, if the stream was written to since.
        """
        stream = checks.deleted_stream(stream)
        version = checks.expected_version(expected_version)
        if not isinstance(hard, bool):
            raise InvalidArgument("hard", hard, "True or False")
        transport = self._within(timeout)
        return Single(self._runtime, "delete_stream", lambda: transport.delete_stream(stream, version, hard=hard))

    def get_metadata(self, stream: str, *, timeout: float | None = UNSET) -> Single[MetadataResult]:
        """Read a stream's metadata, as StreamMetadata, with the version to expect when it is set again.

        Where it was never set, it is empty and its version -1. A stream that is soft-deleted says so in it
        (`metadata.is_soft_deleted`). What the server itself cannot read counts as empty, as it does for the server;
        `raw` has it. Errors: StreamDeleted (for good), AccessDenied.
        """
        metastream, transport = _metastream(stream), self._within(timeout)
        return Single(self._runtime, "get_metadata", lambda: _get_metadata(transport, stream, metastream))

    def set_metadata(
        self,
        stream: str,
        metadata: StreamMetadata | bytes | None = None,
        *,
        expected_version: int = ExpectedVersion.ANY,
        max_count: int | None = None,
        max_age: float | timedelta | None = None,
        truncate_before: int | None = None,
        cache_control: float | timedelta | None = None,
        acl: Acl | None = None,
        custom: Mapping[str, Any] | None = None,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Set all of a stream's metadata: a StreamMetadata, or its fields by themselves, or JSON text as bytes.

            found = await client.get_metadata("ponies")
            kept = dataclasses.replace(found.metadata, max_count=100)  # and all else as it was
            await client.set_metadata("ponies", kept, expected_version=found.version)

        `expected_version` is that of the metadata, not of the stream. Errors: WrongExpectedVersion, StreamDeleted,
        AccessDenied.
        """
        fields: dict[str, Any] = {
            "max_count": max_count,
            "max_age": max_age,
            "truncate_before": truncate_before,
            "cache_control": cache_control,
            "acl": acl,
            "custom": custom,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        if metadata is not None and given:
            raise InvalidArgument(", ".join(given), "given", "given where metadata is not")
        content = StreamMetadata(**given) if metadata is None else metadata
        if not isinstance(content, (StreamMetadata, bytes)):
            raise InvalidArgument("metadata", metadata, "a StreamMetadata, or JSON text as bytes")
        return self._set("set_metadata", _metastream(stream), _METADATA_TYPE, content, expected_version, timeout)

    def get_system_settings(self, *, timeout: float | None = UNSET) -> Single[SystemSettings]:
        """Read who may do what where a stream itself does not say; by default only admins may ask."""
        transport = self._within(timeout)
        return Single(self._runtime, "get_system_settings", lambda: _get_system_settings(transport))

    def set_system_settings(
        self,
        settings: SystemSettings,
        *,
        expected_version: int = ExpectedVersion.ANY,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Set who may do what where a stream itself does not say; by default only admins may."""
        if not isinstance(settings, SystemSettings):
            raise InvalidArgument("settings", settings, "a SystemSettings")
        return self._set("set_system_settings", SETTINGS_STREAM, _SETTINGS_TYPE, settings, expected_version, timeout)

    def scavenge(self, *, timeout: float | None = SCAVENGE_TIMEOUT) -> Single[ScavengeResult]:
        """Remove from the files of the node that we are connected to what can no longer be read.

        Only members of `$admins` and `$ops` may. A server of version 4 answers when the scavenge has ended, later
        ones when it has begun. Version 23.10 does not answer at all a user who may not scavenge, nor on an in-memory
        node or a follower.

        Args:
            timeout: Seconds after which OperationTimedOut is raised; None to wait for ever. A scavenge that has begun
                goes on all the same. The default of 10 minutes allows for a server that answers at the end.

        Returns:
            The id of the scavenge, or how long it took and how much space it made.

        Raises:
            ScavengeInProgress: Another scavenge is running.
            ScavengeFailed: The scavenge failed. Version 4 raises this also for a user who may not scavenge.
            AccessDenied: The user may not scavenge.
            OperationTimedOut: There was no answer.
            ConnectionClosed: The connection was lost. A scavenge that has begun goes on all the same.
        """
        return Single(self._runtime, "scavenge", self._within(timeout).scavenge)

    def _set(
        self,
        verb: str,
        stream: str,
        type: str,
        content: StreamMetadata | SystemSettings | bytes,
        expected_version: int,
        timeout: float | None,
    ) -> Single[WriteResult]:
        """Write one event; it has its id from here on, so however often the Answer asks, it is one write."""
        version, transport = checks.expected_version(expected_version), self._within(timeout)
        data = content if isinstance(content, bytes) else content.to_json()
        event = fitting(NewEvent(type, data, is_json=True), stream)
        return Single(self._runtime, verb, lambda: transport.append(stream, [event], version))


async def _get_metadata(transport: Transport, stream: str, metastream: str) -> MetadataResult:
    try:
        event = await _last_event(transport, metastream)
    except StreamDeleted:
        raise StreamDeleted(stream) from None
    if event is None:
        return MetadataResult(stream, StreamMetadata(), ExpectedVersion.NO_STREAM)
    try:
        metadata = StreamMetadata.from_json(event.data) if event.is_json else StreamMetadata()
    except InvalidArgument:
        metadata = StreamMetadata()
    return MetadataResult(stream, metadata, event.number, event.data)


async def _get_system_settings(transport: Transport) -> SystemSettings:
    event = await _last_event(transport, SETTINGS_STREAM)
    try:
        return SystemSettings() if event is None else SystemSettings.from_json(event.data)
    except InvalidArgument:
        return SystemSettings()


async def _last_event(transport: Transport, stream: str) -> Event | None:
    try:
        return await transport.read_event(stream, END, resolve_links=False)
    except (StreamNotFound, EventNotFound):
        return None


def _metastream(stream: str) -> str:
    name = checks.stream_name(stream)
    if name.startswith(_METASTREAM):
        raise InvalidArgument("stream", stream, f"a stream whose name does not begin with {_METASTREAM}")
    return _METASTREAM + name
