"""Request the version and the methods of the connected server (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rxpump.grpc.calls.fields import only
from rxpump.grpc.calls.operation import Operation
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import server_features
from rxpump.model.server_info import ServerInfo


def get_server_info() -> Operation[ServerInfo]:
    """Return the GetSupportedMethods request. A server before version 21.10 answers it with NotSupported."""
    context = CallContext(server_features.GET_SUPPORTED_METHODS, "read the features of", Effect.NONE)
    return Operation(context, (server_features.GET_SUPPORTED_METHODS.request(),), _info)


def _info(messages: Sequence[Any], context: CallContext) -> ServerInfo:
    response = only(messages, context.operation)
    features = set()
    for method in response.methods:
        name = f"{method.service_name}/{method.method_name}"
        features.add(name)
        features.update(f"{name}/{feature}" for feature in method.features)
    return ServerInfo(response.event_store_server_version or None, frozenset(features))
