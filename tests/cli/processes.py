"""The `rxpump` command as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from reactivex import operators as rx

import rxpump
from rxpump.model.status import Connected


def address_of(store: rxpump.BlockingClient) -> str:
    """Return the address of the server that a store is connected to, also of one in this process."""
    status = store.run(store.client.status.pipe(rx.first()))
    assert isinstance(status, Connected)
    return status.address


def as_admin(uri: str) -> str:
    return uri.replace("tcp://", "tcp://admin:changeit@")


class Commands:
    """Runs commands with one connection string."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "RXPUMP_URI": self.uri}

    def run(self, *arguments: str, input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-W", "error", "-m", "rxpump", *arguments]
        return subprocess.run(command, input=input, capture_output=True, env=self.environment, timeout=30)

    def output(self, *arguments: str, input: bytes = b"") -> str:
        """Return the output of a command that succeeds."""
        done = self.run(*arguments, input=input)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def rows(self, *arguments: str, input: bytes = b"") -> list[Any]:
        """Return the JSON lines of a command that succeeds."""
        return [json.loads(line) for line in self.output(*arguments, input=input).splitlines()]

    def failure(self, status: int, *arguments: str, input: bytes = b"") -> str:
        """Return the error of a command that ends with a status and writes no traceback."""
        done = self.run(*arguments, input=input)
        error = done.stderr.decode()
        assert done.returncode == status, error
        assert "Traceback" not in error
        return error

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command that continues until it is interrupted."""
        command = [sys.executable, "-W", "error", "-m", "rxpump", *arguments]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, stdin=pipe, env=self.environment) as process:
            try:
                yield process
            finally:
                process.kill()


def lines(stream: IO[bytes] | None, count: int) -> list[str]:
    """Return the next lines of a pipe."""
    assert stream is not None
    return [stream.readline().decode().rstrip("\n") for _ in range(count)]
