"""The command `rxpump check`, which verifies a file of events."""

from __future__ import annotations

import sys
from typing import Final

import click
from rich.console import Console

from rxpump.server import Report, StoreError
from rxpump.server import check as check_file

_DAMAGED: Final = 1
_NOT_CHECKED: Final = 2


@click.command()
@click.option("--db", type=click.Path(), required=True, help="File with the events.")
def check(db: str) -> None:
    """Verify a file of events, and list lost and damaged events.

    The file is not changed, and a server may have it open. The exit status is 0 if nothing is damaged, 1 if something
    is damaged, and 2 if the file cannot be checked.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    try:
        report = check_file(db)
    except StoreError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(_NOT_CHECKED)
    _print(console, report)
    sys.exit(0 if report.is_sound else _DAMAGED)


def _print(console: Console, report: Report) -> None:
    for lost in report.lost:
        console.print(f"Lost: {lost}")
    for damaged in report.damaged:
        console.print(f"Damaged: {damaged}")
    problems = "" if report.is_sound else " The problems are listed above."
    console.print(f"{report.events:,} events in {report.streams:,} streams of {report.path!r} are intact.{problems}")
