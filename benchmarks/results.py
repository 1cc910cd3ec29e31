"""Store the results of a run as JSON, tables and pictures, and update the pages of the project."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter

from benchmarks import picture, report, summary
from benchmarks.runner import Outcome, Scale
from benchmarks.summary import Row
from benchmarks.workloads import GROWTH, WORKLOADS

_ROOT = Path(__file__).parents[1]
_PAGES = (_ROOT / "README.md", _ROOT / "docs" / "performance.md")


@dataclass(frozen=True)
class Results:
    """The outcomes of a run. `caption` states when, where and how they were measured."""

    caption: str
    outcomes: Sequence[Outcome]

    @property
    def rows(self) -> list[Row]:
        """The rows of all outcomes, in the order of the workloads."""
        return [row for outcome in self.outcomes for row in summary.rows(outcome)]

    def save(self, folder: Path) -> None:
        """Write results.json, table.md, speed.svg, workloads.svg and growth.svg into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        outcomes = [
            {"workload": outcome.workload.key, "server": outcome.server, "rounds": outcome.rounds}
            for outcome in self.outcomes
        ]
        whole = {"caption": self.caption, "outcomes": outcomes}
        (folder / "results.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False))
        (folder / "table.md").write_text(self.tables())
        self.draw(folder)

    def tables(self) -> str:
        """Return the caption and the tables in Markdown."""
        tables = [grid.markdown() for grid, _ in report.grids(self.rows) if grid.lines]
        return "\n\n".join([self.caption, *tables]) + "\n"

    def draw(self, folder: Path) -> None:
        """Write the pictures into a folder."""
        rows = [row for row in self.rows if row.is_first]
        growth = {workload.key for workload in GROWTH}
        (folder / "speed.svg").write_text(picture.summary(report.compared(rows)))
        (folder / "workloads.svg").write_text(picture.bars([row for row in rows if row.workload.key not in growth]))
        (folder / "growth.svg").write_text(picture.lines([row for row in rows if row.workload.key in growth]))

    def publish(self) -> None:
        """Update the tables and pictures in README.md and docs/."""
        readme, guide = _PAGES
        short = f"{report.short(self.rows).markdown()}\n\n{self.caption}"
        report.put_between_marks(readme, "benchmarks", short)
        report.put_between_marks(guide, "benchmarks", self.tables().rstrip())
        self.draw(guide.parent)


def load(path: Path) -> Results:
    """Read a results.json that `Results.save` wrote."""
    whole = json.loads(path.read_text())
    workloads = {workload.key: workload for workload in WORKLOADS}
    outcomes = [Outcome(workloads[each["workload"]], each["server"], each["rounds"]) for each in whole["outcomes"]]
    return Results(whole["caption"], outcomes)


def caption(scale: Scale, command: str) -> str:
    """Return a sentence that states when, where and how a run is measured."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("protobuf", "reactivex"))
    return (
        f"`{command}`, {datetime.now(UTC):%Y-%m-%d}: medians (lowest to highest) of {scale.rounds} rounds of"
        f" {scale.events:,} events, and a stream of {scale.history:,}. {platform.machine()} with {os.cpu_count()}"
        f" cores, {platform.system()}, Python {platform.python_version()}, {libraries}; load average"
        f" {os.getloadavg()[0]:.1f} when it began, and one fsync"
        f" took {_fsync_seconds() * 1000:.2f} ms."
    )


def _fsync_seconds() -> float:
    """Return the median seconds of an fsync after 4 KiB were written, in the folder for temporary files."""
    durations = []
    with TemporaryFile(buffering=0) as file:
        for _ in range(50):
            file.write(bytes(4096))
            started = perf_counter()
            os.fsync(file.fileno())
            durations.append(perf_counter() - started)
    return median(durations)
