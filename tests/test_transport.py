"""Optional features of a transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from rxpump.errors import NotSupported
from rxpump.model.group_settings import PersistentSubscriptionSettings
from rxpump.settings import Settings
from rxpump.tcp.transport import TcpTransport
from rxpump.transport import Capability, Lack, Transport
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
async def test_tcp_has_every_feature_but_groups_on_all(call: Callable[[Transport], Any]) -> None:
    store = FakeStore()
    transport = TcpTransport(None, Settings(), store.runtime, store.on_status)  # type: ignore[arg-type]
    assert frozenset(Capability) - transport.capabilities == {Capability.GROUPS_ON_ALL}
    for capability in transport.capabilities:
        transport.require(capability)
    with pytest.raises(NotSupported, match=r"consumer groups on \$all: not supported over TCP"):
        await call(transport)
