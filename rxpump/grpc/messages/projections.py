"""Messages that manage projections."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

CreateRequest: Any = message_class("projections.CreateRequest")
UpdateRequest: Any = message_class("projections.UpdateRequest")
DeleteRequest: Any = message_class("projections.DeleteRequest")
EnableRequest: Any = message_class("projections.EnableRequest")
DisableRequest: Any = message_class("projections.DisableRequest")
ResetRequest: Any = message_class("projections.ResetRequest")
StatisticsRequest: Any = message_class("projections.StatisticsRequest")
StatisticsResponse: Any = message_class("projections.StatisticsResponse")
PartitionRequest: Any = message_class("projections.PartitionRequest")
StateResponse: Any = message_class("projections.StateResponse")
ResultResponse: Any = message_class("projections.ResultResponse")

_SERVICE: Final = Service("event_store.client.projections.Projections", "projections.Projections")

CREATE: Final[Method] = _SERVICE.method("Create", 20, 6, is_repeatable=False, names_leader=False)
UPDATE: Final[Method] = _SERVICE.method("Update", 20, 6, names_leader=False)
DELETE: Final[Method] = _SERVICE.method("Delete", 20, 6, is_repeatable=False, names_leader=False)
ENABLE: Final[Method] = _SERVICE.method("Enable", 20, 6, names_leader=False)
DISABLE: Final[Method] = _SERVICE.method("Disable", 20, 6, names_leader=False)
RESET: Final[Method] = _SERVICE.method("Reset", 20, 6, is_repeatable=False, names_leader=False)
STATISTICS: Final[Method] = _SERVICE.method("Statistics", 20, 6, names_leader=False)
STATE: Final[Method] = _SERVICE.method("State", 20, 6, names_leader=False)
RESULT: Final[Method] = _SERVICE.method("Result", 20, 6, names_leader=False)
RESTART_SUBSYSTEM: Final[Method] = _SERVICE.method("RestartSubsystem", 20, 6, is_repeatable=False, names_leader=False)
