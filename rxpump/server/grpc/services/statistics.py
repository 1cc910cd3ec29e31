"""Monitoring.Stats: send statistics of the node periodically (docs/protocol/grpc.md, section 3.7)."""

from __future__ import annotations

import asyncio
from typing import Final

from rxpump.grpc.messages.monitoring import StatsResponse
from rxpump.server.grpc.call import Call

_SHORTEST: Final = 0.1
"""Shortest period in seconds, even if the client requests a shorter one."""


async def send_statistics(call: Call) -> None:
    """Send statistics at once, and then after each period, until the call is cancelled."""
    request = await call.request()
    period = max(_SHORTEST, request.refresh_time_period_in_ms / 1000)
    while True:
        call.reply(StatsResponse(stats=call.node.statistics.flat()))
        await call.drained()
        await asyncio.sleep(period)
