"""Calls in the name of one user."""

from __future__ import annotations

import asyncio
import math
from copy import copy
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from rxpump.errors import ConnectionClosed, MalformedReply, RxPumpError
from rxpump.grpc.attempts import Attempts
from rxpump.grpc.call import Call
from rxpump.grpc.caller_metadata import call_metadata
from rxpump.grpc.channel import Channel
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.features import ServerFeatures
from rxpump.model.credentials import AnyCredentials
from rxpump.settings import Settings
from rxpump.transport.deadline import Deadline


class Caller:
    """Makes calls in the name of one user, each with a deadline or without.

    Args:
        channel: Connections to the server.
        settings: Settings of the client.
        credentials: Credentials of the user, or None for an anonymous one.

    Attributes:
        settings: Settings of the client.
        channel: Connections to the server.
        login: Login of the user that the server knows, None for an anonymous user.
        timeout: Seconds from a call to its deadline; infinite for no deadline. None for requests of subscriptions,
            publishers and relays, which must be answered within `Settings.timeout` while there is a connection.
    """

    def __init__(self, channel: Channel, settings: Settings, credentials: AnyCredentials | None) -> None:
        self.channel: Channel = channel
        self.settings: Settings = settings
        self.timeout: float | None = None
        self.login: str | None = None
        self._metadata: list[tuple[str, str | bytes]] = []
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
            OperationTimedOut: There was no connection before the deadline.
        """
        return (await self.channel.connection()).features

    async def unary(self, context: CallContext, *requests: Any, is_repeatable: bool = True) -> Any:
        """Make a call with one response, and repeat it while the server refuses it for now.

        Args:
            context: Purpose of the call, which names its method.
            *requests: The message, or messages, of the request.
            is_repeatable: Whether the call may be made again if it is not known whether the server did it.

        Returns:
            The message of the response.

        Raises:
            NotSupported: The server does not have the method.
            OperationTimedOut: The deadline has passed.
            RxPumpError: The call failed for another reason.
        """
        messages = await self.collect(context, *requests, is_repeatable=is_repeatable)
        if len(messages) != 1:
            raise MalformedReply(context.operation, f"{len(messages)} messages in place of one")
        return parse(context, context.method.response, messages[0])

    async def collect(self, context: CallContext, *requests: Any, is_repeatable: bool = True) -> list[bytes]:
        """Make a call, and return all messages of its response, encoded; otherwise like `unary`."""
        context = replace(context, login=self.login)
        attempts = Attempts(context, self.settings.retry, is_repeatable=is_repeatable)
        deadline = self.deadline()
        payloads = [request.SerializeToString() for request in requests]
        with self.channel.request():
            try:
                async with asyncio.timeout_at(None if deadline is None else _finite(deadline.time)) as limit:
                    return await self._until_answered(context, payloads, attempts, limit)
            except TimeoutError:
                timeout = self.settings.timeout if deadline is None else deadline.timeout
                assert timeout is not None
                raise attempts.timed_out(timeout, is_connected=self.channel.is_connected) from None

    async def open(self, context: CallContext, *requests: Any, ends_on_goaway: bool = False) -> Call:
        """Open a call, once there is a connection. It is not repeated, and it has no deadline.

        The caller sends further messages, ends its side, pulls the responses, and cancels the call in the end.

        Args:
            context: Purpose of the call.
            *requests: First messages of the request.
            ends_on_goaway: Whether the call ends as soon as the server announces that it shuts down.

        Raises:
            NotSupported: The server does not have the method.
            RxPumpError: There is no connection, and no attempt to connect is made.
        """
        connection = await self.channel.connection()
        connection.features.require(context.method)
        call = connection.open(replace(context, login=self.login), self._metadata, ends_on_goaway=ends_on_goaway)
        for request in requests:
            call.send(request.SerializeToString())
        return call

    def deadline(self) -> Deadline | None:
        """Return the deadline of a call that is made now; None for a request without a call."""
        return None if self.timeout is None else Deadline(self.timeout, asyncio.get_running_loop().time())

    async def _until_answered(
        self, context: CallContext, payloads: list[bytes], attempts: Attempts, limit: asyncio.Timeout
    ) -> list[bytes]:
        is_of_call = self.timeout is not None
        loop = asyncio.get_running_loop()
        while True:
            connection = await self.channel.connection()
            connection.features.require(context.method)
            if not is_of_call and limit.when() is None and self.settings.timeout is not None:
                limit.reschedule(loop.time() + self.settings.timeout)
            attempts.begin()
            call = connection.open(context, self._metadata)
            try:
                for payload in payloads:
                    call.send(payload)
                call.end()
                return await call.collect()
            except RxPumpError as error:
                if isinstance(error, ConnectionClosed) and not is_of_call:
                    limit.reschedule(None)
                await attempts.wait_after(error)
            finally:
                call.cancel()

    def _set_credentials(self, credentials: AnyCredentials | None) -> None:
        """Use credentials, unless they would travel in clear."""
        sent = None if credentials is None else self.channel.dialer.allowed(credentials)
        self.login = None if sent is None else sent.login
        self._metadata = call_metadata(self.settings.name, sent, require_leader=self.settings.require_leader)

    def __repr__(self) -> str:
        return f"<Caller {self.channel!r} as {self.login}>"


def parse(context: CallContext, message_class: Any, encoded: bytes) -> Any:
    """Parse a message of a response.

    Raises:
        MalformedReply: The bytes are not such a message.
    """
    try:
        return message_class.FromString(encoded)
    except DecodeError as error:
        raise MalformedReply(context.operation, str(error)) from error


def _finite(time: float) -> float | None:
    return None if time == math.inf else time
