"""`rxpump append` and `rxpump copy`."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rxpump
from tests.cli.processes import Commands, address_of, as_admin, lines


def numbered(count: int) -> bytes:
    return b"".join(b'{"type": "Numbered", "data": {"n": %d}}\n' % n for n in range(count))


def in_store(store: rxpump.BlockingClient, stream: str) -> list[int]:
    return [event.json()["n"] for event in store.iter(stream)]


def test_lines_become_events(cli: Commands, store: rxpump.BlockingClient) -> None:
    id = "fd4f2a5b-ab44-49a2-9697-4010e300632b"
    events = [
        {"type": "A", "data": {"é": [1, None]}, "metadata": {"m": 1}, "id": id, "stream": "x", "number": 7},
        {"type": "B", "data_base64": "AP8=", "metadata_base64": "AA=="},
        {"type": "C"},
        {"type": "D", "data": None},
    ]
    text = "\n".join(json.dumps(event) for event in events).replace("\n", "\n\n")
    assert cli.rows("append", "kinds", input=text.encode())[0]["written"] == 4
    a, b, c, d = store.get("kinds")
    assert (a.json(), a.json_metadata(), str(a.id), a.is_json) == ({"é": [1, None]}, {"m": 1}, id, True)
    assert (b.data, b.metadata, b.is_json) == (b"\x00\xff", b"\x00", False)
    assert (c.data, c.type, d.data, d.is_json) == (b"", "C", b"null", True)


def test_lines_can_be_the_data_alone(cli: Commands, store: rxpump.BlockingClient) -> None:
    cli.run("append", "plain", "--type", "Plain", input=b'{"price": 1.10}\n[2]')
    assert [(event.type, event.data) for event in store.iter("plain")] == [
        ("Plain", b'{"price": 1.10}'),
        ("Plain", b"[2]"),
    ]


def test_the_output_of_read_can_be_appended(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.publish("originals", [rxpump.NewEvent("A", {"n": 1}, metadata={"m": 2}), rxpump.NewEvent("B", b"\xff")])
    read = cli.run_process("read", "originals")
    appended = cli.run_process("append", "again", input=read.stdout)
    assert [(done.returncode, done.stderr) for done in (read, appended)] == [(0, b""), (0, b"")]
    fields = ("type", "data", "metadata", "id", "is_json")
    kept = [[getattr(event, field) for field in fields] for event in store.iter("again")]
    assert kept == [[getattr(event, field) for field in fields] for event in store.iter("originals")]


def test_a_repeated_run_writes_each_event_once(cli: Commands, store: rxpump.BlockingClient, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(numbered(700))
    first = cli.rows("append", "repeated", str(file))[0]
    assert (first["written"], first["already_there"], first["last_event_number"]) == (700, 0, 699)
    store.publish_event("repeated", "Numbered", {"n": -1})  # written by another program
    file.write_bytes(numbered(702))
    second = cli.rows("append", "repeated", str(file))[0]
    assert (second["written"], second["already_there"], second["last_event_number"]) == (2, 700, 702)
    assert in_store(store, "repeated") == [*range(700), -1, 700, 701]


def test_the_option_source_distinguishes_two_inputs(cli: Commands, store: rxpump.BlockingClient) -> None:
    for source in ("monday", "tuesday", "monday"):
        cli.rows("append", "days", "--source", source, input=numbered(2))
    assert in_store(store, "days") == [0, 1, 0, 1]


def test_events_of_a_slow_input_are_not_held_back(cli: Commands, store: rxpump.BlockingClient) -> None:
    with cli.started("append", "slow") as process, store.stream("slow") as events:
        assert process.stdin is not None
        for number in range(2):
            process.stdin.write(b'{"type": "Slow", "data": {"n": %d}}\n' % number)
            process.stdin.flush()
            assert next(events).json() == {"n": number}
            store.publish_event("slow", "OfAnother")  # so that the next write conflicts
            assert next(events).type == "OfAnother"
        out, err = process.communicate(timeout=120)
    assert json.loads(out)["written"] == 2
    assert (err, process.returncode) == (b"", 0)


def test_a_run_continues_after_one_that_was_killed(cli: Commands, store: rxpump.BlockingClient) -> None:
    with cli.started("append", "killed", "--source", "log") as process, store.stream("killed") as events:
        assert process.stdin is not None
        process.stdin.write(numbered(3))
        process.stdin.flush()
        assert [next(events).number for _ in range(3)] == [0, 1, 2]
        process.kill()
    row = cli.rows("append", "killed", "--source", "log", input=numbered(5))[0]
    assert (row["already_there"], row["written"]) == (3, 2)
    assert in_store(store, "killed") == [0, 1, 2, 3, 4]


def test_the_version_of_the_stream_can_be_expected(cli: Commands, store: rxpump.BlockingClient) -> None:
    for _ in range(2):  # the server recognizes the repeated write by its ids
        assert cli.rows("append", "exact", "--expected-version", "no-stream", input=numbered(3))
    assert in_store(store, "exact") == [0, 1, 2]
    assert "Error: " in cli.failure(4, "append", "exact", "--expected-version", "7", input=numbered(1))
    assert "'x' is not the number of an event, any" in cli.failure(2, "append", "exact", "--expected-version", "x")


def test_a_stream_whose_events_are_hidden_can_be_written(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.publish("hidden", [rxpump.NewEvent("Old"), rxpump.NewEvent("Old")])
    store.set_metadata("hidden", truncate_before=2)
    assert cli.rows("append", "hidden", input=numbered(1))[0]["last_event_number"] == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"nonsense", "line 2 is 'nonsense'; allowed is JSON"),
        (b"[]", "allowed is an object with a type"),
        (b'{"type": "A", "body": 1}', "(not body)"),
        (b'{"type": "A", "id": "x"}', "allowed is an event (badly formed"),
        (b'{"type": "A", "data_base64": "?"}', "allowed is an event ("),
    ],
)
def test_a_malformed_line_is_named(cli: Commands, line: bytes, message: str) -> None:
    assert message in cli.failure(2, "append", "malformed", input=b"\n" + line)


def bar_frames(cli: Commands, tmp_path: Path, *, columns: int) -> list[str]:
    """Return the progress bars that `append` shows on a terminal, without escape sequences."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(numbered(3000))
    main, other = pty.openpty()
    command = [sys.executable, "-m", "rxpump", "append", "shown", str(file)]
    environment = {**cli.environment, "TERM": "xterm", "COLUMNS": str(columns)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=other, env=environment) as process:
        os.close(other)
        shown = b""
        while b"events/s" not in shown:
            shown += os.read(main, 4096)
        process.communicate(timeout=120)
        assert process.returncode == 0
    os.close(main)
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode(errors="ignore")))


def test_a_terminal_gets_a_progress_bar(cli: Commands, tmp_path: Path) -> None:
    shown = "".join(bar_frames(cli, tmp_path, columns=120))
    for part in ("append", "events, ", " MB, ", "0:00:0"):
        assert part in shown


def test_a_progress_bar_leaves_room_for_ctrl_c(cli: Commands, tmp_path: Path) -> None:
    """In a full line, the terminal would show `^C` in the next one, and the bar would not be erased."""
    assert max(map(len, bar_frames(cli, tmp_path, columns=60))) <= 58


# copy -------------------------------------------------------------------------------------------------


def test_a_copy_is_exactly_once_and_can_be_continued(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.publish("source", [rxpump.NewEvent("Numbered", {"n": n}) for n in range(3)])
    with rxpump.open("memory://") as other:
        target = as_admin(address_of(other))
        first = cli.rows("copy", cli.uri, "source", target, "target")[0]
        assert (first["copied"], first["last_event_number"], first["bytes"]) == (3, 2, 21)
        store.publish_event("source", "Numbered", {"n": 3})
        assert cli.rows("copy", cli.uri, "source", target, "target")[0]["copied"] == 1
        assert in_store(other, "target") == [0, 1, 2, 3]
        assert other.get_event("target").json_metadata()["$relay"]["number"] == 3


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_copy_can_follow_its_source(cli: Commands, store: rxpump.BlockingClient, stop: signal.Signals) -> None:
    source, target = f"followed-{stop.name}", f"follower-{stop.name}"
    with cli.started("copy", cli.uri, source, cli.uri, target, "--follow") as process:
        events = store.stream(target)
        for number in range(2):
            store.publish_event(source, "Numbered", {"n": number})
            assert next(events).json() == {"n": number}
        process.send_signal(stop)
        # The second event can be interrupted between its copy and the reply.
        assert json.loads(lines(process.stdout, 1)[0])["copied"] in (1, 2)
        assert process.communicate(timeout=120) == (b"", b"")
        assert process.returncode == 0


def test_a_failed_copy_has_an_exit_status(cli: Commands) -> None:
    assert "stream 'none' does not exist" in cli.failure(3, "copy", cli.uri, "none", cli.uri, "target")
    assert "scheme" in cli.failure(2, "copy", "x", "none", cli.uri, "target")
