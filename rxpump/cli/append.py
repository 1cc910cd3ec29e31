"""The command `rxpump append`, which appends JSON lines to a stream, each exactly once."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

import click

from rxpump.blocking import BlockingClient
from rxpump.cli.delete import version_option
from rxpump.cli.event_lines import EventParser, read_lines
from rxpump.cli.output import Output
from rxpump.cli.progress_bar import Transfer
from rxpump.cli.store_command import store_command
from rxpump.errors import StreamNotFound, WrongExpectedVersion
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent
from rxpump.model.positions import ExpectedVersion

BATCH_EVENTS: Final = 500


@click.command()
@click.argument("stream")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--type", "type", help="Type of all events. Each line of FILE is then only the data of an event.")
@click.option("--source", help="Name of the input, for the ids of events without one. Default: the path of the file.")
@version_option
@store_command
def append(
    store: BlockingClient,
    output: Output,
    stream: str,
    file: BinaryIO,
    type: str | None,
    source: str | None,
    version: int | None,
) -> None:
    """Append the events of FILE, or of standard input, to STREAM.

    FILE has a JSON object in each line, as `rxpump read` writes them: type, and optionally data (or data_base64),
    metadata (or metadata_base64) and id.

    A repeated run writes nothing twice: it reads the stream, skips the events that are in it, and appends the rest.
    This is also true if the first run was interrupted, or if other programs write to the stream. An event without an
    id gets one that is derived from the name of the input, the line number and the line. With --expected-version the
    stream is not read, and only the server recognizes repeated events.
    """
    parser = EventParser(stream, type, source or _name_of(file))
    target: _Target = _Checked(store, stream) if version is None else _Expecting(store, stream, version)
    transfer = Transfer("append", _size_of(file))
    try:
        with transfer:
            for lines in read_lines(file):
                for start in range(0, len(lines), BATCH_EVENTS):
                    batch = lines[start : start + BATCH_EVENTS]
                    target.append([parser.parse(line) for line in batch])
                    size = sum(len(line.text) + 1 for line in batch)
                    transfer.advance(len(batch), size, of_total=size)
    finally:
        counts = {"written": target.written, "already_there": transfer.events - target.written}
        output.record({"stream": stream, **counts, "last_event_number": target.last_number, **transfer.summary()})


def _name_of(file: BinaryIO) -> str:
    name = getattr(file, "name", "-")
    return str(Path(name).resolve()) if isinstance(name, str) and name not in ("-", "<stdin>") else "-"


def _size_of(file: BinaryIO) -> int | None:
    """Return the size of a file in bytes; None for a pipe or a terminal."""
    status = os.fstat(file.fileno())
    return status.st_size if S_ISREG(status.st_mode) else None


class _Target(ABC):
    """A stream to which batches are appended, one after the other.

    Attributes:
        written: Number of events that were written.
        last_number: Number of the last event that was written or found in the stream; None before the first.
    """

    def __init__(self, store: BlockingClient, stream: str) -> None:
        self.written = 0
        self.last_number: int | None = None
        self._store = store
        self._stream = stream

    @abstractmethod
    def append(self, events: Sequence[NewEvent]) -> None:
        """Append events, except for those that are in the stream already."""


class _Expecting(_Target):
    """Appends each batch with an expected version: at first that of the user, then that after the last batch."""

    def __init__(self, store: BlockingClient, stream: str, version: int) -> None:
        super().__init__(store, stream)
        self._version = version

    def append(self, events: Sequence[NewEvent]) -> None:
        """Append events."""
        result = self._store.publish(self._stream, list(events), expected_version=self._version)
        self.written += len(events)
        self.last_number = result.last_event_number
        if self._version != ExpectedVersion.ANY:
            self._version = result.last_event_number


class _Checked(_Target):
    """Reads the stream, and does not append events that it finds there in the order of the input.

    Each write expects the version up to which the stream was read. If another program has written to the stream, the
    write is refused, and the events that the other program wrote are read before the next attempt.
    """

    def __init__(self, store: BlockingClient, stream: str) -> None:
        super().__init__(store, stream)
        self._version: int = ExpectedVersion.NO_STREAM
        self._existing = self._events_after(self._version)

    def append(self, events: Sequence[NewEvent]) -> None:
        """Append events, unless they are there already."""
        missing = deque(events)
        while True:
            self._skip_existing(missing)
            if not missing:
                return
            try:
                result = self._store.publish(self._stream, list(missing), expected_version=self._version)
            except WrongExpectedVersion as error:
                self._read_on(error)
                continue
            self._version = self.last_number = result.last_event_number
            self.written += len(missing)
            return

    def _skip_existing(self, missing: deque[NewEvent]) -> None:
        """Read the stream until all missing events are found, or to its end. Remove those that are found."""
        while missing and (event := next(self._existing, None)) is not None:
            self._version = event.number
            if event.id_bytes == missing[0].id_bytes:
                missing.popleft()
                self.last_number = event.number

    def _read_on(self, refusal: WrongExpectedVersion) -> None:
        """Read the rest of the stream, because a write was refused at the version up to which it was read.

        Raises:
            WrongExpectedVersion: The error of the server contains no other version.
        """
        self._existing = self._events_after(self._version)
        first = next(self._existing, None)
        if first is not None:
            self._existing = chain((first,), self._existing)
        elif refusal.current is None or refusal.current == self._version:
            raise refusal
        else:
            self._version = refusal.current  # The last events can no longer be read.

    def _events_after(self, number: int) -> Iterator[Event]:
        try:
            yield from self._store.iter(self._stream, from_event=number + 1, resolve_links=False)
        except StreamNotFound:
            return
