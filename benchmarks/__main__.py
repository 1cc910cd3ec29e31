"""Run the benchmarks in several rounds, and print the medians. In a round, contestants use a server one by one."""

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
from benchmarks.definitions import EVENTS, HISTORY, STORES, Protocol, Workload
from benchmarks.runner import Outcome, Runner, Scale, contestants
from benchmarks.server import Server
from benchmarks.workloads import WORKLOADS

_FOLDER = Path(__file__).parent / "results"

Plan = list[tuple[Callable[[], AbstractContextManager[Server]], list[Workload]]]
"""Functions that start a server, each with the workloads to run on it."""


@click.command(help=__doc__)
@click.option("--events", default=EVENTS, show_default=True, type=click.IntRange(1_000), help="Events of one turn.")
@click.option(
    "--history", default=HISTORY, show_default=True, type=click.IntRange(1_000), help="Events of the long stream."
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Turns of each contestant.")
@click.option("--only", default="", help="Keys of the workloads to run, for example R1,W2. Default: all.")
@click.option("--store", "stores", multiple=True, type=click.Choice(STORES), help="Stores to run on. Default: all.")
@click.option(
    "--uri", help="A running server to use instead of new ones: tcp://login:password@host:port, or kurrentdb://...."
)
@click.option(
    "--slow-seconds",
    default=20.0,
    show_default=True,
    help="Seconds for which the slow consumer (M1) needs 1 ms an event, before it reads to the end. 0: always.",
)
@click.option("--profile", is_flag=True, help="Run each workload once, with rxpump alone, and print a profile.")
@click.option(
    "--again",
    type=click.Path(exists=True, path_type=Path),
    help="Run nothing. Show the results in this results.json.",
)
@click.option("--pages", is_flag=True, help="Write tables and pictures into README.md and docs/, too.")
@click.option("--folder", default=_FOLDER, type=click.Path(path_type=Path), help="Folder for the results.")
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
    """Run the selected workloads, and show the results."""
    console = Console()
    if again is not None:
        measured = results.load(again)
    else:
        scale = Scale(events, history, rounds, slow_seconds, profile)
        outcomes: list[Outcome] = []
        measured = results.Results(results.caption(scale, " ".join(["make bench", *_options()])), outcomes)
        try:
            outcomes.extend(run(plan(only, stores or STORES, uri), scale, console))
        finally:  # one by one, so that a failure keeps the results of earlier workloads
            if not profile:
                measured.save(folder)
    for grid, title in report.grids(measured.rows):
        if grid.lines:
            console.print(grid.terminal(title))
    console.print(measured.caption, highlight=False)
    if pages:
        measured.publish()


def plan(only: str, stores: tuple[str, ...], uri: str | None) -> Plan:
    """Return the servers to start, each with its workloads.

    Args:
        only: Keys of workloads, separated by commas. Empty: all.
        stores: Names of the stores to start servers on.
        uri: Connection string of a running server to use instead of new servers, or None.

    Raises:
        click.BadParameter: A key in `only` is unknown.
    """
    keys = {key.strip() for key in only.split(",") if key.strip()}
    if unknown := keys - {workload.key for workload in WORKLOADS}:
        known = ", ".join(workload.key for workload in WORKLOADS)
        raise click.BadParameter(
            f"there is no workload {', '.join(sorted(unknown))}; there are {known}",
            param_hint="--only",
        )
    wanted = [workload for workload in WORKLOADS if not keys or workload.key in keys]
    if uri is not None:
        protocol = server.protocol_of(uri)
        there = [workload for workload in wanted if workload.protocol is protocol and not workload.only_ours]
        return [(partial(server.elsewhere, uri), there)]
    here: Plan = []
    for protocol in Protocol:
        for store in stores:
            these = [each for each in wanted if each.protocol is protocol and store in each.stores]
            if these:
                here.append((partial(server.fresh, store, protocol), these))
    return here


def run(plan: Plan, scale: Scale, console: Console) -> Iterator[Outcome]:
    """Run the workloads of each server, and show the progress. Yield the outcome of each workload."""
    commands = contestants()
    columns = (*Progress.get_default_columns()[:2], TimeElapsedColumn(), TextColumn("{task.fields[turn]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        turns = sum(scale.turns(workload, commands) for _, workloads in plan for workload in workloads)
        task = progress.add_task("Running", total=turns, turn="")

        def on_turn(turn: str) -> None:
            progress.update(task, advance=1, turn=turn)

        for start, workloads in plan:
            with start() as running:
                runner = Runner(running, scale, commands)
                for workload in workloads:
                    if scale.entries_of(workload, commands):  # Contestants of a workload may not be installed.
                        yield runner.run(workload, on_turn)


def _options() -> list[str]:
    return [f"BENCH='{' '.join(sys.argv[1:])}'"] if sys.argv[1:] else []


if __name__ == "__main__":
    main()
