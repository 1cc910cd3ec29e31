"""Refuse calls that a node does not serve because of its role (docs/protocol/grpc.md, section 5.14)."""

from __future__ import annotations

from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, not_leader, plain_error
from rxpump.server.membership import Demand, Refusal, refusal

NOT_READY = "Server Is Not Ready"


def check_leadership(call: Call, demand: Demand) -> None:
    """Check that the node serves a call.

    Raises:
        CallError: The node does not serve the call. If the leader does, the error names it.
    """
    why = refusal(call.node.membership, demand, requires_leader=call.requires_leader)
    if why is not None:
        raise refused(call, why)


def refused(call: Call, why: Refusal) -> CallError:
    """Return the error of a call that the node does not serve."""
    leader = call.node.membership.leader
    if why is Refusal.NOT_READY or leader is None:
        return plain_error(StatusCode.UNAVAILABLE, NOT_READY)
    return not_leader(leader.addresses.host or call.local_address, leader.addresses.http_port)
