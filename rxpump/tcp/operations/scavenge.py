"""Have the node rid its files of what can no longer be read."""

from __future__ import annotations

from rxpump.errors import AccessDenied, ScavengeFailed, ScavengeInProgress, UnexpectedReply
from rxpump.model.results import ScavengeResult
from rxpump.model.system_names import ALL_STREAM
from rxpump.tcp.operations.operation import Operation
from rxpump.tcp.protocol.outcome import Failure, Outcome, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ScavengeResponse
from rxpump.tcp.wire.codes import ScavengeResult as Ending
from rxpump.tcp.wire.commands import Command


class Scavenge(Operation[ScavengeResult]):
    """ScavengeDatabase.

    Version 4 answers when the scavenge has ended. Version 23.10 does not answer a user who may not scavenge, nor on
    an in-memory node or a follower. See docs/protocol/tcp.md, section 3.7.

    Two messages come as its reply, and are told apart by the time taken, which version 4 always tells and later
    ones, which answer at once, never do. Not repeatable: the first would be in the way of the second.
    """

    command = Command.SCAVENGE_DATABASE
    reply = Command.SCAVENGE_DATABASE_COMPLETED
    repeatable = False
    silence = (
        "the scavenge may be running; a server of version 23 does not answer a user who may not scavenge, nor where "
        "it keeps its events in memory, nor as a follower"
    )

    def answer(self, payload: bytes) -> Outcome[ScavengeResult]:
        """Read whichever it is."""
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
