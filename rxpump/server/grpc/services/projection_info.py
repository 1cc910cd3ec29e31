"""Projections.Statistics, State and Result (docs/protocol/grpc.md, section 3.9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from rxpump.grpc.messages.projections import ResultResponse, StateResponse, StatisticsResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.positions import Position
from rxpump.server.grpc.authorization import require_login
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed, plain_error
from rxpump.server.grpc.leadership import check_leadership
from rxpump.server.membership import Demand
from rxpump.server.projections.projections import Projections, RunnableProjection
from rxpump.server.store.reader import Reader

_BEGINNING: Final = "C:0/P:-1"


def served_projections(call: Call, check_user: Callable[[Call], None] = require_login) -> Projections:
    """Return the projections of the server.

    Args:
        call: The call.
        check_user: Function that raises CallError if the user may not make the call.

    Raises:
        CallError: The server has none, the user may not make the call, or another node runs the projections.
    """
    projections = own_projections(call, check_user)
    check_leadership(call, Demand.GROUP)
    return projections


def own_projections(call: Call, check_user: Callable[[Call], None]) -> Projections:
    """Return the projections of the server even if another node runs them; otherwise like `served_projections`."""
    if call.node.projections is None:
        raise plain_error(StatusCode.UNIMPLEMENTED, "Service is unimplemented.")
    check_user(call)
    return call.node.projections


def find_projection(projections: Projections, name: str) -> RunnableProjection:
    """Return the projection with a name.

    Raises:
        CallError: There is no such projection.
    """
    found = projections.by_name.get(name)
    if found is None:
        raise plain_error(StatusCode.NOT_FOUND, f"Projection '{name}' not found")
    return found


async def projection_statistics(call: Call) -> None:
    """Answer with one message of statistics for each selected projection.

    If the request has neither a name nor a mode, it selects all projections.
    """
    request = await call.request()
    projections = served_projections(call)
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    chosen: Iterable[RunnableProjection] = projections.by_name.values()
    if request.options.name:
        chosen = [find_projection(projections, request.options.name)]
    elif request.options.WhichOneof("mode") in ("transient", "one_time"):
        chosen = ()
    for each in chosen:
        call.reply(StatisticsResponse(details=_details(call.node.store.read, each)))


async def projection_state(call: Call) -> None:
    """Answer a State. The system projections have no state."""
    await _check_partition(call)
    call.reply(StateResponse(state={"struct_value": {}}))


async def projection_result(call: Call) -> None:
    """Answer a Result. The system projections have no result."""
    await _check_partition(call)
    call.reply(ResultResponse(result={"struct_value": {}}))


async def _check_partition(call: Call) -> None:
    request = await call.request()
    projections = served_projections(call)
    find_projection(projections, request.options.name)


def _details(read: Reader, projection: RunnableProjection) -> dict[str, Any]:
    log = read.log()
    position = projection.position
    return {
        "version": 1,
        "epoch": -1,
        "effective_name": projection.name,
        "partitions_cached": 1,
        "status": projection.status.value,
        "state_reason": projection.failure,
        "name": projection.name,
        "mode": "Continuous",
        "position": _text(position),
        "progress": 0 if position is None else 100 * position.prepare / max(log.last_commit, position.prepare, 1),
        "last_checkpoint": _text(projection.checkpoint),
        "events_processed_after_restart": projection.processed,
    }


def _text(position: Position | None) -> str:
    return _BEGINNING if position is None else f"C:{position.commit}/P:{position.prepare}"
