"""Methods that delete streams, read and set metadata and settings, and administer the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rxpump.client.groups import GroupClient
from rxpump.client.indexes import Indexes
from rxpump.client.projections import Projections
from rxpump.client.users import Users
from rxpump.discovery.member import Member
from rxpump.errors import EventNotFound, InvalidArgument, StreamDeleted, StreamNotFound
from rxpump.model import checks
from rxpump.model.acl import Acl
from rxpump.model.events import Event
from rxpump.model.metadata import MetadataResult, StreamMetadata, SystemSettings
from rxpump.model.new_events import UNSET, NewEvent, fitting
from rxpump.model.positions import END, ExpectedVersion
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.model.server_info import ServerInfo
from rxpump.model.system_names import METADATA_EVENT_TYPE, METADATA_PREFIX, SETTINGS_EVENT_TYPE, SETTINGS_STREAM
from rxpump.streams.single import Single
from rxpump.transport import Capability, Transport

SCAVENGE_TIMEOUT = 600.0
"""Default deadline in seconds, because version 4 replies only when the scavenge has ended."""


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

        The events can no longer be read from the stream. They stay in `$all` until the server is scavenged.

        After a soft delete the metadata of the stream is gone, with its access control list. The stream can be
        written again, and its event numbers continue. After a hard delete the name can never be used again.

        A delete that is repeated after a lost connection may fail because of the first attempt: a hard delete with
        StreamDeleted, a delete with an expected version with WrongExpectedVersion.

        Args:
            stream: Name of the stream. A stream of metadata (`$$...`) is refused, because its deletion can damage a
                server permanently.
            expected_version: Number of the last event the stream must have, or a constant of ExpectedVersion. Servers
                of version 4 refuse STREAM_EXISTS with BadRequest.
            hard: Whether to delete the stream permanently.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result.

        Raises:
            WrongExpectedVersion: The stream is at another version. Nothing was deleted.
            StreamDeleted: The stream was deleted permanently before.
            AccessDenied: The user may not delete the stream.

        Example:
            `await client.delete_stream("orders")`
        """
        stream = checks.deleted_stream(stream)
        version = checks.expected_version(expected_version)
        if not isinstance(hard, bool):
            raise InvalidArgument("hard", hard, "True or False")
        transport = self._within(timeout)
        return Single(self._runtime, "delete_stream", lambda: transport.delete_stream(stream, version, hard=hard))

    def get_metadata(self, stream: str, *, timeout: float | None = UNSET) -> Single[MetadataResult]:
        """Read the metadata of a stream.

        Args:
            stream: Name of the stream.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the metadata and its version, which `set_metadata` can expect. If it was never set, it is
            empty and its version is -1. Metadata that the server cannot parse is empty; `raw` has its bytes.
            `metadata.is_soft_deleted` is True for a stream that was deleted and can be written again.

        Raises:
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not read the metadata.

        Example:
            `limit = (await client.get_metadata("orders")).metadata.max_count`
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
        """Replace the metadata of a stream.

        Args:
            stream: Name of the stream.
            metadata: StreamMetadata, or JSON text as bytes. Without it, the fields are given by name.
            expected_version: Version that the metadata must have, which is not the version of the stream; or a
                constant of ExpectedVersion.
            max_count: Number of events that can be read, counted from the end; older events are removed.
            max_age: Seconds, or a timedelta, after which events are removed.
            truncate_before: Number of the first event that can be read.
            cache_control: Seconds, or a timedelta, for which HTTP clients may cache the stream.
            acl: Users and groups that may read, write and delete the stream.
            custom: Other values, by name.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result. `last_event_number` is the version of the metadata.

        Raises:
            InvalidArgument: Both `metadata` and a field are given, or a value is out of range.
            WrongExpectedVersion: The metadata is at another version. Nothing was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write the metadata.

        Example:
            old = await client.get_metadata("orders")
            changed = dataclasses.replace(old.metadata, max_count=100)
            await client.set_metadata("orders", changed, expected_version=old.version)
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
            raise InvalidArgument(", ".join(given), "given", "no value with metadata, which contains all keys")
        content = StreamMetadata(**given) if metadata is None else metadata
        if not isinstance(content, (StreamMetadata, bytes)):
            raise InvalidArgument("metadata", metadata, "a StreamMetadata, or JSON text as bytes")
        return self._set("set_metadata", _metastream(stream), METADATA_EVENT_TYPE, content, expected_version, timeout)

    def get_system_settings(self, *, timeout: float | None = UNSET) -> Single[SystemSettings]:
        """Read the default access control lists. By default only admins may read them.

        Args:
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the settings, which apply to streams without an access control list of their own.

        Raises:
            AccessDenied: The user may not read the settings.

        Example:
            `settings = await client.as_user("admin", "changeit").get_system_settings()`
        """
        transport = self._within(timeout)
        return Single(self._runtime, "get_system_settings", lambda: _get_system_settings(transport))

    def set_system_settings(
        self,
        settings: SystemSettings,
        *,
        expected_version: int = ExpectedVersion.ANY,
        timeout: float | None = UNSET,
    ) -> Single[WriteResult]:
        """Replace the default access control lists. By default only admins may replace them.

        Args:
            settings: Access control lists for streams that have none of their own.
            expected_version: Version that the settings must have, or a constant of ExpectedVersion.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result. `last_event_number` is the version of the settings.

        Raises:
            WrongExpectedVersion: The settings are at another version. Nothing was written.
            AccessDenied: The user may not write the settings.

        Example:
            `await admin.set_system_settings(SystemSettings(user_stream=Acl(read="$all", write="ops")))`
        """
        if not isinstance(settings, SystemSettings):
            raise InvalidArgument("settings", settings, "a SystemSettings")
        return self._set(
            "set_system_settings", SETTINGS_STREAM, SETTINGS_EVENT_TYPE, settings, expected_version, timeout
        )

    def scavenge(self, *, timeout: float | None = SCAVENGE_TIMEOUT) -> Single[ScavengeResult]:
        """Remove events that can no longer be read from the files of the connected node.

        Only members of `$admins` and `$ops` may scavenge. Version 4 replies when the scavenge has ended, later
        versions when it has started. Version 23.10 does not reply if the user may not scavenge, or if the node is a
        follower or keeps its events in memory.

        Args:
            timeout: Seconds until the call fails; a scavenge that has started continues. None: no deadline. Default:
                10 minutes, because version 4 replies at the end.

        Returns:
            A Single of the id of the scavenge, or of its duration and the space it freed.

        Raises:
            ScavengeInProgress: Another scavenge is running.
            ScavengeFailed: The scavenge failed. Version 4 raises this also for a user who may not scavenge.
            AccessDenied: The user may not scavenge.
            OperationTimedOut: No reply arrived in time.
            RequestInterrupted: The connection was lost. A scavenge that has started continues.

        Example:
            `await client.as_user("ops", "changeit").scavenge()`
        """
        self._transport.require(Capability.SCAVENGE)
        return Single(self._runtime, "scavenge", self._within(timeout).scavenge)

    def stop_scavenge(self, id: str, *, timeout: float | None = UNSET) -> Single[ScavengeResult]:
        """Stop a scavenge on the connected node.

        Args:
            id: Id of the scavenge, from its ScavengeResult.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the result, with the id.

        Raises:
            ScavengeNotFound: No scavenge of this id is running.
            AccessDenied: The user may not scavenge.
            NotSupported: The protocol cannot stop a scavenge.

        Example:
            `await client.stop_scavenge(started.id)`
        """
        transport, id = self._within(timeout), checks.text("id", id)
        transport.require(Capability.STOP_SCAVENGE)
        return Single(self._runtime, "stop_scavenge", lambda: transport.stop_scavenge(id))

    def server_info(self, *, timeout: float | None = UNSET) -> Single[ServerInfo]:
        """Read the version and the features of the connected node.

        Raises:
            NotSupported: The protocol or the server does not name them.

        Example:
            `(await client.server_info()).version`
        """
        transport = self._within(timeout)
        transport.require(Capability.SERVER_INFO)
        return Single(self._runtime, "server_info", transport.server_info)

    def members(self, *, timeout: float | None = UNSET) -> Single[Sequence[Member]]:
        """Read the members of the cluster and their states from the connected node.

        Raises:
            NotSupported: The protocol does not name them.

        Example:
            `leaders = [each for each in await client.members() if each.state is NodeState.LEADER]`
        """
        transport = self._within(timeout)
        transport.require(Capability.MEMBERS)
        return Single(self._runtime, "members", transport.members)

    def statistics(self, *, timeout: float | None = UNSET) -> Single[Mapping[str, str]]:
        """Read the statistics of the connected node, such as its load and the sizes of its queues, by name.

        Raises:
            NotSupported: The protocol has no statistics.

        Example:
            `(await client.statistics())["proc-cpu"]`
        """
        transport = self._within(timeout)
        transport.require(Capability.STATISTICS)
        return Single(self._runtime, "statistics", transport.statistics)

    @property
    def users(self) -> Users:
        """Methods that manage users."""
        return Users(self._runtime, self._within)

    @property
    def projections(self) -> Projections:
        """Methods that manage projections."""
        return Projections(self._runtime, self._within)

    @property
    def indexes(self) -> Indexes:
        """Methods that read secondary indexes and manage them."""
        return Indexes(self._runtime, self._settings, self._transport, self._within)

    def _set(
        self,
        name: str,
        stream: str,
        type: str,
        content: StreamMetadata | SystemSettings | bytes,
        expected_version: int,
        timeout: float | None,
    ) -> Single[WriteResult]:
        """Append one event with JSON content. Its id is chosen once, so that a repeated request is detected."""
        version, transport = checks.expected_version(expected_version), self._within(timeout)
        data = content if isinstance(content, bytes) else content.to_json()
        event = fitting(NewEvent(type, data, is_json=True), stream, transport.limits)
        return Single(self._runtime, name, lambda: transport.append(stream, [event], version))


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
    if name.startswith(METADATA_PREFIX):
        raise InvalidArgument("stream", stream, f"a name that does not begin with {METADATA_PREFIX}")
    return METADATA_PREFIX + name
