"""ScavengeDatabase: run a scavenge, and reply when it has completed (docs/protocol/tcp.md, section 3.7)."""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.model.system_names import ADMINS, OPS
from rxpump.server.errors import StoreError
from rxpump.server.node import Node
from rxpump.server.store.scavenge import Scavenged
from rxpump.server.tcp.request import Request, encode
from rxpump.tcp.wire.codes import ScavengeResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.schema import ScavengeDatabase, ScavengeDatabaseCompleted

_MAY: Final = frozenset({ADMINS, OPS})
_NOTHING: Final = Scavenged(0, 0.0)


def scavenge_database(request: Request, node: Node) -> asyncio.Future[Scavenged] | None:
    """Answer a ScavengeDatabase."""
    request.read(ScavengeDatabase)

    def reply(result: ScavengeResult, text: str | None = None, scavenged: Scavenged = _NOTHING) -> None:
        completed = ScavengeDatabaseCompleted(
            result=result,
            error=text,
            total_time_ms=int(scavenged.seconds * 1000),
            total_space_saved=scavenged.size,
        )
        request.reply(Command.SCAVENGE_DATABASE_COMPLETED, encode(completed))

    def answer(ended: asyncio.Future[Scavenged]) -> None:
        error = ended.exception()
        if error is None:
            reply(ScavengeResult.SUCCESS, None, ended.result())
        else:
            reply(ScavengeResult.FAILED, error.reason if isinstance(error, StoreError) else str(error))

    if request.user.roles.isdisjoint(_MAY):
        reply(ScavengeResult.FAILED, "Access denied.")
        return None
    if node.store.is_scavenging:
        reply(ScavengeResult.IN_PROGRESS, "Scavenge already in progress.")
        return None
    pending = node.store.scavenge()
    pending.add_done_callback(answer)
    return pending
