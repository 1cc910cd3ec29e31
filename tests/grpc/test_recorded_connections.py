"""Replay recorded frames of real servers to a connection that repeats the calls of the recorded clients."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from rxpump.grpc.call import Call
from rxpump.grpc.connection import GrpcConnection, Observer
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.http2 import Http2Limits
from rxpump.grpc.messages.methods import Method, MethodKind, ServerVersion
from rxpump.grpc.messages.table import METHODS
from tests.grpc.recordings import Line
from tests.grpc.test_recordings import cases, frames_of

LIMITS = Http2Limits(
    stream_window=1 << 24, connection_window=1 << 24, max_frame_bytes=1 << 22, keepalive_interval=None
)


class Socket(asyncio.Transport):
    """A socket that drops all written bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def write(self, data: Any) -> None:
        assert not self.is_closed

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True


class RepeatedClient:
    """Repeats the calls of a recorded client on a connection of rxpump."""

    def __init__(self, step: int) -> None:
        self.connection = GrpcConnection("node:2113", "node:2113", "http", LIMITS, Observer())
        self.connection.connection_made(Socket())
        self.calls: dict[int, Call] = {}
        self.messages: dict[int, list[bytes]] = defaultdict(list)
        self.step = step

    def repeat(self, line: Line) -> None:
        if line.kind == "HEADERS" and line.stream not in self.calls:
            path = dict(line.headers or ())[":path"]
            self.calls[line.stream] = self.connection.open(CallContext(_method(path), "call", Effect.NONE))
            assert self.calls[line.stream].stream_id == line.stream
        call = self.calls.get(line.stream)
        if call is None:
            return
        for message in line.messages:
            call.send(message)
        if line.kind == "RST_STREAM":
            self.pull()
            call.cancel()
        if "END_STREAM" in line.flags:
            call.end()

    def receive(self, line: Line) -> None:
        data = line.encode()
        for start in range(0, len(data), self.step):
            self.connection.data_received(data[start : start + self.step])
            self.pull()

    def pull(self) -> None:
        for number, call in self.calls.items():
            self.messages[number] += call.take()


def _method(path: str) -> Method:
    return METHODS.get(path) or Method(path, MethodKind.DUPLEX, None, None, ServerVersion(20, 10))


@pytest.mark.parametrize("step", [7, 1 << 20])
@pytest.mark.parametrize(("name", "conn"), cases())
async def test_calls_get_the_messages_and_statuses_of_real_servers(name: str, conn: int, step: int) -> None:
    frames = list(frames_of(name, conn))
    settings = next((line for line in frames if not line.from_client and line.kind == "SETTINGS"), None)
    client = RepeatedClient(step)
    if settings is not None:
        client.receive(
            settings
        )  # Our client waits for the settings before its first call; the recorded clients do not.
    messages: dict[int, list[bytes]] = defaultdict(list)
    statuses: dict[int, int] = {}
    for line in frames:
        if line.from_client:
            client.repeat(line)
        elif line is not settings:
            call = client.calls.get(line.stream)
            if call is not None and not call.has_ended:
                messages[line.stream] += line.messages
                status = dict(line.headers or ()).get("grpc-status")
                statuses |= {} if status is None else {line.stream: int(status)}
            client.receive(line)
    found = {number: call.status.code for number, call in client.calls.items() if call.status is not None}
    assert {number: code for number, code in found.items() if number in statuses} == statuses
    assert {number: each for number, each in client.messages.items() if each} == {
        number: each for number, each in messages.items() if each
    }
    goaway = any(line.kind == "GOAWAY" and not line.from_client for line in frames)
    assert client.connection.is_going_away == goaway
