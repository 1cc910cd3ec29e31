"""The command `rxpump groups`, which manages consumer groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, Final

import click

from rxpump.blocking import BlockingClient
from rxpump.cli.decorators import Decorator
from rxpump.cli.event_text import event_json, event_line, event_writer
from rxpump.cli.output import Output
from rxpump.cli.printable import printable
from rxpump.cli.read import format_option
from rxpump.cli.store_command import confirm, store_command, yes_option
from rxpump.cli.values import parse_place
from rxpump.client.group_streams import group_in_streams, groups_in_streams
from rxpump.errors import NotSupported, StreamNotFound
from rxpump.model.group_details import GroupDetails
from rxpump.model.group_settings import ConsumerStrategy, GroupOptions
from rxpump.model.positions import Edge
from rxpump.model.system_names import group_id, parked_stream

_TYPES: Final = {"bool": bool, "int": int, "float": float}
_NOTES: Final = {
    "resolve_links": "Deliver the targets of links, or the links themselves.",
    "start_from": "Place of the first event: a number, start or end; in $all a position.",
    "message_timeout_seconds": "Seconds after which an unacknowledged event is delivered again; 0: never.",
    "record_statistics": "Let the server measure latencies.",
    "live_buffer_size": "Newest events that the server buffers while the group catches up.",
    "read_batch_size": "Events that the server reads at once while the group catches up.",
    "buffer_size": "Events that the server buffers for the group.",
    "max_retry_count": "Times that an event is delivered again before it is parked.",
    "checkpoint_after_seconds": "Shortest time between two checkpoints; 0: any.",
    "checkpoint_max_count": "Handled events after which a checkpoint is written in any case.",
    "checkpoint_min_count": "Handled events that a checkpoint needs at least.",
    "subscriber_max_count": "Consumers that can be connected; 0: any number.",
    "strategy": f"How the server chooses a consumer: {', '.join(ConsumerStrategy)}, or another strategy that it has.",
}
"""Help for each setting of a group."""

Command = Callable[..., None]


@click.group()
def groups() -> None:
    """Manage consumer groups (persistent subscriptions). By default only admins may do so."""


stream_argument: Decorator = click.argument("stream")
group_argument: Decorator = click.argument("group")


def settings_options(command: Command) -> Command:
    """Add an option for each setting of a group."""
    for field in reversed(fields(GroupOptions)):
        name = f"--{field.name.replace('_', '-')}"
        note = f"{_NOTES[field.name]} Default: {_default(field.default)}."
        if field.name == "start_from":
            option = click.option(name, callback=parse_place, metavar="PLACE", help=note)
        elif str(field.type) == "bool":
            option = click.option(f"{name}/--no-{name[2:]}", default=None, help=note)
        else:
            kind = _TYPES.get(str(field.type), str)
            option = click.option(name, type=kind, help=note)
        command = option(command)
    return command


def _default(value: object) -> str:
    """Return the default of a setting as text for help."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Edge():
            return value.value
        case float():
            return f"{value:g}"
        case _:
            return str(value)


@groups.command("list")
@click.argument("stream", required=False)
@store_command
def list_groups(store: BlockingClient, output: Output, stream: str | None) -> None:
    """List all groups, or those of STREAM, with their lag."""
    output.rows(map(group_row, all_groups(store, stream)), _COLUMNS)


@groups.command()
@stream_argument
@group_argument
@store_command
def info(store: BlockingClient, output: Output, stream: str, group: str) -> None:
    """Show a group: its checkpoint, its consumers and its settings."""
    details = _details(store, stream, group)
    settings = {name: _plain(value) for name, value in asdict(details.settings).items()}
    consumers = [asdict(consumer) for consumer in details.consumers]
    output.record({**group_row(details), "settings": settings, "connected": consumers})


@groups.command()
@click.argument("stream", required=False)
@click.argument("group", required=False)
@store_command
def lag(store: BlockingClient, output: Output, stream: str | None, group: str | None) -> None:
    """Show the lag of all groups, of those of STREAM, or of one.

    The lag is a number of events after the last checkpoint; for $all of bytes. A group writes its checkpoint
    periodically. Events that were handled since the last checkpoint are part of the lag.
    """
    one = stream is not None and group is not None
    found = [_details(store, str(stream), str(group))] if one else all_groups(store, stream)
    output.rows(map(group_row, found), ("stream", "group", "last_checkpoint", "last_known", "lag", "parked"))


@groups.command()
@stream_argument
@group_argument
@settings_options
@store_command
def create(store: BlockingClient, output: Output, /, stream: str, group: str, **settings: Any) -> None:
    """Create a group of STREAM (or of $all, which only gRPC supports)."""
    store.create_subscription(group, stream, **_given(settings))
    output.record({"stream": stream, "group": group, "created": True})


@groups.command()
@stream_argument
@group_argument
@settings_options
@store_command
def update(store: BlockingClient, output: Output, /, stream: str, group: str, **settings: Any) -> None:
    """Replace all settings of a group. A setting that is not given gets its default."""
    store.update_subscription(group, stream, **_given(settings))
    output.record({"stream": stream, "group": group, "updated": True})


@groups.command()
@stream_argument
@group_argument
@yes_option
@store_command
def delete(store: BlockingClient, output: Output, stream: str, group: str, yes: bool) -> None:
    """Delete a group, with its checkpoint and its parked events."""
    confirm(f"Delete the group {group!r} of the stream {stream!r}?", yes)
    store.delete_subscription(group, stream)
    output.record({"stream": stream, "group": group, "deleted": True})


@groups.group()
def parked() -> None:
    """Show, replay and clear the parked events of a group."""


@parked.command()
@stream_argument
@group_argument
@format_option
@store_command
def show(store: BlockingClient, output: Output, stream: str, group: str, form: str | None) -> None:
    """Write the parked events of a group, each with its reason.

    The oldest event is the first.
    """
    write = event_writer(output, form)
    try:
        for event in store.iter(parked_stream(group_id(stream, group))):
            metadata = event.link.metadata if event.link is not None else b""
            if form is not None or not metadata:
                write(event)
            elif output.is_json:
                output.line(event_json(event)[:-1] + b',"parked":' + b" ".join(metadata.split()) + b"}")
            else:
                output.console.print(event_line(event).append(f"  {_reason(metadata)}", style="yellow"))
    except StreamNotFound:
        return


def _reason(metadata: bytes) -> str:
    """Return the reason in the metadata of a link to a parked event, as printable text in one line."""
    try:
        parked = json.loads(metadata)
    except ValueError:
        return ""
    reason = parked.get("reason") if isinstance(parked, dict) else None
    return printable(" ".join(str(reason or "").split()))


@parked.command()
@stream_argument
@group_argument
@click.option("--max", "most", type=click.IntRange(1), help="Replay at most this many. Default: all.")
@store_command
def replay(store: BlockingClient, output: Output, stream: str, group: str, most: int | None) -> None:
    """Deliver the parked events of a group again."""
    store.replay_parked(group, stream, limit=most)
    output.record({"stream": stream, "group": group, "replayed": True})


@parked.command()
@stream_argument
@group_argument
@click.option("--max", "most", type=click.IntRange(1), help="Remove at most this many. Default: all.")
@yes_option
@store_command
def clear(store: BlockingClient, output: Output, stream: str, group: str, most: int | None, yes: bool) -> None:
    """Remove the parked events of a group."""
    confirm(f"Remove the parked events of the group {group!r} of the stream {stream!r}?", yes)
    store.truncate_parked(group, stream, limit=most)
    output.record({"stream": stream, "group": group, "cleared": True})


_COLUMNS: Final = ("stream", "group", "status", "consumers", "last_checkpoint", "last_known", "lag", "parked")


def group_row(details: GroupDetails) -> dict[str, Any]:
    """Return the values of a group by name. A value that the server does not return is None."""
    return {
        "stream": details.stream,
        "group": details.group,
        "status": details.status or None,
        "consumers": len(details.consumers) if details.status else None,
        "last_checkpoint": details.last_checkpoint or None,
        "last_known": details.last_known or None,
        "lag": details.lag,
        "parked": details.parked,
        "in_flight": details.in_flight if details.status else None,
    }


def all_groups(store: BlockingClient, stream: str | None) -> list[GroupDetails]:
    """Return all groups, or those of one stream.

    Raises:
        AccessDenied: The user may not read them.
    """
    try:
        return list(store.list_subscriptions(stream))
    except NotSupported:
        return list(store.iterate(groups_in_streams(store.client, stream)))


def _details(store: BlockingClient, stream: str, group: str) -> GroupDetails:
    try:
        return store.subscription_details(group, stream)
    except NotSupported:
        return next(store.iterate(group_in_streams(store.client, stream, group)))


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Edge) else str(value) if isinstance(value, str) else value
