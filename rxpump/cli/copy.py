"""The command `rxpump copy`, which copies a stream to another server, each event exactly once."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import click
import reactivex
from reactivex import operators as rx

from rxpump.cli.exits import ending_in_order, until_interrupted
from rxpump.cli.loop import run
from rxpump.cli.output import Output
from rxpump.cli.progress_bar import Transfer
from rxpump.cli.store_command import json_option
from rxpump.connecting import connect
from rxpump.errors import StreamNotFound
from rxpump.model.events import Event
from rxpump.model.results import WriteResult


@click.command()
@click.argument("source_uri")
@click.argument("source")
@click.argument("target_uri")
@click.argument("target")
@click.option("--follow", is_flag=True, help="Also copy events that are written later, until Ctrl-C.")
@json_option
def copy(source_uri: str, source: str, target_uri: str, target: str, follow: bool, is_json: bool | None) -> None:
    """Copy a stream to another server, each event exactly once.

    SOURCE and TARGET are the names of the streams. The servers can be the same. After an interruption the next run
    continues. The metadata of a copied event record its origin under the name $relay.
    """
    with ending_in_order(), until_interrupted() if follow else nullcontext():
        run(_copy(source_uri, source, target_uri, target, follow, Output(is_json)))


async def _copy(source_uri: str, source: str, target_uri: str, target: str, follow: bool, output: Output) -> None:
    async with connect(source_uri) as reader, connect(target_uri) as writer:
        try:
            size = (await reader.get_event(source, resolve_links=False)).number + 1
        except StreamNotFound:
            if not follow:
                raise
            size = 0
        events = reader.stream(source) if follow else reader.iter(source)
        transfer, last = Transfer("copy", size or None), None
        read = _Read()
        try:
            with transfer:
                async for last in writer.relay(events, read.count, target):
                    transfer.advance(_events_of(last), *read.take())
        finally:
            number = None if last is None else last.last_event_number
            record = {"source": source, "target": target, "copied": transfer.events, "last_event_number": number}
            output.record({**record, **transfer.summary()})


def _events_of(result: WriteResult) -> int:
    return result.last_event_number - result.first_event_number + 1


class _Read:
    """Counts the bytes and the numbers of the events that were read."""

    def __init__(self) -> None:
        self._bytes = 0
        self._number = -1
        self._taken_number = -1

    def count(self, events: reactivex.Observable[Event]) -> reactivex.Observable[Any]:
        """Return `events` unchanged, and count each event that passes."""
        return events.pipe(rx.do_action(self._note))

    def take(self) -> tuple[int, int]:
        """Return the bytes, and the increase of the event number, since the last call."""
        passed = self._number - self._taken_number
        size, self._bytes, self._taken_number = self._bytes, 0, self._number
        return size, passed

    def _note(self, event: Event) -> None:
        self._bytes += len(event.data) + len(event.metadata)
        self._number = event.received_number
