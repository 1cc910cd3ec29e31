"""The text forms of values, and the exit statuses of errors."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from rxpump import errors
from rxpump.cli.exits import INTERRUPTED, ending_in_order, status_of
from rxpump.cli.output import Output, as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ([], "-"),
        (True, "yes"),
        (False, "no"),
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (1234.56, "1,234.6"),
        ({"a": [1]}, '{"a":[1]}'),
        ("text", "text"),
        ("a\x1b[2Jb\x9b\r\n", "a\\x1b[2Jb\\x9b\\x0d\\x0a"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        (datetime(2026, 1, 2, 3, 4, 5, 678, UTC), "2026-01-02 03:04:05"),
    ],
)
def test_each_value_is_shown_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


def test_only_columns_of_numbers_are_aligned_to_the_right(capfd: pytest.CaptureFixture[str]) -> None:
    Output(False).rows([{"alive": True, "count": 5}, {"alive": False, "count": None}], ("alive", "count"))
    assert [line.rstrip() for line in capfd.readouterr().out.splitlines()] == [
        "alive  count",
        "yes        5",
        "no         -",
    ]


def test_a_table_in_a_file_has_no_broken_lines(capfd: pytest.CaptureFixture[str]) -> None:
    names = ["n" * 70, "m" * 70]
    Output(False).rows([{"name": name, "content": "c" * 70} for name in names], ("name", "content"))
    Output(False).record({"server": {"its_name": "x" * 70}, "round_trip": 1})
    shown = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert shown[0] == ["name", "content"]
    assert [len(line) for line in shown[1:3]] == [2, 2]
    assert shown[3:] == [["server"], ["its_name", "x" * 70], ["round", "trip", "1"]]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ServerFailed("a write", "the disk is full"), 1),
        (errors.InvalidArgument("name", "", "text"), 2),
        (errors.StreamDeleted("ponies"), 3),
        (errors.WrongExpectedVersion("ponies", 1, 2), 4),
        (errors.ConnectionFailed("tcp://x", 1, "refused"), 5),
        (errors.AccessDenied("ponies", "read", None), 6),
        (errors.NotSupported("ping", "gRPC", "it has none", "wait"), 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_has_an_exit_status(error: errors.RxPumpError, status: int) -> None:
    assert status_of(error) == status


@pytest.fixture
def kept_signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("kept_signals")
def test_a_block_ends_with_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    for error, status in (
        (PermissionError("no"), 1),
        (errors.StreamNotFound("x"), 3),
        (KeyboardInterrupt(), INTERRUPTED),
    ):
        with pytest.raises(SystemExit) as ended, ending_in_order():
            raise error
        assert ended.value.code == status
    assert capsys.readouterr().err == "Error: no\nError: stream 'x' does not exist\n"


@pytest.mark.usefixtures("kept_signals")
def test_a_server_cannot_control_the_terminal_by_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), ending_in_order():
        raise errors.ServerFailed("a write", "\x1b[2J\nsee the log")
    err = capsys.readouterr().err
    assert "\\x1b[2J\nsee the log" in err
    assert "\x1b" not in err
