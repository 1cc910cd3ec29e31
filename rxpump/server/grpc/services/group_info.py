"""PersistentSubscriptions.GetInfo and List (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from rxpump.grpc.messages.persistent_subscriptions import GetInfoResponse, ListResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.system_names import ALL_STREAM, parked_stream
from rxpump.server.groups.consumer import Consumer
from rxpump.server.groups.running_group import RunningGroup
from rxpump.server.groups.settings import GroupSettings
from rxpump.server.grpc.authorization import require_login
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed, plain_error
from rxpump.server.grpc.group_errors import group_not_found
from rxpump.server.grpc.leadership import NOT_READY
from rxpump.server.grpc.services.group_options import checked_stream, group_stream
from rxpump.server.membership import Demand, refusal
from rxpump.server.node import Node
from rxpump.server.store.reader import Reader

_INSECURE_USER: Final = "system"


async def group_info(call: Call) -> None:
    """Answer a GetInfo."""
    request = await call.request()
    require_login(call)
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    stream, group = group_stream(request.options), request.options.group_name
    _check_is_ready(call)
    running = call.node.groups.find(stream, group)
    if running is None:
        raise group_not_found(stream, group)
    call.reply(GetInfoResponse(subscription_info=_info(call.node, running)))


async def list_groups(call: Call) -> None:
    """Answer a List."""
    request = await call.request()
    require_login(call)
    match request.options.WhichOneof("scope"):
        case "list_all_subscriptions":
            stream = None
        case "list_for_stream":
            wanted = request.options.list_for_stream
            if wanted.WhichOneof("source") is None:
                raise handler_failed("The options must name the stream of the groups.")
            stream = ALL_STREAM if wanted.WhichOneof("source") == "all" else checked_stream(wanted.stream)
        case _:
            raise handler_failed("The options must name the groups.")
    _check_is_ready(call)
    groups = call.node.groups
    chosen = [each for each in groups.all_settings() if stream in (None, each.stream)]
    names = [each.id for each in sorted(chosen, key=attrgetter("stream"))]
    if stream is not None and not names:
        raise group_not_found(stream, "")
    running = filter(None, map(groups.by_id, names))
    call.reply(ListResponse(subscriptions=[_info(call.node, each) for each in running]))


def _check_is_ready(call: Call) -> None:
    """Check that the node runs groups. Unlike for other calls, the error of a follower does not name the leader."""
    if refusal(call.node.membership, Demand.GROUP, requires_leader=True) is not None:
        raise plain_error(StatusCode.UNAVAILABLE, NOT_READY)


def _info(node: Node, running: RunningGroup) -> dict[str, Any]:
    settings, group, measured = running.settings, running.group, running.measurement
    return {
        "event_source": settings.stream,
        "group_name": settings.group,
        "status": "Behind" if running.is_behind else "Live",
        "connections": [_connection(node, each) for each in group.consumers.values()],
        "average_per_second": round(measured.per_second),
        "total_items": measured.total,
        "count_since_last_measurement": measured.since_tick,
        "last_checkpointed_event_position": _position(settings, running.checkpoint),
        "last_known_event_position": _position(settings, _last_known(node.store.read, settings)),
        "resolve_link_tos": settings.resolve_links,
        "start_from": _start(settings),
        "message_timeout_milliseconds": round(settings.message_timeout_seconds * 1000),
        "extra_statistics": settings.record_statistics,
        "max_retry_count": settings.max_retry_count,
        "live_buffer_size": settings.live_buffer_size,
        "buffer_size": settings.buffer_size,
        "read_batch_size": settings.read_batch_size,
        "check_point_after_milliseconds": round(settings.checkpoint_after_seconds * 1000),
        "min_check_point_count": settings.checkpoint_min_count,
        "max_check_point_count": settings.checkpoint_max_count,
        "read_buffer_count": group.buffered - group.retries,
        "retry_buffer_count": group.retries,
        "total_in_flight_messages": group.in_flight,
        "outstanding_messages_count": group.in_flight,
        "named_consumer_strategy": settings.strategy,
        "max_subscriber_count": settings.subscriber_max_count,
        "parked_message_count": _parked(node.store.read, settings),
    }


def _connection(node: Node, consumer: Consumer) -> dict[str, Any]:
    in_flight = len(consumer.in_flight)
    return {
        "from": consumer.address,
        "username": _INSECURE_USER if node.is_insecure else consumer.user,
        "average_items_per_second": round(consumer.measurement.per_second),
        "total_items": consumer.measurement.total,
        "count_since_last_measurement": consumer.measurement.since_tick,
        "available_slots": max(0, consumer.slots - in_flight),
        "in_flight_messages": in_flight,
        "connection_name": consumer.connection_name,
    }


def _position(settings: GroupSettings, number: int | None) -> str:
    """Return the text of a number of a group; empty for None."""
    if number is None:
        return ""
    return f"C:{number}/P:{number}" if settings.is_on_all else str(number)


def _start(settings: GroupSettings) -> str:
    return _position(settings, max(settings.start_from, -1))


def _last_known(read: Reader, settings: GroupSettings) -> int | None:
    if settings.is_on_all:
        last = read.log().last_commit
    else:
        stream = read.stream(settings.stream)
        last = -1 if stream is None or stream.is_tombstoned else stream.last
    return None if last < 0 else last


def _parked(read: Reader, settings: GroupSettings) -> int:
    stream = read.stream(parked_stream(settings.id))
    if stream is None or stream.is_soft_deleted:
        return 0
    return max(0, stream.last - stream.first_kept + 1)
