"""All gRPC connections of a server."""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.server.grpc.grpc_connection import GrpcConnection
from rxpump.server.node import Node

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds in which clients can read the last answers when the server stops."""


class GrpcFace:
    """The gRPC connections of one server.

    Args:
        node: Store, users and groups of the server.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._connections: set[GrpcConnection] = set()
        self._is_stopping = False
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    @property
    def client_count(self) -> int:
        """Number of connected clients."""
        return len(self._connections)

    def new_connection(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return GrpcConnection(self._node, self._begun, self._ended)

    def _begun(self, connection: GrpcConnection) -> None:
        self._connections.add(connection)
        self._all_ended.clear()
        if self._is_stopping:
            connection.abort()

    def _ended(self, connection: GrpcConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_ended.set()

    def shut_down(self) -> None:
        """Accept no more calls, and end calls that read. Calls that write can still be answered."""
        self._is_stopping = True
        for connection in tuple(self._connections):
            connection.shut_down()

    async def close(self) -> None:
        """End all calls, and close all connections."""
        for connection in tuple(self._connections):
            connection.close()
        try:
            await asyncio.wait_for(self._all_ended.wait(), _CLOSE_TIMEOUT)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.abort()
            await self._all_ended.wait()

    def __repr__(self) -> str:
        return f"<GrpcFace with {len(self._connections)} connections>"
