"""The output of commands: JSON lines for programs, colored text for a terminal."""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from rxpump.cli.printable import printable

_PIPE_WIDTH: Final = 1_000
"""Width of tables that are not written to a terminal, so that their lines are not broken."""


class Output:
    """Standard output of a command.

    Args:
        is_json: Whether to write JSON lines. None: only if standard output is not a terminal.

    Attributes:
        is_terminal: Whether standard output is a terminal.
        is_json: Whether JSON lines are written.
        console: Console for text.
        has_status_line: Whether the console shows a status line, below which nothing can be written.
    """

    def __init__(self, is_json: bool | None) -> None:
        self.is_terminal: bool = sys.stdout.isatty()
        width = None if self.is_terminal else _PIPE_WIDTH
        self.is_json: bool = not self.is_terminal if is_json is None else is_json
        self.console: Console = _Console(highlight=False, soft_wrap=True, markup=False, width=width)
        self.has_status_line: bool = False

    def line(self, line: bytes) -> None:
        """Write one line of bytes.

        Raises:
            BrokenPipeError: The reader has closed the output.
        """
        if self.has_status_line:
            self.console.out(line.decode(errors="replace"), highlight=False)
            return
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.write(b"\n")

    def flush(self) -> None:
        """Write the buffered output.

        Raises:
            BrokenPipeError: The reader has closed the output, even if nothing was buffered.
        """
        sys.stdout.flush()
        if _is_pipe_without_reader(sys.stdout.fileno()):
            raise BrokenPipeError

    def record(self, values: Mapping[str, Any]) -> None:
        """Write values by name: one JSON object, or one line for each value."""
        if self.is_json:
            self.line(as_json(values))
        else:
            self.console.print(table_of_values(values))

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Write rows: a JSON object for each, or a table.

        Args:
            rows: Values by name.
            columns: Names of the columns of the table. JSON objects have all values.
        """
        if self.is_json:
            for row in rows:
                self.line(as_json(row))
            return
        self.console.print(table_of(rows, columns))


class _Console(Console):
    """A console that raises BrokenPipeError if its output is closed, as the output of JSON lines does."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, where the base class exits with status 1."""
        raise BrokenPipeError


def _is_pipe_without_reader(descriptor: int) -> bool:
    """Return whether a descriptor is a pipe whose reading end is closed; False if that cannot be found out."""
    if not hasattr(select, "poll"):  # The module `select` has no `poll` on Windows.
        return False
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(happened & select.POLLERR for _, happened in poll.poll(0))


def table_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """Return a table of rows. Columns of numbers are aligned to the right."""
    shown = list(rows)
    table = Table(header_style="bold", pad_edge=False, box=None)
    for column in columns:
        is_number = any(type(row.get(column)) in (int, float) for row in shown)
        table.add_column(column.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        table.add_row(*(as_text(row.get(column)) for column in columns))
    return table


def table_of_values(values: Mapping[str, Any]) -> Table:
    """Return a table with a line for each value. The values of a mapping follow its name, and are indented."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for name, value in values.items():
        is_nested = isinstance(value, Mapping) and len(value) > 0
        table.add_row(name.replace("_", " "), "" if is_nested else as_text(value))
        for inner, content in value.items() if is_nested else ():
            table.add_row(f"  {printable(inner)}", as_text(content))
    return table


def as_json(value: object) -> bytes:
    """Return a value as JSON in one line. A value of a type that JSON does not have becomes its text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_text).encode()


def _json_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def as_text(value: object) -> str:
    """Return a value as printable text for display."""
    match value:
        case None | [] | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case Mapping() | list() | tuple():
            return printable(as_json(value).decode())
        case _:
            return printable(str(value))
