"""Messages with the statistics of a node."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

StatsRequest: Any = message_class("monitoring.StatsRequest")
StatsResponse: Any = message_class("monitoring.StatsResponse")

_SERVICE: Final = Service("event_store.client.monitoring.Monitoring", "monitoring.Monitoring")

STATS: Final[Method] = _SERVICE.method("Stats", 21, 6)
