"""Persistent subscriptions: making, changing and deleting consumer groups, and consuming with one."""

from __future__ import annotations

from typing import Final, Unpack

from rxpump.client.subscriptions import SubscriptionClient
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.group_settings import NamedSettings, PersistentSubscriptionSettings
from rxpump.model.limits import MAX_COUNT
from rxpump.model.new_events import UNSET
from rxpump.streams.persistent import Deliveries
from rxpump.streams.single import Single

_DEFAULTS: Final = PersistentSubscriptionSettings()


class GroupClient(SubscriptionClient):
    """A client that also manages consumer groups and consumes with them.

    By default only admins may make, change and delete groups; whoever may read the stream may connect. Where the
    connection is lost between such a request and its answer, it is asked again: then PersistentSubscriptionExists, or
    -NotFound, may speak of what the first attempt did.
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
        """Make consumer group `name` of a stream, which need not exist.

        `settings` can also be given, or changed, one by one: `create_subscription("billing", "orders",
        start_from=0)`.
        Errors: PersistentSubscriptionExists, PersistentSubscriptionFailed (the stream is `$all`, the strategy
        unknown), AccessDenied.
        """
        name, stream, settings = checks.text("name", name), checks.stream_name(stream), _settings(settings, named)
        transport = self._within(timeout)
        return Single(self._runtime, "create_subscription", lambda: transport.create_group(stream, name, settings))

    def update_subscription(
        self,
        name: str,
        stream: str,
        settings: PersistentSubscriptionSettings = _DEFAULTS,
        *,
        timeout: float | None = UNSET,
        **named: Unpack[NamedSettings],
    ) -> Single[None]:
        """Give a group other settings, all of them: those not given become the defaults.

        The server drops who is connected; consumers of rxpump come back by themselves. How far the group has come is
        kept. Errors: PersistentSubscriptionNotFound, PersistentSubscriptionFailed, AccessDenied.
        """
        name, stream, settings = checks.text("name", name), checks.stream_name(stream), _settings(settings, named)
        transport = self._within(timeout)
        return Single(self._runtime, "update_subscription", lambda: transport.update_group(stream, name, settings))

    def delete_subscription(self, name: str, stream: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Delete a group, with what it knows and what it has parked; its consumers get PersistentSubscriptionDeleted.

        Errors: PersistentSubscriptionNotFound, AccessDenied.
        """
        name, stream = checks.text("name", name), checks.stream_name(stream)
        transport = self._within(timeout)
        return Single(self._runtime, "delete_subscription", lambda: transport.delete_group(stream, name))

    def replay_parked(self, name: str, stream: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Have the parked events of a group delivered again.

        The server adds a link to each parked event to the stream `$persistentsubscription-<stream>::<name>-parked`.
        A replayed event is a delivery like any other, with `link` set to that link. An event that is parked again
        stays in that stream; the others are removed from it when all of them are settled.

        Servers offer this over HTTP alone, so it goes to the port `http_port` of the settings (default 2113) on the
        host of the connection, in HTTPS if the connection has TLS.

        Args:
            name: Name of the group.
            stream: Name of its stream.
            timeout: Seconds until the call fails; None: never. Default: that of the settings.

        Returns:
            An Observable that completes when the server has begun to replay.

        Raises:
            PersistentSubscriptionNotFound: There is no such group.
            NotAuthenticated: The password is wrong.
            AccessDenied: The user may not manage groups.
            ConnectionFailed: The node does not answer HTTP on that port.
            TooBusy: The server takes no more requests now, or there were too many failed logins.
            PersistentSubscriptionFailed: The server refused it for another reason.
            OperationTimedOut: There was no answer in time.

        Example:
            `await client.as_user("admin", "changeit").replay_parked("billing", "orders")`
        """
        name, stream = checks.text("name", name), checks.stream_name(stream)
        transport = self._within(timeout)
        return Single(self._runtime, "replay_parked", lambda: transport.replay_parked(stream, name))

    def connect_subscription(
        self, name: str = "", stream: str = "", buffer_size: int = 10, *, subscription: str = ""
    ) -> Deliveries:
        """Consume with group `name` (also called `subscription`) of a stream, for ever: an Observable of deliveries.

        Each delivery is to be acknowledged: by `ack()`, or by `ops.ack_each()` at the end of the pipeline. The server
        sends at most `buffer_size` events beyond those that are, so what is held, or worked on, is what it waits for.
        Each event comes at least once; which consumer of the group gets it is the server's choice.

        A lost connection is made again, and what was not acknowledged is delivered again, to whoever is there. It
        ends with an error where asking again cannot help: PersistentSubscriptionNotFound, AccessDenied, ClientClosed,
        PersistentSubscriptionDeleted. Where the group has all the subscribers it may have, it waits until one leaves.
        """
        return Deliveries(
            self._runtime,
            self._transport,
            self._settings,
            checks.stream_name(stream),
            checks.text("name", name or subscription),
            _buffer_size(buffer_size),
        )


def _settings(settings: object, named: NamedSettings) -> PersistentSubscriptionSettings:
    if not isinstance(settings, PersistentSubscriptionSettings):
        raise InvalidArgument("settings", settings, "a PersistentSubscriptionSettings, or settings by their names")
    return settings.but(named) if named else settings


def _buffer_size(value: int) -> int:
    return checks.count("buffer_size", value, most=MAX_COUNT)
