"""The benchmark runs, and every contestant sees every event (it checks that itself); how fast is not asked."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    "PHOTONPUMP_PYTHON" not in os.environ, reason="wants photon-pump's environment: make interop"
)


def test_a_round_of_everything() -> None:
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--events", "1000", "--markdown"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for workload in ("publish", "iter", "iter, async for", r"iter \+ json"):
        assert re.search(rf"^\| {workload} \| \d+k \(.*\) \| \d+k \(.*\) \| [\d.]+ \|$", done.stdout, re.MULTILINE)
