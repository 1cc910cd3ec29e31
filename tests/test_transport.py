"""Optional features of a transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from rxpump.errors import NotSupported
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.settings import Settings
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.transport import TcpTransport
from rxpump.transport import Capability, Lack, Transport
from rxpump.uri import TcpAddress
from tests.streams.fake_store import FakeStore


class Bare(FakeStore):
    """A transport without any optional feature."""

    protocol: ClassVar[str] = "Bare"
    lacks: ClassVar[Mapping[Capability, Lack]] = {each: Lack("it is bare", "use TCP") for each in Capability}
    ping = Transport.ping
    scavenge = Transport.scavenge
    start_transaction = Transport.start_transaction
    write_transaction = Transport.write_transaction
    commit_transaction = Transport.commit_transaction
    replay_parked = Transport.replay_parked


CALLS: dict[str, tuple[Capability, Callable[[Transport], Any]]] = {
    "ping": (Capability.PING, lambda transport: transport.ping()),
    "scavenge": (Capability.SCAVENGE, lambda transport: transport.scavenge()),
    "start": (Capability.TRANSACTIONS, lambda transport: transport.start_transaction("s", -2)),
    "write": (Capability.TRANSACTIONS, lambda transport: transport.write_transaction("s", 1, [])),
    "commit": (Capability.TRANSACTIONS, lambda transport: transport.commit_transaction("s", 1, -2)),
    "replay": (Capability.REPLAY_PARKED, lambda transport: transport.replay_parked("s", "g")),
    "append_many": (Capability.MULTI_STREAM_APPEND, lambda transport: transport.append_many({}, {})),
    "truncate": (Capability.TRUNCATE_PARKED, lambda transport: transport.truncate_parked("s", "g")),
    "details": (Capability.GROUP_INFO, lambda transport: transport.group_details("s", "g")),
    "list": (Capability.GROUP_INFO, lambda transport: transport.list_groups()),
    "list_of": (Capability.GROUP_INFO, lambda transport: transport.list_groups_of("s")),
    "restart": (Capability.RESTART_GROUPS, lambda transport: transport.restart_groups()),
    "stop": (Capability.STOP_SCAVENGE, lambda transport: transport.stop_scavenge("id")),
    "server_info": (Capability.SERVER_INFO, lambda transport: transport.server_info()),
    "members": (Capability.MEMBERS, lambda transport: transport.members()),
    "statistics": (Capability.STATISTICS, lambda transport: transport.statistics()),
    "users": (Capability.USERS, lambda transport: transport.users.delete("ouro")),
    "projections": (Capability.PROJECTIONS, lambda transport: transport.projections.enable("p")),
    "indexes": (Capability.INDEXES, lambda transport: transport.indexes.stop("i")),
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_missing_feature_raises_with_reason_and_alternative(call: str) -> None:
    capability, make = CALLS[call]
    store = Bare()
    assert store.capabilities == frozenset()
    with pytest.raises(NotSupported) as raised:
        store.require(capability)
    expected = f"{capability.value}: not supported over Bare, because it is bare; use TCP"
    assert str(raised.value) == expected
    with pytest.raises(NotSupported) as raised:
        await make(store)
    assert str(raised.value) == expected


SETTINGS = PersistentSubscriptionSettings()


@pytest.mark.parametrize(
    "call",
    [
        lambda transport: transport.create_group(None, "g", SETTINGS),
        lambda transport: transport.update_group(None, "g", SETTINGS),
        lambda transport: transport.delete_group(None, "g"),
        lambda transport: transport.connect_group(None, "g", 10),
        lambda transport: transport.replay_parked(None, "g"),
    ],
)
async def test_tcp_has_no_groups_on_all(call: Callable[[Transport], Any]) -> None:
    with pytest.raises(NotSupported, match=r"consumer groups on \$all: not supported over TCP"):
        await call(tcp_transport())


def tcp_transport() -> TcpTransport:
    store = FakeStore()
    return TcpTransport(FixedAddress(TcpAddress("nowhere")), Settings(), store.runtime, store.on_status)


def test_tcp_names_the_version_that_has_what_it_lacks() -> None:
    transport = tcp_transport()
    assert transport.capabilities == {
        Capability.PING,
        Capability.TRANSACTIONS,
        Capability.SCAVENGE,
        Capability.REPLAY_PARKED,
    }
    for capability in Capability:
        if capability in transport.capabilities:
            transport.require(capability)
        else:
            with pytest.raises(NotSupported, match=r"over gRPC to a server of version \d\d\.\d+ or later"):
                transport.require(capability)


async def test_tcp_replays_all_parked_events_or_none() -> None:
    with pytest.raises(NotSupported, match="replay of a number of parked events: not supported over TCP"):
        await tcp_transport().replay_parked("s", "g", 3)
