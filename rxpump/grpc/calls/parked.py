"""Replay and remove parked events, and restart all groups (docs/protocol/grpc.md, section 5.10)."""

from __future__ import annotations

from typing import Any

from rxpump.grpc.calls.fields import EMPTY, source
from rxpump.grpc.calls.groups import group_context
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import persistent_subscriptions as messages


def replay_parked(stream: str | None, group: str, stop_at: int | None = None) -> Operation[None]:
    """Return the ReplayParked request.

    Args:
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
        stop_at: Largest number of events to replay, the oldest first; None for all.
    """
    request = _request(stream, group, stop_at)
    return Operation(
        group_context(messages.REPLAY_PARKED, "replay the parked events of", stream, group), request, no_result
    )


def truncate_parked(stream: str | None, group: str, stop_at: int | None = None) -> Operation[None]:
    """Return the TruncateParked request, which removes parked events; arguments as of `replay_parked`."""
    request = _request(stream, group, stop_at)
    return Operation(
        group_context(messages.TRUNCATE_PARKED, "remove the parked events of", stream, group), request, no_result
    )


def restart_groups() -> Operation[None]:
    """Return the RestartSubsystem request, which drops all consumers and loads all groups again."""
    context = CallContext(messages.RESTART_SUBSYSTEM, "restart persistent subscriptions of", Effect.NONE)
    return Operation(context, (messages.RESTART_SUBSYSTEM.request(),), no_result)


def _request(stream: str | None, group: str, stop_at: int | None) -> tuple[Any, ...]:
    limit: dict[str, Any] = {"no_limit": EMPTY} if stop_at is None else {"stop_at": stop_at}
    request = messages.ParkedEventsRequest(options={"group_name": group, **source(stream), **limit})
    return (request,)
