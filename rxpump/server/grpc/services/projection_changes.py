"""Projections.Enable, Disable, Reset and RestartSubsystem; also Create, Update and Delete, which are refused.

See docs/protocol/grpc.md, section 3.9.
"""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.server.grpc.authorization import require_operator
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, handler_failed, plain_error
from rxpump.server.grpc.services.projection_info import find_projection, own_projections, served_projections
from rxpump.server.membership import Demand, refusal
from rxpump.server.projections.projections import ProjectionStatus

_WRONG_STATE: Final = "Projection Subsystem cannot be restarted as it is in the wrong state: Ready"
"""Error of a node that runs no projections, because it is not the leader."""


async def create_projection(call: Call) -> None:
    """Refuse to create a projection."""
    request = await _options(call)
    projections = served_projections(call)
    mode = request.options.WhichOneof("mode")
    if mode in ("transient", "continuous") and getattr(request.options, mode).name in projections.by_name:
        raise plain_error(StatusCode.UNKNOWN, "Envelope callback expected Updated, received Conflict instead")
    raise _only_system_projections("cannot create others")


async def update_projection(call: Call) -> None:
    """Refuse to change the query of a projection."""
    request = await _options(call)
    projections = served_projections(call)
    find_projection(projections, request.options.name)
    raise _only_system_projections("cannot change them")


async def delete_projection(call: Call) -> None:
    """Refuse to delete a projection. A real server refuses it too, unless the projection is stopped or faulted."""
    request = await _options(call)
    projections = served_projections(call, require_operator)
    found = find_projection(projections, request.options.name)
    if found.status not in (ProjectionStatus.STOPPED, ProjectionStatus.FAULTED):
        text = "Envelope callback expected Updated, received OperationFailed instead"
        raise CallError(CallStatus(StatusCode.UNKNOWN, text), "The projection must be stopped before it is deleted.")
    raise _only_system_projections("cannot delete them, but Disable stops one")


async def enable_projection(call: Call) -> None:
    """Start a projection from its checkpoint."""
    request = await _options(call)
    projections = served_projections(call)
    find_projection(projections, request.options.name).start()
    call.reply(call.method.response())


async def disable_projection(call: Call) -> None:
    """Stop a projection, with or without a last checkpoint."""
    request = await _options(call)
    projections = served_projections(call)
    status = ProjectionStatus.STOPPED if request.options.write_checkpoint else ProjectionStatus.ABORTED
    await find_projection(projections, request.options.name).stop(status)
    call.reply(call.method.response())


async def reset_projection(call: Call) -> None:
    """Let a projection process all events again. Links that exist already are not written again."""
    request = await _options(call)
    projections = served_projections(call)
    await find_projection(projections, request.options.name).reset()
    call.reply(call.method.response())


async def restart_projections(call: Call) -> None:
    """Stop all projections that run, and start them again."""
    await call.request()
    projections = own_projections(call, require_operator)
    if refusal(call.node.membership, Demand.GROUP, requires_leader=True) is not None:
        raise plain_error(StatusCode.FAILED_PRECONDITION, _WRONG_STATE)
    await projections.restart()
    call.reply(call.method.response())


async def _options(call: Call) -> Any:
    request = await call.request()
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    return request


def _only_system_projections(what: str) -> CallError:
    message = f"This server runs only the system projections. It {what}."
    return plain_error(StatusCode.UNIMPLEMENTED, message)
