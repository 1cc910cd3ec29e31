"""All methods of the protocol, by path."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxpump.grpc.messages import (
    gossip,
    indexes_v2,
    monitoring,
    operations,
    persistent_subscriptions,
    projections,
    server_features,
    streams,
    streams_v2,
    users,
)
from rxpump.grpc.messages.methods import Method

_MODULES: Final = (
    streams,
    persistent_subscriptions,
    projections,
    users,
    operations,
    gossip,
    server_features,
    monitoring,
    streams_v2,
    indexes_v2,
)

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {method.path: method for module in _MODULES for method in vars(module).values() if isinstance(method, Method)}
)
"""All methods of all services, by path."""
