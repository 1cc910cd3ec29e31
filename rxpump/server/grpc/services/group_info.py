"""PersistentSubscriptions.GetInfo and List (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.persistent_subscriptions import GetInfoResponse, ListResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.limits import MAX_COUNT
from rxpump.model.system_names import ALL_STREAM
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

_INSECURE_USER: Final = "system"
_ANONYMOUS: Final = "anonymous"


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
    """Answer a List. As on a real server, a stream whose groups were deleted has an empty list."""
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
    names = [each.id for each in sorted(chosen, key=_sort_key)]
    if stream is not None and not groups.had_groups(stream):
        raise group_not_found(stream, "")
    running = filter(None, map(groups.by_id, names))
    call.reply(ListResponse(subscriptions=[_info(call.node, each) for each in running]))


def _sort_key(settings: GroupSettings) -> tuple[str, str]:
    """Return the key by which a real server sorts groups: the letters of the stream, small ones before capitals."""
    return settings.stream.casefold(), settings.stream.swapcase()


def _check_is_ready(call: Call) -> None:
    """Check that the node runs groups. Unlike for other calls, the error of a follower does not name the leader."""
    if refusal(call.node.membership, Demand.GROUP, requires_leader=True) is not None:
        raise plain_error(StatusCode.UNAVAILABLE, NOT_READY)


def _info(node: Node, running: RunningGroup) -> dict[str, Any]:
    settings, group, measured, reading = running.settings, running.group, running.measurement, running.reading()
    return {
        "event_source": settings.stream,
        "group_name": settings.group,
        "status": "Behind" if reading.is_behind else "Live",
        "connections": [_connection(node, each) for each in group.consumers.values()],
        "average_per_second": int(measured.per_second),
        "total_items": measured.total,
        "count_since_last_measurement": measured.since_tick,
        "last_checkpointed_event_position": _position(settings, running.checkpoint),
        "last_known_event_position": _position(settings, reading.last),
        "resolve_link_tos": settings.resolve_links,
        "start_from": _start(settings),
        "message_timeout_milliseconds": round(settings.message_timeout_seconds * 1000),
        "extra_statistics": settings.record_statistics,
        "max_retry_count": settings.max_retry_count,
        "live_buffer_size": settings.live_buffer_size,
        "buffer_size": settings.buffer_size,
        "read_batch_size": settings.read_batch_size,
        "check_point_after_milliseconds": round(settings.checkpoint_after_seconds * 1000) or MAX_COUNT,
        "min_check_point_count": settings.checkpoint_min_count,
        "max_check_point_count": settings.checkpoint_max_count,
        "read_buffer_count": reading.waiting,
        "live_buffer_count": running.live,
        "retry_buffer_count": group.retries,
        "total_in_flight_messages": group.in_flight,
        "outstanding_messages_count": group.in_flight,
        "named_consumer_strategy": settings.strategy,
        "max_subscriber_count": settings.subscriber_max_count,
        "parked_message_count": running.parked,
    }


def _connection(node: Node, consumer: Consumer) -> dict[str, Any]:
    in_flight = len(consumer.in_flight)
    latencies = () if consumer.latencies is None else consumer.latencies.summary()
    return {
        "from": consumer.address,
        "username": _INSECURE_USER if node.is_insecure else consumer.user or _ANONYMOUS,
        "average_items_per_second": int(consumer.measurement.per_second),
        "total_items": consumer.measurement.total,
        "count_since_last_measurement": consumer.measurement.since_tick,
        "observed_measurements": [{"key": key, "value": value} for key, value in latencies],
        "available_slots": max(0, consumer.slots - in_flight),
        "in_flight_messages": in_flight,
        "connection_name": consumer.connection_name,
    }


def _position(settings: GroupSettings, number: int | None) -> str:
    """Return the place that a number of the group stands for as text; empty for None."""
    return "" if number is None else settings.position_text(number)


def _start(settings: GroupSettings) -> str:
    return _position(settings, max(settings.start_from, -1))
