"""Warnings of the log of rxpump, shown as messages of the command."""

from __future__ import annotations

import logging

import click

from rxpump.cli.printable import printable_lines


class LogLines(logging.Handler):
    """Writes warnings and errors to standard error, with escapes instead of control characters."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; called by `logging`."""
        click.echo(f"{record.levelname.capitalize()}: {printable_lines(self.format(record))}", err=True)


def show_log() -> None:
    """Write the warnings of rxpump from now on."""
    logging.getLogger("rxpump").addHandler(LogLines())
