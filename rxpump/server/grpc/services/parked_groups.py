"""PersistentSubscriptions.ReplayParked, TruncateParked and RestartSubsystem (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

from rxpump.server.groups.running_group import RunningGroup
from rxpump.server.grpc.authorization import require_operator
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed
from rxpump.server.grpc.group_errors import group_failed, group_not_found
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.grpc.services.group_options import group_stream
from rxpump.server.membership import Demand, refusal

_WRONG_STATE = "Persistent Subscriptions cannot be restarted as it is in the wrong state."
_NEGATIVE_REPLAY = "Cannot stop replaying parked message at a negative version."
_NEGATIVE_TRUNCATION = "Cannot truncate parked messages at a negative version."


async def replay_parked(call: Call) -> None:
    """Answer a ReplayParked when the replay has started."""
    running, most = await _parked_events(call, _NEGATIVE_REPLAY)
    running.replay_parked(most)
    call.reply(call.method.response())


async def truncate_parked(call: Call) -> None:
    """Answer a TruncateParked."""
    running, most = await _parked_events(call, _NEGATIVE_TRUNCATION)
    running.truncate_parked(most)
    call.reply(call.method.response())


async def restart_subsystem(call: Call) -> None:
    """Answer a RestartSubsystem: drop all consumers, and read the groups again."""
    await call.request()
    require_operator(call)
    if refusal(call.node.membership, Demand.GROUP, requires_leader=True) is not None:
        raise group_failed("", "", _WRONG_STATE)
    call.node.restart_groups()
    call.reply(call.method.response())


async def _parked_events(call: Call, if_negative: str) -> tuple[RunningGroup, int | None]:
    """Return the group of a request, and the number of its parked events; None for all.

    Args:
        call: The call.
        if_negative: Reason to refuse a negative number.
    """
    request = await call.request()
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    require_operator(call)
    options = request.options
    stream, group = group_stream(options), options.group_name
    limit = options.WhichOneof("limit")
    if limit is None:
        raise handler_failed("The options must have stop_at or no_limit.")
    check_leadership(call, Demand.GROUP)
    if options.stop_at < 0:
        raise group_failed(stream, group, if_negative)
    running = call.node.groups.find(stream, group)
    if running is None:
        raise group_not_found(stream, group)
    return running, None if limit == "no_limit" else options.stop_at
