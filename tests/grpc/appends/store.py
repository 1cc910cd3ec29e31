"""A server with a small store and the methods that append. A test can plan its failures."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from rxpump.grpc.messages import status, streams
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from tests.grpc.harness import Handler, ServerCall

NOT_READY = CallStatus(StatusCode.UNAVAILABLE, "Server Is Not Ready")


class Store:
    """Streams in memory. An event whose id is stored already is not written again.

    Attributes:
        streams: Data of the events of each stream.
        batches: Data of the first event of each batch, in the order of arrival, repeated ones too.
        refusals: Messages with which the next batches are refused, without being written.
        interruptions: Statuses that end the call after each of the next batches was written; None: the call
            continues.
        release: Event that must be set before batches are handled.
        refuses_with: Status that ends each call at its first batch, which is not written; None: calls continue.
        calls: Number of BatchAppend calls.
        singles: Number of Append calls.
    """

    def __init__(self) -> None:
        self.streams: dict[str, list[bytes]] = {}
        self.batches: list[bytes] = []
        self.refusals: deque[str | None] = deque()
        self.interruptions: deque[CallStatus | None] = deque()
        self.refuses_with: CallStatus | None = None
        self.calls = 0
        self.singles = 0
        self.release = asyncio.Event()
        self.release.set()
        self._ids: set[bytes] = set()

    def handlers(self) -> dict[str, Handler]:
        return {"BatchAppend": self.batch_append, "Append": self.append}

    async def batch_append(self, call: ServerCall) -> None:
        """Write and answer batches. A status in `interruptions` ends the call instead of the answer."""
        self.calls += 1
        call.start()
        async for encoded in call:
            request = streams.BatchAppendRequest.FromString(encoded)
            self.batches.append(request.proposed_messages[0].data if request.proposed_messages else b"")
            await self.release.wait()
            if self.refuses_with is not None:
                call.finish(self.refuses_with)
                return
            response = streams.BatchAppendResponse(correlation_id=request.correlation_id)
            message = self.refusals.popleft() if self.refusals else None
            if message is None:
                response.MergeFrom(self._written(request))
            else:
                response.error.message = message
            interruption = self.interruptions.popleft() if self.interruptions else None
            if interruption is not None:
                call.finish(interruption)
                return
            await call.send(response.SerializeToString())
        call.finish()

    async def append(self, call: ServerCall) -> None:
        """Answer an Append call."""
        self.singles += 1
        options = streams.AppendRequest.FromString(await anext(call)).options
        events = [streams.AppendRequest.FromString(each).proposed_message async for each in call]
        last = self._write(options.stream_identifier.stream_name.decode(), events)
        response = streams.AppendResponse(success={"current_revision": last, "no_position": {}})
        call.start()
        await call.send(response.SerializeToString())
        call.finish()

    def _written(self, request: Any) -> Any:
        stream = request.options.stream_identifier.stream_name.decode()
        last = len(self.streams.get(stream, ())) - 1
        position = request.options.stream_position
        is_known = any(each.id.SerializeToString() in self._ids for each in request.proposed_messages)
        if request.options.HasField("stream_position") and position != last and not is_known:
            detail = streams.WrongExpectedVersion(current_stream_revision=last)
            error = status.Status(code=StatusCode.ALREADY_EXISTS, message="WrongExpectedVersion")
            type_url = "type.googleapis.com/event_store.client.WrongExpectedVersion"
            error.details.add(type_url=type_url, value=detail.SerializeToString())
            return streams.BatchAppendResponse(error=error)
        last = self._write(stream, request.proposed_messages)
        return streams.BatchAppendResponse(success={"current_revision": last, "no_position": {}})

    def _write(self, stream: str, events: Any) -> int:
        log = self.streams.setdefault(stream, [])
        for event in events:
            id = event.id.SerializeToString()
            if id not in self._ids:
                self._ids.add(id)
                log.append(event.data)
        return len(log) - 1
