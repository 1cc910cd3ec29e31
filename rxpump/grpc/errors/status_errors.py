"""Error of a call that ended with a status other than OK, and the leader that the status names."""

from __future__ import annotations

from typing import Final

from rxpump.errors import CallInterrupted, RxPumpError
from rxpump.grpc.errors.call_context import CallContext
from rxpump.grpc.errors.code_errors import error_of_code
from rxpump.grpc.errors.detail_errors import Details
from rxpump.grpc.errors.named_errors import Refusal
from rxpump.grpc.protocol.call_status import CallStatus

_DETAILS: Final = "grpc-status-details-bin"


def error_of_status(status: CallStatus, call: CallContext) -> RxPumpError:
    """Return the error for a status.

    Args:
        status: CallStatus of the call, not OK.
        call: Description of the call.
    """
    if status.is_interrupted:
        return CallInterrupted(call.address, status.message, call.operation)
    details = _details(status, call)
    known = None if details is None else details.error()
    return known or Refusal(status, call).error() or error_of_code(status, call)


def leader_of_status(status: CallStatus, call: CallContext) -> tuple[str, int] | None:
    """Return host and port of the leader that a status names, None if it names none.

    Args:
        status: CallStatus of the call, not OK.
        call: Description of the call.
    """
    details = _details(status, call)
    named = None if details is None else details.leader()
    return named or Refusal(status, call).leader()


def _details(status: CallStatus, call: CallContext) -> Details | None:
    encoded = dict(status.metadata).get(_DETAILS)
    return Details(encoded, call) if isinstance(encoded, bytes) else None
