"""Methods for consumer groups (persistent subscriptions)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Unpack

from rxpump.client.subscriptions import SubscriptionClient
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import NamedSettings, PersistentSubscriptionSettings
from rxpump.model.limits import MAX_COUNT
from rxpump.model.new_events import UNSET
from rxpump.model.positions import Position
from rxpump.model.system_names import ALL_STREAM
from rxpump.streams.persistent import Deliveries
from rxpump.streams.single import Single
from rxpump.transport import Capability

_DEFAULTS: Final = PersistentSubscriptionSettings()


class GroupClient(SubscriptionClient):
    """A client that also manages consumer groups and consumes with them.

    By default only admins may create, update and delete groups. A user who may read the stream may consume. A request
    that is repeated after a lost connection may fail because of the first attempt, with PersistentSubscriptionExists
    or PersistentSubscriptionNotFound.
    """

    def create_subscription(
        self,
        name: str,
        stream: str,
        settings: PersistentSubscriptionSettings = _DEFAULTS,
        *,
        timeout: float | None = UNSET,
        **named: Unpack[NamedSettings],
    ) -> Single[None]:
        """Create a consumer group.

        Args:
            name: Name of the group.
            stream: Name of the stream, which need not exist; or `$all`.
            settings: Settings of the group.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.
            **named: Single settings, which replace those of `settings`; see PersistentSubscriptionSettings.

        Returns:
            A Single of None.

        Raises:
            PersistentSubscriptionExists: The group exists.
            PersistentSubscriptionFailed: The server does not have the strategy.
            InvalidArgument: A group on a stream has a filter or starts at a Position, or a group on `$all` starts at
                a number.
            NotSupported: The stream is `$all`, and the protocol has no groups on it.
            AccessDenied: The user may not manage groups.

        Example:
            `await client.create_subscription("billing", "orders", start_from=0)`
        """
        name, source = checks.text("name", name), self._source(stream)
        settings = _settings(source, settings, named)
        transport = self._within(timeout)
        return Single(self._runtime, "create_subscription", lambda: transport.create_group(source, name, settings))

    def update_subscription(
        self,
        name: str,
        stream: str,
        settings: PersistentSubscriptionSettings = _DEFAULTS,
        *,
        timeout: float | None = UNSET,
        **named: Unpack[NamedSettings],
    ) -> Single[None]:
        """Replace all settings of a consumer group.

        The server disconnects the consumers of the group. Consumers of rxpump reconnect. The group resumes where it
        was.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            settings: Settings of the group.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.
            **named: Single settings, which replace those of `settings`. A setting that is not given gets its default.

        Returns:
            A Single of None.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            PersistentSubscriptionFailed: The server does not have the strategy.
            InvalidArgument: The start does not suit the stream, or the protocol is gRPC and the strategy is none of
                RoundRobin, DispatchToSingle and Pinned. Over gRPC, only `create_subscription` can set others.
            AccessDenied: The user may not manage groups.

        Example:
            `await client.update_subscription("billing", "orders", max_retry_count=3)`
        """
        name, source = checks.text("name", name), self._source(stream)
        settings = _settings(source, settings, named)
        transport = self._within(timeout)
        return Single(self._runtime, "update_subscription", lambda: transport.update_group(source, name, settings))

    def delete_subscription(self, name: str, stream: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Delete a consumer group, with its checkpoint and its parked events.

        Its consumers fail with PersistentSubscriptionDeleted.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of None.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            AccessDenied: The user may not manage groups.

        Example:
            `await client.delete_subscription("billing", "orders")`
        """
        name, source = checks.text("name", name), self._source(stream)
        transport = self._within(timeout)
        return Single(self._runtime, "delete_subscription", lambda: transport.delete_group(source, name))

    def replay_parked(
        self, name: str, stream: str, *, limit: int | None = None, timeout: float | None = UNSET
    ) -> Single[None]:
        """Deliver the parked events of a consumer group again.

        The server stores parked events as links in the stream `$persistentsubscription-<stream>::<name>-parked`.
        `link` of a replayed delivery is that link. When all replayed events are acknowledged or refused, they are
        removed from that stream, except those that were parked again.

        Servers of the TCP protocol offer this only over HTTP. The request goes to `http_port` of the settings
        (default 2113) on the host of the connection, with TLS if the connection has it.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            limit: Largest number of events to replay, the oldest first. None: all.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of None, when the server has started to replay.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            NotAuthenticated: The password is wrong.
            AccessDenied: The user may not manage groups.
            ConnectionFailed: The node does not serve HTTP on that port.
            TooBusy: The server accepts no more requests now, or there were too many failed logins.
            PersistentSubscriptionFailed: The server refused the request for another reason.
            NotSupported: The protocol cannot replay parked events, or not a part of them.
            OperationTimedOut: No reply arrived in time.

        Example:
            `await client.as_user("admin", "changeit").replay_parked("billing", "orders")`
        """
        name, source = checks.text("name", name), self._source(stream)
        transport, most = self._within(timeout), _limit(limit)
        transport.require(Capability.REPLAY_PARKED if most is None else Capability.REPLAY_SOME_PARKED)
        return Single(self._runtime, "replay_parked", lambda: transport.replay_parked(source, name, most))

    def truncate_parked(
        self, name: str, stream: str, *, limit: int | None = None, timeout: float | None = UNSET
    ) -> Single[None]:
        """Remove parked events of a consumer group.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            limit: Largest number of events to remove, the oldest first. None: all.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of None.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            AccessDenied: The user may not manage groups.
            NotSupported: The protocol or the server cannot remove parked events.

        Example:
            `await client.truncate_parked("billing", "orders")`
        """
        name, source = checks.text("name", name), self._source(stream)
        transport, most = self._within(timeout), _limit(limit)
        transport.require(Capability.TRUNCATE_PARKED)
        return Single(self._runtime, "truncate_parked", lambda: transport.truncate_parked(source, name, most))

    def subscription_details(self, name: str, stream: str, *, timeout: float | None = UNSET) -> Single[GroupDetails]:
        """Read the settings, the consumers, the place and the number of parked events of a consumer group.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the details.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            NotSupported: The protocol or the server has no information about groups.

        Example:
            `parked = (await client.subscription_details("billing", "orders")).parked`
        """
        name, source, transport = checks.text("name", name), self._source(stream), self._within(timeout)
        transport.require(Capability.GROUP_INFO)
        return Single(self._runtime, "subscription_details", lambda: transport.group_details(source, name))

    def list_subscriptions(
        self, stream: str | None = None, *, timeout: float | None = UNSET
    ) -> Single[Sequence[GroupDetails]]:
        """Read the details of all consumer groups, or of those of one stream.

        Args:
            stream: Name of the stream, or `$all`. None: the groups of every stream.
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of the details, empty if there are no groups.

        Raises:
            NotSupported: The protocol or the server has no information about groups.

        Example:
            `names = [each.group for each in await client.list_subscriptions("orders")]`
        """
        transport = self._within(timeout)
        transport.require(Capability.GROUP_INFO)
        if stream is None:
            return Single(self._runtime, "list_subscriptions", transport.list_groups)
        source = self._source(stream)
        return Single(self._runtime, "list_subscriptions", lambda: transport.list_groups_of(source))

    def restart_subscriptions(self, *, timeout: float | None = UNSET) -> Single[None]:
        """Stop and start all consumer groups of the server. Consumers of rxpump reconnect.

        Args:
            timeout: Seconds until the call fails. None: no deadline. Default: that of the settings.

        Returns:
            A Single of None.

        Raises:
            AccessDenied: The user may not restart groups.
            NotSupported: The protocol or the server cannot restart groups.

        Example:
            `await client.as_user("ops", "changeit").restart_subscriptions()`
        """
        transport = self._within(timeout)
        transport.require(Capability.RESTART_GROUPS)
        return Single(self._runtime, "restart_subscriptions", transport.restart_groups)

    def connect_subscription(
        self, name: str = "", stream: str = "", buffer_size: int = 10, *, subscription: str = ""
    ) -> Deliveries:
        """Consume events with a consumer group.

        Each event is delivered at least once, to one consumer of the group. Acknowledge each delivery with `ack()`,
        or all with `ops.ack_each()` at the end of the pipeline. Deliveries that are not acknowledged are delivered
        again after a lost connection, to any consumer of the group.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            buffer_size: Largest number of events that are delivered and not acknowledged, at least 1. The server
                sends no more until one is acknowledged.
            subscription: Another name of `name`.

        Returns:
            An Observable of deliveries. It reconnects automatically, and waits while the group has all the consumers
            it may have. It fails only with an error after which a retry cannot succeed.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            PersistentSubscriptionDeleted: The group was deleted.
            AccessDenied: The user may not read the stream.
            ClientClosed: The client was closed.

        Example:
            client.connect_subscription("billing", "orders").pipe(ops.map_async(bill), ops.ack_each()).subscribe()
        """
        return Deliveries(
            self._runtime,
            self._transport,
            self._settings,
            self._source(stream),
            checks.text("name", name or subscription),
            _buffer_size(buffer_size),
        )

    def _source(self, stream: str) -> str | None:
        """Return the stream of a group, None for `$all`.

        Raises:
            InvalidArgument: The name is empty or no text.
            NotSupported: The stream is `$all`, and the protocol has no groups on it.
        """
        if checks.stream_name(stream) != ALL_STREAM:
            return stream
        self._transport.require(Capability.GROUPS_ON_ALL)
        return None


def _settings(source: str | None, settings: object, named: NamedSettings) -> PersistentSubscriptionSettings:
    """Return the settings of a group. Check that they are possible for its stream.

    Args:
        source: Stream of the group, None for `$all`.
        settings: Settings of the group.
        named: Settings that replace those of `settings`.
    """
    if not isinstance(settings, PersistentSubscriptionSettings):
        raise InvalidArgument("settings", settings, "a PersistentSubscriptionSettings, or single settings by name")
    changed = settings.but(named) if named else settings
    if source is None and isinstance(changed.start, int):
        raise InvalidArgument(
            "start_from", changed.start_from, f"a Position, START or END for a group on {ALL_STREAM}"
        )
    if source is not None and isinstance(changed.start, Position):
        raise InvalidArgument("start_from", changed.start_from, "a number, START or END for a group on a stream")
    if source is not None and changed.where is not None:
        raise InvalidArgument("where", changed.where, f"None for a group on a stream; only {ALL_STREAM} has filters")
    return changed


def _limit(value: int | None) -> int | None:
    return value if value is None else checks.count("limit", value, most=MAX_COUNT)


def _buffer_size(value: int) -> int:
    return checks.count("buffer_size", value, most=MAX_COUNT)
