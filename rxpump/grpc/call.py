"""One gRPC call on one connection. Its owner pulls the responses in batches.

The bytes of a batch are acknowledged when the next batch is pulled. A consumer that does not pull therefore stops the
server after one window of bytes, and no other call is affected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from rxpump.errors import RxPumpError
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status
from rxpump.grpc.http2 import ErrorCode, Http2Connection
from rxpump.grpc.http2.http2_events import DataReceived, Http2Event
from rxpump.grpc.protocol.call_metadata import Metadata
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.message_reader import PREFIX_BYTES, frame_message
from rxpump.grpc.protocol.response_reader import ResponseReader

MAX_MESSAGE_BYTES: Final = 17 * 1024 * 1024
"""Size in bytes of the largest message that is accepted, the same as in other clients."""

SEND_AHEAD_BYTES: Final = 256 * 1024
"""Bytes of a call that can be pending before `drain` waits."""


class CallOwner(Protocol):
    """The connection of a call."""

    @property
    def machine(self) -> Http2Connection:
        """State machine of the connection."""

    @property
    def received_at(self) -> float:
        """Time at which the connection last received bytes."""

    def wake(self) -> None:
        """Send the pending bytes at the end of this iteration of the event loop."""

    def flush(self) -> None:
        """Send the pending bytes now."""

    def call_ended(self, call: Call) -> None:
        """Remove a call that has ended, so that another one can be opened."""

    def call_draining(self, call: Call) -> None:
        """Note a call that waits to send more. Its `resume_sending` is called when the socket has accepted bytes."""


class Call:
    """One gRPC call. Only one task at a time may pull its responses.

    Args:
        owner: Connection of the call.
        stream_id: Number of its stream.
        context: Description of the call for its errors.
        ends_on_goaway: Whether the call ends as soon as the server announces that it shuts down. A server that shuts
            down leaves calls that have no end of their own without a reply (docs/protocol/grpc.md).

    Attributes:
        context: Description of the call.
        ends_on_goaway: Whether the call ends as soon as the server announces that it shuts down.
        status: Status with which the call ended; None while it runs, or if it was lost.
        failure: Error of a connection that was lost while the call ran, or None.
        is_suspect: Whether the call can be the cause of that loss: it was alone, or was being sent.
        when_received: Function that is called when messages have arrived, so that it takes them one iteration of the
            event loop sooner than a task that waits in `next`. None: such a task is woken.
    """

    __slots__ = (
        "_drained",
        "_messages",
        "_owner",
        "_pulled_bytes",
        "_puller",
        "_received_bytes",
        "_response",
        "context",
        "ends_on_goaway",
        "failure",
        "is_suspect",
        "status",
        "stream_id",
        "when_received",
    )

    def __init__(
        self, owner: CallOwner, stream_id: int, context: CallContext, *, ends_on_goaway: bool = False
    ) -> None:
        self.context: CallContext = context
        self.ends_on_goaway: bool = ends_on_goaway
        self.stream_id: int = stream_id
        self.status: CallStatus | None = None
        self.failure: RxPumpError | None = None
        self.is_suspect: bool = False
        self.when_received: Callable[[], None] | None = None
        self._owner = owner
        self._response = ResponseReader(MAX_MESSAGE_BYTES)
        self._messages: list[bytes] = []
        self._received_bytes = 0  # bytes of messages that were not pulled yet
        self._pulled_bytes = 0  # bytes of the batch that was pulled last
        self._puller: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether no further message arrives."""
        return self.status is not None or self.failure is not None

    @property
    def metadata(self) -> Metadata:
        """Names and values that the server sent before the messages."""
        return self._response.metadata

    @property
    def error(self) -> RxPumpError | None:
        """The error with which the call ended; None while it runs, or if its status is OK."""
        if self.failure is not None:
            return self.failure
        if self.status is None or self.status.code is StatusCode.OK:
            return None
        return error_of_status(self.status, self.context)

    @property
    def buffered(self) -> int:
        """Number of messages that have arrived and were not pulled."""
        return len(self._messages)

    @property
    def pending_bytes(self) -> int:
        """Bytes of requests that are not sent yet."""
        return 0 if self.has_ended else self._owner.machine.pending_bytes(self.stream_id)

    @property
    def received_at(self) -> float:
        """Time at which the connection last received bytes."""
        return self._owner.received_at

    def ping(self) -> None:
        """Send a PING on the connection, so that the server shows that it works. Do nothing if the call has ended."""
        if not self.has_ended:
            self._owner.machine.ping()
            self._owner.wake()

    # Requests ----------------------------------------------------------------------------------------------------

    def send(self, *messages: bytes) -> None:
        """Send request messages. Do nothing if the call has ended, because its result is known."""
        if self._may_send:
            self._owner.machine.send_data(self.stream_id, b"".join(map(frame_message, messages)))
            self._owner.wake()

    def end(self) -> None:
        """End the request, so that no further message can be sent. Servers answer most methods only after this."""
        if self._may_send:
            self._owner.machine.end_stream(self.stream_id)
            self._owner.wake()

    @property
    def _may_send(self) -> bool:
        """Whether more can be sent.

        The end of the call can have arrived in the bytes whose events are still being applied.
        """
        return not self.has_ended and self._owner.machine.may_send(self.stream_id)

    def flush(self) -> None:
        """Send the pending messages now, not at the end of this iteration of the event loop."""
        self._owner.flush()

    async def drain(self) -> None:
        """Wait until at most SEND_AHEAD_BYTES are pending, so that a fast sender does not fill the memory."""
        while not self.has_ended and self._owner.machine.pending_bytes(self.stream_id) > SEND_AHEAD_BYTES:
            self._drained = asyncio.get_running_loop().create_future()
            self._owner.call_draining(self)
            try:
                await self._drained
            finally:
                self._drained = None

    def cancel(self) -> None:
        """End the call at once, and drop messages that were not pulled. Do nothing if it has ended."""
        if not self.has_ended:
            self._messages.clear()
            self._end(CallStatus(StatusCode.CANCELLED, "the client cancelled the call"))

    # Responses ---------------------------------------------------------------------------------------------------

    async def next(self, most: int | None = None) -> list[bytes]:
        """Wait for the next messages. A caller may cancel the wait and call again; no message is lost.

        Args:
            most: Largest number of messages to return; None for all that have arrived.

        Returns:
            Messages, encoded; an empty list when the call has ended with the status OK.

        Raises:
            RxPumpError: The call ended with another status, or the connection was lost. All messages that arrived
                before were returned.
        """
        while not (messages := self.take(most)) and not self.has_ended:
            self._acknowledge(self._received_bytes)  # The rest of an incomplete message may need a larger window.
            self._received_bytes = 0
            self._puller = puller = asyncio.get_running_loop().create_future()
            try:
                await puller
            finally:
                if self._puller is puller:  # A cancelled wait must not clear the future of the wait that replaced it.
                    self._puller = None
        if not messages and (error := self.error) is not None:
            raise error
        return messages

    def take(self, most: int | None = None) -> list[bytes]:
        """Return messages that have arrived, without waiting; an empty list if there are none. See `next`."""
        self.acknowledge()
        messages = self._messages
        if most is None or len(messages) <= most:
            self._messages = []
            if messages:
                self._pulled_bytes, self._received_bytes = self._received_bytes, 0
        else:
            self._messages = messages[most:]
            del messages[most:]
            size = min(sum(map(len, messages)) + PREFIX_BYTES * most, self._received_bytes)
            self._pulled_bytes = size
            self._received_bytes -= size
        return messages

    def acknowledge(self) -> None:
        """Let the server send as many bytes as the messages took that `take` returned last."""
        self._acknowledge(self._pulled_bytes)
        self._pulled_bytes = 0

    async def collect(self) -> list[bytes]:
        """Wait for the end of the call, and return all its messages.

        Raises:
            RxPumpError: The call ended with a status other than OK, or the connection was lost.
        """
        messages = await self.next()
        while more := await self.next():
            messages += more
        return messages

    # Called by the connection ------------------------------------------------------------------------------------

    def receive(self, event: Http2Event) -> None:
        """Apply an event of the stream."""
        messages = self._response.receive(event)
        if isinstance(event, DataReceived):
            self._received_bytes += event.flow_bytes
        self._messages += messages
        if self._response.status is not None:
            self._end(self._response.status)
        elif messages and self.when_received is not None:
            self.when_received()
        elif messages:
            _wake(self._puller)
        elif self._puller is not None:
            self._acknowledge(self._received_bytes)
            self._received_bytes = 0

    def lost(self, error: RxPumpError, *, is_suspect: bool = False) -> None:
        """End the call because its connection was lost; see `is_suspect`."""
        self.failure = error
        self.is_suspect = is_suspect
        self._close()

    def resume_sending(self) -> None:
        """Wake the task that waits in `drain`, so that it checks the number of pending bytes again."""
        _wake(self._drained)

    def _end(self, status: CallStatus) -> None:
        self.status = status
        machine = self._owner.machine
        if machine.is_open(self.stream_id):
            machine.reset(self.stream_id, ErrorCode.CANCEL)
        self._close()

    def _close(self) -> None:
        self._owner.call_ended(self)
        self._owner.wake()
        _wake(self._puller)
        _wake(self._drained)

    def _acknowledge(self, size: int) -> None:
        if size and not self.has_ended:
            self._owner.machine.acknowledge(self.stream_id, size)
            self._owner.wake()

    def __repr__(self) -> str:
        ended = "running" if self.status is None else self.status.code.name
        state = ended if self.failure is None else "lost"
        return f"<Call {self.context.operation} {state}, {len(self._messages)} messages buffered>"


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
