"""Runs the contestants in turn, round after round (A B A B ...), and prints medians.

The ratio of a round compares its neighbours in time, so what else the machine does counts for both; the
ratio shown is the median of the rounds'.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from itertools import count
from statistics import median

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.server import serving

CONTESTANTS = {
    "rxpump": (sys.executable, "benchmarks.rxpump_contestant"),
    "photon-pump": (os.environ.get("PHOTONPUMP_PYTHON", "python"), "benchmarks.photonpump_contestant"),
}
WORKLOADS = ("publish", "iter", "iter, async for", "iter + json")
SEEN_SHARE = {"iter + json": 0.1}
STREAM = "flights"

Rates = dict[str, list[float]]


class Arena:
    """One server, and the contestants' turns at it."""

    def __init__(self, host: str, port: str, events: int) -> None:
        self.host = host
        self.port = port
        self.events = events
        self._new_streams = (f"written-{number}" for number in count())

    def turn(self, contestant: str, workload: str) -> float:
        """Let one contestant run one workload; give its events per second."""
        stream = next(self._new_streams) if workload == "publish" else STREAM
        return self._run(contestant, workload, stream)

    def prepare(self) -> None:
        """Write the stream that is read."""
        self._run("rxpump", "publish", STREAM)

    def _run(self, contestant: str, workload: str, stream: str) -> float:
        python, module = CONTESTANTS[contestant]
        command = [python, "-m", module, self.host, self.port, workload, stream, str(self.events)]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        expected = int(self.events * SEEN_SHARE.get(workload, 1))
        if result["seen"] != expected:
            raise RuntimeError(f"{contestant} saw {result['seen']} events in {workload!r}, not {expected}")
        return self.events / float(result["seconds"])


def row(workload: str, rates: Rates) -> list[str]:
    """Sum the rounds up: each contestant's median with its spread, and the ratio within a round."""
    cells = [f"{_short(median(each))} ({_short(min(each))} to {_short(max(each))})" for each in rates.values()]
    ratio = median(ours / theirs for ours, theirs in zip(*rates.values(), strict=True))
    return [workload, *cells, f"{ratio:.1f}"]


def _short(rate: float) -> str:
    return f"{rate / 1_000:,.0f}k"


def markdown(headings: list[str], rows: list[list[str]]) -> str:
    """Lay the rows out for the README."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@click.command(help=__doc__)
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(1_000), help="In each turn.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as the README has it.")
def main(events: int, rounds: int, as_markdown: bool) -> None:
    """Run everything."""
    console = Console()
    rates: dict[str, Rates] = {workload: {name: [] for name in CONTESTANTS} for workload in WORKLOADS}
    with serving() as (host, port):
        arena = Arena(host, port, events)
        arena.prepare()
        turns = [(workload, name) for _ in range(rounds) for workload in WORKLOADS for name in CONTESTANTS]
        for workload, name in track(turns, "Running", console=console):
            rates[workload][name].append(arena.turn(name, workload))
    headings = ["events/s", *CONTESTANTS, "ratio"]
    rows = [row(workload, rates[workload]) for workload in WORKLOADS]
    if as_markdown:
        print(markdown(headings, rows))
    else:
        table = Table(*headings)
        for cells in rows:
            table.add_row(*cells)
        console.print(table)
    console.print(
        f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()} with {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; medians (lowest to highest) of {rounds} rounds of {events:,} events."
    )


if __name__ == "__main__":
    main()
