"""`rxpump stats`, `rxpump top` and `rxpump completion`."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import rxpump
from tests.cli.processes import Commands, address_of, lines


@contextmanager
def writing(store: rxpump.BlockingClient, stream: str) -> Iterator[None]:
    """Write events in the background."""
    is_over = threading.Event()

    def write() -> None:
        while not is_over.wait(0.02):
            store.publish_event(stream, "Jumped", {"n": 1})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


LONG_INTERVAL = "1.5"
"""Seconds in which events are written, also on a machine that suspends the writer for half a second."""


def test_stats_measure_what_is_written(cli: Commands, store: rxpump.BlockingClient) -> None:
    with writing(store, "measured"):
        (row,) = cli.rows("stats", "--interval", LONG_INTERVAL)
    assert row["events_per_second"] > 0
    assert row["bytes_per_second"] > 0
    assert (row["streams_written"], row["server"]) == (1, None)
    assert row["log_end"].count("/") == 1
    assert row["round_trip_ms"] > 0


def test_stats_can_be_watched(cli: Commands) -> None:
    with cli.started("stats", "--watch", "--interval", "0.05") as process:
        assert all(json.loads(line)["events_per_second"] == 0 for line in lines(process.stdout, 2))
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0


def test_watching_needs_the_rights_of_an_admin(cli: Commands, store: rxpump.BlockingClient) -> None:
    anonymous = Commands(address_of(store))
    assert "may not read '$all'" in anonymous.failure(6, "stats")
    assert "may not read '$all'" in anonymous.failure(6, "top")


def test_top_shows_streams_and_groups(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.create_subscription("watchers", "watched", start_from=0)
    with writing(store, "watched"):
        views = cli.rows("top", cli.uri, "--interval", LONG_INTERVAL, "--count", "2")
    assert len(views) == 2
    assert "watched" in {stream["stream"] for stream in views[1]["streams"]}
    assert [(group["stream"], group["group"]) for group in views[1]["groups"]] == [("watched", "watchers")]
    assert views[1]["groups"][0]["lag"] > 0
    store.delete_subscription("watchers", "watched")


def test_top_draws_a_screen_on_a_terminal(cli: Commands) -> None:
    main, other = pty.openpty()
    command = [sys.executable, "-m", "rxpump", "top", "--interval", "0.05", "--count", "1"]
    environment = {**cli.environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    with subprocess.Popen(command, stdout=other, stderr=subprocess.PIPE, env=environment) as process:
        os.close(other)
        shown = b""
        while b"events/s" not in shown or b"lag" not in shown:
            shown += os.read(main, 4096)
        assert process.wait(120) == 0
    os.close(main)
    assert b"changeit" not in shown


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(cli: Commands, shell: str) -> None:
    assert f"_RXPUMP_COMPLETE={shell}_complete" in cli.output("completion", shell)


def test_a_description_in_fish_can_have_a_comma(cli: Commands) -> None:
    assert "(string split --max 1 " in cli.output("completion", "fish")


def test_commands_and_options_are_completed(cli: Commands) -> None:
    def complete(words: str, index: int) -> list[str]:
        asked = {"_RXPUMP_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        command = [sys.executable, "-m", "rxpump"]
        done = subprocess.run(command, capture_output=True, text=True, env={**cli.environment, **asked}, timeout=120)
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert complete("rxpump re", 1) == ["read"]
    assert complete("rxpump read --ba", 2) == ["--backward"]
