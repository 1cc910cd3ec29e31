"""One gRPC call on one connection. Its owner pulls the responses in batches.

The bytes of a batch are acknowledged when the next batch is pulled. A consumer that does not pull therefore stops the
server after one window of bytes, and no other call is affected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from rxpump.errors import RxPumpError
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.status_errors import error_of_status
from rxpump.grpc.http2 import ErrorCode, Http2Connection
from rxpump.grpc.http2.error_codes import CannotSend
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

    def note_refusal(self) -> None:
        """Notify the observer that the node has refused a request for now."""

    async def round_trip(self) -> None:
        """Wait until the server has received all bytes that were sent before, or the connection is lost."""

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
        has_ended: Whether no further message arrives.
        status: Status with which the call ended; None while it runs, or if it was lost.
        failure: Error of a connection that was lost while the call ran, or None.
        is_suspect: Whether the call can be the cause of that loss: it was alone, or was being sent.
        data_at: Time at which bytes of messages last arrived; 0 if none have.
        on_messages: Function that is called with messages when they arrive, one iteration of the event loop sooner
            than a task that waits in `next` gets them. Their bytes are acknowledged when it returns. Messages that
            arrive with the end of the call are left for `next`. None: all messages are.
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
        "data_at",
        "ends_on_goaway",
        "failure",
        "has_ended",
        "is_suspect",
        "on_messages",
        "status",
        "stream_id",
    )

    def __init__(
        self, owner: CallOwner, stream_id: int, context: CallContext, *, ends_on_goaway: bool = False
    ) -> None:
        self.context: CallContext = context
        self.ends_on_goaway: bool = ends_on_goaway
        self.stream_id: int = stream_id
        self.has_ended: bool = False
        self.status: CallStatus | None = None
        self.failure: RxPumpError | None = None
        self.is_suspect: bool = False
        self.data_at: float = 0.0
        self.on_messages: Callable[[list[bytes]], None] | None = None
        self._owner = owner
        self._response = ResponseReader(MAX_MESSAGE_BYTES)
        self._messages: list[bytes] = []
        self._received_bytes = 0  # bytes of messages that were not pulled yet
        self._pulled_bytes = 0  # bytes of the batch that was pulled last
        self._puller: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None

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
    def incomplete_bytes(self) -> int:
        """Bytes that have arrived of a message that is not complete."""
        return self._response.incomplete_bytes

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

    def note_refusal(self) -> None:
        """Report that the node has refused a part of the call for now, so that another node is looked for soon."""
        if not self.has_ended:
            self._owner.note_refusal()

    # Requests ----------------------------------------------------------------------------------------------------

    def send(self, *messages: bytes) -> None:
        """Send request messages. Do nothing if the call has ended, because its result is known."""
        self._queue(messages)
        self._owner.wake()

    def send_now(self, messages: Iterable[bytes]) -> None:
        """Send request messages now, not at the end of this iteration of the event loop; otherwise like `send`."""
        self._queue(messages)
        self._owner.flush()

    def _queue(self, messages: Iterable[bytes]) -> None:
        if self.has_ended:
            return
        try:
            self._owner.machine.send_data(self.stream_id, b"".join(map(frame_message, messages)))
        except CannotSend:  # The end of the call has arrived in the bytes whose events are still being applied.
            return

    def end(self) -> None:
        """End the request, so that no further message can be sent. Servers answer most methods only after this."""
        if not self.has_ended:
            with suppress(CannotSend):  # The end of the call has arrived, as in `_queue`.
                self._owner.machine.end_stream(self.stream_id)
            self._owner.wake()

    async def drain(self) -> None:
        """Wait until at most SEND_AHEAD_BYTES are pending, so that a fast sender does not fill the memory."""
        while not self.has_ended and self._owner.machine.pending_bytes(self.stream_id) > SEND_AHEAD_BYTES:
            self._drained = asyncio.get_running_loop().create_future()
            self._owner.call_draining(self)
            try:
                await self._drained
            finally:
                self._drained = None

    async def arrival(self) -> None:
        """Wait until the server has received what was sent, or the connection is lost."""
        if not self.has_ended:
            await self._owner.round_trip()

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
            self._acknowledge_received()
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
        if self._pulled_bytes:
            self._acknowledge(self._pulled_bytes)
            self._pulled_bytes = 0
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
            self.data_at = self._owner.received_at
        if self._response.status is not None:
            self._messages += messages
            self._end(self._response.status)
        elif messages and self.on_messages is not None:
            self.on_messages(messages)
            self._acknowledge_received()
        elif messages:
            self._messages += messages
            _wake(self._puller)
        elif self._puller is not None:
            self._acknowledge_received()

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
        self.has_ended = True
        self._owner.call_ended(self)
        self._owner.wake()
        _wake(self._puller)
        _wake(self._drained)

    def _acknowledge_received(self) -> None:
        """Acknowledge the bytes that were not pulled, because the rest of a message may need a larger window."""
        if self._received_bytes:
            self._acknowledge(self._received_bytes)
            self._received_bytes = 0

    def _acknowledge(self, size: int) -> None:
        if not self.has_ended:
            machine = self._owner.machine
            machine.acknowledge(self.stream_id, size)
            if machine.has_control_frames:
                self._owner.wake()

    def __repr__(self) -> str:
        ended = "running" if self.status is None else self.status.code.name
        state = ended if self.failure is None else "lost"
        return f"<Call {self.context.operation} {state}, {len(self._messages)} messages buffered>"


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
