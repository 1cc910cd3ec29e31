"""Compare the HTTP/2 state machine of this package with the library h2, in memory.

Both read the same bytes, pass them to the same reader of gRPC messages, and acknowledge them. The figures are
microseconds of CPU time for one message or call. Each figure is the best of several rounds, in which both run one
after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import click
import h2.config
import h2.connection
import h2.events
import h2.settings
from rich.console import Console
from rich.table import Table

from rxpump.grpc.http2 import Http2Connection, Http2Limits, Role, frames
from rxpump.grpc.http2.frames import FrameType
from rxpump.grpc.http2.http2_events import DataReceived, HeadersReceived
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.grpc.protocol.headers import request_headers, response_headers, trailers
from rxpump.grpc.protocol.message_reader import MessageReader, frame_message

MESSAGE: Final = frame_message(bytes(220))
"""An event of ordinary size: 225 bytes with its prefix."""

CHUNK_BYTES: Final = 64 * 1024
"""Bytes that arrive at once."""

LARGE_WINDOW: Final = 2**31 - 1
LIMITS: Final = Http2Limits(connection_window=LARGE_WINDOW)
REQUEST: Final = request_headers("http", "127.0.0.1:2113", "/event_store.client.streams.Streams/Read")
RESPONSE: Final = response_headers()
TRAILERS: Final = trailers(CallStatus(StatusCode.OK))
STREAM: Final = 1


class Contestant(Protocol):
    """An implementation of HTTP/2 under test."""

    name: str

    def read(self, chunks: Sequence[bytes]) -> int:
        """Read a response as a client; return the number of messages."""

    def write(self, messages: int) -> int:
        """Write a response of single messages as a server; return the number of bytes."""

    def call(self, calls: int) -> int:
        """Make unary calls one after the other, as client and server; return the number of replies."""


class RxPump:
    """The state machine of this package."""

    name: str = "rxpump"

    def read(self, chunks: Sequence[bytes]) -> int:
        """Read a response as a client; return the number of messages."""
        client = Http2Connection(Role.CLIENT, LIMITS, 0.0)
        client.open_stream(REQUEST)
        client.end_stream(STREAM)
        reader, seen = MessageReader(len(MESSAGE), None), 0
        for chunk in chunks:
            for event in client.receive(chunk, 0.0):
                if isinstance(event, DataReceived):
                    seen += len(reader.feed(event.data))
                    client.acknowledge(STREAM, event.flow_bytes)
            client.bytes_to_send()
        return seen

    def write(self, messages: int) -> int:
        """Write a response of single messages as a server; return the number of bytes."""
        server = Http2Connection(Role.SERVER, LIMITS, 0.0)
        server.receive(opening_of_a_client(), 0.0)
        server.send_headers(STREAM, RESPONSE)
        sent = 0
        for _ in range(messages):
            server.send_data(STREAM, MESSAGE)
            sent += len(server.bytes_to_send())
        return sent

    def call(self, calls: int) -> int:
        """Make unary calls one after the other, as client and server; return the number of replies."""
        client = Http2Connection(Role.CLIENT, LIMITS, 0.0)
        server = Http2Connection(Role.SERVER, LIMITS, 0.0)
        replies = 0
        for _ in range(calls):
            stream_id = client.open_stream(REQUEST)
            client.send_data(stream_id, MESSAGE)
            client.end_stream(stream_id)
            for event in server.receive(client.bytes_to_send(), 0.0):
                if isinstance(event, HeadersReceived):
                    server.send_headers(stream_id, RESPONSE)
                    server.send_data(stream_id, MESSAGE)
                    server.send_trailers(stream_id, TRAILERS)
            for event in client.receive(server.bytes_to_send(), 0.0):
                if isinstance(event, DataReceived):
                    client.acknowledge(stream_id, event.flow_bytes)
                    replies += 1
        return replies


class H2:
    """The library h2."""

    name: str = f"h2 {h2.__version__}"

    def read(self, chunks: Sequence[bytes]) -> int:
        """Read a response as a client; return the number of messages."""
        client = new_h2(Role.CLIENT)
        client.send_headers(STREAM, REQUEST, end_stream=True)
        reader, seen = MessageReader(len(MESSAGE), None), 0
        for chunk in chunks:
            for event in client.receive_data(chunk):
                if isinstance(event, h2.events.DataReceived):
                    seen += len(reader.feed(event.data))
                    client.acknowledge_received_data(event.flow_controlled_length, STREAM)
            client.data_to_send()
        return seen

    def write(self, messages: int) -> int:
        """Write a response of single messages as a server; return the number of bytes."""
        server = new_h2(Role.SERVER)
        server.receive_data(opening_of_a_client())
        server.send_headers(STREAM, RESPONSE)
        sent = 0
        for _ in range(messages):
            server.send_data(STREAM, MESSAGE)
            sent += len(server.data_to_send())
        return sent

    def call(self, calls: int) -> int:
        """Make unary calls one after the other, as client and server; return the number of replies."""
        client, server = new_h2(Role.CLIENT), new_h2(Role.SERVER)
        replies = 0
        for _ in range(calls):
            stream_id = client.get_next_available_stream_id()
            client.send_headers(stream_id, REQUEST)
            client.send_data(stream_id, MESSAGE, end_stream=True)
            for event in server.receive_data(client.data_to_send()):
                if isinstance(event, h2.events.RequestReceived):
                    server.send_headers(stream_id, RESPONSE)
                    server.send_data(stream_id, MESSAGE)
                    server.send_headers(stream_id, TRAILERS, end_stream=True)
            for event in client.receive_data(server.data_to_send()):
                if isinstance(event, h2.events.DataReceived):
                    client.acknowledge_received_data(event.flow_controlled_length, stream_id)
                    replies += 1
        return replies


def new_h2(role: Role) -> h2.connection.H2Connection:
    """Return a connection of h2 with the same windows, which does not check the headers that it sends."""
    config = h2.config.H2Configuration(
        client_side=role is Role.CLIENT,
        header_encoding="utf-8",
        normalize_outbound_headers=False,
        validate_outbound_headers=False,
    )
    connection = h2.connection.H2Connection(config)
    connection.local_settings = h2.settings.Settings(
        client=role is Role.CLIENT,
        initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: LIMITS.stream_window},
    )
    connection.initiate_connection()
    connection.increment_flow_control_window(LARGE_WINDOW - frames.DEFAULT_WINDOW)
    return connection


def opening_of_a_client() -> bytes:
    """Return the first bytes of a client with large windows, and its request."""
    client = Http2Connection(
        Role.CLIENT, Http2Limits(stream_window=LARGE_WINDOW, connection_window=LARGE_WINDOW), 0.0
    )
    client.open_stream(REQUEST)
    client.end_stream(STREAM)
    return client.bytes_to_send()


def response(messages: int) -> list[bytes]:
    """Return the bytes that a server sends for a response, in chunks. Each message has its own DATA frame."""
    server = Http2Connection(Role.SERVER, LIMITS, 0.0)
    server.receive(opening_of_a_client(), 0.0)
    server.send_headers(STREAM, RESPONSE)
    data = server.bytes_to_send() + frames.frame(FrameType.DATA, 0, STREAM, MESSAGE) * messages
    return [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]


@click.command(help=__doc__)
@click.option("--messages", default=50_000, show_default=True, type=click.IntRange(1))
@click.option("--calls", default=2_000, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
def main(messages: int, calls: int, rounds: int) -> None:
    """Run every contestant, and print a table."""
    chunks = response(messages)
    contestants: list[Contestant] = [RxPump(), H2()]
    table = Table("work, µs of CPU each", *(each.name for each in contestants), "ratio")
    workloads: list[tuple[str, int, Callable[[Contestant], int]]] = [
        ("read a message in a DATA frame of its own", messages, lambda each: each.read(chunks)),
        ("write a message in a DATA frame of its own", messages, lambda each: each.write(messages)),
        ("unary call, client and server together", calls, lambda each: each.call(calls)),
    ]
    for title, count, work in workloads:
        best = [float("inf") for _ in contestants]
        for _ in range(rounds):
            for number, contestant in enumerate(contestants):
                began = time.process_time()
                assert work(contestant) >= count
                best[number] = min(best[number], (time.process_time() - began) / count * 1e6)
        table.add_row(title, *(f"{figure:.2f}" for figure in best), f"{best[1] / best[0]:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
