"""One call on the server, with the messages of the client and the response.

A handler is a coroutine that gets the call. It reads messages with `request` or `next_message`, and answers with
`send`, which waits while the client does not read. The bytes of a response that wait for the client are therefore
bounded by one chunk of the handler, and the bytes of a request by the window of HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, Protocol

from google.protobuf.message import DecodeError

from rxpump.grpc.http2.http2_events import Header
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.grpc.protocol.headers import response_headers
from rxpump.grpc.protocol.request_reader import RequestReader
from rxpump.server.access.users import User
from rxpump.server.grpc.call_errors import CallError, not_protobuf, plain_error
from rxpump.server.grpc.event_encoder import frame
from rxpump.server.node import Node

UNSENT_BYTES: Final = 64 * 1024
"""Bytes of a response that wait for the client, above which its handler must wait."""

QUEUED_BYTES: Final = 1024 * 1024
"""Bytes of unread messages of a call, above which the client must wait."""

_RESPONSE_HEADERS: Final = response_headers()
_INCOMPLETE: Final = "Incomplete message."
_TOO_MANY: Final = "Additional data after the message received."


class CallConnection(Protocol):
    """The methods of a connection that its calls use."""

    def send_headers(self, stream_id: int, headers: list[Header]) -> None:
        """Send the headers of a response."""

    def send_data(self, stream_id: int, data: bytes) -> None:
        """Send bytes of a response, now or when the client reads."""

    def flush(self) -> None:
        """Send pending bytes now."""

    def pending_bytes(self, stream_id: int) -> int:
        """Return the number of bytes of a response that wait for the client."""

    @property
    def local_address(self) -> str:
        """Address of the server on this connection."""

    @property
    def address(self) -> str:
        """Address of the client, for counting failed logins."""

    async def drained(self, stream_id: int) -> None:
        """Wait until at most `UNSENT_BYTES` of a response wait for the client."""

    def acknowledge(self, stream_id: int, size: int) -> None:
        """Let the client send more on a stream."""

    def hold(self, call: Call, size: int) -> None:
        """Add `size`, which can be negative, to the number of bytes that a call holds in memory."""


class Call:
    """One call.

    Args:
        connection: Connection of the call.
        stream_id: Stream of the call.
        method: Method that is called.
        reader: Reader of the request.
        user: User of the call.
        node: Store, users and groups of the server.

    Attributes:
        stream_id: Stream of the call.
        method: Method that is called.
        reader: Reader of the request.
        user: User of the call.
        node: Store, users and groups of the server.
        has_answered: Whether headers of the response were sent.
        has_ended: Whether the call has ended, so that nothing can be sent.
        when_ended: Function that is called when the call ends, before its handler is cancelled.
        held: Bytes that the call holds besides those of the connection: unread and unfinished messages.
    """

    def __init__(
        self,
        connection: CallConnection,
        stream_id: int,
        method: Method,
        reader: RequestReader,
        user: User,
        node: Node,
    ) -> None:
        self.stream_id: int = stream_id
        self.method: Method = method
        self.reader: RequestReader = reader
        self.user: User = user
        self.node: Node = node
        self.has_answered: bool = False
        self.has_ended: bool = False
        self.when_ended: Callable[[], None] = _nothing
        self.held: int = 0
        self._connection = connection
        self._messages: deque[bytes] = deque()
        self._queued_bytes = self._partial_bytes = 0
        self._unacknowledged = 0
        self._news: asyncio.Future[bool] | None = None
        self._handle: Callable[[Sequence[bytes]], bool] | None = None

    @property
    def metadata(self) -> Metadata:
        """Metadata that the client sent."""
        return self.reader.metadata

    @property
    def local_address(self) -> str:
        """Address of the server on the connection of the call."""
        return self._connection.local_address

    @property
    def address(self) -> str:
        """Address of the client, for counting failed logins."""
        return self._connection.address

    @cached_property
    def requires_leader(self) -> bool:
        """Whether the client requires that the leader answers."""
        return any(name == "requires-leader" and str(value).lower() == "true" for name, value in self.metadata)

    def header(self, name: str) -> str | None:
        """Return the value of a header; None if the client has not sent it."""
        return next((value for key, value in self.metadata if key == name and isinstance(value, str)), None)

    # Request ---------------------------------------------------------------------------------------

    def receive(self, messages: list[bytes], flow_bytes: int) -> None:
        """Add messages that have arrived. They took `flow_bytes` of the window of the stream."""
        self._messages += messages
        size = sum(map(len, messages))
        self._queued_bytes += size
        self._unacknowledged += flow_bytes
        grown = self.reader.held_bytes - self._partial_bytes
        self._partial_bytes += grown
        self.keep(size + grown)
        if self._queued_bytes <= QUEUED_BYTES:
            self._acknowledge()
        self._wake()

    def note_end(self) -> None:
        """Wake the handler, because the client sends nothing more or its messages cannot be read."""
        self._wake()

    async def request(self) -> Any:
        """Return the only message of the client.

        Raises:
            CallError: There is no message, or more than one, or it is malformed.
        """
        while not self.reader.is_complete and self.reader.failure is None and len(self._messages) < 2:
            await self._next_news()
        if len(self._messages) > 1 or (self._messages and self.reader.held_bytes):
            raise plain_error(StatusCode.INTERNAL, _TOO_MANY)
        message = await self.next_message()
        if message is None:
            raise plain_error(StatusCode.INTERNAL, _INCOMPLETE)
        return message

    async def next_message(self) -> Any | None:
        """Return the next message of the client; None at the end.

        Raises:
            CallError: The message is malformed.
        """
        if not await self._has_messages():
            return None
        encoded = self._messages.popleft()
        self._take(len(encoded))
        try:
            return self.method.request.FromString(encoded)
        except DecodeError:
            raise not_protobuf() from None

    async def pass_messages(self, handle: Callable[[Sequence[bytes]], bool]) -> bool:
        """Pass encoded messages to a function when they arrive, those that have arrived together in one call.

        The function runs in the iteration of the event loop in which they arrive. A coroutine that awaits them would
        run in the next one.

        Args:
            handle: Function that handles messages, and returns whether it can be called again.

        Returns:
            True if the function cannot be called again; False if there are no further messages.

        Raises:
            CallError: The bytes of the client are not messages.
            Exception: The function has raised it.
        """
        while self._messages or not self._is_at_end():
            can_continue = handle(self._take_all()) if self._messages else await self._next_news(handle)
            if not can_continue:
                return True
        return False

    async def _has_messages(self) -> bool:
        """Wait for a message. Return False at the end."""
        while not self._messages:
            if self._is_at_end():
                return False
            await self._next_news()
        return True

    def _is_at_end(self) -> bool:
        if self.reader.failure is not None:
            raise CallError(self.reader.failure, self.reader.reason)
        return self.reader.is_complete

    def _take_all(self) -> Sequence[bytes]:
        messages = tuple(self._messages)
        self._messages.clear()
        self._take(self._queued_bytes)
        return messages

    def _take(self, size: int) -> None:
        """Subtract the size in bytes of messages that were read from the size of the unread ones."""
        self._queued_bytes -= size
        self.keep(-size)
        if self._queued_bytes <= QUEUED_BYTES:
            self._acknowledge()

    async def _next_news(self, handle: Callable[[Sequence[bytes]], bool] | None = None) -> bool:
        """Wait for messages or for their end. Until then, pass messages to `handle`.

        Returns:
            False if `handle` cannot be called again.

        Raises:
            Exception: `handle` has raised it.
        """
        self._news, self._handle = asyncio.get_running_loop().create_future(), handle
        return await self._news

    def _wake(self) -> None:
        """Pass messages to the function that waits for them, or wake the handler if it waits."""
        if self._news is None or self._news.done():
            return
        if self._handle is None or not self._messages:
            self._news.set_result(True)
            return
        try:
            if not self._handle(self._take_all()):
                self._news.set_result(False)
        except Exception as error:
            self._news.set_exception(error)

    def _acknowledge(self) -> None:
        if self._unacknowledged:
            self._connection.acknowledge(self.stream_id, self._unacknowledged)
            self._unacknowledged = 0

    def keep(self, size: int) -> None:
        """Add to the number of bytes that the call holds in memory, such as those of events that are not written yet.

        Args:
            size: Number of bytes; a negative number subtracts.

        Raises:
            CallError: All calls of the connection together hold too many bytes.
        """
        if self.has_ended:
            return
        self.held += size
        self._connection.hold(self, size)

    # Response --------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether more messages can be sent at once, because the client has read most of the response."""
        return self._connection.pending_bytes(self.stream_id) <= UNSENT_BYTES

    def write(self, data: bytes) -> None:
        """Send encoded messages without waiting. Check `has_room` before, or await `drained` after."""
        if self.has_ended:
            return
        self.start_response()
        if data:
            self._connection.send_data(self.stream_id, data)

    def start_response(self) -> None:
        """Send the headers of the response, if they were not sent yet."""
        if not self.has_answered:
            self.has_answered = True
            self._connection.send_headers(self.stream_id, _RESPONSE_HEADERS)

    async def send(self, data: bytes) -> None:
        """Send encoded messages, each with its prefix, and wait until the client has read most of them."""
        self.write(data)
        await self.drained()

    async def drained(self) -> None:
        """Wait until the client has read most of the response."""
        await self._connection.drained(self.stream_id)

    def reply(self, message: Any) -> None:
        """Send a message without waiting."""
        self.write(frame(message.SerializeToString()))

    def flush(self) -> None:
        """Send the messages now, not at the end of this iteration of the event loop."""
        self._connection.flush()

    def end(self) -> None:
        """Record that the call has ended, so that nothing more can be sent."""
        self.has_ended = True
        self.when_ended()

    def __repr__(self) -> str:
        return f"<Call {self.stream_id} of {self.method.path}, {len(self._messages)} messages unread>"


def _nothing() -> None:
    pass
