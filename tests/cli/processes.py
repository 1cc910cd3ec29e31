"""The `rxpump` command, in this process or in one of its own."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import IO, Any

import pytest
from reactivex import operators as rx

import rxpump
from rxpump.cli.commands import rxpump as rxpump_command
from rxpump.cli.log_lines import LogLines
from rxpump.model.status import Connected


def address_of(store: rxpump.BlockingClient) -> str:
    """Return the address of the server that a store is connected to, also of one in this process."""
    status = store.run(store.client.status.pipe(rx.first()))
    assert isinstance(status, Connected)
    return status.address


def as_admin(uri: str) -> str:
    return uri.replace("tcp://", "tcp://admin:changeit@")


def run_here(*arguments: str, input: bytes = b"", **environment: str) -> CompletedProcess[bytes]:
    """Run a command in this process, which takes a fraction of the time of a process of its own.

    The standard streams are files, because commands look at the descriptors. An exception of which a process would
    show the traceback is raised.
    """
    log = logging.getLogger("rxpump")
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryFile() as stdin,
        TemporaryFile() as out,
        TemporaryFile() as err,
    ):
        stdin.write(input)
        stdin.seek(0)
        for name, file in (("stdin", stdin), ("stdout", out), ("stderr", err)):
            patch.setattr(sys, name, TextIOWrapper(file, "utf-8", write_through=True))
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(log, "handlers", [*log.handlers, LogLines()])
        with _signal_handlers_restored(), pytest.raises(SystemExit) as ended:
            rxpump_command(arguments, prog_name="rxpump")
        assert isinstance(ended.value.code, int)
        for file in (out, err):
            file.seek(0)
        return CompletedProcess(arguments, ended.value.code, out.read(), err.read())


@contextmanager
def _signal_handlers_restored() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


class Commands:
    """Runs commands with one connection string."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "RXPUMP_URI": self.uri}

    def run(self, *arguments: str, input: bytes = b"") -> CompletedProcess[bytes]:
        return run_here(*arguments, input=input, RXPUMP_URI=self.uri)

    def run_process(self, *arguments: str, input: bytes = b"") -> CompletedProcess[bytes]:
        """Run a command in a process of its own."""
        command = [sys.executable, "-W", "error", "-m", "rxpump", *arguments]
        return subprocess.run(command, input=input, capture_output=True, env=self.environment, timeout=120)

    def output(self, *arguments: str, input: bytes = b"") -> str:
        """Return the output of a command that succeeds."""
        done = self.run(*arguments, input=input)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def rows(self, *arguments: str, input: bytes = b"") -> list[Any]:
        """Return the JSON lines of a command that succeeds."""
        return [json.loads(line) for line in self.output(*arguments, input=input).splitlines()]

    def failure(self, status: int, *arguments: str, input: bytes = b"") -> str:
        """Return the error of a command that ends with a status."""
        done = self.run(*arguments, input=input)
        error = done.stderr.decode()
        assert done.returncode == status, error
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
