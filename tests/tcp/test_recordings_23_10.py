"""The client with recorded conversations of Event Store 23.10.6; see test_recordings.py for those of 4.1.4.

`tests/data/client_results_23_10.txt` contains the requests and results of each conversation. It differs from that of
4.1.4 only where docs/protocol/tcp.md describes a difference between the versions.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recordings import DIRECTORY
from tests.tcp.conftest import MakeClient
from tests.tcp.test_recordings import results_of, sections

FOLDER = "23.10"
OTHERWISE = {"filtered-read-all"}
"""Conversations whose filters the client sends in another form; tests/tcp/operations/test_recorded_filters.py."""

RECORDED = sorted({path.stem for path in (DIRECTORY / FOLDER).glob("*.jsonl")} - OTHERWISE)
RESULTS = Path(__file__).parents[1] / "data" / "client_results_23_10.txt"


def test_every_conversation_has_its_results() -> None:
    assert sorted(sections(RESULTS)) == RECORDED
    assert len(RECORDED) >= 35


@pytest.mark.parametrize("name", RECORDED)
async def test_each_conversation_has_the_recorded_results(name: str, client_of: MakeClient) -> None:
    lines, _ = await results_of(f"{FOLDER}/{name}", client_of)
    assert lines == sections(RESULTS)[name]
