from __future__ import annotations

import pytest

from rxpump.wire.commands import Command
from rxpump.wire.framing import Framer
from rxpump.wire.package import Package, shared_frames

APPEARED = Command.STREAM_EVENT_APPEARED


@pytest.mark.parametrize("payloads", [[b"one"], [b""], [b"one", b"", b"three" * 100_000], [bytes(300)] * 50])
def test_shared_frames_are_the_frames_of_whichever_id_is_put_in(payloads):
    parts = shared_frames(APPEARED, payloads)
    for correlation_id in (bytes(range(16)), bytes(16), b"\xff" * 16):
        packages = [Package(APPEARED, correlation_id, payload) for payload in payloads]
        frames = correlation_id.join(parts)
        assert frames == b"".join(package.encode() for package in packages)
        assert Framer().feed(frames) == packages


def test_no_payload_is_no_frame():
    assert bytes(16).join(shared_frames(APPEARED, [])) == b""
