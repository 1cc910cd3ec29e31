"""The types of arguments: event numbers, positions and expected versions."""

from __future__ import annotations

from typing import Final

import click

from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.positions import END, START, Edge, ExpectedVersion, Position, position_text
from rxpump.model.system_names import ALL_STREAM

_EDGES: Final = {"start": START, "end": END}
_VERSIONS: Final = {
    "any": ExpectedVersion.ANY,
    "no-stream": ExpectedVersion.NO_STREAM,
    "exists": ExpectedVersion.STREAM_EXISTS,
}


def parse_place(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | Edge | Position | None:
    """Return an event number, a position such as `120/120`, START or END; None if there is no value."""
    if value is None or value in _EDGES:
        return None if value is None else _EDGES[value]
    commit, slash, prepare = value.partition("/")
    try:
        return Position(int(commit), int(prepare)) if slash else checks.event_number(int(commit))
    except (ValueError, InvalidArgument):
        allowed = "an event number, a position such as 120/120, start or end"
        raise click.BadParameter(f"{value!r} is not {allowed}") from None


def parse_version(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Return an event number, or a constant of ExpectedVersion; None if there is no value."""
    if value is None or value in _VERSIONS:
        return None if value is None else _VERSIONS[value]
    try:
        return checks.event_number(int(value))
    except (ValueError, InvalidArgument):
        allowed = f"the number of an event, {', '.join(_VERSIONS)}"
        raise click.BadParameter(f"{value!r} is not {allowed}") from None


def number_in(stream: str, place: int | Edge | Position | None) -> int | Edge | None:
    """Return `place`, and check that it is a place in one stream.

    Raises:
        UsageError: `place` is a position in `$all`.
    """
    if isinstance(place, Position):
        raise click.UsageError(f"{position_text(place)} is a position in {ALL_STREAM}, not in {stream!r}")
    return place


def position_in_all(place: int | Edge | Position | None) -> Position | Edge | None:
    """Return `place`, and check that it is a place in `$all`.

    Raises:
        UsageError: `place` is an event number.
    """
    if isinstance(place, int):
        raise click.UsageError(f"{place} is no position in {ALL_STREAM}; JSON lines have positions such as 120/120")
    return place
