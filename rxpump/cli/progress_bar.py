"""Progress bars on standard error, for commands that can take a long time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

_ECHO_WIDTH: Final = len("^C")
"""Columns in which a terminal shows Ctrl-C. In a full line it would begin another line, and leave the bar behind."""


class Transfer:
    """Counts the events and bytes of a command, and shows them if standard error is a terminal.

    Use it as a context manager.

    Args:
        title: Text at the beginning of the bar.
        total: Bytes or events of the whole transfer. None if it is not known.

    Attributes:
        events: Number of events until now.
        bytes: Number of bytes until now.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self.events: int = 0
        self.bytes: int = 0
        self._began = monotonic()
        self._progress = _Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[counts]}"),
            _TimeLeft(),
            console=Console(stderr=True),
            transient=True,
            disable=not Console(stderr=True).is_terminal,
        )
        self._task: TaskID = self._progress.add_task(title, total=total, counts="")

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return monotonic() - self._began

    def advance(self, events: int, bytes: int, of_total: int) -> None:
        """Count events and bytes.

        Args:
            events: Events that were transferred.
            bytes: Bytes of these events.
            of_total: Progress that they make toward `total`, in the unit of `total`.
        """
        self.events += events
        self.bytes += bytes
        rate = self.events / max(self.seconds, 0.001)
        counts = f"{self.events:,} events, {self.bytes / 1e6:,.1f} MB, {rate:,.0f} events/s"
        self._progress.update(self._task, advance=of_total, counts=counts)

    def summary(self) -> dict[str, Any]:
        """Return the counts and the rate by name."""
        seconds = round(self.seconds, 3)
        return {
            "bytes": self.bytes,
            "seconds": seconds,
            "events_per_second": round(self.events / max(self.seconds, 0.001)),
        }

    def __enter__(self) -> Transfer:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


class _Bar(Progress):
    """A progress bar that does not use the last columns of its line."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar."""
        yield _Narrow(self.make_tasks_table(self.tasks))


class _Narrow:
    """A renderable that does not use the last columns of a line."""

    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self._renderable, options.update_width(options.max_width - _ECHO_WIDTH))


class _TimeLeft(ProgressColumn):
    """The time until the end of a transfer, if its size is known, otherwise the time since its start."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        left, elapsed = task.time_remaining, task.elapsed or 0
        seconds, note = (elapsed, "") if left is None else (left, " left")
        return Text(f"{timedelta(seconds=int(seconds))}{note}", style="cyan")
