"""Start a scavenge, which removes deleted events from the files of the node."""

from __future__ import annotations

from rxpump.errors import AccessDenied, ScavengeFailed, ScavengeInProgress, UnexpectedReply
from rxpump.model.results import ScavengeResult
from rxpump.model.system_names import ALL_STREAM
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ScavengeResponse
from rxpump.tcp.wire.codes import ScavengeResult as Ending
from rxpump.tcp.wire.commands import Command


class Scavenge(Operation[ScavengeResult]):
    """The request ScavengeDatabase (docs/protocol/tcp.md, section 3.7).

    Version 4 replies when the scavenge has completed. Version 23.10 does not reply to a user without permission, nor
    on an in-memory node or a follower.

    Two different messages have the same command as the reply. Only that of version 4 contains a duration. The request
    is not repeated, because a second scavenge would be refused while the first one runs.
    """

    command = Command.SCAVENGE_DATABASE
    reply = Command.SCAVENGE_DATABASE_COMPLETED
    repeatable = False
    silence_hint = (
        "the scavenge may be running; a server of version 23 sends no answer to a user who may not scavenge, "
        "if it stores its events in memory, or if it is a follower"
    )

    def answer(self, payload: bytes) -> Outcome[ScavengeResult]:
        """Interpret the reply, which is one message from version 4 and another from version 5 on."""
        completed = schema.ScavengeDatabaseCompleted.FromString(payload)
        if completed.HasField("total_time_ms"):
            return self._ended(completed)
        return self._begun(schema.ScavengeDatabaseResponse.FromString(payload))

    def _ended(self, reply: schema.ScavengeDatabaseCompleted) -> Outcome[ScavengeResult]:
        match reply.result:
            case Ending.SUCCESS:
                return Success(ScavengeResult(None, reply.total_time_ms / 1000, reply.total_space_saved))
            case Ending.IN_PROGRESS:
                return Failure(ScavengeInProgress(reply.error or "one is running"))
            case Ending.FAILED:
                return Failure(ScavengeFailed(reply.error))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))

    def _begun(self, reply: schema.ScavengeDatabaseResponse) -> Outcome[ScavengeResult]:
        match reply.result:
            case ScavengeResponse.STARTED:
                return Success(ScavengeResult(reply.scavenge_id))
            case ScavengeResponse.IN_PROGRESS:
                return Failure(ScavengeInProgress(f"scavenge {reply.scavenge_id} is running"))
            case ScavengeResponse.UNAUTHORIZED:
                return Failure(AccessDenied("scavenge", ALL_STREAM))
            case unknown:
                return Failure(UnexpectedReply(str(self), f"the unknown result {unknown}"))
