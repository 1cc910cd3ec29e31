"""PersistentSubscriptions.Create, Update and Delete (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from rxpump.model.system_names import group_id
from rxpump.server.grpc.authorization import require_operator
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed
from rxpump.server.grpc.group_errors import group_exists, group_failed, group_not_found
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.services.group_options import (
    GroupSource,
    changed_stream,
    check_sizes,
    group_settings,
    group_source,
    group_stream,
)
from rxpump.server.membership import Demand
from rxpump.server.store.changes import Appended, NotCommitted
from rxpump.server.store.group_commit import Outcome


async def create_group(call: Call) -> None:
    """Answer a Create when the group is saved."""
    options, source = await _source(call, "CreateReq")
    check_leadership(call, Demand.GROUP)
    settings = group_settings(call, options, source, names_strategy=True)
    groups = call.node.groups
    if groups.has(settings.stream, settings.group):
        raise group_exists(settings.stream, settings.group)
    check_sizes(settings)
    if not groups.has_room_for(settings):
        raise group_failed(settings.stream, settings.group, "There are too many groups.")
    await _saved(call, groups.create(settings, call.user.login), settings.stream, settings.group)


async def update_group(call: Call) -> None:
    """Answer an Update when the group is saved. The filter of a group stays as it is."""
    options, source = await _source(call, "UpdateReq")
    check_leadership(call, Demand.GROUP)
    running = call.node.groups.find(source.stream, options.group_name)
    if running is None:
        raise group_not_found(source.stream, options.group_name)
    settings = group_settings(call, options, source, names_strategy=False)
    check_sizes(settings)
    changed = replace(settings, filter=running.settings.filter)
    await _saved(call, call.node.groups.update(changed, call.user.login), settings.stream, settings.group)


async def delete_group(call: Call) -> None:
    """Answer a Delete when the group is removed."""
    options = await _options(call)
    stream, group = _deleted_stream(call, options), options.group_name
    check_leadership(call, Demand.GROUP)
    if not call.node.groups.has(stream, group):
        raise group_not_found(stream, group)
    await _saved(call, call.node.groups.delete(group_id(stream, group), call.user.login), stream, group)


async def _options(call: Call) -> Any:
    """Return the options of a request, if the user may change groups."""
    request = await call.request()
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    require_operator(call)
    return request.options


async def _source(call: Call, name: str) -> tuple[Any, GroupSource]:
    """Return the options of a Create or an Update, and the events of the group.

    Args:
        call: The call.
        name: Name of the message of a real server.
    """
    options = await _options(call)
    if not options.HasField("settings"):
        raise handler_failed("The options must have settings.")
    return options, group_source(call, options, name)


def _deleted_stream(call: Call, options: Any) -> str:
    stream = group_stream(options)
    return stream if options.HasField("all") else changed_stream(stream, call.method)


async def _saved(call: Call, saved: asyncio.Future[Outcome], stream: str, group: str) -> None:
    match await saved:
        case Appended():
            call.reply(call.method.response())
        case failure:
            why = failure.reason if isinstance(failure, NotCommitted) else str(failure)
            lost = f"The change could not be saved, and is lost when the server stops: {why}"
            raise group_failed(stream, group, lost)
