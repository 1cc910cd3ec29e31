"""Embedded servers behind `memory://` and `sqlite:///path`, to which the client connects over gRPC."""

from __future__ import annotations

import pytest

from rxpump import connecting
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.grpc.dialer import Dialer, Node
from rxpump.grpc.transport import GrpcTransport
from rxpump.model.credentials import Credentials
from rxpump.network.node_resolver import NodeResolver
from rxpump.server import EmbeddedServer, SqliteStore, Strictness
from rxpump.settings import Settings
from rxpump.uri import EmbeddedAddress

ADMIN = Credentials("admin", "changeit")


class GrpcEmbeddedNode(NodeResolver[Node]):
    """A resolver that starts an embedded server, and stops it when the client closes."""

    def __init__(self, address: EmbeddedAddress) -> None:
        super().__init__()
        self.address = address
        self._server: EmbeddedServer | None = None

    async def locate(self) -> Node:
        if self._server is None:
            path = self.address.path
            self._server = EmbeddedServer(
                SqliteStore.in_memory() if path is None else SqliteStore.open(path),
                strictness=Strictness(self.address.strictness),
                projections=self.address.projections,
                grpc_port=0,
            )
            await self._server.start()
        assert self._server.grpc_port is not None
        return Node("127.0.0.1", self._server.grpc_port)

    async def close(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    def __repr__(self) -> str:
        return f"<GrpcEmbeddedNode {self.address}>"


def _over_grpc(
    address: EmbeddedAddress,
    settings: Settings,
    tasks: BackgroundTasks,
    on_status: connecting.OnStatus,
    _: connecting.Selection,
) -> GrpcTransport:
    dialer = Dialer(settings, ADMIN, sends_in_clear=True)
    return GrpcTransport(GrpcEmbeddedNode(address), dialer, settings, tasks, on_status)


def use_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients connect to embedded servers over gRPC instead of TCP."""
    monkeypatch.setitem(connecting._TRANSPORTS, EmbeddedAddress, _over_grpc)


def use_grpc_in_this_process() -> None:
    """Let all clients of a program connect to embedded servers over gRPC instead of TCP."""
    connecting._TRANSPORTS[EmbeddedAddress] = _over_grpc
