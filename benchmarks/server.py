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

from benchmarks.definitions import SLOW_DISK, Protocol
from benchmarks.slow_disk import COMMIT_SECONDS

_NAMES = {SLOW_DISK: f"sqlite on a slow disk (imitated: each commit takes {COMMIT_SECONDS * 1000:g} ms longer)"}

_URI = {Protocol.TCP: r"tcp://(.+):(\d+)", Protocol.GRPC: r"kurrentdb://(.+):(\d+)"}


@dataclass(frozen=True)
class Server:
    """Address of a server.

    Attributes:
        name: Name in tables.
        db: Path of its file, if it is an rxpump server that has one.
        uri: Connection string, if it is used over gRPC; otherwise empty.
    """

    name: str
    host: str
    port: int
    login: str | None = None
    password: str | None = None
    db: str | None = None
    uri: str = ""


@contextmanager
def fresh(store: str, protocol: Protocol) -> Iterator[Server]:
    """Run a server with an empty store until the block ends.

    Args:
        store: `sqlite`, `memory`, or `slow-disk` (see `benchmarks.slow_disk`).
        protocol: Protocol over which the contestants use it.

    Raises:
        RuntimeError: The server did not print its address.
    """
    with TemporaryDirectory() as folder:
        db = None if store == "memory" else os.path.join(folder, "events.db")
        command = [sys.executable, "-m", "rxpump.cli", "serve", "--port", "0", *(["--db", db] if db else [])]
        if protocol is Protocol.GRPC:  # Most clients send no login without TLS.
            command += ["--grpc-port", "0", "--insecure"]
        if store == SLOW_DISK:
            command = [sys.executable, "-m", "benchmarks.slow_disk", str(db)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                if protocol is Protocol.GRPC:
                    line += process.stdout.readline()
                listening = re.search(_URI[protocol], line)
                if listening is None:
                    raise RuntimeError(f"the server did not start: {line!r}")
                name, host, port = _NAMES.get(store, store), listening[1], int(listening[2])
                if protocol is Protocol.GRPC:
                    yield Server(name, host, port, db=db, uri=f"kurrentdb://{host}:{port}?tls=false")
                else:
                    yield Server(name, host, port, "admin", "changeit", db)  # Only admins may read `$all`.
            finally:
                process.terminate()


@contextmanager
def elsewhere(uri: str) -> Iterator[Server]:
    """Use a running server at `tcp://[login:password@]host[:port]`, or at the connection string of a gRPC client."""
    parts = urlsplit(uri)
    login, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    name, host = uri.rpartition("@")[2], parts.hostname or "localhost"
    if protocol_of(uri) is Protocol.GRPC:
        yield Server(name, host, parts.port or 2113, login, password, uri=uri)
    else:
        yield Server(name, host, parts.port or 1113, login, password)


def protocol_of(uri: str) -> Protocol:
    """Return the protocol over which a server at a URI is used."""
    return Protocol.TCP if urlsplit(uri).scheme == "tcp" else Protocol.GRPC
