"""Gossip.Read: the nodes of the cluster (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from rxpump.grpc.messages.gossip import ClusterInfo
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.event_ids import IdForm, id_message
from rxpump.server.membership import NodeDescription

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATES: Final = ClusterInfo.DESCRIPTOR.fields_by_name["members"].message_type.enum_types_by_name["State"]


async def read_gossip(call: Call) -> None:
    """Answer with all nodes in the server's view of the cluster."""
    await call.request()
    members = [_member(each, call.local_address) for each in call.node.membership.members()]
    call.reply(ClusterInfo(members=members))


def _member(node: NodeDescription, local_address: str) -> dict[str, Any]:
    return {
        "instance_id": id_message(UUID(node.instance_id).bytes_le, IdForm.STRUCTURED),
        "time_stamp": 10 * ((node.time_stamp - _EPOCH) // timedelta(microseconds=1)),
        "state": _STATES.values_by_name[node.state.name].number,
        "is_alive": node.is_alive,
        "http_end_point": {"address": node.addresses.host or local_address, "port": node.addresses.http_port},
    }
