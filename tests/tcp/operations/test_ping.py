from __future__ import annotations

import pytest

from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.protocol.outcome import Success
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package


@pytest.mark.parametrize("payload", [b"", b"hello"])
def test_a_pong_with_any_payload_is_a_success(payload: bytes) -> None:
    assert Ping().interpret(Package(Command.PONG, bytes(16), payload)) == Success(None)


def test_a_ping_has_an_empty_payload() -> None:
    assert Ping().payload == b""
