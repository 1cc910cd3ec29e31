"""The server that contestants share: `rxpump serve`, in a process of its own, with an empty store on disk."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory


@contextmanager
def serving() -> Iterator[tuple[str, str]]:
    """Run one, and give its host and port."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rxpump.cli", "serve", "--port", "0", "--db", f"{folder}/events.db"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                listening = re.search(r"tcp://(.+):(\d+)", line)
                if listening is None:
                    raise RuntimeError(f"the server did not start: {line!r}")
                yield listening[1], listening[2]
            finally:
                server.terminate()
