"""Each example runs as a program and prints the expected lines."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

EXPECTED = {
    "count_by_type.py": [
        r"monday \[\('OrderPaid', 2\), \('OrderPlaced', 40\)\]",
        r"tuesday \[\('OrderPaid', 2\), \('OrderPlaced', 40\)\]",
    ],
    "relay.py": [r"stopped with invoice \d+ written", r"990 invoices, each once and in order: True"],
    "merge.py": [r"balance: 90"],
    "competing_consumers.py": [
        r"one consumer has disconnected before the end: True",
        r"196 billed by two: True",
        r"parked: \[49, 99, 149, 199\]",
    ],
    "dashboard.py": [r"200 sales, \d+ in all"],
}
ON_THEIR_OWN = {"flights.py", "slow_consumer.py", "drain_on_sigterm.py"}


def run(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_all_examples_are_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == EXPECTED.keys() | ON_THEIR_OWN


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_the_expected_lines(name: str) -> None:
    output, _ = run(name).communicate(timeout=120)
    for line in EXPECTED[name]:
        assert re.search(line, output), output


def test_a_slow_consumer_pauses_the_reader() -> None:
    output, _ = run("slow_consumer.py").communicate(timeout=120)
    lines = output.splitlines()
    halfway = lines.index("  500 events are processed")
    asked = [line for line in lines[:halfway] if "requests 50 events" in line]
    assert 10 <= len(asked) <= 14, output
    assert lines[-1] == "  1000 events are processed"


def test_sigterm_drains_the_client() -> None:
    process = run("drain_on_sigterm.py")
    assert process.stdout is not None
    assert process.stdout.readline() == "booking; send SIGTERM to stop\n"
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert output.splitlines() == [
        "the subscription has completed",
        "drained in time: True",
        "all delivered events are booked and in the checkpoint: True",
    ]
