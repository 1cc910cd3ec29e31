"""Read the descriptions of consumer groups (docs/protocol/grpc.md, sections 3.6, 5.10)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from rxpump.grpc.calls.fields import EMPTY, only, source
from rxpump.grpc.calls.groups import group_context
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.group_details import ConsumerDetails, GroupDetails
from rxpump.model.group_settings import GroupOptions
from rxpump.model.positions import END, Edge, Position

_NUMBER: Final = re.compile(r"-?\d{1,19}").fullmatch
_POSITION: Final = re.compile(r"C:(-?\d{1,19})/P:(-?\d{1,19})").fullmatch


def group_info(stream: str | None, group: str) -> Operation[GroupDetails]:
    """Return the GetInfo request.

    Args:
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
    """

    def answer(responses: Sequence[Any], context: CallContext) -> GroupDetails:
        return _details(only(responses, context.operation).subscription_info)

    request = messages.GetInfoRequest(options={"group_name": group, **source(stream)})
    context = group_context(messages.GET_INFO, "read persistent subscriptions of", stream, group)
    return Operation(context, (request,), answer)


def all_groups() -> Operation[Sequence[GroupDetails]]:
    """Return the List request for the groups of all streams."""
    context = CallContext(messages.LIST, "list persistent subscriptions of", Effect.NONE)
    return _list(context, {"list_all_subscriptions": EMPTY})


def groups_of(stream: str | None) -> Operation[Sequence[GroupDetails]]:
    """Return the List request for the groups of one stream.

    The server answers with PersistentSubscriptionNotFound if there is no group.

    Args:
        stream: Name of the stream; None is `$all`.
    """
    context = group_context(messages.LIST, "list persistent subscriptions of", stream, "")
    return _list(context, {"list_for_stream": source(stream, "stream")})


def _list(context: CallContext, options: dict[str, Any]) -> Operation[Sequence[GroupDetails]]:
    def answer(responses: Sequence[Any], context: CallContext) -> Sequence[GroupDetails]:
        return [_details(each) for each in only(responses, context.operation).subscriptions]

    return Operation(context, (messages.ListRequest(options=options),), answer)


def _details(info: Any) -> GroupDetails:
    return GroupDetails(
        stream=info.event_source,
        group=info.group_name,
        status=info.status,
        settings=_settings(info),
        consumers=tuple(map(_consumer, info.connections)),
        last_checkpoint=info.last_checkpointed_event_position,
        last_known=info.last_known_event_position,
        parked=info.parked_message_count,
        in_flight=info.total_in_flight_messages,
        read_buffer=info.read_buffer_count,
        live_buffer=info.live_buffer_count,
        retry_buffer=info.retry_buffer_count,
        total_events=info.total_items,
        events_per_second=info.average_per_second,
    )


def _settings(info: Any) -> GroupOptions:
    return GroupOptions(
        resolve_links=info.resolve_link_tos,
        start_from=_start(info.start_from),
        message_timeout_seconds=info.message_timeout_milliseconds / 1000,
        record_statistics=info.extra_statistics,
        live_buffer_size=info.live_buffer_size,
        read_batch_size=info.read_batch_size,
        buffer_size=info.buffer_size,
        max_retry_count=info.max_retry_count,
        checkpoint_after_seconds=info.check_point_after_milliseconds / 1000,
        checkpoint_max_count=info.max_check_point_count,
        checkpoint_min_count=info.min_check_point_count,
        subscriber_max_count=info.max_subscriber_count,
        strategy=info.named_consumer_strategy,
    )


def _start(text: str) -> int | Position | Edge:
    """Parse the text for the start of a group: the place in the stream or in `$all` from which it reads."""
    if _NUMBER(text):
        return int(text) if int(text) >= 0 else END
    if (found := _POSITION(text)) is not None:
        commit, prepare = int(found[1]), int(found[2])
        return Position(commit, prepare) if commit >= 0 else END
    return END


def _consumer(connection: Any) -> ConsumerDetails:
    return ConsumerDetails(
        address=getattr(connection, "from"),
        login=connection.username,
        connection_name=connection.connection_name,
        available_slots=connection.available_slots,
        in_flight=connection.in_flight_messages,
        total_events=connection.total_items,
        events_per_second=connection.average_items_per_second,
        measurements={each.key: each.value for each in connection.observed_measurements},
    )
