"""Operations: scavenges, and the restart of groups (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.grpc.messages.operations import ScavengeResponse
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.authorization import require_operator
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, handler_failed, named_error
from rxpump.server.store.scavenge import Scavenged

_STARTED, _IN_PROGRESS, _STOPPED = range(3)
_CURRENT: Final = "current"


async def start_scavenge(call: Call) -> None:
    """Answer a StartScavenge with the id of the scavenge that it starts, or of the one that is running."""
    request = await call.request()
    require_operator(call)
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    store = call.node.store
    result = _IN_PROGRESS if store.is_scavenging else _STARTED
    if result == _STARTED:
        store.scavenge().add_done_callback(_ignore_failure)
    call.reply(ScavengeResponse(scavenge_id=str(store.scavenge_id), scavenge_result=result))


async def stop_scavenge(call: Call) -> None:
    """Answer a StopScavenge when the scavenge has stopped. The id "current" names the one that is running."""
    request = await call.request()
    require_operator(call)
    if not request.HasField("options"):
        raise handler_failed("The request must have options.")
    store = call.node.store
    running = "" if store.scavenge_id is None else str(store.scavenge_id)
    if not running or request.options.scavenge_id not in (running, _CURRENT):
        raise _scavenge_not_found(running)
    await store.stop_scavenge()
    call.reply(ScavengeResponse(scavenge_id=running, scavenge_result=_STOPPED))


async def merge_indexes(call: Call) -> None:
    """Answer a MergeIndexes. Nothing is done, because the indexes of the store are always merged."""
    await call.request()
    require_operator(call)
    call.reply(call.method.response())


async def set_node_priority(call: Call) -> None:
    """Answer a SetNodePriority. The priority has no effect, because the server takes part in no election."""
    await call.request()
    require_operator(call)
    call.reply(call.method.response())


async def restart_groups(call: Call) -> None:
    """Answer a RestartPersistentSubscriptions: drop all consumers, and read the groups again."""
    await call.request()
    require_operator(call)
    call.node.restart_groups()
    call.reply(call.method.response())


def _scavenge_not_found(running: str) -> CallError:
    message = "Scavenge id was invalid."
    return named_error(StatusCode.NOT_FOUND, message, "scavenge-not-found", scavenge_id=running)


def _ignore_failure(ended: asyncio.Future[Scavenged]) -> None:
    """Retrieve the failure of a scavenge, so that asyncio does not log it. The store has logged it already."""
    if not ended.cancelled():
        ended.exception()
