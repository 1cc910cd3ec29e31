"""Messages about the nodes of a cluster."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

EndPoint: Any = message_class("gossip.EndPoint")
MemberInfo: Any = message_class("gossip.MemberInfo")
ClusterInfo: Any = message_class("gossip.ClusterInfo")

_SERVICE: Final = Service("event_store.client.gossip.Gossip", "gossip.Gossip")

READ: Final[Method] = _SERVICE.method("Read", 20, 6)
