"""Warnings of the log, as messages of a command."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from rxpump.cli.log_lines import LogLines, show_log

PACKAGE = logging.getLogger("rxpump")


@pytest.fixture(autouse=True)
def shown() -> Iterator[None]:
    before = list(PACKAGE.handlers)
    show_log()
    yield
    PACKAGE.handlers[:] = before


def test_warnings_and_errors_go_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("rxpump.connection")
    log.info("not shown")
    log.warning("%s has failed", "the connection")
    log.error("two\nlines")
    assert capfd.readouterr() == ("", "Warning: the connection has failed\nError: two\nlines\n")


def test_a_server_cannot_control_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("rxpump.connection").warning("refused: %s", "\x1b[2J")
    assert capfd.readouterr().err == "Warning: refused: \\x1b[2J\n"


def test_an_exception_is_shown_with_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("bad")
    except ValueError:
        logging.getLogger("rxpump.server").exception("a task failed")
    lines = capfd.readouterr().err.splitlines()
    assert lines[:2] == ["Error: a task failed", "Traceback (most recent call last):"]
    assert lines[-1] == "ValueError: bad"


def test_only_warnings_are_handled() -> None:
    assert [each.level for each in PACKAGE.handlers if isinstance(each, LogLines)] == [logging.WARNING]
