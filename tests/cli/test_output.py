"""The text forms of values, and the exit statuses of errors."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from rxpump import errors
from rxpump.cli.exits import INTERRUPTED, ending_in_order, status_of
from rxpump.cli.output import as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (1234567, "1,234,567"),
        (0.12345, "0.123"),
        (1234.56, "1,234.6"),
        ({"a": [1]}, '{"a":[1]}'),
        ("text", "text"),
    ],
)
def test_a_value_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


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
def test_the_status_of_an_error(error: errors.RxPumpError, status: int) -> None:
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
