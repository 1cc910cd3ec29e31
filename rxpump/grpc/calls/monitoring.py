"""Read the statistics of the connected node (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import monitoring

CONTEXT: Final = CallContext(monitoring.STATS, "read the statistics of", Effect.NONE)

_PERIOD: Final = 60_000
"""Milliseconds between two messages; not 0, which servers do not support."""


def stats_request() -> Any:
    """Return the Stats request.

    The server sends its statistics at once, and then after each period. The caller cancels the call after the first
    message.
    """
    return monitoring.StatsRequest(refresh_time_period_in_ms=_PERIOD)


def statistics(response: Any) -> dict[str, str]:
    """Return the statistics in a StatsResponse."""
    return dict(response.stats)
