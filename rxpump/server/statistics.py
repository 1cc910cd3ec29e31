"""Statistics of a running server."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rxpump.server.store.sqlite_store import SqliteStore


class Statistics:
    """Measures a server and its process.

    Args:
        store: Store of the server.
        count_clients: Function that returns the number of connected clients.
    """

    def __init__(self, store: SqliteStore, count_clients: Callable[[], int]) -> None:
        self._store = store
        self._count_clients = count_clients
        self._started, self._started_at = datetime.now(UTC), time.monotonic()

    def tree(self) -> Mapping[str, Any]:
        """Return the values, under the names of a real server."""
        uptime = max(time.monotonic() - self._started_at, 0.001)
        end = self._store.read.log().end
        return {
            "proc": {
                "id": os.getpid(),
                "startTime": self._started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "cpu": 100 * time.process_time() / uptime,
                "threadsCount": threading.active_count(),
                "tcp": {"connections": self._count_clients()},
            },
            "sys": dict(_system()),
            "es": {
                "checksum": end,
                "checksumNonFlushed": end,
                "queue": {},
                "writer": {"commits": self._store.commits.count},
                "readIndex": {},
            },
        }

    def flat(self) -> dict[str, str]:
        """Return the values as text, with the names of their groups before their own, such as "proc-id"."""
        return dict(_flat("", self.tree()))

    def __repr__(self) -> str:
        return f"<Statistics since {self._started:%Y-%m-%d %H:%M:%S}>"


def _flat(prefix: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{name}-", value)
        else:
            yield f"{prefix}{name}", str(value)


def _system() -> Iterator[tuple[str, float]]:
    """Yield the name and value of each measurement that the operating system supports."""
    with suppress(AttributeError, OSError):
        yield "cpu", 100 * os.getloadavg()[0] / (os.cpu_count() or 1)
    with suppress(AttributeError, OSError, ValueError):
        yield "freeMem", os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
