"""`rxpump groups`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from operator import itemgetter

import pytest

import rxpump
from rxpump.model.limits import MAX_EVENT_NUMBER
from tests.cli.processes import Commands, as_admin, lines


@pytest.fixture(scope="module", autouse=True)
def events(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", [rxpump.NewEvent("Jumped", {"n": n}) for n in range(10)])


@pytest.fixture
def group(store: rxpump.BlockingClient) -> Iterator[str]:
    store.create_subscription("riders", "ponies", start_from=0, max_retry_count=3)
    yield "riders"
    store.delete_subscription("riders", "ponies")


def consume(store: rxpump.BlockingClient, group: str, count: int) -> None:
    """Handle some events, and park one of them."""
    with store.connect_subscription(group, "ponies", buffer_size=1) as deliveries:
        for delivery in deliveries:
            if delivery.number == 1:
                delivery.nack(rxpump.NackAction.PARK, "it is too high")
            else:
                delivery.ack()
            if delivery.number == count - 1:
                return


def test_groups_are_created_updated_and_deleted(cli: Commands) -> None:
    created = cli.rows("groups", "create", "ponies", "tea", "--start-from", "4", "--no-resolve-links")
    assert created == [{"stream": "ponies", "group": "tea", "created": True}]
    assert "already exists" in cli.failure(4, "groups", "create", "ponies", "tea")
    cli.run(
        "groups", "update", "ponies", "tea", "--start-from", "4", "--max-retry-count", "2", "--strategy", "Pinned"
    )
    settings = cli.rows("groups", "info", "ponies", "tea")[0]["settings"]
    chosen = {
        name: settings[name] for name in ("start_from", "max_retry_count", "strategy", "message_timeout_seconds")
    }
    assert chosen == {"start_from": 4, "max_retry_count": 2, "strategy": "Pinned", "message_timeout_seconds": 30}
    assert "Pass --yes to confirm" in cli.failure(2, "groups", "delete", "ponies", "tea")
    assert cli.rows("groups", "delete", "ponies", "tea", "--yes")[0]["deleted"] is True
    assert "does not exist" in cli.failure(3, "groups", "info", "ponies", "tea")


def test_groups_are_listed_with_their_lag(cli: Commands, store: rxpump.BlockingClient, group: str) -> None:
    (row,) = cli.rows("groups", "list", "ponies")
    assert (row["stream"], row["group"], row["last_known"], row["lag"]) == ("ponies", group, "9", 10)
    assert cli.rows("groups", "list", "others") == []
    assert [row["lag"] for row in cli.rows("groups", "lag", "ponies", group)] == [10]
    assert "last checkpoint" in cli.output("groups", "lag", "--table")


def test_a_consumer_reduces_the_lag(cli: Commands, store: rxpump.BlockingClient) -> None:
    store.create_subscription("busy", "ponies", start_from=0, checkpoint_min_count=1, checkpoint_max_count=1)
    consume(store, "busy", 3)
    next(store.stream("$persistentsubscription-ponies::busy-checkpoint", 2))
    (row,) = cli.rows("groups", "lag", "ponies", "busy")
    assert (row["last_checkpoint"], row["lag"], row["parked"]) == ("2", 7, 1)
    store.delete_subscription("busy", "ponies")


def test_parked_events_are_shown_with_the_reason(cli: Commands, store: rxpump.BlockingClient, group: str) -> None:
    assert cli.rows("groups", "parked", "show", "ponies", group) == []
    consume(store, group, 3)
    next(store.stream("$persistentsubscription-ponies::riders-parked"))
    (row,) = cli.rows("groups", "parked", "show", "ponies", group)
    assert (row["number"], row["data"]) == (1, {"n": 1})
    assert "it is too high" in row["parked"]["reason"]
    assert cli.output("groups", "parked", "show", "ponies", group, "--format", "{number}") == "1\n"


def test_features_that_the_protocol_lacks_are_named(cli: Commands, group: str) -> None:
    assert "removal of parked events" in cli.failure(7, "groups", "parked", "clear", "ponies", group, "--yes")
    assert "Pass --yes" in cli.failure(2, "groups", "parked", "clear", "ponies", group)
    # The store in this process serves no HTTP, over which TCP replays parked events.
    refused = Commands(f"{cli.uri}?http_port=1&timeout=1")
    refused.failure(5, "groups", "parked", "replay", "ponies", group)


def test_a_group_that_was_deleted_is_not_listed(cli: Commands, store: rxpump.BlockingClient) -> None:
    large = "x" * 2000
    for number in range(10):  # a large configuration is stored as changes of single groups
        store.create_subscription(f"{number}{large}", "many", start_from=0)
    store.delete_subscription(f"3{large}", "many")
    assert sorted(row["group"][0] for row in cli.rows("groups", "list", "many")) == list("012456789")


def test_groups_on_all_and_on_deleted_streams_are_listed(cli: Commands, store: rxpump.BlockingClient) -> None:
    """TCP has no request that lists groups, and cannot create a group on `$all`."""
    with_grpc = [sys.executable, "-m", "rxpump", "serve", "--port", "0", "--grpc-port", "0", "--insecure"]
    with subprocess.Popen(with_grpc, stdout=subprocess.PIPE) as process:
        try:
            tcp, grpc = (re.findall(r"\w+://[\w.:?=]+\w", line)[0] for line in lines(process.stdout, 2))
            over_tcp, over_grpc = Commands(as_admin(tcp)), Commands(grpc)
            over_grpc.rows("append", "gone", input=b'{"type": "Jumped"}\n')
            over_grpc.rows("groups", "create", "$all", "everything", "--start-from", "start")
            over_grpc.rows("groups", "create", "gone", "late", "--start-from", "start")
            over_grpc.rows("delete", "gone", "--hard", "--yes")
            # Over gRPC the server names the tombstone. Over TCP the client cannot read the stream.
            for commands, last in ((over_tcp, None), (over_grpc, str(MAX_EVENT_NUMBER))):
                everything, late = sorted(commands.rows("groups", "list"), key=itemgetter("group"))
                assert (late["stream"], late["last_known"], late["lag"]) == ("gone", last, None)
                assert (everything["stream"], everything["lag"]) == ("$all", None)
                assert re.fullmatch(r"C:\d+/P:\d+", everything["last_known"])
                (view,) = commands.rows("top", commands.uri, "--count", "1", "--interval", "0.05")
                assert len(view["groups"]) == 2
        finally:
            process.terminate()
            process.communicate(timeout=120)


def test_a_table_shows_why_an_event_is_parked(cli: Commands, store: rxpump.BlockingClient, group: str) -> None:
    consume(store, group, 2)
    next(store.stream("$persistentsubscription-ponies::riders-parked"))
    (line,) = cli.output("groups", "parked", "show", "ponies", group, "--table").splitlines()
    assert '1@ponies Jumped {"n":1}' in line
    assert "it is too high" in line


def test_the_settings_of_a_group_are_lines_of_a_table(cli: Commands, group: str) -> None:
    shown = cli.output("groups", "info", "ponies", group, "--table").splitlines()
    assert [line.split() for line in shown if "max_retry_count" in line] == [["max_retry_count", "3"]]
