"""Requests that a node does not serve because it is not the leader (docs/protocol/tcp.md, section 4.14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from rxpump.server.membership import Demand, Membership, NodeDescription, Refusal, refusal
from rxpump.server.tcp.request import encode
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package


class _Kind(NamedTuple):
    """Demand of requests with one command, and their message if it has the field `require_leader`, otherwise None."""

    demand: Demand
    message: Any = None


_KINDS: Final[Mapping[int, _Kind]] = {
    Command.WRITE_EVENTS: _Kind(Demand.WRITE, schema.WriteEvents),
    Command.TRANSACTION_START: _Kind(Demand.WRITE, schema.TransactionStart),
    Command.TRANSACTION_WRITE: _Kind(Demand.WRITE, schema.TransactionWrite),
    Command.TRANSACTION_COMMIT: _Kind(Demand.WRITE, schema.TransactionCommit),
    Command.DELETE_STREAM: _Kind(Demand.WRITE, schema.DeleteStream),
    Command.READ_EVENT: _Kind(Demand.READ, schema.ReadEvent),
    Command.READ_STREAM_EVENTS_FORWARD: _Kind(Demand.READ, schema.ReadStreamEvents),
    Command.READ_STREAM_EVENTS_BACKWARD: _Kind(Demand.READ, schema.ReadStreamEvents),
    Command.READ_ALL_EVENTS_FORWARD: _Kind(Demand.READ, schema.ReadAllEvents),
    Command.READ_ALL_EVENTS_BACKWARD: _Kind(Demand.READ, schema.ReadAllEvents),
    Command.FILTERED_READ_ALL_EVENTS_FORWARD: _Kind(Demand.READ, schema.FilteredReadAllEvents),
    Command.FILTERED_READ_ALL_EVENTS_BACKWARD: _Kind(Demand.READ, schema.FilteredReadAllEvents),
    Command.CREATE_PERSISTENT_SUBSCRIPTION: _Kind(Demand.GROUP),
    Command.UPDATE_PERSISTENT_SUBSCRIPTION: _Kind(Demand.GROUP),
    Command.DELETE_PERSISTENT_SUBSCRIPTION: _Kind(Demand.GROUP),
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: _Kind(Demand.GROUP),
    Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS: _Kind(Demand.GROUP),
    Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS: _Kind(Demand.GROUP),
}
"""Commands that not every node serves. Subscriptions, pings and scavenges are served by each node."""

UNANSWERED: Final = frozenset(
    {Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS}
)
"""Commands that have no reply, even if the node does not serve them."""

_REASONS: Final[Mapping[Refusal, NotHandledReason]] = {
    Refusal.NOT_READY: NotHandledReason.NOT_READY,
    Refusal.NOT_LEADER: NotHandledReason.NOT_LEADER,
    Refusal.READ_ONLY: NotHandledReason.IS_READ_ONLY,
}


def refused(package: Package, membership: Membership) -> bytes | None:
    """Return the encoded NotHandled of a request that the node does not serve; None if it serves the request.

    A request that is malformed is not refused here, because its handler has a better reply.
    """
    kind = _KINDS.get(package.command)
    if kind is None:
        return None
    requires_leader = True
    if kind.message is not None:
        try:
            requires_leader = bool(kind.message.FromString(package.payload).require_leader)
        except DecodeError:
            return None
    why = refusal(membership, kind.demand, requires_leader=requires_leader)
    return None if why is None else _not_handled(why, membership)


def _not_handled(why: Refusal, membership: Membership) -> bytes:
    """Return a NotHandled, with the addresses of the leader if another node must serve the request."""
    leader = membership.leader
    info = None if why is Refusal.NOT_READY or leader is None else encode(_leader_info(leader))
    return encode(schema.NotHandled(reason=_REASONS[why], additional_info=info))


def _leader_info(leader: NodeDescription) -> Any:
    at = leader.addresses
    secure = {}
    if at.secure_tcp_port:
        secure = {"external_secure_tcp_address": at.host, "external_secure_tcp_port": at.secure_tcp_port}
    return schema.LeaderInfo(
        external_tcp_address=at.host,
        external_tcp_port=at.tcp_port,
        external_http_address=at.host,
        external_http_port=at.http_port,
        **secure,
    )
