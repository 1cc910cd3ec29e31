"""Transactions (docs/protocol/tcp.md, section 4.11): cases that the recordings lack."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.store.changes import NotCommitted
from rxpump.server.store.write_transaction import WriteTransaction
from rxpump.server.transactions import Transactions
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN
from tests.server.talk import ID, Talk, event_of

START, END = (0, 0), (-1, -1)


async def ask(talk: Talk, command: Command, message: Any, user: None = None) -> Any:
    talk.send(command, message, user)
    await talk.settled()
    [answer] = talk.answers
    assert answer.command == command + 1
    kind = {
        Command.TRANSACTION_START: schema.TransactionStartCompleted,
        Command.TRANSACTION_WRITE: schema.TransactionWriteCompleted,
        Command.TRANSACTION_COMMIT: schema.TransactionCommitCompleted,
    }[command]
    return kind.FromString(answer.payload)


async def start(talk: Talk, stream: str = "s", expected: int = -2) -> Any:
    message = schema.TransactionStart(event_stream_id=stream, expected_version=expected)
    return await ask(talk, Command.TRANSACTION_START, message)


async def write(talk: Talk, id: int, *texts: str) -> Any:
    message = schema.TransactionWrite(transaction_id=id, events=map(event_of, texts))
    return await ask(talk, Command.TRANSACTION_WRITE, message)


async def commit(talk: Talk, id: int, user: None = None) -> Any:
    return await ask(talk, Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id), user)


def numbers(page: Any) -> list[int]:
    return [int(event.event.data) for event in page.events]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
@pytest.mark.parametrize("backward", [False, True])
async def test_pages_of_all_contain_each_event_once(talk: Talk, backward: bool, size: int) -> None:
    await talk.write("a", "0")
    ids = [(await start(talk, stream)).transaction_id for stream in ("s", "t")]
    await write(talk, ids[0], "3")
    await write(talk, ids[1], "1", "2")
    await talk.write("a", "9")
    await write(talk, ids[0], "4", "5")
    for id in reversed(ids):
        assert (await commit(talk, id)).result == OperationResult.SUCCESS
    await talk.write("a", "6")
    at, met = END if backward else START, []
    while (page := talk.read_all(at, size, backward=backward, user=ADMIN)).events:
        met += numbers(page)
        then = page.next_commit_position, page.next_prepare_position
        turned = talk.read_all(then, len(page.events), backward=not backward, user=ADMIN)
        assert numbers(turned) == numbers(page)[::-1]
        at = then
    assert met == [0, 9, 1, 2, 3, 4, 5, 6][:: -1 if backward else 1]


async def test_commits_are_known_after_a_restart(talk: Talk) -> None:
    id, lost = [(await start(talk)).transaction_id for _ in range(2)]
    await write(talk, id, "1", "2")
    await commit(talk, id)
    again = Talk(talk.store)
    repeated = await commit(again, id)
    assert (repeated.result, repeated.first_event_number, repeated.last_event_number) == (0, 0, 1)
    assert (repeated.prepare_position, repeated.commit_position) == (-1, -1)
    assert (await commit(again, lost)).result == OperationResult.ACCESS_DENIED
    assert (await write(again, lost, "3")).result == OperationResult.SUCCESS


async def test_a_transaction_that_is_too_large_is_dropped(talk: Talk) -> None:
    talk.conversation._node.transactions = Transactions(most_bytes=2_000)
    id = (await start(talk)).transaction_id
    await write(talk, id, "1" * 3_000)
    assert (await commit(talk, id)).result == OperationResult.ACCESS_DENIED


@pytest.mark.parametrize("expected", [-3, -4, -5])
async def test_a_start_refuses_invalid_versions(talk: Talk, expected: int) -> None:
    message = schema.TransactionStart(event_stream_id="s", expected_version=expected)
    [(command, _)] = talk.send(Command.TRANSACTION_START, message)
    assert command == Command.BAD_REQUEST


async def test_a_full_disk_fails_the_request(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    id = (await start(talk)).transaction_id
    await write(talk, id, "1")

    def refuse(log: WriteTransaction) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken, caplog.at_level(logging.CRITICAL):
        broken.setattr(WriteTransaction, "close", refuse)
        for command, message in (
            (Command.TRANSACTION_START, schema.TransactionStart(event_stream_id="s", expected_version=-2)),
            (Command.TRANSACTION_WRITE, schema.TransactionWrite(transaction_id=id, events=[event_of("2")])),
            (Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id)),
        ):
            talk.send(command, message)
            await talk.settled()
            assert [answer.text for answer in talk.answers] == ["The server failed: disk full"]
    done = await commit(talk, id)
    assert (done.result, done.first_event_number, done.last_event_number) == (OperationResult.SUCCESS, 0, 0)


async def test_a_pipelined_commit_includes_earlier_writes(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    talk = Talk(store)
    id = (await start(talk)).transaction_id
    for text in ("0", "1", "2"):
        talk.send(Command.TRANSACTION_WRITE, schema.TransactionWrite(transaction_id=id, events=[event_of(text)]))
    talk.send(Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id))
    await talk.settled()
    committed = schema.TransactionCommitCompleted.FromString(talk.answers[-1].payload)
    assert (committed.first_event_number, committed.last_event_number) == (0, 2)
    assert numbers(talk.read_stream("s", 0, 10)) == [0, 1, 2]
    await store.close()


async def test_a_commit_while_the_store_closes_gets_a_reply(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    talk = Talk(store)
    id = (await start(talk)).transaction_id
    talk.send(Command.TRANSACTION_WRITE, schema.TransactionWrite(transaction_id=id, events=[event_of("0")]))
    talk.send(Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id))
    await store.close()
    assert talk.pending is not None
    assert (await talk.pending).__class__ is NotCommitted


@pytest.mark.parametrize("expected", [-2, -1])
async def test_writes_after_the_commit_are_ignored(talk: Talk, expected: int) -> None:
    id = (await start(talk, expected=expected)).transaction_id
    await write(talk, id, "0", "1")
    first = await commit(talk, id)
    assert (await write(talk, id, "2")).result == OperationResult.SUCCESS
    again = await commit(talk, id)
    assert (again.result, again.first_event_number, again.last_event_number) == (OperationResult.SUCCESS, 0, 1)
    assert (first.commit_position > 0, again.commit_position) == (True, -1)
    assert numbers(talk.read_stream("s", 0, 10)) == [0, 1]


async def test_writes_after_a_failed_commit_are_ignored(talk: Talk) -> None:
    id = (await start(talk, expected=0)).transaction_id
    await write(talk, id, "1")
    assert (await commit(talk, id)).result == OperationResult.WRONG_EXPECTED_VERSION
    await write(talk, id, "2")
    await talk.write("s", "0")
    assert (await commit(talk, id)).result == OperationResult.SUCCESS
    assert numbers(talk.read_stream("s", 0, 10)) == [0, 1]


async def test_a_write_pipelined_after_the_commit_is_ignored(talk: Talk) -> None:
    id = (await start(talk)).transaction_id
    await write(talk, id, "0")
    talk.send(Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=id))
    message = schema.TransactionWrite(transaction_id=id, events=[event_of("1")])
    talk.conversation.receive(Package(Command.TRANSACTION_WRITE, ID, message.SerializeToString()))
    await talk.settled()
    assert numbers(talk.read_stream("s", 0, 10)) == [0]
    assert repr(talk.node.transactions.find(id)) == "<Transaction on 's', 1 events, ended>"
