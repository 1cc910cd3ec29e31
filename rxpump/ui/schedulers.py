"""The scheduler of timers."""

from __future__ import annotations

import asyncio

from reactivex.scheduler.eventloop import AsyncIOScheduler


def event_loop_scheduler() -> AsyncIOScheduler:
    """Return a scheduler for timers in the running event loop. By default, timers of reactivex start threads."""
    return AsyncIOScheduler(asyncio.get_running_loop())
