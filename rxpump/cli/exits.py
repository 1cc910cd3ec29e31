"""End commands with an exit status and without a traceback, also after signals and closed pipes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

import click

from rxpump.cli.printable import printable_lines
from rxpump.errors import (
    AccessDenied,
    ConnectionClosed,
    ConnectionFailed,
    ConnectionLostRepeatedly,
    EventNotFound,
    InvalidArgument,
    NotAuthenticated,
    NotSupported,
    OperationTimedOut,
    PersistentSubscriptionExists,
    PersistentSubscriptionNotFound,
    RxPumpError,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)

FAILED: Final = 1
"""Exit status for errors that are not in STATUSES, such as a request that the server refused."""

STATUSES: Final[tuple[tuple[int, tuple[type[RxPumpError], ...]], ...]] = (
    (2, (InvalidArgument,)),  # Click uses the same status for an unknown option.
    (3, (StreamNotFound, StreamDeleted, EventNotFound, PersistentSubscriptionNotFound)),
    (4, (WrongExpectedVersion, PersistentSubscriptionExists)),
    (5, (ConnectionFailed, ConnectionClosed, ConnectionLostRepeatedly, OperationTimedOut)),
    (6, (AccessDenied, NotAuthenticated)),
    (7, (NotSupported,)),
)
"""Exit status for classes of errors; see docs/command-line.md."""

INTERRUPTED: Final = 128 + signal.SIGINT
TERMINATED: Final = 128 + signal.SIGTERM
OUTPUT_CLOSED: Final = 141  # 128 + SIGPIPE, which Windows does not have


def status_of(error: RxPumpError) -> int:
    """Return the exit status for an error."""
    return next((status for status, kinds in STATUSES if isinstance(error, kinds)), FAILED)


class Terminated(SystemExit):
    """The process has received SIGTERM."""

    def __init__(self) -> None:
        super().__init__(TERMINATED)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Exit when an error leaves the block, with the status for the error. Its message goes to standard error.

    SIGINT and SIGTERM raise an exception in the block, so that it closes its connection. The second SIGINT ends the
    process at once.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
        sys.stdout.flush()
    except RxPumpError as error:
        _fail(str(error), status_of(error))
    except BrokenPipeError:
        _discard_output()
        sys.exit(OUTPUT_CLOSED)
    except OSError as error:
        _fail(str(error), FAILED)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        sys.exit(INTERRUPTED)


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Let SIGINT and SIGTERM end a block that would run forever, and exit with status 0."""
    with suppress(KeyboardInterrupt, Terminated):
        yield


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _fail(message: str, status: int) -> NoReturn:
    click.echo(f"Error: {printable_lines(message)}", err=True)
    sys.exit(status)


def _discard_output() -> None:
    """Discard further output, because the flush at exit would fail after the reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
