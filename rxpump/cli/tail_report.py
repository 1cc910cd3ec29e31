"""The messages of `rxpump tail` on standard error."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final

from rich.console import Console

from rxpump.blocking import BlockingClient
from rxpump.cli.output import Output
from rxpump.model.events import Event
from rxpump.model.pages import AllPage
from rxpump.model.positions import StreamDirection, position_text
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected
from rxpump.model.system_names import ALL_STREAM

MEASURE_SECONDS: Final = 1.0
"""Seconds between two measurements of the distance to the end of the stream."""

Item = Event | CaughtUp | FellBehind | Reconnected | Examined
Clock = Callable[[], float]


class TailReport:
    """Reports on standard error how far the output is behind the end of the stream.

    On a terminal, the report is a status line, otherwise a line for each change. Use this as a context manager.

    Args:
        store: The store.
        output: Standard output, which can be the same terminal.
        stream: Name of the stream, or `$all`.
        is_quiet: Whether to report nothing.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self, store: BlockingClient, output: Output, stream: str, *, is_quiet: bool, clock: Clock = monotonic
    ) -> None:
        self._store = store
        self._stream = stream
        self._is_quiet = is_quiet
        self._clock = clock
        self._is_live = False
        self._last: Event | None = None
        self._measured_at = self._clock()
        errors = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
        self._output = output
        shares_terminal = errors.is_terminal and output.is_terminal
        self._console = output.console if shares_terminal else errors
        self._status = self._console.status("reading") if self._console.is_terminal and not is_quiet else None

    def note(self, item: Item | None) -> None:
        """Update the report for an event or a signal; `item` is None if nothing has arrived for some time."""
        match item:
            case Event():
                self._last = item
                if not self._is_live and self._clock() - self._measured_at >= MEASURE_SECONDS:
                    self._measured_at = self._clock()
                    self._show(f"{self._behind(item)} behind")
            case CaughtUp():
                self._is_live = True
                self._show(f"caught up{self._place()}")
            case FellBehind():
                self._is_live = False
                self._show(f"fell behind{self._place()}: {item.reason}")
            case Reconnected():
                self._show(f"connected again{self._place()}")

    def _place(self) -> str:
        if self._last is None:
            return ""
        number = position_text(self._last.position) if self._stream == ALL_STREAM else self._last.received_number
        return f" after event {number}"

    def _behind(self, event: Event) -> str:
        """Return the distance from an event to the end of the stream as text."""
        if self._stream != ALL_STREAM:
            end = self._store.get(self._stream, direction=StreamDirection.BACKWARD, max_count=1)
            return f"{max(0, end[0].received_number - event.received_number) if len(end) else 0:,} events"
        page: AllPage = self._store.get_all(direction=StreamDirection.BACKWARD, max_count=1)
        if not len(page) or event.position is None or page[0].position is None:
            return "0 bytes"
        return f"{max(0, page[0].position.commit - event.position.commit):,} bytes"

    def _show(self, text: str) -> None:
        if self._status is not None:
            self._status.update(text)
        elif not self._is_quiet:
            self._console.print(text)

    def __enter__(self) -> TailReport:
        if self._status is not None:
            self._status.start()
            self._output.has_status_line = self._console is self._output.console
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._output.has_status_line = False
            self._status.stop()
