"""Messages for the maintenance of a node."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

StartScavengeRequest: Any = message_class("operations.StartScavengeRequest")
StopScavengeRequest: Any = message_class("operations.StopScavengeRequest")
ScavengeResponse: Any = message_class("operations.ScavengeResponse")
SetNodePriorityRequest: Any = message_class("operations.SetNodePriorityRequest")

_SERVICE: Final = Service("event_store.client.operations.Operations", "operations.Operations")

START_SCAVENGE: Final[Method] = _SERVICE.method("StartScavenge", 20, 6, is_repeatable=False)
STOP_SCAVENGE: Final[Method] = _SERVICE.method("StopScavenge", 20, 6, is_repeatable=False)
SHUTDOWN: Final[Method] = _SERVICE.method("Shutdown", 20, 6, is_repeatable=False)
MERGE_INDEXES: Final[Method] = _SERVICE.method("MergeIndexes", 20, 6, is_repeatable=False)
RESIGN_NODE: Final[Method] = _SERVICE.method("ResignNode", 20, 6, is_repeatable=False)
SET_NODE_PRIORITY: Final[Method] = _SERVICE.method("SetNodePriority", 20, 6)
RESTART_PERSISTENT_SUBSCRIPTIONS: Final[Method] = _SERVICE.method(
    "RestartPersistentSubscriptions", 20, 6, 1, is_repeatable=False
)
