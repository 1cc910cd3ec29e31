"""Reports of `rxpump tail` about its distance from the end of the stream."""

from __future__ import annotations

import pytest

import rxpump
from rxpump.cli.output import Output
from rxpump.cli.tail_report import Item, TailReport
from rxpump.errors import ConnectionClosed


@pytest.fixture(scope="module", autouse=True)
def events(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", [rxpump.NewEvent("Jumped", {"n": n}) for n in range(10)])


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.6
        return self.now


def report(store: rxpump.BlockingClient, stream: str, *, is_quiet: bool = False) -> TailReport:
    return TailReport(store, Output(True), stream, is_quiet=is_quiet, clock=Time())


def test_the_distance_to_the_end_is_reported(
    store: rxpump.BlockingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with report(store, "ponies") as reporting:
        for event in store.iter("ponies"):
            if event.number < 3:
                reporting.note(event)
    assert capsys.readouterr().err == "8 events behind\n"


def test_the_distance_in_all_is_in_bytes(store: rxpump.BlockingClient, capsys: pytest.CaptureFixture[str]) -> None:
    reporting = report(store, "$all")
    first, second, *_ = store.iter_all()
    reporting.note(first)
    reporting.note(second)
    amount, unit, behind = capsys.readouterr().err.split()
    assert (int(amount.replace(",", "")) > 100, unit, behind) == (True, "bytes", "behind")


def test_signals_are_reported_with_the_place(
    store: rxpump.BlockingClient, capsys: pytest.CaptureFixture[str]
) -> None:
    reporting = report(store, "ponies")
    lost = ConnectionClosed("tcp://127.0.0.1:1", "it was cut")
    event = store.get_event("ponies", 4)
    items: list[Item | None] = [rxpump.CaughtUp(), event, None, rxpump.FellBehind(lost), rxpump.Reconnected()]
    for item in items:
        reporting.note(item)
    assert capsys.readouterr().err.splitlines() == [
        "caught up",
        f"fell behind after event 4: {lost}",
        "connected again after event 4",
    ]


def test_a_quiet_report_writes_nothing(store: rxpump.BlockingClient, capsys: pytest.CaptureFixture[str]) -> None:
    with report(store, "ponies", is_quiet=True) as reporting:
        reporting.note(rxpump.CaughtUp())
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_status_line(
    store: rxpump.BlockingClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    with report(store, "ponies") as reporting:
        reporting.note(rxpump.CaughtUp())
    assert "caught up" in capsys.readouterr().err
