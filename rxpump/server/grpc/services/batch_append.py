"""Streams.BatchAppend: many appends in one call, answered as they complete (docs/protocol/grpc.md, section 5.3).

A batch begins with a request that has options, and ends with one that is final. Each batch is answered once. After
the client has half-closed, the call ends when all batches are answered.

Work that is the same for all requests that have arrived together is done once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from google.protobuf.message import DecodeError

from rxpump.grpc.messages.streams import BatchAppendParts, BatchAppendResponse
from rxpump.server.access.access import Permission
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed, not_protobuf
from rxpump.server.grpc.event_encoder import frame, joined
from rxpump.server.grpc.event_ids import read_id, text_of_id
from rxpump.server.grpc.leadership import refused
from rxpump.server.grpc.services.append_outcome import current_version, encoded_success, of_tombstoned, success
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
from rxpump.server.grpc.services.batch_options import BatchOptions, parse_options, read_options
from rxpump.server.grpc.services.proposed_events import (
    MAX_APPEND_BYTES,
    BadRequestField,
    EventTooLarge,
    event_bytes,
    has_room,
    proposed_event,
)
from rxpump.server.membership import Demand, Refusal, refusal
from rxpump.server.store.append_rule import StreamDeleted, Unanswered, WrongVersion
from rxpump.server.store.appender import AppendRequest
from rxpump.server.store.changes import REPEATED_POSITION, Appended, NotCommitted
from rxpump.server.store.group_commit import Outcome
from rxpump.server.store.new_event import NewEvent

UNCOMMITTED_BYTES: Final = 16 * 1024 * 1024
"""Total bytes of the batches of one call that may wait to be committed."""

_BATCH_BYTES: Final = 512
"""Bytes of memory that a batch takes besides its events."""

_MANY_ANSWERS: Final = 32
"""Number of answers that are sent at once, so that the client works on them while the server makes the next ones."""


async def batch_append(call: Call) -> None:
    """Answer the batches of a call."""
    batches = _Batches(call)
    try:
        while await call.pass_messages(batches.receive):
            await call.drained()
            await batches.committed(down_to=UNCOMMITTED_BYTES)
        await batches.answered()
    finally:
        batches.send_answers()
        batches.stop()


class _Batch:
    """A batch that has begun.

    Attributes:
        correlation_id: Id of the batch, as it was sent.
        options: Options of the batch.
        events: Events so far.
        size: Bytes of memory that the batch takes.
        kept: Bytes of them that were counted as those of the call.
        expiry: Timer of the deadline, or None.
    """

    __slots__ = ("correlation_id", "events", "expiry", "kept", "options", "size")

    def __init__(self, correlation_id: Any, options: BatchOptions) -> None:
        self.correlation_id = correlation_id
        self.options = options
        self.events: list[NewEvent] = []
        self.size = _BATCH_BYTES
        self.kept = 0
        self.expiry: asyncio.TimerHandle | None = None

    def add(self, messages: Any) -> None:
        """Add the events of a request.

        Raises:
            BadRequestField: An event cannot be used.
        """
        small = self.options.small
        for message in messages[:]:  # A list of the messages is iterated faster than the field.
            event = proposed_event(message)
            size = event_bytes(event)
            if size > small and not has_room(event, self.options.stream):
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
        self._answers: list[bytes] = []
        self._grown = self._freed = 0  # bytes that batches have begun or ceased to take, not counted by the call yet
        self._obstacle: Refusal | None = None

    def receive(self, requests: Sequence[bytes]) -> bool:
        """Apply requests of the client that have arrived together.

        Returns:
            False if the next requests must wait until the client has read answers, or until batches are committed.

        Raises:
            CallError: A request is malformed or empty, the connection holds too many bytes, or another node is the
                leader.
        """
        self._obstacle = refusal(self._node.membership, Demand.WRITE, requires_leader=self._call.requires_leader)
        for encoded in requests:
            try:
                request = BatchAppendParts.FromString(encoded)
            except DecodeError:
                raise not_protobuf() from None
            self._receive(request)
        grown, self._grown = self._grown, 0
        self._call.keep(grown)
        return self._call.has_room and self.uncommitted_bytes <= UNCOMMITTED_BYTES

    def _receive(self, request: Any) -> None:
        options, id = request.options, request.correlation_id
        try:
            if request.is_final and options and not self._begun and id.HasField("structured"):
                batch = self._begin(id, options)  # No other request belongs to the batch, so it needs no key.
                if batch is not None and self._extend(batch, request):
                    self._write(batch)
            else:
                self._receive_part(request)
        except BadRequestField as error:
            self._answer(id, _stream_identifier(options), error=batch_refused(error))

    def _receive_part(self, request: Any) -> None:
        """Apply a request that may be one of several of a batch."""
        has_options = request.HasField("options")
        if not has_options and not request.HasField("correlation_id"):
            raise handler_failed("A request must have a correlation id.")
        key = _key(request.correlation_id)
        batch = self._begun.get(key)
        if batch is None:
            if not has_options:
                return  # The batch was refused before.
            batch = self._begin(request.correlation_id, request.options)
            if batch is None:
                return
            if not request.is_final:
                batch.expiry = self._loop.call_later(batch.options.timeout, self._expire, key)
            self._begun[key] = batch
        if not self._extend(batch, request):
            self._forget(key, batch)
        elif request.is_final:
            self._forget(key, batch)
            self._write(batch)

    def _begin(self, correlation_id: Any, encoded_options: bytes) -> _Batch | None:
        """Return a new batch; None if it was refused.

        Raises:
            BadRequestField: The options cannot be used.
            CallError: The options are malformed, or another node is the leader.
        """
        batch = _Batch(correlation_id, read_options(encoded_options))
        if not self._node.access.may(self._call.user, Permission.WRITE, batch.options.stream):
            self._refuse(batch, batch_access_denied())
        elif batch.options.timeout <= 0:
            self._refuse(batch, batch_timed_out())
        elif self._obstacle is Refusal.NOT_READY:
            self._refuse(batch, batch_not_ready())
        elif self._obstacle is not None:
            raise refused(self._call, self._obstacle)
        else:
            return batch
        return None

    def _extend(self, batch: _Batch, request: Any) -> bool:
        """Add the events of a request to a batch. Return False if the batch was refused."""
        try:
            batch.add(request.proposed_messages)
        except BadRequestField as error:
            self._refuse(batch, batch_refused(error))
            return False
        if batch.size - _BATCH_BYTES > MAX_APPEND_BYTES:
            self._refuse(batch, batch_too_large())
            return False
        self._grown += batch.size - batch.kept
        batch.kept = batch.size
        return True

    def _write(self, batch: _Batch) -> None:
        self._writing += 1
        self.uncommitted_bytes += batch.size
        options = batch.options
        append = AppendRequest(options.stream, options.expected, batch.events, self._node.strictness)
        self._node.store.submit(append, partial(self._written, batch, append))

    def _written(self, batch: _Batch, append: AppendRequest, outcome: Outcome) -> None:
        self._writing -= 1
        self.uncommitted_bytes -= batch.size
        options = batch.options
        match outcome:
            case Appended() as appended:
                self._confirm(batch, appended)
            case WrongVersion(current):
                self._refuse(batch, batch_wrong_version(current, options.expected))
            case Unanswered():
                current = current_version(self._node, options.stream)
                self._refuse(batch, batch_wrong_version(current, options.expected))
            case StreamDeleted() if done := of_tombstoned(self._node, append):
                self._confirm(batch, done)
            case StreamDeleted():
                self._refuse(batch, batch_stream_deleted(options.stream))
            case NotCommitted(reason, timed_out):
                self._refuse(batch, batch_failed(reason) if timed_out is None else batch_timed_out())
        self._progress.set()

    def _expire(self, key: bytes) -> None:
        batch = self._begun[key]
        self._forget(key, batch)
        self._refuse(batch, batch_timed_out())
        self._progress.set()

    def _forget(self, key: bytes, batch: _Batch) -> None:
        del self._begun[key]
        if batch.expiry is not None:
            batch.expiry.cancel()

    def _confirm(self, batch: _Batch, appended: Appended) -> None:
        if appended.position == REPEATED_POSITION or appended.last < 0:  # A batch without events makes no stream.
            stream = batch.options.stream
            result = success(self._node, stream, appended)
            self._answer(batch.correlation_id, {"stream_name": stream.encode()}, success=result)
        else:
            id = batch.correlation_id.SerializeToString()
            self._reply(encoded_success(id, appended, batch.options.stream_field))
        self._freed += batch.kept

    def _refuse(self, batch: _Batch, error: dict[str, Any]) -> None:
        self._answer(batch.correlation_id, {"stream_name": batch.options.stream.encode()}, error=error)
        self._freed += batch.kept

    def _answer(self, correlation_id: Any, stream_identifier: Any, **result: Any) -> None:
        if correlation_id.ByteSize():
            result["correlation_id"] = correlation_id
        self._reply(BatchAppendResponse(stream_identifier=stream_identifier, **result).SerializeToString())

    def _reply(self, message: bytes) -> None:
        """Send a message at the latest at the end of the current work, together with others."""
        if not self._answers:
            self._node.store.trampoline.schedule(self.send_answers)
        self._answers.append(frame(message))
        if len(self._answers) >= _MANY_ANSWERS:
            self.send_answers()
            self._call.flush()

    def send_answers(self) -> None:
        """Pass the answers to the connection."""
        if self._answers:
            freed, self._freed = self._freed, 0
            self._call.keep(-freed)
            self._call.write(joined(self._answers))
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


def _stream_identifier(encoded_options: bytes) -> Any | None:
    """Return the stream of a request as the client has named it; None if the client has not."""
    options = parse_options(encoded_options)
    return options.stream_identifier if options.HasField("stream_identifier") else None


def _key(id: Any) -> bytes:
    """Return the id of a batch.

    Raises:
        BadRequestField: There is none, or it is malformed.
    """
    try:
        key = read_id(id)
    except ValueError:
        raise BadRequestField("Unrecognized Guid format.") from None
    if key is None:
        raise BadRequestField("Value cannot be null. (Parameter 'dto')")
    return key
