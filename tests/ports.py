"""Ports of servers that stop, and start again or stay away.

The operating system can give the port of a stopped server to any other program, as the port of a new server or of a
connection. The tests that run at the same time open hundreds of connections in a second. So tests take ports from a
range that the system does not use for them, and each worker of a test run has a part of it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import chain, cycle
from typing import Final

RANGE: Final = range(20_000, 32_000)
"""Ports that Linux, macOS, and Windows give nobody who asks for any free port."""

_PARTS: Final = 12


def part(worker: int) -> range:
    """Return the ports of a worker."""
    size = len(RANGE) // _PARTS
    return RANGE[worker % _PARTS * size :][:size]


def _from_anywhere(ports: range) -> Iterator[int]:
    """Return the ports again and again; runs of the tests at the same time begin with different ones."""
    start = os.getpid() % len(ports)
    return cycle(chain(ports[start:], ports[:start]))


ports: Final = _from_anywhere(part(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))))
"""Ports for servers of this worker, most of which are free."""


def unused_port() -> int:
    """Return a port of 127.0.0.1 that no program uses, and no other test takes."""
    while True:
        port = next(ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
