"""Commands over gRPC, among them commands that TCP does not support."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.processes import Commands, lines


@pytest.fixture(scope="module")
def grpc() -> Iterator[Commands]:
    """The command line with a server over gRPC."""
    command = [sys.executable, "-m", "rxpump", "serve", "--port", "0", "--grpc-port", "0", "--insecure"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        _, serving = lines(process.stdout, 2)
        found = re.search(r"kurrentdb://\S+?(?=\.?$)", serving)
        assert found is not None, serving
        yield Commands(found[0])
        process.terminate()
        process.communicate(timeout=120)


def test_streams_are_written_and_read(grpc: Commands) -> None:
    events = b'{"type": "Numbered", "data": {"n": 1}}\n{"type": "Numbered", "data": {"n": 2}}\n'
    assert grpc.rows("append", "numbers", input=events)[0]["written"] == 2
    assert grpc.rows("append", "numbers", input=events)[0]["already_there"] == 2
    assert [row["data"]["n"] for row in grpc.rows("read", "numbers")] == [1, 2]
    with grpc.started("tail", "numbers", "--format", "{number}") as process:
        assert lines(process.stdout, 2) == ["0", "1"]


def test_the_server_names_its_version_and_statistics(grpc: Commands) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", grpc.rows("info")[0]["version"])
    assert grpc.rows("stats", "--interval", "0.1")[0]["server"]


def test_groups_have_details(grpc: Commands) -> None:
    grpc.run("groups", "create", "zebras", "riders", "--start-from", "start")
    (row,) = grpc.rows("groups", "list", "zebras")
    assert (row["group"], row["consumers"], row["in_flight"]) == ("riders", 0, 0)
    assert row["status"]
    assert grpc.rows("groups", "info", "zebras", "riders")[0]["settings"]["message_timeout_seconds"] == 30


def test_parked_events_can_be_cleared_and_replayed(grpc: Commands) -> None:
    grpc.run("groups", "create", "horses", "parking")
    assert grpc.rows("groups", "parked", "clear", "horses", "parking", "--yes")[0]["cleared"] is True
    assert grpc.rows("groups", "parked", "replay", "horses", "parking")[0]["replayed"] is True


def test_a_group_can_be_on_all_streams(grpc: Commands) -> None:
    assert grpc.rows("groups", "create", "$all", "everything")[0]["created"] is True
    assert grpc.rows("groups", "lag", "$all", "everything")[0]["group"] == "everything"
