"""The commands `rxpump delete`, `rxpump metadata` and `rxpump scavenge`, which remove or change data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click

from rxpump.blocking import BlockingClient
from rxpump.cli.decorators import Decorator
from rxpump.cli.output import Output
from rxpump.cli.store_command import confirm, store_command, yes_option
from rxpump.cli.values import parse_version
from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.metadata import MetadataResult, StreamMetadata
from rxpump.model.positions import ExpectedVersion, position_text

version_option: Decorator = click.option(
    "--expected-version",
    "version",
    callback=parse_version,
    metavar="N|any|no-stream|exists",
    help="Version that the stream must have.",
)


@click.command()
@click.argument("stream")
@click.option("--hard", is_flag=True, help="Delete it permanently: the name can never be used again.")
@version_option
@yes_option
@store_command
def delete(store: BlockingClient, output: Output, stream: str, hard: bool, version: int | None, yes: bool) -> None:
    """Delete STREAM. Its events can no longer be read. Without --hard, new events can be written to it."""
    confirm(f"Delete the stream {stream!r}{' permanently' if hard else ''}?", yes)
    expected = ExpectedVersion.ANY if version is None else version
    result = store.delete_stream(stream, expected, hard)
    position = position_text(result.position)
    output.record({"stream": stream, "deleted": "hard" if hard else "soft", "position": position})


@click.group()
def metadata() -> None:
    """Show and change the limits and other metadata of a stream."""


@metadata.command("get")
@click.argument("stream")
@store_command
def get_metadata(store: BlockingClient, output: Output, stream: str) -> None:
    """Write the metadata of STREAM, and their version."""
    output.record(_as_record(store.get_metadata(stream)))


@metadata.command("set")
@click.argument("stream")
@click.option("--max-count", type=click.IntRange(1), help="Number of the last events that can be read.")
@click.option("--max-age", type=click.IntRange(1), help="Seconds for which an event can be read.")
@click.option("--truncate-before", type=click.IntRange(0), help="Number of the first event that can be read.")
@click.option("--cache-control", type=click.IntRange(1), help="Seconds for which HTTP caches may keep the stream.")
@click.option("--acl", metavar="JSON", help='Access control list, for example \'{"$r": "ops"}\'.')
@click.option("--custom", multiple=True, metavar="NAME=JSON", help="Set a custom value. Can be repeated.")
@click.option("--unset", multiple=True, metavar="NAME", help="Remove a value, such as max-count. Can be repeated.")
@click.option("--replace", "is_replaced", is_flag=True, help="Remove all values that are not given.")
@store_command
def set_metadata(
    store: BlockingClient,
    output: Output,
    /,
    stream: str,
    acl: str | None,
    custom: tuple[str, ...],
    unset: tuple[str, ...],
    is_replaced: bool,
    **limits: int | None,
) -> None:
    """Change the metadata of STREAM. Values that are not given stay as they are.

    If another program changes the metadata at the same time, the command fails with status 4 and changes nothing.
    """
    old = store.get_metadata(stream)
    changes: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    if acl is not None:
        changes["acl"] = Acl.from_json(_parse("acl", acl))
    base = StreamMetadata() if is_replaced else old.metadata
    own = {**base.custom, **dict(map(_parse_custom, custom))}
    for name in unset:
        field = name.replace("-", "_")
        if field in _FIELDS:
            changes[field] = None
        elif own.pop(name, None) is None:
            raise InvalidArgument("unset", name, f"a value that is set, or {', '.join(_FIELDS)}")
    new = replace(base, **changes, custom=own)
    store.set_metadata(stream, new, expected_version=old.version)
    output.record(_as_record(store.get_metadata(stream)))


_FIELDS = ("max_count", "max_age", "truncate_before", "cache_control", "acl")


def _parse_custom(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidArgument("custom", text, "a name, =, and a JSON value")
    return name, _parse(name, value)


def _parse(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidArgument(name, text, f"JSON ({error})") from None


def _as_record(result: MetadataResult) -> dict[str, Any]:
    return {"stream": result.stream, "version": result.version, "metadata": result.metadata.to_json()}


@click.command()
@yes_option
@store_command
def scavenge(store: BlockingClient, output: Output, yes: bool) -> None:
    """Remove deleted and expired events from the files of the node.

    Only members of $admins and $ops may scavenge.
    """
    confirm("Remove deleted and expired events from the files of the node?", yes)
    result = store.scavenge()
    output.record(
        {"done": result.is_done, "id": result.id, "seconds": result.seconds, "bytes_saved": result.bytes_saved}
    )
