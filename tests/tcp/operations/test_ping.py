from __future__ import annotations

import pytest

from rxpump.tcp.operations.ping import Ping
from rxpump.tcp.protocol.outcome import Success
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package


@pytest.mark.parametrize("payload", [b"", b"hello"])
def test_any_pong_will_do(payload: bytes) -> None:
    assert Ping().interpret(Package(Command.PONG, bytes(16), payload)) == Success(None)


def test_it_says_nothing() -> None:
    assert Ping().payload == b""
