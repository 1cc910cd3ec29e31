"""The command `rxpump tail`, which writes the events of a stream, then each new event."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any, Final

import click
import reactivex

from rxpump.blocking import BlockingClient, BlockingIterator
from rxpump.checkpoints import Checkpoint, FileCheckpoint
from rxpump.cli.event_text import event_writer
from rxpump.cli.exits import until_interrupted
from rxpump.cli.output import Output
from rxpump.cli.read import format_option, links_option, type_option, types_regex
from rxpump.cli.store_command import store_command
from rxpump.cli.tail_report import Item, TailReport
from rxpump.cli.values import number_in, parse_place, position_in_all
from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.positions import END, START, Edge, Position
from rxpump.model.signals import Examined
from rxpump.model.system_names import ALL_STREAM
from rxpump.operators import where, with_signals

SAVE_SECONDS: Final = 1.0
"""Seconds between two saves of the checkpoint of the written events."""


@click.command()
@click.argument("stream")
@click.option(
    "--since",
    callback=parse_place,
    help="First event: its number, start or end; in $all the position to start after.",
)
@click.option("--new", is_flag=True, help="Skip the existing events.")
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the place of the last written event. The next run continues after it.",
)
@click.option("--quiet", is_flag=True, help="Do not report on standard error how far behind the output is.")
@type_option
@format_option
@links_option
@store_command
def tail(
    store: BlockingClient,
    output: Output,
    stream: str,
    since: int | Edge | Position | None,
    new: bool,
    checkpoint: Path | None,
    quiet: bool,
    types: tuple[str, ...],
    form: str | None,
    resolve_links: bool,
) -> None:
    """Write the events of STREAM, then each new event, until Ctrl-C.

    STREAM can be $all. After a lost connection it continues with the next event. With --checkpoint it also does
    so after a restart.
    """
    if new and since is not None:
        raise click.UsageError("--since and --new contradict each other")
    write = event_writer(output, form)
    saved = _Saved(stream, checkpoint)
    start = saved.next_place() or (END if new else START if since is None else since)
    report = TailReport(store, output, stream, is_quiet=quiet)
    with until_interrupted(), report, saved, _follow(store, stream, start, types, resolve_links) as items:
        while True:
            try:
                item = next(items)
            except TimeoutError:
                item = None
            if isinstance(item, Event):
                if not types or item.type in types:
                    write(item)
                saved.note(item)
            elif isinstance(item, Examined):
                saved.note(item)
            report.note(item)
            if not items.buffered:
                output.flush()
                saved.save_if_due()


def _follow(
    store: BlockingClient, stream: str, start: int | Edge | Position, types: tuple[str, ...], resolve_links: bool
) -> BlockingIterator[Item]:
    """Return an iterator of events and signals. It raises TimeoutError if there is none for some time."""
    if stream == ALL_STREAM:
        condition = where(type_regex=types_regex(types)) if types else None
        place = position_in_all(start)
        assert place is not None
        source = store.client.stream_all(place, resolve_links=resolve_links, where=condition)
    else:
        number = number_in(stream, start)
        assert number is not None
        source = store.client.stream(stream, number, resolve_links=resolve_links)
    items: reactivex.Observable[Any] = source.pipe(with_signals())
    return store.iterate(items, timeout=SAVE_SECONDS)


class _Saved:
    """The checkpoint of the events that were written. At the end of a `with` block it is saved.

    Args:
        stream: Name of the stream.
        path: File of the checkpoint, or None for no checkpoint.
    """

    def __init__(self, stream: str, path: Path | None) -> None:
        self._stream = stream
        self._file = None if path is None else FileCheckpoint(path)
        self._unsaved: Event | Examined | None = None
        self._saved_at = monotonic()

    def next_place(self) -> int | Position | None:
        """Return the event number or position at which to continue; None if nothing was saved.

        Raises:
            InvalidArgument: The checkpoint belongs to another stream.
        """
        checkpoint = None if self._file is None else self._file.read()
        if checkpoint is None:
            return None
        if self._stream == ALL_STREAM:
            if checkpoint.position is None:
                raise InvalidArgument("checkpoint", str(self._file), f"a checkpoint of {ALL_STREAM}")
            return checkpoint.position
        if checkpoint.stream != self._stream:
            raise InvalidArgument("checkpoint", f"one of stream {checkpoint.stream!r}", f"one of {self._stream!r}")
        return checkpoint.number + 1

    def note(self, item: Event | Examined) -> None:
        """Move the checkpoint to an event that was written, or to a position up to which no event matches."""
        self._unsaved = item

    def save_if_due(self) -> None:
        """Save the checkpoint if the last save was at least SAVE_SECONDS ago."""
        if monotonic() - self._saved_at >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Save the checkpoint of the last event that was passed to `note`."""
        if self._file is not None and self._unsaved is not None:
            self._file.write(Checkpoint.of(self._unsaved))
        self._unsaved, self._saved_at = None, monotonic()

    def __enter__(self) -> _Saved:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        # If the output was closed, events that were passed to `note` are lost, and must be written again.
        if not isinstance(error, OSError):
            self.save()
