"""Messages with which a server lists its methods."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

SupportedMethod: Any = message_class("server_features.SupportedMethod")
SupportedMethods: Any = message_class("server_features.SupportedMethods")

_SERVICE: Final = Service("event_store.client.server_features.ServerFeatures", "server_features.ServerFeatures")

GET_SUPPORTED_METHODS: Final[Method] = _SERVICE.method("GetSupportedMethods", 21, 10)
