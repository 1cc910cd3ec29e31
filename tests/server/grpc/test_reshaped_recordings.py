"""Recorded requests in other forms get the recorded answers; see `tests.grpc.reshaping_proxy`."""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.server.strictness import Strictness
from tests.grpc.reshaping_proxy import reshaping
from tests.server.grpc.caller import serving
from tests.server.grpc.replay import Replay
from tests.server.grpc.test_recordings import RECORDINGS, SECURE, is_expected, replayed, write_before

OFTEN = {
    "append-expected-version",
    "append-one",
    "batch-append",
    "kpy-async-append-read",
    "node-persistent-manage",
    "persistent-read-ack",
    "read-all-forward",
    "read-stream-backward",
    "read-stream-links",
    "secure-node",
    "subscribe-all-filter",
    "subscribe-stream",
    "v2-append-session",
}
"""Cases that are replayed in every run; the others only in long runs."""


def cases() -> list[Any]:
    return [
        pytest.param(server, case, marks=() if server == "26.1" and case in OFTEN else pytest.mark.long)
        for server, case in replayed()
    ]


@pytest.mark.parametrize(("server", "case"), cases())
async def test_requests_in_other_forms_get_the_same_answers(server: str, case: str) -> None:
    recorded = RECORDINGS[server, case]
    async with serving(insecure=case not in SECURE, strictness=Strictness.REAL, persistent_tick=0.1) as ours:
        assert ours.grpc_port is not None
        await write_before(ours, recorded)
        async with reshaping(ours.grpc_port, len(recorded.steps), of_requests=True) as proxy:
            replay = Replay(recorded, lambda _: proxy.port)
            await replay.run()
            assert proxy.connections
    assert [line for line in replay.differences() if not is_expected(server, case, line)] == []
