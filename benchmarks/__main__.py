"""Runs the benchmarks: contestants in turn, round after round, on one server; prints what they come to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from benchmarks import report, results, server
from benchmarks.runner import Arena, Effort, Outcome, contestants
from benchmarks.server import Server
from benchmarks.workloads import EVENTS, HISTORY, STORES, WORKLOADS, Workload

_FOLDER = Path(__file__).parent / "results"

Plan = list[tuple[Callable[[], AbstractContextManager[Server]], list[Workload]]]
"""Servers to be started, and what to run on each."""


@click.command(help=__doc__)
@click.option("--events", default=EVENTS, show_default=True, type=click.IntRange(1_000), help="In a turn.")
@click.option("--history", default=HISTORY, show_default=True, type=click.IntRange(1_000), help="In the long stream.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--only", default="", help="Keys of the workloads to run, as R1,W2; default: all.")
@click.option("--store", "stores", multiple=True, type=click.Choice(STORES), help="Default: all.")
@click.option("--uri", help="A server to use instead of fresh ones: tcp://login:password@host:port.")
@click.option(
    "--slow-seconds",
    default=20.0,
    show_default=True,
    help="How long the slow consumer (M1) takes 1 ms an event, before it runs on to the end; 0: always.",
)
@click.option("--profile", is_flag=True, help="Only have rxpump do everything once, and show where its time goes.")
@click.option("--again", type=click.Path(exists=True, path_type=Path), help="Run nothing: tell of this results.json.")
@click.option("--pages", is_flag=True, help="Write tables and pictures into README.md and docs/ as well.")
@click.option("--folder", default=_FOLDER, type=click.Path(path_type=Path), help="Where results go.")
def main(
    events: int,
    history: int,
    rounds: int,
    only: str,
    stores: tuple[str, ...],
    uri: str | None,
    slow_seconds: float,
    profile: bool,
    again: Path | None,
    pages: bool,
    folder: Path,
) -> None:
    """Run everything that is wanted, and tell of it."""
    console = Console()
    if again is not None:
        measured = results.load(again)
    else:
        effort = Effort(events, history, rounds, slow_seconds, profile)
        outcomes: list[Outcome] = []
        measured = results.Results(results.caption(effort, " ".join(["make bench", *_options()])), outcomes)
        try:
            outcomes.extend(run(plan(only, stores or STORES, uri), effort, console))
        finally:  # what was measured before something failed is kept
            if not profile:
                measured.save(folder)
    rows = measured.rows
    for grid, title in ((report.contest(rows), "Beside others"), (report.series(rows), "Beside itself")):
        if grid.lines:
            console.print(grid.terminal(title))
    console.print(measured.caption, highlight=False)
    if pages:
        measured.publish()


def plan(only: str, stores: tuple[str, ...], uri: str | None) -> Plan:
    """Say what is run where."""
    keys = {key.strip() for key in only.split(",") if key.strip()}
    if unknown := keys - {workload.key for workload in WORKLOADS}:
        raise click.BadParameter(f"no such workload: {', '.join(sorted(unknown))}", param_hint="--only")
    wanted = [workload for workload in WORKLOADS if not keys or workload.key in keys]
    if uri is not None:
        return [(partial(server.elsewhere, uri), [workload for workload in wanted if not workload.only_ours])]
    on_each = [(store, [workload for workload in wanted if store in workload.stores]) for store in stores]
    return [(partial(server.fresh, store), workloads) for store, workloads in on_each if workloads]


def run(plan: Plan, effort: Effort, console: Console) -> Iterator[Outcome]:
    """Let everybody take turns, with the progress shown."""
    commands = contestants()
    columns = (*Progress.get_default_columns()[:2], TimeElapsedColumn(), TextColumn("{task.fields[turn]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        turns = sum(effort.turns(workload, commands) for _, workloads in plan for workload in workloads)
        task = progress.add_task("Running", total=turns, turn="")

        def on_turn(turn: str) -> None:
            progress.update(task, advance=1, turn=turn)

        for start, workloads in plan:
            with start() as running:
                arena = Arena(running, effort, commands)
                for workload in workloads:
                    if effort.entries_of(workload, commands):  # not everybody is here
                        yield arena.run(workload, on_turn)


def _options() -> list[str]:
    return [f"BENCH='{' '.join(sys.argv[1:])}'"] if sys.argv[1:] else []


if __name__ == "__main__":
    main()
