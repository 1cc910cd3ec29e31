from __future__ import annotations

import pytest

from rxpump.protocol.operations.ping import Ping
from rxpump.protocol.outcome import Answer
from rxpump.wire.commands import Command
from rxpump.wire.package import Package


@pytest.mark.parametrize("payload", [b"", b"hello"])
def test_any_pong_will_do(payload: bytes) -> None:
    assert Ping().interpret(Package(Command.PONG, bytes(16), payload)) == Answer(None)


def test_it_says_nothing() -> None:
    assert Ping().payload == b""
