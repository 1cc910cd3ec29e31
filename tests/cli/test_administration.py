"""`rxpump streams`, `info`, `delete`, `metadata` and `scavenge`."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

import rxpump
from rxpump.errors import StreamDeleted, StreamNotFound
from tests.cli.processes import Commands, address_of, as_admin


@pytest.fixture(scope="module", autouse=True)
def streams(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", [rxpump.NewEvent("Jumped"), rxpump.NewEvent("Slept")])
    store.publish_event("pigs", "Jumped")


def test_streams_are_listed_with_their_last_event(cli: Commands) -> None:
    rows = cli.rows("streams", "--match", "p*s")
    assert [(row["stream"], row["last_number"], row["last_type"]) for row in rows] == [
        ("pigs", 0, "Jumped"),
        ("ponies", 1, "Slept"),
    ]
    heading, *_ = cli.output("streams", "--table").splitlines()
    assert heading.split("  ")[0] == "stream"


def test_streams_of_a_projection_are_listed(cli: Commands) -> None:
    with rxpump.open("memory://?projections=true") as projecting:
        for stream in ("pony-derpy", "pony-gone"):
            projecting.publish_event(stream, "Jumped")
        listed = projecting.as_user("admin", "changeit").stream("$streams", resolve_links=False)
        while b"pony-gone" not in next(listed).data:
            pass
        projecting.delete_stream("pony-gone")
        rows = Commands(as_admin(address_of(projecting))).rows("streams", "--match", "pony-*")
    assert [row["stream"] for row in rows] == ["pony-derpy"]


def test_info_shows_the_server(cli: Commands, store: rxpump.BlockingClient) -> None:
    row = cli.rows("info")[0]
    assert row["address"] == address_of(store)
    assert row["round_trip_ms"] > 0
    commit, prepare = row["log_end"].split("/")
    assert int(commit) >= int(prepare) > 0
    assert Commands(address_of(store)).rows("info")[0]["log_end"] is None
    assert "round trip ms" in cli.output("info", "--table")


def test_a_delete_needs_a_confirmation(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.publish_event("doomed", "Jumped")
    assert "Delete the stream 'doomed'? Pass --yes to confirm." in cli.failure(2, "delete", "doomed")
    assert cli.rows("delete", "doomed", "--yes")[0]["deleted"] == "soft"
    with pytest.raises(StreamNotFound):
        store.get("doomed")
    assert cli.rows("delete", "doomed", "--hard", "--yes", "--expected-version", "any")[0]["deleted"] == "hard"
    with pytest.raises(StreamDeleted):
        store.get("doomed")
    cli.failure(3, "delete", "doomed", "--yes")


@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"n\n", 1)])
def test_a_terminal_gets_a_question(cli: Commands, store: rxpump.BlockingClient, answer: bytes, status: int) -> None:
    store.publish_event("asked", "Jumped")
    main, other = pty.openpty()
    command = [sys.executable, "-m", "rxpump", "delete", "asked"]
    os.write(main, answer)
    done = subprocess.run(command, stdin=other, capture_output=True, env=cli.environment, timeout=120)
    os.close(main)
    os.close(other)
    assert b"Delete the stream 'asked'? [y/N]: " in done.stderr
    assert done.returncode == status


def test_metadata_are_changed_one_by_one(cli: Commands, store: rxpump.BlockingClient) -> None:
    assert cli.rows("metadata", "get", "pigs") == [{"stream": "pigs", "version": -1, "metadata": {}}]
    cli.run("metadata", "set", "pigs", "--max-count", "9", "--custom", 'owner="me"', "--acl", '{"$r": "ops"}')
    changed = cli.rows("metadata", "set", "pigs", "--max-age", "60", "--unset", "max-count", "--unset", "owner")
    assert changed == [{"stream": "pigs", "version": 1, "metadata": {"$maxAge": 60, "$acl": {"$r": ["ops"]}}}]
    cli.run("metadata", "set", "pigs", "--replace", "--truncate-before", "0")
    assert store.get_metadata("pigs").metadata.to_json() == {"$tb": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--custom", "x"], "allowed is a name, =, and a JSON value"),
        (["--custom", "x=y"], "x is 'y'; allowed is JSON"),
        (["--acl", "[]"], "Error: "),
        (["--unset", "x"], "allowed is a value that is set, or max_count"),
        (["--max-count", "0"], "0 is not in the range"),
    ],
)
def test_wrong_metadata_are_refused(cli: Commands, arguments: list[str], message: str) -> None:
    assert message in cli.failure(2, "metadata", "set", "ponies", *arguments)


def test_a_scavenge_reports_the_freed_bytes(cli: Commands) -> None:
    assert "Pass --yes to confirm" in cli.failure(2, "scavenge")
    assert cli.rows("scavenge", "--yes")[0]["done"] is True
