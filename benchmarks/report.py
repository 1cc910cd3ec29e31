"""Format results as tables: for the terminal, and in Markdown for the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from benchmarks.definitions import (
    ASYNCIO,
    FLOOR,
    KURRENT_CLIENTS,
    NODE,
    PHOTONPUMP,
    RXPUMP,
    SINK,
    SPEED,
    Metric,
    Protocol,
)
from benchmarks.summary import Judgment, Row, Spread

CONTESTANTS = (RXPUMP, SPEED, PHOTONPUMP, NODE, *KURRENT_CLIENTS, ASYNCIO, FLOOR, SINK)


def _rate(value: float) -> str:
    return f"{value / 1000:,.0f}k" if value >= 10_000 else f"{value / 1000:.2g}k" if value >= 1000 else f"{value:.0f}"


def _time(value: float) -> str:
    return f"{value * 1000:.2f} ms" if value < 0.1 else f"{value:.2f} s"


SHOW: dict[Metric, Callable[[float], str]] = {
    Metric.RATE: _rate,
    Metric.COST: lambda value: f"{value:.2f} µs",
    Metric.CPU: _time,
    Metric.CPU_COST: lambda value: f"{value:.1f} µs",
    Metric.SECONDS: _time,
    Metric.P50: _time,
    Metric.P99: _time,
    Metric.GROWTH: lambda value: f"{value:.1f} MB",
}


@dataclass(frozen=True)
class Grid:
    """A table: headings, and lines of cells."""

    headings: list[str]
    lines: list[list[str]]

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [self.headings, ["---", "---", *["---:"] * (len(self.headings) - 2)], *self.lines]
        return "\n".join(f"| {' | '.join(cell.replace(chr(10), '<br>') for cell in line)} |" for line in lines)

    def terminal(self, title: str) -> Table:
        """Return the table for the terminal."""
        table = Table(*self.headings, title=title, title_justify="left")
        for line in self.lines:
            table.add_row(*line)
        return table


def grids(rows: Sequence[Row]) -> list[tuple[Grid, str]]:
    """Return the tables with their titles: one for each protocol, and one without comparisons of contestants."""
    contests = [
        (
            contest([row for row in rows if row.workload.protocol is protocol]),
            f"Compared with others, {protocol.value}",
        )
        for protocol in Protocol
    ]
    return [*contests, (series(rows), "Compared with itself")]


def contest(rows: Iterable[Row]) -> Grid:
    """Return the table of workloads that compare contestants, with a column for each contestant."""
    own = [row for row in rows if set(row.values) <= set(CONTESTANTS) and len(row.values) > 1]
    here = [name for name in CONTESTANTS if any(name in row.values for row in own)]
    return Grid(
        ["workload", "", *here, "ratio, target"],
        [
            [
                *_names(row),
                *(_cell(row, row.values[name]) if name in row.values else "" for name in here),
                _judged(row),
            ]
            for row in own
        ],
    )


def series(rows: Iterable[Row]) -> Grid:
    """Return the table of the other workloads, which compare one program with itself under other conditions."""
    own = [row for row in rows if not set(row.values) <= set(CONTESTANTS) or len(row.values) == 1]
    return Grid(
        ["workload", "", "measured", "ratio, target"],
        [
            [
                *_names(row),
                "\n".join(f"{label}: {_cell(row, value)}" for label, value in row.values.items()),
                _judged(row),
            ]
            for row in own
        ],
    )


def compared(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that compare rxpump with others by the main metric of a workload, on the first server."""
    own = [row for row in rows if row.is_first and RXPUMP in row.values and len(row.values) > 1]
    first = own[0].server if own else ""
    return [row for row in own if row.server == first or "sqlite" not in row.workload.stores]


def short(rows: Iterable[Row]) -> Grid:
    """Return the short table for the README: the median of the main metric of each workload, on the first server."""
    own = compared(rows)
    here = [name for name in CONTESTANTS if name != SINK and any(name in row.values for row in own)]
    others = [name for name in (PHOTONPUMP, FLOOR) if name in here]
    return Grid(
        ["workload", "", *here, *(f"rxpump / {name}" for name in others)],
        [
            [
                row.workload.title,
                row.metric.heading,
                *(SHOW[row.metric](row.values[name].middle) if name in row.values else "" for name in here),
                *(f"{row.ratios[name].middle:.2f}" if name in row.ratios else "" for name in others),
            ]
            for row in own
        ],
    )


def _names(row: Row) -> tuple[str, str]:
    first = f"{row.workload.key} {row.workload.title}, {row.server}" if row.is_first else ""
    return first, row.metric.heading


def _cell(row: Row, value: Spread) -> str:
    show = SHOW[row.metric]
    if value.lowest == value.highest:
        return show(value.middle)
    return f"{show(value.middle)} ({show(value.lowest)} to {show(value.highest)})"


def _judged(row: Row) -> str:
    return "\n".join(_judgment(each) for each in row.judgments)


def _judgment(each: Judgment) -> str:
    value, mark = each.value, "✓" if each.is_met else "✗"
    if each.target.to is None:
        return f"{mark} {each.target}"
    return f"{value.middle:.2f} ({value.lowest:.2f} to {value.highest:.2f}) {mark} {each.target}"


def put_between_marks(page: Path, name: str, text: str) -> None:
    """Replace the text between `<!-- name -->` and `<!-- end of name -->` in a page.

    Raises:
        ValueError: The page lacks one of the two comments.
    """
    old = page.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(old):
        raise ValueError(f"{page} has no {begin} ... {end}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", old))
