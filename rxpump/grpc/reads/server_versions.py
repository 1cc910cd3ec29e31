"""Differences between the subscriptions of servers of several versions (docs/protocol/grpc.md, section 5.9)."""

from __future__ import annotations

from typing import Final

from rxpump.grpc.features import ServerFeatures
from rxpump.grpc.messages.methods import ServerVersion

_IN_ORDER_SINCE: Final = ServerVersion(21, 10)
_CAUGHT_UP_SINCE: Final = ServerVersion(23, 10)
_EXACT_SINCE: Final = ServerVersion(24, 2)


def sends_in_order(features: ServerFeatures) -> bool:
    """Return whether a server sends each live event once and in order, even if the consumer is slow."""
    return _is_since(features, _IN_ORDER_SINCE)


def reports_catching_up(features: ServerFeatures) -> bool:
    """Return whether a server reports that it has caught up."""
    return _is_since(features, _CAUGHT_UP_SINCE)


def is_exact(features: ServerFeatures) -> bool:
    """Return whether a server compares events with the position after which a subscription starts."""
    return _is_since(features, _EXACT_SINCE)


def _is_since(features: ServerFeatures, first: ServerVersion) -> bool:
    return features.version is not None and features.version >= first
