"""The server that all contestants use: `rxpump serve` in its own process, or a server that runs already."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from benchmarks.slow_disk import COMMIT_SECONDS
from benchmarks.workloads import SLOW_DISK

_NAMES = {SLOW_DISK: f"sqlite on a slow disk (imitated: each commit takes {COMMIT_SECONDS * 1000:g} ms longer)"}


@dataclass(frozen=True)
class Server:
    """Address of a server. `db` is the path of its file if it is an rxpump server that has one."""

    name: str
    host: str
    port: int
    login: str | None = None
    password: str | None = None
    db: str | None = None


@contextmanager
def fresh(store: str) -> Iterator[Server]:
    """Run a server with an empty store until the block ends.

    Args:
        store: `sqlite`, `memory`, or `slow-disk` (see `benchmarks.slow_disk`).

    Raises:
        RuntimeError: The server did not print its address.
    """
    with TemporaryDirectory() as folder:
        db = None if store == "memory" else os.path.join(folder, "events.db")
        command = [sys.executable, "-m", "rxpump.cli", "serve", "--port", "0", *(["--db", db] if db else [])]
        if store == SLOW_DISK:
            command = [sys.executable, "-m", "benchmarks.slow_disk", str(db)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                listening = re.search(r"tcp://(.+):(\d+)", line)
                if listening is None:
                    raise RuntimeError(f"the server did not start: {line!r}")
                # Only an admin may read `$all`.
                yield Server(_NAMES.get(store, store), listening[1], int(listening[2]), "admin", "changeit", db)
            finally:
                process.terminate()


@contextmanager
def elsewhere(uri: str) -> Iterator[Server]:
    """Use a running server at `tcp://[login:password@]host[:port]`."""
    parts = urlsplit(uri)
    login, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    yield Server(uri.rpartition("@")[2], parts.hostname or "localhost", parts.port or 1113, login, password)
