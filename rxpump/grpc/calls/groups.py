"""Create, update and delete consumer groups (docs/protocol/grpc.md, sections 3.6, 5.10).

An update is repeated after a lost connection. The other requests are not, because if the first attempt had succeeded,
the second one would fail: the group "already exists" or "does not exist".
"""

from __future__ import annotations

from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.grpc.calls.fields import EMPTY, UNSIGNED_MINUS_ONE, identifier, source
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.calls.server_filter import exact_filter
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.grpc.messages.methods import Method
from rxpump.model.group_settings import ConsumerStrategy, PersistentSubscriptionSettings
from rxpump.model.limits import MAX_COUNT
from rxpump.model.positions import END, START, Edge, Position
from rxpump.model.system_names import ALL_STREAM

ON_ALL: Final = "all"
"""Name of the feature "groups on `$all`" in the list of supported methods; servers have it from version 21.6."""

_STRATEGY_NUMBERS: Final[dict[str, int]] = {
    ConsumerStrategy.DISPATCH_TO_SINGLE: 0,
    ConsumerStrategy.ROUND_ROBIN: 1,
    ConsumerStrategy.PINNED: 2,
}
"""Numbers of the strategies. Updates, and servers before version 21.10.1, accept only these strategies."""


def group_context(method: Method, action: str, stream: str | None, group: str) -> CallContext:
    """Return the context of a call about a group.

    Args:
        method: Method that is called.
        action: Words for AccessDenied.
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
    """
    if stream is None:
        return CallContext(method, action, Effect.NONE, ALL_STREAM, group, feature=ON_ALL)
    return CallContext(method, action, Effect.NONE, stream, group)


def create_group(stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> Operation[None]:
    """Return the Create request.

    Raises:
        InvalidArgument: The start or the filter does not suit the stream.
    """
    origin = _origin(stream, settings)
    encoded = {**_settings(stream, settings), "consumer_strategy": str(settings.strategy)}
    if stream is None:
        where = settings.where
        filtering = (
            {"no_filter": EMPTY}
            if where is None
            else {"filter": exact_filter(where, resolve_links=settings.resolve_links)}
        )
        origin["all"].update(filtering)
    request = messages.CreateRequest(options={"group_name": group, "settings": encoded, **origin})
    context = group_context(messages.CREATE, "create persistent subscriptions of", stream, group)
    return Operation(context, (request,), no_result)


def update_group(stream: str | None, group: str, settings: PersistentSubscriptionSettings) -> Operation[None]:
    """Return the Update request, which replaces every setting but the filter.

    Raises:
        InvalidArgument: The start does not suit the stream, or an update cannot set the strategy.
    """
    if settings.strategy not in _STRATEGY_NUMBERS:
        allowed = f"{', '.join(_STRATEGY_NUMBERS)}: a group can get another strategy only when it is created"
        raise InvalidArgument("strategy", str(settings.strategy), allowed)
    origin = _origin(stream, settings)
    options = {"group_name": group, "settings": _settings(stream, settings), **origin}
    context = group_context(messages.UPDATE, "update persistent subscriptions of", stream, group)
    return Operation(context, (messages.UpdateRequest(options=options),), no_result)


def delete_group(stream: str | None, group: str) -> Operation[None]:
    """Return the Delete request."""
    request = messages.DeleteRequest(options={"group_name": group, **source(stream)})
    context = group_context(messages.DELETE, "delete persistent subscriptions of", stream, group)
    return Operation(context, (request,), no_result)


def _settings(stream: str | None, settings: PersistentSubscriptionSettings) -> dict[str, Any]:
    """Return the settings of a group.

    A timeout of 0, which is that of events that never expire, is sent as the longest one (24 days), because a server
    lets events with a timeout of 0 expire at once. `revision` is the start of a group on a stream for servers before
    version 21.6. Later servers ignore it.
    """
    return {
        "resolve_links": settings.resolve_links,
        "revision": 0 if stream is None else _first_number(settings.start),
        "extra_statistics": settings.record_statistics,
        "message_timeout_ms": round(settings.message_timeout_seconds * 1000) or MAX_COUNT,
        "max_retry_count": settings.max_retry_count,
        "checkpoint_after_ms": round(settings.checkpoint_after_seconds * 1000),
        "min_checkpoint_count": settings.checkpoint_min_count,
        "max_checkpoint_count": settings.checkpoint_max_count,
        "max_subscriber_count": settings.subscriber_max_count,
        "live_buffer_size": settings.live_buffer_size,
        "read_batch_size": settings.read_batch_size,
        "history_buffer_size": settings.buffer_size,
        "named_consumer_strategy": _STRATEGY_NUMBERS.get(str(settings.strategy), 0),
    }


def _origin(stream: str | None, settings: PersistentSubscriptionSettings) -> dict[str, Any]:
    """Return the fields with the stream of a group and its start.

    The field `stream_identifier` is for servers before version 21.6, which do not have `stream`. Later servers ignore
    it.
    """
    start = settings.start
    if stream is None:
        return {"all": _all_start(start)}
    if settings.where is not None:
        raise InvalidArgument(
            "where", settings.where, f"None for a group on a stream; only a group on {ALL_STREAM} has a filter"
        )
    name = identifier(stream)
    return {"stream": {"stream_identifier": name, **_stream_start(start)}, "stream_identifier": name}


def _stream_start(start: int | Position | Edge) -> dict[str, Any]:
    match start:
        case Position():
            raise InvalidArgument("start_from", start, "a number, START or END for a group on a stream")
        case Edge():
            return {start.value: EMPTY}
        case number:
            return {"revision": number}


def _first_number(start: int | Position | Edge) -> int:
    """Return the start of a group on a stream as a number, 0 for a Position, which is only possible on `$all`."""
    if start is END:
        return UNSIGNED_MINUS_ONE
    return start if isinstance(start, int) else 0


def _all_start(start: int | Position | Edge) -> dict[str, Any]:
    match start:
        case Position(commit, prepare):
            return {"position": {"commit_position": commit, "prepare_position": prepare}}
        case Edge():
            return {start.value: EMPTY}
        case 0:
            return {START.value: EMPTY}
        case number:
            raise InvalidArgument("start_from", number, f"a Position, START or END for a group on {ALL_STREAM}")
