"""`rxpump read` and `rxpump tail`."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import rxpump
from rxpump.checkpoints import Checkpoint
from tests.cli.processes import Commands, address_of, lines


@pytest.fixture(scope="module", autouse=True)
def ponies(store: rxpump.BlockingClient) -> None:
    jumps = [rxpump.NewEvent("Jumped", {"height": n}, metadata={"by": "derpy"}) for n in range(5)]
    store.publish("ponies", [*jumps, rxpump.NewEvent("Slept", b"\x00\xff")])


def numbers(rows: list[dict[str, int]]) -> list[int]:
    return [row["number"] for row in rows]


def test_an_event_is_a_json_line(cli: Commands) -> None:
    first, *_, last = cli.rows("read", "ponies")
    assert first["stream"] == "ponies"
    assert (first["type"], first["data"], first["metadata"]) == ("Jumped", {"height": 0}, {"by": "derpy"})
    assert first.keys() == {"stream", "number", "type", "id", "created", "data", "metadata"}
    assert last["data_base64"] == "AP8="


def test_options_select_the_range_of_a_read(cli: Commands) -> None:
    assert numbers(cli.rows("read", "ponies", "--from", "3")) == [3, 4, 5]
    assert numbers(cli.rows("read", "ponies", "--backward", "--max", "2")) == [5, 4]
    assert numbers(cli.rows("read", "ponies", "--type", "Slept", "--max", "1")) == [5]


def test_all_streams_are_read_by_position(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.publish("positions", [rxpump.NewEvent("A.1"), rxpump.NewEvent("A.1"), rxpump.NewEvent("Ab1")])
    first = cli.rows("read", "$all", "--type", "A.1", "--type", "none")
    assert numbers(first) == [0, 1]
    assert numbers(cli.rows("read", "$all", "--from", first[1]["position"], "--type", "A.1")) == [1]


def test_the_form_of_an_event_can_be_chosen(cli: Commands) -> None:
    assert (
        cli.output("read", "ponies", "--max", "1", "--format", "{number} {type} {data}") == '0 Jumped {"height":0}\n'
    )
    assert cli.output("read", "ponies", "--max", "2", "--format", "data") == '{"height":0}\n{"height":1}\n'
    line = cli.output("read", "ponies", "--max", "1", "--table")
    assert line.split(" ", 2)[2] == '0@ponies Jumped {"height":0}\n'


def test_links_can_be_shown_in_place_of_their_targets(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.link_to("links", store.get_event("ponies", 2))
    target = cli.rows("read", "links")[0]
    assert (target["stream"], target["number"], target["link"]) == ("ponies", 2, {"stream": "links", "number": 0})
    assert cli.rows("read", "links", "--links")[0]["type"] == "$>"


def test_json_is_written_as_it_was_stored(cli: Commands, store: rxpump.BlockingClient) -> None:
    stored = [b'{"price": 1.10, "zo\xc3\xab": 1}', b'{\n"lines": 2\n}', b"no json"]
    store.publish("texts", [rxpump.NewEvent("Text", data, is_json=True) for data in stored])
    one, two, three = cli.output("read", "texts").splitlines()
    assert one.endswith(',"data":{"price": 1.10, "zoë": 1}}')
    assert json.loads(two)["data"] == {"lines": 2}
    assert "data_base64" in json.loads(three)


@pytest.mark.parametrize(
    ("status", "arguments", "message"),
    [
        (2, ["--from", "x"], "'x' is not an event number, a position such as 120/120, start or end"),
        (2, ["--from", "1/1"], "1/1 is a position in $all, not in 'ponies'"),
        (2, ["--format", "{height}"], "format is '{height}'; allowed is json, line, data, or a template"),
        (2, ["--format", "{number"], "allowed is json"),
        (2, ["--uri", "http://x"], "Error: scheme is 'http'"),
        (5, ["--uri", "tcp://127.0.0.1:1?connect_within=0.01"], "Error: "),
        (5, ["--uri", "tcp://x:y@127.0.0.1:1?connect_within=0.01"], "Error: "),
    ],
)
def test_a_failed_read_has_an_exit_status(cli: Commands, status: int, arguments: list[str], message: str) -> None:
    assert message in cli.failure(status, "read", "ponies", *arguments)


def test_a_missing_stream_or_event_has_an_exit_status(cli: Commands, store: rxpump.BlockingClient) -> None:
    missing = cli.run_process("read", "unknown")
    assert (missing.returncode, missing.stdout) == (3, b"")
    assert missing.stderr == b"Error: stream 'unknown' does not exist\n"
    anonymous = Commands(address_of(store))
    assert "may not read '$all'" in anonymous.failure(6, "read", "$all")
    assert "5 is no position in $all" in anonymous.failure(2, "read", "$all", "--from", "5")


@pytest.mark.parametrize("form", ["--json", "--table"])
def test_a_closed_standard_output_ends_the_command(cli: Commands, store: rxpump.BlockingClient, form: str) -> None:
    store.publish(f"long{form}", [rxpump.NewEvent("Jumped", {"pad": "x" * 500}) for _ in range(2000)])
    with cli.started("read", f"long{form}", form) as process:
        assert process.stdout is not None
        assert f"long{form}" in lines(process.stdout, 1)[0]
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(120) == 141


def test_ctrl_c_ends_the_wait_for_a_connection(cli: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with cli.started("info", "--uri", f"tcp://127.0.0.1:{port}?connect_timeout=60&connect_within=60") as process:
            connection, _ = silent.accept()
            assert connection.recv(1)  # The client waits for the reply to its login.
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
            connection.close()
    assert (out, err, process.returncode) == (b"", b"", 130)


def test_a_terminal_gets_colored_lines(cli: Commands) -> None:
    main, other = pty.openpty()
    command = [sys.executable, "-m", "rxpump", "read", "ponies", "--max", "1"]
    with subprocess.Popen(command, stdout=other, env={**cli.environment, "TERM": "xterm-256color"}) as process:
        assert process.wait(120) == 0
    os.close(other)
    shown = os.read(main, 1000).decode()
    os.close(main)
    assert "\x1b[" in shown
    assert "Jumped" in shown


def test_data_cannot_control_a_terminal(cli: Commands, store: rxpump.BlockingClient) -> None:
    events = [rxpump.NewEvent("Evil\x1b[2J", b"\x1b]0;title\x07 \x1b[31mred"), rxpump.NewEvent("Json", "\u202ered")]
    store.publish("hostile", events)
    shown = cli.output("read", "hostile", "--table")
    assert "Evil\\x1b[2J \\x1b]0;title\\x07 \\x1b[31mred\n" in shown
    assert 'Json "\\u202ered"\n' in shown
    assert "\x1b" not in shown


# tail -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_tail_follows_until_a_signal(cli: Commands, store: rxpump.BlockingClient, stop: signal.Signals) -> None:
    stream = f"followed-{stop.name}"
    store.publish_event(stream, "Jumped")
    with cli.started("tail", stream, "--format", "{number}") as process:
        assert lines(process.stdout, 1) == ["0"]
        assert lines(process.stderr, 1) == ["caught up after event 0"]
        store.publish_event(stream, "Jumped")
        assert lines(process.stdout, 1) == ["1"]
        process.send_signal(stop)
        assert process.communicate(timeout=120) == (b"", b"")
        assert process.returncode == 0


@pytest.mark.parametrize("form", ["--json", "--table", "--format={number}"])
def test_tail_writes_whole_lines_above_its_status_line(
    cli: Commands, store: rxpump.BlockingClient, form: str
) -> None:
    stream = f"shown{form}"
    store.publish(stream, [rxpump.NewEvent("Jumped") for _ in range(3)])
    main, other = pty.openpty()
    command = [sys.executable, "-m", "rxpump", "tail", stream, form]
    environment = {**cli.environment, "TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"}
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment) as process:
        os.close(other)
        shown = b""
        while b"caught up" not in shown:
            shown += os.read(main, 4096)
        store.publish_event(stream, "Jumped")
        shown = b""
        while b"\n" not in shown:
            shown += os.read(main, 4096)
        process.kill()
    os.close(main)
    _erased, _, line = shown.partition(b"\n")[0].rpartition(b"\x1b[2K")  # the sequence that erases a line
    assert b"3" in line
    assert b"caught up" not in line


def test_tail_can_begin_later(cli: Commands, store: rxpump.BlockingClient) -> None:
    with cli.started("tail", "ponies", "--since", "4", "--type", "Slept", "--format", "{number}") as process:
        assert lines(process.stdout, 1) == ["5"]
    with cli.started("tail", "news", "--new", "--format", "{number}") as process:
        assert lines(process.stderr, 1) == ["caught up"]
        store.publish_event("news", "Jumped")
        assert lines(process.stdout, 1) == ["0"]
    assert "contradict each other" in cli.failure(2, "tail", "ponies", "--new", "--since", "3")


def test_tail_resumes_with_a_checkpoint(cli: Commands, store: rxpump.BlockingClient, tmp_path: Path) -> None:
    store.publish("kept", [rxpump.NewEvent("Jumped"), rxpump.NewEvent("Jumped")])
    arguments = ("tail", "kept", "--checkpoint", str(tmp_path / "checkpoint"), "--format", "{number}", "--quiet")
    with cli.started(*arguments) as process:
        assert lines(process.stdout, 2) == ["0", "1"]
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    store.publish_event("kept", "Slept")
    with cli.started(*arguments) as process:
        assert lines(process.stdout, 1) == ["2"]


def test_a_checkpoint_belongs_to_its_stream(cli: Commands, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint"
    file.write_text(Checkpoint("kept", 3).to_json())
    other = cli.failure(2, "tail", "others", "--checkpoint", str(file))
    assert "checkpoint is \"one of stream 'kept'\"; allowed is one of 'others'" in other
    assert "allowed is a checkpoint of $all" in cli.failure(2, "tail", "$all", "--checkpoint", str(file))


def test_tail_of_all_resumes_by_position(cli: Commands, store: rxpump.BlockingClient, tmp_path: Path) -> None:
    store.publish("resumed", [rxpump.NewEvent("Resumed"), rxpump.NewEvent("Resumed")])
    arguments = ("tail", "$all", "--type", "Resumed", "--checkpoint", str(tmp_path / "checkpoint"))
    with cli.started(*arguments) as process:
        assert [json.loads(line)["number"] for line in lines(process.stdout, 2)] == [0, 1]
        assert lines(process.stderr, 1)[0].startswith("caught up after event ")
        process.terminate()
        assert process.wait(120) == 0
    with cli.started(*arguments, "--format", "{number}") as process:
        assert lines(process.stderr, 1) == ["caught up"]


def test_tail_notices_that_its_reader_has_left(cli: Commands) -> None:
    with cli.started("tail", "ponies", "--quiet") as process:
        lines(process.stdout, 1)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(120) == 141
