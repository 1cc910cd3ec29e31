"""What the rounds come to: medians, their spread, and ratios, each taken within a round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.runner import Figures, Outcome
from benchmarks.workloads import RXPUMP, Metric, Target, Workload

_READ: dict[Metric, Callable[[Figures], float]] = {
    Metric.RATE: lambda figures: figures["events"] / figures["seconds"],
    Metric.COST: lambda figures: figures["seconds"] / figures["events"] * 1e6,
    Metric.CPU: lambda figures: figures["cpu"],
    Metric.SECONDS: lambda figures: figures["seconds"],
    Metric.P50: lambda figures: figures["p50"],
    Metric.P99: lambda figures: figures["p99"],
    Metric.GROWTH: lambda figures: figures["growth"],
}


@dataclass(frozen=True)
class Spread:
    """The median of some values, and the lowest and the highest."""

    middle: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Judgement:
    """A target, what was measured for it, and whether that is good enough."""

    target: Target
    value: Spread

    @property
    def is_met(self) -> bool:
        """The median decides."""
        return self.target.is_met(self.value.middle)


@dataclass(frozen=True)
class Row:
    """One metric of one workload on one server: what each entry came to, and the judgements.

    `ratios` are those of rxpump to the others.
    """

    workload: Workload
    server: str
    metric: Metric
    values: dict[str, Spread]
    ratios: dict[str, Spread]
    judgements: tuple[Judgement, ...]

    @property
    def is_first(self) -> bool:
        """Whether this is the metric that the workload is about."""
        return self.workload.figures[0].metric is self.metric


def rows(outcome: Outcome) -> list[Row]:
    """Sum an outcome up, a row for each of the workload's figures."""
    result = []
    for figure in outcome.workload.figures:
        by_label = {label: [_READ[figure.metric](each) for each in turns] for label, turns in outcome.rounds.items()}
        judgements = tuple(
            Judgement(target, _spread(_within_rounds(by_label, target.of, target.to)))
            for target in figure.targets
            if {target.of, target.to} <= {*by_label, None}
        )
        values = {label: _spread(each) for label, each in by_label.items()}
        ratios = {
            label: _spread(_within_rounds(by_label, RXPUMP, label))
            for label in by_label
            if RXPUMP in by_label and label != RXPUMP
        }
        result.append(Row(outcome.workload, outcome.server, figure.metric, values, ratios, judgements))
    return result


def _within_rounds(by_label: dict[str, list[float]], of: str, to: str | None) -> list[float]:
    ours = by_label[of]
    if to is None:
        return ours
    return [one / other for one, other in zip(ours, by_label[to], strict=True)]


def _spread(values: list[float]) -> Spread:
    return Spread(median(values), min(values), max(values))
