"""The address and the end of commands that serve until a signal stops them."""

from __future__ import annotations

import asyncio
import signal
from ipaddress import ip_address
from typing import Final

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""Signals. The first one stops the server and closes its store; the second one ends the process at once."""


def stop_requested() -> asyncio.Event:
    """Return an event that is set by the first stop signal. The second signal has its default effect."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return stop


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on a host can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
