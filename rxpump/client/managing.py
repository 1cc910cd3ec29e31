"""Streams as wholes: deleting them, what they say of themselves, and what the database does about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rxpump import checks
from rxpump.acl import Acl
from rxpump.client.verbs import Verbs
from rxpump.delete_result import DeleteResult
from rxpump.errors import EventNotFound, InvalidArgument, StreamDeleted, StreamNotFound
from rxpump.events import Event
from rxpump.expected_version import ExpectedVersion
from rxpump.new_event import NewEvent
from rxpump.scavenge_result import ScavengeResult
from rxpump.stream_metadata import MetadataResult, StreamMetadata
from rxpump.streams.answer import Answer
from rxpump.system_settings import SETTINGS_STREAM, SystemSettings
from rxpump.write_result import WriteResult

_METASTREAM = "$$"  # before a stream's name: the stream that holds its metadata
_METADATA_TYPE = "$metadata"
_SETTINGS_TYPE = "$settings"


class Managing(Verbs):
    """Verbs about streams as wholes, and about all of them; see Verbs."""

    def delete_stream(
        self, stream: str, expected_version: int = ExpectedVersion.ANY, hard: bool = False
    ) -> Answer[DeleteResult]:
        """Delete a stream.

        Not `hard`: its events can no longer be read and its metadata is gone, its Acl with it; it can be written
        again, and its numbers go on from where they were. `hard`: for good, no stream will ever have that name.
        Its events stay in the whole database until that is scavenged.

        Errors: WrongExpectedVersion, AccessDenied, StreamDeleted (it was deleted for good before). A delete that had
        to be sent again after a lost connection may meet what it has done itself: a hard one then says
        StreamDeleted, and one that expects a version WrongExpectedVersion, if the stream was written to since.
        """
        stream = checks.stream_name(stream)
        version = checks.expected_version(expected_version, may_be_stream_exists=False)
        if not isinstance(hard, bool):
            raise InvalidArgument("hard", hard, "True or False")
        return Answer(
            self._runtime, "delete_stream", lambda: self._transport.delete_stream(stream, version, hard=hard)
        )

    def get_metadata(self, stream: str) -> Answer[MetadataResult]:
        """Read a stream's metadata, as StreamMetadata, with the version to expect when it is set again.

        Where it was never set, it is empty and its version -1. A stream that is soft-deleted says so in it
        (`metadata.is_soft_deleted`). What the server itself cannot read counts as empty, as it does for the server;
        `raw` has it. Errors: StreamDeleted (for good), AccessDenied.
        """
        metastream = _metastream(stream)
        return Answer(self._runtime, "get_metadata", lambda: self._get_metadata(stream, metastream))

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
    ) -> Answer[WriteResult]:
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
        return self._set(_metastream(stream), _METADATA_TYPE, content, expected_version)

    def get_system_settings(self) -> Answer[SystemSettings]:
        """Read who may do what where a stream itself does not say; by default only admins may ask."""
        return Answer(self._runtime, "get_system_settings", self._get_system_settings)

    def set_system_settings(
        self, settings: SystemSettings, *, expected_version: int = ExpectedVersion.ANY
    ) -> Answer[WriteResult]:
        """Set who may do what where a stream itself does not say; by default only admins may."""
        if not isinstance(settings, SystemSettings):
            raise InvalidArgument("settings", settings, "a SystemSettings")
        return self._set(SETTINGS_STREAM, _SETTINGS_TYPE, settings, expected_version)

    def scavenge(self) -> Answer[ScavengeResult]:
        """Have the node that we are connected to rid its files of what can no longer be read; for admins and ops.

        A server of version 4 answers when it has ended, however long that takes; later ones at once.
        Errors: ScavengeInProgress, ScavengeFailed (also version 4's word for what is not permitted), AccessDenied,
        ConnectionClosed (it goes on all the same).
        """
        return Answer(self._runtime, "scavenge", self._transport.scavenge)

    async def _get_metadata(self, stream: str, metastream: str) -> MetadataResult:
        try:
            event = await self._last_event(metastream)
        except StreamDeleted:
            raise StreamDeleted(stream) from None
        if event is None:
            return MetadataResult(stream, StreamMetadata(), ExpectedVersion.NO_STREAM)
        try:
            metadata = StreamMetadata.from_json(event.data) if event.is_json else StreamMetadata()
        except InvalidArgument:
            metadata = StreamMetadata()
        return MetadataResult(stream, metadata, event.number, event.data)

    async def _get_system_settings(self) -> SystemSettings:
        event = await self._last_event(SETTINGS_STREAM)
        try:
            return SystemSettings() if event is None else SystemSettings.from_json(event.data)
        except InvalidArgument:
            return SystemSettings()

    async def _last_event(self, stream: str) -> Event | None:
        try:
            return await self._transport.read_event(stream, -1, resolve_links=False)
        except (StreamNotFound, EventNotFound):
            return None

    def _set(
        self, stream: str, type: str, content: StreamMetadata | SystemSettings | bytes, expected_version: int
    ) -> Answer[WriteResult]:
        """Write one event; it has its id from here on, so however often the Answer asks, it is one write."""
        version = checks.expected_version(expected_version)
        data = content if isinstance(content, bytes) else content.to_json()
        event = NewEvent(type, data, is_json=True)
        return Answer(self._runtime, "set", lambda: self._transport.append(stream, [event], version))


def _metastream(stream: str) -> str:
    name = checks.stream_name(stream)
    if name.startswith(_METASTREAM):
        raise InvalidArgument("stream", stream, f"a stream whose name does not begin with {_METASTREAM}")
    return _METASTREAM + name
