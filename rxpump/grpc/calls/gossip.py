"""Request the members of its cluster from a node (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from rxpump.discovery.gossip import MalformedGossip, check_number_of_members
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.errors import MalformedReply
from rxpump.grpc.calls.fields import only, time_of
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import gossip

_HALF: Final = (1 << 64) - 1
"""Mask of the 64 bits of half an id."""

_LAST_PORT: Final = 65535
_UNKNOWN_ENDPOINT: Final = Endpoint("", 0)
_STATES: Final = dict(zip(gossip.MemberInfo.State.values(), gossip.MemberInfo.State.keys(), strict=True))


def read_gossip() -> Operation[Sequence[Member]]:
    """Return the Read request, which every node answers, also to an anonymous user."""
    context = CallContext(gossip.READ, "read the gossip of", Effect.NONE)
    return Operation(context, (gossip.READ.request(),), _members)


def _members(messages: Sequence[Any], context: CallContext) -> Sequence[Member]:
    infos = only(messages, context.operation).members
    try:
        check_number_of_members(len(infos))
        return [_member(info) for info in infos]
    except MalformedGossip as error:
        raise MalformedReply(context.operation, error.reason) from error


def _member(info: Any) -> Member:
    """Return a member of the cluster. Its TCP addresses are unknown, because the message does not contain them."""
    http = Endpoint(info.http_end_point.address, info.http_end_point.port)
    if http.port > _LAST_PORT:
        raise MalformedGossip(f"it has no port {http.port}")
    return Member(
        state=NodeState[_STATES.get(info.state, "UNKNOWN")],
        is_alive=info.is_alive,
        external_tcp=_UNKNOWN_ENDPOINT,
        external_http=http,
        internal_tcp=_UNKNOWN_ENDPOINT,
        internal_http=http,
        instance_id=_text(info.instance_id),
        time_stamp=time_of(info.time_stamp),
    )


def _text(id: Any) -> str:
    """Return the text of a Uuid."""
    if id.HasField("string"):
        return str(id.string)
    halves = id.structured
    return str(UUID(int=(halves.most_significant_bits & _HALF) << 64 | halves.least_significant_bits & _HALF))
