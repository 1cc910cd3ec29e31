"""Failures of a repeated action are logged, with a warning if they last."""

from __future__ import annotations

import logging

import pytest

from rxpump.failure_log import FailureLog

LOG = logging.getLogger("rxpump.connection")
REFUSED = OSError("refused")


@pytest.fixture(autouse=True)
def all_levels(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOG.name)


@pytest.fixture
def failures() -> FailureLog:
    return FailureLog(LOG, "the connection of shop")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


def test_failures_that_last_are_a_warning_each_time_they_doubled(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    for now in range(100, 186):
        failures.failed(REFUSED, 1.0, now)
    warnings = [line for line in lines(caplog) if line.startswith("WARNING")]
    assert warnings == [
        f"WARNING the connection of shop has failed for {seconds} s: refused; next attempt in 1.000 s"
        for seconds in (10, 20, 40, 80)
    ]
    others = [line for line in lines(caplog) if line not in warnings]
    assert others == 82 * ["INFO the connection of shop: refused; next attempt in 1.000 s"]


def test_the_end_of_failures_is_a_warning_after_a_warning(
    failures: FailureLog, caplog: pytest.LogCaptureFixture
) -> None:
    failures.failed(REFUSED, 1.0, 100)
    failures.failed(REFUSED, 1.0, 112)
    failures.worked(115)
    failures.worked(116)
    assert lines(caplog)[2:] == ["WARNING the connection of shop works again after 15 s"]
    failures.failed(REFUSED, 1.0, 120)
    assert lines(caplog)[3:] == ["INFO the connection of shop: refused; next attempt in 1.000 s"]


def test_the_end_of_a_short_failure_is_not_logged(failures: FailureLog, caplog: pytest.LogCaptureFixture) -> None:
    failures.failed(REFUSED, 1.0, 100)
    failures.worked(109)
    assert len(lines(caplog)) == 1


def test_forgotten_failures_begin_again(failures: FailureLog, caplog: pytest.LogCaptureFixture) -> None:
    failures.failed(REFUSED, 1.0, 100)
    failures.failed(REFUSED, 1.0, 112)
    failures.forget()
    failures.failed(REFUSED, 1.0, 113)
    assert lines(caplog)[2:] == ["INFO the connection of shop: refused; next attempt in 1.000 s"]
