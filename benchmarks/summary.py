"""Summarize rounds: medians with lowest and highest values, and ratios. A ratio compares two runs of one round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.definitions import RXPUMP, Metric, Target, Workload
from benchmarks.runner import Figures, Outcome

_READ: dict[Metric, Callable[[Figures], float]] = {
    Metric.RATE: lambda figures: figures["events"] / figures["seconds"],
    Metric.COST: lambda figures: figures["seconds"] / figures["events"] * 1e6,
    Metric.CPU: lambda figures: figures["cpu"],
    Metric.CPU_COST: lambda figures: figures["cpu"] / figures["events"] * 1e6,
    Metric.SECONDS: lambda figures: figures["seconds"],
    Metric.P50: lambda figures: figures["p50"],
    Metric.P99: lambda figures: figures["p99"],
    Metric.GROWTH: lambda figures: figures["growth"],
}


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of some values."""

    middle: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Judgment:
    """A target, and the value that was measured for it."""

    target: Target
    value: Spread

    @property
    def is_met(self) -> bool:
        """Whether the median meets the target."""
        return self.target.is_met(self.value.middle)


@dataclass(frozen=True)
class Row:
    """One metric of one workload on one server.

    Attributes:
        values: The values of each entry, by its label.
        ratios: The ratios of rxpump to each other entry, by the label of that entry.
        judgments: One for each target whose entries took part.
    """

    workload: Workload
    server: str
    metric: Metric
    values: dict[str, Spread]
    ratios: dict[str, Spread]
    judgments: tuple[Judgment, ...]

    @property
    def is_first(self) -> bool:
        """Whether this is the main metric of the workload."""
        return self.workload.figures[0].metric is self.metric


def rows(outcome: Outcome) -> list[Row]:
    """Return a row for each figure of the workload."""
    result = []
    for figure in outcome.workload.figures:
        by_label = {label: [_READ[figure.metric](each) for each in turns] for label, turns in outcome.rounds.items()}
        judgments = tuple(
            Judgment(target, _spread(_within_rounds(by_label, target.of, target.to)))
            for target in figure.targets
            if {target.of, target.to} <= {*by_label, None}
        )
        values = {label: _spread(each) for label, each in by_label.items()}
        ratios = {
            label: _spread(_within_rounds(by_label, RXPUMP, label))
            for label in by_label
            if RXPUMP in by_label and label != RXPUMP
        }
        result.append(Row(outcome.workload, outcome.server, figure.metric, values, ratios, judgments))
    return result


def _within_rounds(by_label: dict[str, list[float]], of: str, to: str | None) -> list[float]:
    ours = by_label[of]
    if to is None:
        return ours
    return [one / other for one, other in zip(ours, by_label[to], strict=True)]


def _spread(values: list[float]) -> Spread:
    return Spread(median(values), min(values), max(values))
