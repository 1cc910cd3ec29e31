"""Streams.BatchAppend: many appends in one call, answered as they complete (docs/protocol/grpc.md, section 5.3).

A batch begins with a request that has options, and ends with one that is final. Each batch is answered once. After
the client has half-closed, the call ends when all batches are answered.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any, Final

from rxpump.grpc.messages.streams import BatchAppendResponse
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed
from rxpump.server.grpc.event_encoder import frame, joined
from rxpump.server.grpc.event_ids import read_id, text_of_id
from rxpump.server.grpc.leadership import refused
from rxpump.server.grpc.services.append_outcome import current_version, success
from rxpump.server.grpc.services.batch_errors import (
    batch_access_denied,
    batch_failed,
    batch_not_ready,
    batch_refused,
    batch_stream_deleted,
    batch_timed_out,
    batch_too_large,
    batch_wrong_version,
)
from rxpump.server.grpc.services.proposed_events import (
    MAX_APPEND_BYTES,
    MAX_EVENT_BYTES,
    BadRequestField,
    EventTooLarge,
    event_bytes,
    expected_version,
    has_room,
    proposed_event,
    stream_name,
)
from rxpump.server.membership import Demand, Refusal, refusal
from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import REPEATED_POSITION, Appended, NotCommitted
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.new_event import NewEvent

WRITE_TIMEOUT: Final = 2.0
"""Seconds in which the last part of a batch must arrive; a client can request fewer."""

UNCOMMITTED_BYTES: Final = 16 * 1024 * 1024
"""Total bytes of the batches of one call that may wait to be committed."""

_BATCH_BYTES: Final = 512
"""Bytes of memory that a batch takes besides its events."""


async def batch_append(call: Call) -> None:
    """Answer the batches of a call."""
    batches = _Batches(call)
    try:
        while (request := await call.next_message()) is not None:
            batches.receive(request)
            if not call.has_room:
                await call.drained()
            if batches.uncommitted_bytes > UNCOMMITTED_BYTES:
                await batches.committed(down_to=UNCOMMITTED_BYTES)
        await batches.answered()
    finally:
        batches.send_answers()
        batches.stop()


class _Batch:
    """A batch that has begun.

    Attributes:
        correlation_id: Id of the batch, as it was sent.
        stream: Stream to append to.
        expected: Expected version of the stream.
        events: Events so far.
        size: Bytes of memory that the batch takes.
        kept: Bytes of them that were counted as those of the call.
        expiry: Timer of the deadline, or None.
    """

    def __init__(self, correlation_id: Any, stream: str, expected: int) -> None:
        self.correlation_id = correlation_id
        self.stream = stream
        self._small = MAX_EVENT_BYTES // 2 - 4 * len(stream)  # size up to which every event fits
        self.expected = expected
        self.events: list[NewEvent] = []
        self.size = _BATCH_BYTES
        self.kept = 0
        self.expiry: asyncio.TimerHandle | None = None

    def add(self, message: Any) -> None:
        """Add an event.

        Raises:
            BadRequestField: The event cannot be used.
        """
        event = proposed_event(message)
        size = event_bytes(event)
        if size > self._small and not has_room(event, self.stream):
            raise EventTooLarge(text_of_id(event.event_id), size)
        self.size += size
        self.events.append(event)


class _Batches:
    """The batches of one call.

    Attributes:
        uncommitted_bytes: Bytes that wait to be committed.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._node = call.node
        self._loop = asyncio.get_running_loop()
        self._begun: dict[bytes, _Batch] = {}
        self._writing = 0
        self.uncommitted_bytes = 0
        self._progress = asyncio.Event()
        self._confirmation = BatchAppendResponse()
        self._answers: list[bytes] = []

    def receive(self, request: Any) -> None:
        """Apply a request of the client.

        Raises:
            CallError: The request is empty, the connection holds too many bytes, or another node is the leader.
        """
        has_options = request.HasField("options")
        if not has_options and not request.HasField("correlation_id"):
            raise handler_failed("A request must have a correlation id.")
        try:
            key = _key(request)
            batch = self._begun.get(key)
            if batch is None:
                if not has_options:
                    return  # The batch was refused before.
                batch = self._begin(key, request)
        except BadRequestField as error:
            self._answer(request.correlation_id, request.options.stream_identifier, error=batch_refused(error))
            return
        if batch is not None:
            self._extend(key, batch, request)

    def _begin(self, key: bytes, request: Any) -> _Batch | None:
        """Return a new batch; None if it was refused."""
        options = request.options
        stream = stream_name(options.stream_identifier)
        kind = options.WhichOneof("expected")
        expected = expected_version("revision" if kind == "stream_position" else kind, options.stream_position)
        if expected is None:
            raise BadRequestField("An expected version is required.")
        batch = _Batch(request.correlation_id, stream, expected)
        if not self._node.access.may(self._call.user, Permission.WRITE, stream):
            self._refuse(batch, batch_access_denied())
            return None
        seconds = min(_requested_timeout(options), WRITE_TIMEOUT)
        if seconds <= 0:
            self._refuse(batch, batch_timed_out())
            return None
        why = refusal(self._node.membership, Demand.WRITE, requires_leader=self._call.requires_leader)
        if why is Refusal.NOT_READY:
            self._refuse(batch, batch_not_ready())
            return None
        if why is not None:
            raise refused(self._call, why)
        if not request.is_final:
            batch.expiry = self._loop.call_later(seconds, self._expire, key)
        self._begun[key] = batch
        return batch

    def _extend(self, key: bytes, batch: _Batch, request: Any) -> None:
        """Add the events of a request to a batch, and write the batch if it is complete."""
        try:
            for message in request.proposed_messages:
                batch.add(message)
        except BadRequestField as error:
            refusal: dict[str, Any] | None = batch_refused(error)
        else:
            refusal = batch_too_large() if batch.size - _BATCH_BYTES > MAX_APPEND_BYTES else None
        if refusal is not None:
            self._forget(key, batch)
            self._keep(batch, 0)
            self._refuse(batch, refusal)
            return
        self._keep(batch, batch.size)
        if request.is_final:
            self._forget(key, batch)
            self._write(batch)

    def _keep(self, batch: _Batch, size: int) -> None:
        """Record that a batch takes `size` bytes of memory.

        Raises:
            CallError: The connection holds too many bytes.
        """
        grown = size - batch.kept
        batch.kept = size
        self._call.keep(grown)

    def _write(self, batch: _Batch) -> None:
        self._writing += 1
        self.uncommitted_bytes += batch.size
        append = AppendRequest(batch.stream, batch.expected, batch.events, self._node.strictness)
        self._node.store.submit(append, partial(self._written, batch))

    def _written(self, batch: _Batch, outcome: Outcome) -> None:
        self._writing -= 1
        self.uncommitted_bytes -= batch.size
        self._keep(batch, 0)
        match outcome:
            case Appended() as appended:
                self._confirm(batch, appended)
            case WrongVersion(current):
                self._refuse(batch, batch_wrong_version(current, batch.expected))
            case Unanswered():
                self._refuse(batch, batch_wrong_version(current_version(self._node, batch.stream), batch.expected))
            case StreamDeleted():
                self._refuse(batch, batch_stream_deleted(batch.stream))
            case NotCommitted(reason, timed_out):
                self._refuse(batch, batch_failed(reason) if timed_out is None else batch_timed_out())
        if not self._writing:
            self.send_answers()  # No other answer can join these.
        self._progress.set()

    def _expire(self, key: bytes) -> None:
        batch = self._begun[key]
        self._forget(key, batch)
        self._keep(batch, 0)
        self._refuse(batch, batch_timed_out())
        self._progress.set()

    def _forget(self, key: bytes, batch: _Batch) -> None:
        del self._begun[key]
        if batch.expiry is not None:
            batch.expiry.cancel()

    def _confirm(self, batch: _Batch, appended: Appended) -> None:
        if appended.position == REPEATED_POSITION or appended.last < 0:  # A batch without events makes no stream.
            result = success(self._node, batch.stream, appended)
            self._answer(batch.correlation_id, batch.stream, success=result)
            return
        # The message is used again, because creating one takes longer than encoding it.
        message = self._confirmation
        message.correlation_id.CopyFrom(batch.correlation_id)
        message.stream_identifier.stream_name = batch.stream.encode()
        fields = message.success
        fields.current_revision = appended.last
        position = fields.position
        position.commit_position = position.prepare_position = appended.position
        self._reply(message)

    def _refuse(self, batch: _Batch, error: dict[str, Any]) -> None:
        self._answer(batch.correlation_id, batch.stream, error=error)

    def _answer(self, correlation_id: Any, stream: Any, **result: Any) -> None:
        identifier = {"stream_name": stream.encode()} if isinstance(stream, str) else stream
        if correlation_id.ByteSize():
            result["correlation_id"] = correlation_id
        self._reply(BatchAppendResponse(stream_identifier=identifier, **result))

    def _reply(self, message: Any) -> None:
        """Send a message at the end of this iteration of the event loop, together with its other messages."""
        if not self._answers:
            self._loop.call_soon(self.send_answers)
        self._answers.append(frame(message.SerializeToString()))

    def send_answers(self) -> None:
        """Send the answers of this iteration now."""
        if self._answers:
            self._call.write(joined(self._answers))
            self._call.flush()
            self._answers.clear()

    async def committed(self, *, down_to: int) -> None:
        """Wait until at most `down_to` bytes wait to be committed."""
        while self.uncommitted_bytes > down_to:
            await self._next_progress()

    async def answered(self) -> None:
        """Wait until every batch is answered."""
        while self._writing or self._begun:
            await self._next_progress()

    async def _next_progress(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    def stop(self) -> None:
        """Stop the timers of batches that are not complete."""
        for batch in self._begun.values():
            if batch.expiry is not None:
                batch.expiry.cancel()


def _key(request: Any) -> bytes:
    """Return the id of a batch.

    Raises:
        BadRequestField: There is none, or it is malformed.
    """
    try:
        key = read_id(request.correlation_id)
    except ValueError:
        raise BadRequestField("Unrecognized Guid format.") from None
    if key is None:
        raise BadRequestField("Value cannot be null. (Parameter 'dto')")
    return key


def _requested_timeout(options: Any) -> float:
    """Return the seconds in which the last part of the batch must arrive, as the client requests."""
    match options.WhichOneof("deadline_option"):
        case "deadline":
            return _seconds(options.deadline)
        case "deadline_21_10_0":
            return _seconds(options.deadline_21_10_0) - time.time()
    return WRITE_TIMEOUT


def _seconds(message: Any) -> float:
    return float(message.seconds + message.nanos / 1e9)
