"""The benchmarks run without errors, and every contestant sees all events. Speed is not tested."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.definitions import Protocol
from benchmarks.server import fresh

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    "PHOTONPUMP_PYTHON" not in os.environ, reason="needs the environment of photon-pump: make interop"
)


def benchmarks(*options: str) -> str:
    done = subprocess.run([sys.executable, "-m", "benchmarks", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_a_round_of_all_workloads_has_results(tmp_path: Path) -> None:
    small = ("--rounds", "1", "--events", "1000", "--history", "2000", "--slow-seconds", "0.1")
    printed = benchmarks(*small, "--folder", str(tmp_path))
    outcomes = json.loads((tmp_path / "results.json").read_text())["outcomes"]
    keys = {outcome["workload"] for outcome in outcomes}
    assert keys >= {
        "R1",
        "R2",
        "R3",
        "R4",
        "W1",
        "W2",
        "W3",
        "W4",
        "W5",
        "S1",
        "S2",
        "S3",
        "M1",
        "E1",
        "E2",
        "I1",
        "C1",
        "C2",
        "G1",
        "G2",
        "G3",
        "G4",
        "G5",
        "G6",
        "G7",
    }
    servers = sorted({outcome["server"] for outcome in outcomes})
    assert servers[:2] == ["memory", "sqlite"]
    assert [name.partition(":")[0] for name in servers[2:]] == ["sqlite on a slow disk (imitated"]
    contests = [outcome["rounds"] for outcome in outcomes if outcome["workload"] in ("R1", "W1", "W3", "S2")]
    assert all({"rxpump", "photon-pump", "floor"} <= set(rounds) for rounds in contests)
    over_grpc = [outcome["rounds"] for outcome in outcomes if outcome["workload"] in ("G1", "G2", "G3", "G4", "G5")]
    assert all({"rxpump", "floor"} <= set(rounds) for rounds in over_grpc)
    if "KURRENTDBCLIENT_PYTHON" in os.environ:
        assert all({"kurrentdbclient", "kurrentdbclient, asyncio"} <= set(rounds) for rounds in over_grpc)
    table = (tmp_path / "table.md").read_text()
    assert all(f"| {key} " in table for key in keys)
    for picture in ("speed.svg", "workloads.svg", "growth.svg"):
        assert ElementTree.parse(tmp_path / picture).getroot().tag.endswith("svg")

    again = benchmarks("--again", str(tmp_path / "results.json"))
    assert again.split("Compared with others")[1] == printed.split("Compared with others")[1]


def test_a_workload_can_use_a_running_server(tmp_path: Path) -> None:
    with fresh("memory", Protocol.TCP) as server:
        uri = f"tcp://{server.login}:{server.password}@{server.host}:{server.port}"
        small = ("--only", "R1,E1", "--rounds", "1", "--events", "1000", "--history", "1000")
        benchmarks("--uri", uri, *small, "--folder", str(tmp_path))
    outcomes = json.loads((tmp_path / "results.json").read_text())["outcomes"]
    assert [outcome["workload"] for outcome in outcomes] == ["R1"], "E1 measures the embedded server"
