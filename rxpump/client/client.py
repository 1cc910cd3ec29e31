"""The client, which owns a connection, and its views for other users."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn

from rxpump.client.admin import AdminClient
from rxpump.errors import InvalidArgument, NotOwner
from rxpump.model.credentials import Credentials, Token


class Client(AdminClient):
    """A client of one event store, over one shared connection. `rxpump.connect` returns one.

    `async with` connects. At the end of the block it drains the client, unless an exception leaves the block, and
    closes it.

    Methods that read, write or subscribe return cold Observables: a request is sent when the Observable is awaited,
    iterated or subscribed to, and again for each subscription. Invalid arguments raise InvalidArgument at the call.
    An error that the server reports is an error of the Observable.

    A call has a deadline: `timeout` seconds after it began, with or without a connection, it fails with
    OperationTimedOut. The default is that of the settings, 10 seconds. With `timeout=None` a call has no deadline.

    Example:
        async with rxpump.connect("tcp://localhost:1113") as client:
            await client.publish_event("orders", "Placed", {"price": 5})
    """

    async def connect(self) -> Client:
        """Connect in the running event loop; the client belongs to that loop until it is closed.

        Returns:
            The client itself.

        Raises:
            ConnectionFailed: There was no connection within `connect_within` seconds.
            NotAuthenticated: The server refused the login.
            WrongEventLoop: The client is connected in another event loop.
            NotOwner: `as_user` returned this client; it uses the connection of another.
        """
        self._runtime.bind()
        try:
            await self._transport.open()
        except BaseException:
            if not self._transport.is_connected:
                self._runtime.release()
            raise
        self._runtime.bind()
        return self

    async def close(self) -> None:
        """Disconnect. Everything in progress fails with ClientClosed.

        A closed client can be connected again, also in another event loop.

        Raises:
            WrongEventLoop: The client is connected in another event loop, which is not closed.
            NotOwner: `as_user` returned this client; it uses the connection of another.
        """
        if not self._runtime.is_orphaned:
            self._runtime.check()
            # Pipelines end before the connection, so that no coroutine in them uses a closed client.
            await self._runtime.stop()
            await self._transport.close()
            await self._runtime.stop()
        self._runtime.release()

    def as_user(self, user: str | Credentials | Token, password: str | None = None) -> Client:
        """Return a client for another user, over the same connection.

        Only the credentials of its requests differ, also of requests that are repeated and of subscriptions that are
        resumed after a lost connection. It shares `status` and `drain` with this client, and cannot be connected or
        closed itself. This method sends no request. If the server refuses the credentials, requests fail with
        NotAuthenticated, which names the login.

        Args:
            user: Login, Credentials, or Token.
            password: Password, if `user` is a login.

        Raises:
            InvalidArgument: `user` is of another type, or a password is given with Credentials or a Token.

        Example:
            `await client.as_user("ops", "changeit").scavenge()`
        """
        credentials = Credentials(user, "" if password is None else password) if isinstance(user, str) else user
        if not isinstance(credentials, (Credentials, Token)) or (credentials is user and password is not None):
            raise InvalidArgument("user", user, "either a login and a password, or only Credentials, or only a Token")
        return UserClient(self, credentials)

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.drain()
        await self.close()


class UserClient(Client):
    """A client for another user, over the connection of `owner`. Only `owner` can connect and close it."""

    def __init__(self, owner: Client, credentials: Credentials | Token) -> None:
        super().__init__(owner._settings, owner._transport.as_user(credentials), owner._status)
        self._login = credentials.login

    async def connect(self) -> NoReturn:
        """Refuse to connect.

        Raises:
            NotOwner: Always; the owner of the connection connects it.
        """
        raise NotOwner("connect", self.name, self._login)

    async def close(self) -> NoReturn:
        """Refuse to close.

        Raises:
            NotOwner: Always; the owner of the connection closes it.
        """
        raise NotOwner("close", self.name, self._login)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} as {self._login}: {self._status.value}>"
