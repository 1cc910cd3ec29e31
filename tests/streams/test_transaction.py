"""The states of a transaction, tested with a scripted server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import rxpump
from rxpump.errors import (
    AccessDenied,
    CommitTimeout,
    ConnectionClosed,
    InvalidArgument,
    WrongExpectedVersion,
)
from rxpump.streams.transaction import TransactionState
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from tests.tcp.scripted_server import Peer, Script, ScriptedServer

EVENT = rxpump.NewEvent("T", {"n": 1})
SHORT_TIMEOUTS = rxpump.Settings(
    reconnect=rxpump.Backoff(min_delay=0.001, max_delay=0.004), retry=rxpump.Backoff(min_delay=0.001, max_delay=0.004)
)


class Log:
    """Requests that a scripted server received, and its replies to them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def start(self, peer: Peer, id: int = 7) -> None:
        request = await peer.request(Command.TRANSACTION_START)
        self.asked.append("start")
        peer.reply(request, Command.TRANSACTION_START_COMPLETED, schema.TransactionStartCompleted(transaction_id=id))

    async def write(self, peer: Peer, result: int = 0) -> None:
        request = await peer.request(Command.TRANSACTION_WRITE)
        message = schema.TransactionWrite.FromString(request.payload)
        self.asked.append(f"write {len(message.events)} into {message.transaction_id}")
        peer.reply(request, Command.TRANSACTION_WRITE_COMPLETED, schema.TransactionWriteCompleted(result=result))

    async def commit(self, peer: Peer, result: int = 0) -> None:
        request = await peer.request(Command.TRANSACTION_COMMIT)
        self.asked.append(f"commit {schema.TransactionCommit.FromString(request.payload).transaction_id}")
        reply = schema.TransactionCommitCompleted(
            result=result, first_event_number=3, last_event_number=5, prepare_position=900, commit_position=900
        )
        peer.reply(request, Command.TRANSACTION_COMMIT_COMPLETED, reply)


@pytest.fixture
def log() -> Log:
    return Log()


@asynccontextmanager
async def client_of(*scripts: Script) -> AsyncIterator[rxpump.Client]:
    async with (
        ScriptedServer(*scripts) as server,
        rxpump.connect(str(server.address), settings=SHORT_TIMEOUTS) as client,
    ):
        yield client


async def test_a_block_commits_at_its_end(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.write(peer)
        await log.write(peer)
        await log.commit(peer)
        await peer.until_gone()

    async with client_of(script) as client:
        async with client.transaction("ponies", 2) as transaction:
            assert (transaction.id, transaction.state) == (7, TransactionState.OPEN)
            await transaction.write([EVENT])
            await transaction.write([EVENT, rxpump.NewEvent("T")])
        assert transaction.result == rxpump.WriteResult("ponies", 3, 5, rxpump.Position(900, 900))
        assert transaction.state is TransactionState.COMMITTED
        assert log.asked == ["start", "write 1 into 7", "write 2 into 7", "commit 7"]


async def test_a_block_that_raises_abandons_and_sends_nothing(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.write(peer)
        await peer.until_gone()  # The script fails if a commit arrives.

    async with client_of(script) as client:
        with pytest.raises(LookupError):
            async with client.transaction("ponies") as transaction:
                await transaction.write([EVENT])
                raise LookupError
        await client.ping()
        assert (transaction.state, transaction.result) == (TransactionState.ABANDONED, None)


async def test_a_transaction_can_be_continued_elsewhere(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.write(peer)
        await log.write(peer)
        await log.commit(peer)
        await peer.until_gone()

    async with client_of(script) as client:
        begun = await client.transaction("ponies").start()
        await begun.write([EVENT])
        assert begun.id is not None
        continued = client.continue_transaction("ponies", begun.id)
        await continued.write([EVENT])
        assert (await continued.commit()).last_event_number == 5
        assert repr(continued) == "<Transaction 7 on ponies, committed>"


async def test_a_write_of_unknown_outcome_fails_the_transaction(log: Log) -> None:
    """The server may have added the events; a second write would add them again."""

    async def cut_off(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await peer.request(Command.TRANSACTION_WRITE)
        peer.cut()

    async def on(peer: Peer) -> None:
        await peer.handshake()
        await peer.until_gone()

    async with client_of(cut_off, on) as client:
        with pytest.raises(InvalidArgument, match="with a write that failed"):
            async with client.transaction("ponies") as transaction:
                with pytest.raises(ConnectionClosed):
                    await transaction.write([EVENT])
                with pytest.raises(InvalidArgument, match="failed>; allowed is one that is open"):
                    await transaction.write([EVENT])
                with pytest.raises(InvalidArgument, match="with a write that failed"):
                    await transaction.commit()
        await client.ping()
        assert transaction.result is None


async def test_a_server_timeout_fails_the_transaction(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.write(peer, OperationResult.COMMIT_TIMEOUT)
        await peer.until_gone()

    async with client_of(script) as client:
        with pytest.raises(CommitTimeout):
            async with client.transaction("ponies") as transaction:
                await transaction.write([EVENT])
        assert transaction.state is TransactionState.ABANDONED


async def test_a_failed_transaction_can_be_abandoned(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.write(peer, OperationResult.COMMIT_TIMEOUT)
        await peer.until_gone()

    async with client_of(script) as client:
        async with client.transaction("ponies") as transaction:
            with pytest.raises(CommitTimeout):
                await transaction.write([EVENT])
            assert transaction.state is TransactionState.FAILED
            transaction.abandon()
        assert (transaction.state, transaction.result) == (TransactionState.ABANDONED, None)


async def test_a_cancelled_write_fails_the_transaction(log: Log) -> None:
    reported = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await peer.request(Command.TRANSACTION_WRITE)
        reported.set()
        await peer.until_gone()

    async with client_of(script) as client:
        transaction = await client.transaction("ponies").start()

        async def write() -> None:
            await transaction.write([EVENT])

        writing = asyncio.create_task(write())
        await reported.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        states = [transaction.state]
        transaction.abandon()
        assert [*states, transaction.state] == [TransactionState.FAILED, TransactionState.ABANDONED]


async def test_a_refused_write_is_repeated(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        peer.refuse(await peer.request(Command.TRANSACTION_WRITE), NotHandledReason.NOT_READY)
        await log.write(peer)
        await log.commit(peer)
        await peer.until_gone()

    async with client_of(script) as client:
        async with client.transaction("ponies") as transaction:
            await transaction.write([EVENT])
        assert transaction.state is TransactionState.COMMITTED


async def test_start_and_commit_are_repeated_after_a_lost_connection(log: Log) -> None:
    async def first(peer: Peer) -> None:
        await peer.handshake()
        await peer.request(Command.TRANSACTION_START)
        peer.cut()

    async def second(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer, id=8)
        await log.write(peer)
        await peer.request(Command.TRANSACTION_COMMIT)
        peer.cut()

    async def third(peer: Peer) -> None:
        await peer.handshake()
        await log.commit(peer)
        await peer.until_gone()

    async with client_of(first, second, third) as client:
        async with client.transaction("ponies") as transaction:
            await transaction.write([EVENT])
        assert transaction.id == 8
        assert log.asked == ["start", "write 1 into 8", "commit 8"]


@pytest.mark.parametrize(
    ("result", "error"),
    [(OperationResult.WRONG_EXPECTED_VERSION, WrongExpectedVersion), (OperationResult.ACCESS_DENIED, AccessDenied)],
)
async def test_a_refused_commit_is_the_error_of_the_block(log: Log, result: int, error: type[Exception]) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.commit(peer, result)
        await peer.until_gone()

    async with client_of(script) as client:
        with pytest.raises(error) as raised:
            async with client.transaction("ponies", 2):
                pass
        if isinstance(raised.value, WrongExpectedVersion):
            assert (raised.value.stream, raised.value.expected) == ("ponies", 2)


async def test_a_method_that_the_state_forbids_is_refused(log: Log) -> None:
    async def script(peer: Peer) -> None:
        await peer.handshake()
        await log.start(peer)
        await log.commit(peer)
        await peer.until_gone()

    async with client_of(script) as client:
        transaction = client.transaction("ponies")
        assert repr(transaction) == "<Transaction on ponies, new>"
        with pytest.raises(InvalidArgument, match="allowed is one that is open"):
            await transaction.write([EVENT])
        with pytest.raises(InvalidArgument, match="NewEvents"):
            transaction.write(EVENT)  # type: ignore[arg-type]
        await transaction.start()
        with pytest.raises(InvalidArgument, match="allowed is one that is new"):
            await transaction.start()
        await transaction.commit()
        transaction.abandon()
        assert transaction.state is TransactionState.COMMITTED, "it is too late for that"
        with pytest.raises(InvalidArgument, match="allowed is one that is open"):
            await transaction.commit()
