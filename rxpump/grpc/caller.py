"""Make gRPC calls with the credentials of one user, and repeat them as far as that is safe."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final, TypeVar

from rxpump.errors import (
    MalformedReply,
    NotLeader,
    NotReady,
    PersistentSubscriptionFailed,
    ProjectionFailed,
    RxPumpError,
)
from rxpump.grpc.attempts import Attempts
from rxpump.grpc.call import Call
from rxpump.grpc.caller_metadata import call_metadata
from rxpump.grpc.calls.operation import Operation, parse
from rxpump.grpc.calls.read import read_context, read_stream
from rxpump.grpc.channel import Channel
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.model.credentials import AnyCredentials
from rxpump.model.positions import StreamDirection
from rxpump.settings import Settings

T = TypeVar("T")

ANSWER_SECONDS: Final = 1.0
"""Seconds without an answer after which a node may be a follower that answers some requests not at all."""

_OF_FOLLOWERS: Final = (NotReady, PersistentSubscriptionFailed, ProjectionFailed)
"""Errors with which a follower refuses requests without the address of the leader."""

_ANY_STREAM: Final = "rxpump"
_LED: Final = read_context(_ANY_STREAM)
"""Description of a call that only the leader serves."""


class Caller:
    """Makes calls with the credentials of one user, with or without a deadline.

    Args:
        channel: Connections to the server.
        settings: Settings of the client.
        credentials: Credentials of the user, or None for an anonymous one.

    Attributes:
        settings: Settings of the client.
        channel: Connections to the server.
        login: Login of the user, None for an anonymous user.
        timeout: Seconds from a request to its deadline; infinite for no deadline. None for requests of subscriptions,
            publishers and relays, which must be answered within `Settings.timeout` while there is a connection.
        metadata: Names and values that each call carries.
    """

    def __init__(self, channel: Channel, settings: Settings, credentials: AnyCredentials | None) -> None:
        self.channel: Channel = channel
        self.settings: Settings = settings
        self.timeout: float | None = None
        self.login: str | None = None
        self.metadata: Metadata = ()
        self._set_credentials(credentials)

    def as_user(self, credentials: AnyCredentials) -> Caller:
        """Return a caller for another user, over the same connections."""
        view = copy(self)
        view._set_credentials(credentials)
        return view

    def with_timeout(self, timeout: float | None) -> Caller:
        """Return a caller whose calls have a deadline; None for no deadline."""
        view = copy(self)
        view.timeout = math.inf if timeout is None else timeout
        return view

    async def features(self) -> ServerFeatures:
        """Wait for a connection, and return the methods of the server.

        Raises:
            RxPumpError: There is no connection, and no attempt to connect is made.
        """
        return (await self.channel.connection()).features

    async def request(self, operation: Operation[T]) -> T:
        """Make a call, repeat it while the server refuses it for now, and return its result.

        It is also repeated if it was interrupted, but not if its method is not repeatable.

        Raises:
            NotSupported: The server does not have the method.
            OperationTimedOut: The deadline has passed.
            RequestInterrupted: It is unknown whether the server executed the call, which is not repeatable.
            RxPumpError: The call failed for another reason.
        """
        context = replace(operation.context, login=self.login)
        messages = [each.SerializeToString() for each in operation.requests]
        answers = await self.collect(context, messages)
        message_class = context.method.response
        return operation.answer([parse(context, message_class, each) for each in answers], context)

    async def collect(
        self, context: CallContext, messages: Sequence[bytes], *, is_search: bool = False
    ) -> list[bytes]:
        """Make a call, and return all messages of its response, encoded; otherwise like `request`.

        Args:
            context: Description of the call.
            messages: Encoded messages of the request.
            is_search: Whether the server searches for events, and can send nothing for a long time. This does not
                change a deadline of the caller.
        """
        attempts = self.attempts(context)
        async with attempts:
            while True:
                call = await self.open(context, *messages, attempts=attempts)
                call.end()
                try:
                    found = [] if context.method.names_leader else await self._first_messages(call)
                    while more := await attempts.next(call, is_search=is_search and self.timeout is None):
                        found += more
                    return found
                except RxPumpError as error:
                    refusal = None
                    if isinstance(error, _OF_FOLLOWERS) and not context.method.names_leader:
                        refusal = await self._find_leader()
                    await attempts.wait_after(refusal or error)
                finally:
                    call.cancel()

    async def _first_messages(self, call: Call) -> list[bytes]:
        """Return the first messages of a call that a follower may not answer, or none after ANSWER_SECONDS.

        Raises:
            NotLeader: The node is a follower.
            RxPumpError: The call has failed.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await call.next()
        except TimeoutError:
            refusal = await self._find_leader()
        if refusal is not None:
            raise refusal
        return []

    async def _find_leader(self) -> NotLeader | None:
        """Make a call that a follower refuses with the address of the leader, to which the client then connects.

        Returns:
            The refusal; None if the node is not a follower, or does not answer in time.
        """
        request = read_stream(_ANY_STREAM, 0, StreamDirection.FORWARD, resolve_links=False)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                call = await self.open(_LED, request)
                try:
                    call.end()
                    await call.next()
                finally:
                    call.cancel()
        except NotLeader as refusal:
            return refusal
        except (RxPumpError, TimeoutError):
            return None
        return None

    async def first(self, context: CallContext, request: Any) -> Any:
        """Make a call, and return the first message of its response; otherwise like `request`.

        Args:
            context: Description of the call.
            request: Message of the request.

        Raises:
            MalformedReply: The server sends no message.
        """
        attempts = self.attempts(context)
        async with attempts:
            while True:
                call = await self.open(context, request.SerializeToString(), attempts=attempts)
                call.end()
                try:
                    messages = await call.next(1)
                except RxPumpError as error:
                    await attempts.wait_after(error)
                else:
                    if not messages:
                        raise MalformedReply(context.operation, "no message")
                    return parse(context, context.method.response, messages[0])
                finally:
                    call.cancel()

    def attempts(self, context: CallContext) -> Attempts:
        """Return a context manager for the attempts at one request, whose common time limit begins now.

        Args:
            context: Description of the request.
        """
        return Attempts(self.channel, self.settings, context, self.timeout)

    async def open(
        self, context: CallContext, *messages: bytes, attempts: Attempts | None = None, ends_on_goaway: bool = False
    ) -> Call:
        """Open a call as soon as there is a connection for it.

        The function that opens a call sends its further messages, ends the request, pulls the responses, and cancels
        the call in the end.

        Args:
            context: Description of the call. Its login is replaced.
            *messages: First messages of the request, encoded.
            attempts: Attempts that this call belongs to, or None. The call has no time limit of its own.
            ends_on_goaway: Whether the call ends as soon as the server announces that it shuts down.

        Raises:
            NotSupported: The server does not have the method, or an option of it.
            RxPumpError: There is no connection, and no attempt to connect is made.
        """
        connection = await self.channel.connection()
        if context.option is not None:
            name, since = context.option
            connection.features.require_version(since, f"{context.method.name} with {name}")
        connection.features.require(context.method, context.feature)
        if attempts is not None:
            attempts.begin()
        context = replace(context, login=self.login, address=connection.address)
        call = connection.open(context, self.metadata, ends_on_goaway=ends_on_goaway)
        for message in messages:
            call.send(message)
        return call

    def _set_credentials(self, credentials: AnyCredentials | None) -> None:
        """Send credentials with each call, unless the connection is not encrypted and the settings forbid that."""
        sent = None if credentials is None else self.channel.dialer.allowed(credentials)
        self.login = None if sent is None else sent.login
        self.metadata = tuple(call_metadata(self.settings.name, sent, require_leader=self.settings.reads_from_leader))

    def __repr__(self) -> str:
        return f"<Caller {self.channel!r} as {self.login}>"
