"""The headers of every response: the date and the name of the server, in their place."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

import grpc
import pytest

from rxpump.grpc.messages import streams
from rxpump.server import EmbeddedServer
from rxpump.server.grpc.response_headers import dated
from tests.server.grpc.caller import read_request


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        ([(":status", "200"), ("content-type", "application/grpc")], [":status", "content-type", "date", "server"]),
        (
            [(":status", "200"), ("content-type", "application/grpc"), ("content-length", "0"), ("grpc-status", "0")],
            [":status", "content-type", "date", "server", "content-length", "grpc-status"],
        ),
        ([(":status", "431"), ("content-length", "0")], [":status", "date", "server", "content-length"]),
        ([(":status", "431")], [":status", "date", "server"]),
    ],
)
def test_the_order_of_headers_is_that_of_a_real_server(headers: list[tuple[str, str]], names: list[str]) -> None:
    found = dated(headers)
    assert [name for name, _ in found] == names
    assert [field for field in found if field[0] not in ("date", "server")] == headers


def response_headers(port: int | None, path: str) -> dict[str, Any]:
    """Return the headers and trailers of a call, as grpcio sees them."""
    request = read_request("missing").SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call: Any = channel.unary_stream(path)(request)
        with suppress(grpc.RpcError):
            list(call)
        return dict([*call.initial_metadata(), *call.trailing_metadata()])


@pytest.mark.parametrize("path", [streams.READ.path, streams.APPEND.path, "/unknown/Method"])
async def test_every_response_has_a_date(server: EmbeddedServer, path: str) -> None:
    """A response without messages has it, too."""
    found = await asyncio.to_thread(response_headers, server.grpc_port, path)
    assert found["server"] == "Kestrel"
    assert parsedate_to_datetime(found["date"]).tzinfo is not None
